"""Commands that make a model: `train` and `export`."""

import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from chatbot.commands.packages import let_threads_sleep, needs_extra
from chatbot.decoding import MAX_BEAM, MAX_REPLY, Beam, Greedy
from chatbot.errors import UsageError

if TYPE_CHECKING:
    from chatbot.training.events import Event
    from chatbot.training.export.weights import Storage
    from chatbot.training.trainer import Trainer


@click.command(epilog="Example: chatbot train corpus.db --out runs/first --set model.hidden=512")
@click.argument("store", type=click.Path(path_type=Path), required=False)
@click.option("--out", type=click.Path(path_type=Path), metavar="RUN", help="The run's folder.")
@click.option(
    "--recipe",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read settings from a TOML file with the sections model, data and train.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="SECTION.NAME=VALUE",
    help="Change one setting; may be given several times.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the run, with the settings and the pairs it began with; STORE is not read.",
)
@click.option("--epochs", type=int, metavar="N", help="Short for --set train.epochs=N.")
@click.option("--minutes", type=float, metavar="N", help="Short for --set train.minutes=N.")
@click.option("--context", type=int, metavar="K", help="Short for --set data.context=K.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    help="Short for --set train.device=…; by default a GPU where there is one.",
)
@click.option(
    "--overfit",
    type=click.IntRange(1),
    metavar="N",
    help="Learn N pairs only, and evaluate the same: a recipe that cannot is a bad one.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Make a few steps, tell time and memory of an epoch, and leave nothing behind.",
)
def train(  # noqa: PLR0913 - its options
    *,
    store: Path | None,
    out: Path | None,
    file: Path | None,
    settings: Sequence[str],
    resume: bool,
    epochs: int | None,
    minutes: float | None,
    context: int | None,
    device: str | None,
    overfit: int | None,
    dry_run: bool,
) -> None:
    """Train a model on the accepted pairs of STORE.

    Weights, log and settings go to the folder RUN. The best model on the held-out pairs is kept.
    Ctrl-C ends the run after the step it is in; it goes on with --resume, and so does one that was
    killed.
    """
    let_threads_sleep()
    with needs_extra("chatbot train", "train"):
        from chatbot.training.config import read_recipe  # noqa: PLC0415 - needs the extra
        from chatbot.training.distributed import joined  # noqa: PLC0415
        from chatbot.training.estimate import estimate  # noqa: PLC0415
        from chatbot.training.trainer import Trainer  # noqa: PLC0415
    if resume and (file or settings or overfit or dry_run or device or context is not None):
        raise UsageError(
            "--resume keeps the run's settings: leave all but --epochs, --minutes out."
        )
    if not (store or resume) or not (out or dry_run):
        raise UsageError("name the STORE to train on, and with --out RUN the folder of the run.")
    options = {
        "train.epochs": epochs,
        "train.minutes": minutes,
        "data.context": context,
        "train.device": device,
    }
    short = [f"{name}={value}" for name, value in options.items() if value is not None]
    with joined() as world, TemporaryDirectory() as scratch:
        if dry_run and world.size > 1:
            raise UsageError("--dry-run measures one process: start it without torchrun.")
        run = out if out and not dry_run else Path(scratch, "run")
        if store is None or resume:
            trainer = Trainer.resume(run, epochs=epochs, minutes=minutes, world=world)
        else:
            if world.leads:
                click.echo(f"Reading {store} …")
            recipe = read_recipe(file, [*settings, *short])
            trainer = Trainer.start(store, run, recipe, overfit=overfit, world=world)
        if dry_run:
            for line in estimate(trainer).lines():
                click.echo(line)
        else:
            typed = {"--epochs": epochs, "--minutes": minutes} if resume else {}
            later = "".join(
                f" {name} {value}" for name, value in typed.items() if value is not None
            )
            _run(trainer, run, again=f"chatbot train --out {run} --resume{later}")


def _run(trainer: "Trainer", out: Path, *, again: str) -> None:
    """Train to the end, or to the step in which somebody presses Ctrl-C; `again` goes on."""
    from chatbot.training.narration import narrate  # noqa: PLC0415 - needs the extra
    from chatbot.training.tensorboard import TensorBoard  # noqa: PLC0415

    board = TensorBoard(out)

    def tell(event: "Event") -> None:
        board(event)
        for line in narrate(event):
            click.echo(line)

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the second time, at once
        trainer.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        trainer.train(tell)
    finally:
        signal.signal(signal.SIGINT, before)
    if trainer.interrupted:
        if trainer.world.leads:
            click.echo(f"Go on with: {again}", err=True)
        raise click.Abort
    if trainer.world.leads:
        click.echo(f"Done. Next: chatbot export {out} exports/{out.name}")


@click.command(epilog="Example: chatbot export runs/first exports/first --beam 4")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--beam",
    type=click.IntRange(1, MAX_BEAM),
    metavar="N",
    help="Search with a beam of N unless the caller says otherwise; by default greedy.",
)
@click.option(
    "--quantize",
    type=click.Choice(["int8", "int8-weights", "fp16", "fp32"]),
    default="int8",
    show_default=True,
    help="How the weights are stored; smaller ones only where nobody would notice.",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    metavar="STORE",
    help="Measure smaller weights on this store's held-out pairs; by default on those of the run.",
)
@click.option(
    "--no-repeat-ngram",
    type=click.IntRange(0, MAX_REPLY),
    default=0,
    metavar="N",
    help="Let no N tokens in a row come twice in a reply unless the caller says otherwise.",
)
@click.option(
    "--fallback",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Say one of the lines of FILE where the model is not sure of its reply.",
)
@click.option(
    "--unsure",
    type=click.FloatRange(0, 100),
    default=5,
    show_default=True,
    metavar="PERCENT",
    help="How many of the held-out prompts that is the case with.",
)
@click.option("--batches", is_flag=True, help="Write a graph for batches of texts as well.")
@click.option("--license", metavar="NAME", help="State the licence of the weights.")
def export(  # noqa: PLR0913 - its options
    run: Path,
    folder: Path,
    *,
    beam: int | None,
    quantize: "Storage",
    no_repeat_ngram: int,
    fallback: Path | None,
    unsure: float,
    store: Path | None,
    batches: bool,
    license: str | None,  # noqa: A002
) -> None:
    """Write the best model of RUN to FOLDER as a bundle.

    Nothing is written unless the ONNX graph gives the same replies and scores as PyTorch. 8-bit
    weights are a quarter of the size and, multiplied as integers, several times faster; where the
    held-out pairs show a difference that matters, only the weights have 8 bits (int8-weights), and
    where that matters too, 32.
    """
    let_threads_sleep()
    with needs_extra("chatbot export", "train"):
        from chatbot.training.checkpoint import RunFolder  # noqa: PLC0415 - needs the extra
        from chatbot.training.export import Form, Honest, export_run  # noqa: PLC0415
    about = {"license": license} if license else {}
    honest = Honest(_lines(fallback), unsure / 100) if fallback else None
    search = partial(Beam, width=beam) if beam else Greedy
    longest = RunFolder(run).open()[0].data.max_reply
    done = export_run(
        run,
        folder,
        decoding=search(max_length=longest, no_repeat_ngram=no_repeat_ngram),
        form=Form(quantize, batches=batches),
        honest=honest,
        store=store,
        about=about,
        tell=click.echo,
    )
    for line in done.lines():
        click.echo(line)
    click.echo(f"Written: {folder}. Next: chatbot chat {folder}")


def _lines(file: Path) -> list[str]:
    """Return what a file of replies holds, one a line."""
    try:
        replies = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: no replies in UTF-8, one a line ({error}).") from error
    if not any(replies):
        raise UsageError(f"{file}: holds no reply. Write one a line.")
    return [reply for reply in replies if reply]
