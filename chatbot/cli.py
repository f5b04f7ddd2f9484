"""`chatbot …`: parse, one library call, print."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from io import StringIO, TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from chatbot import __version__
from chatbot.bot import ChatBot
from chatbot.bundle import FILES, IDS_GRAPH, Bundle, shipped_bundle
from chatbot.decoding import MAX_BEAM, MAX_REPLY, Beam, Decoding, Greedy, Sample
from chatbot.errors import BundleError, ChatbotError, MissingExtraError, UsageError
from chatbot.lines import lines
from chatbot.reply import Reply

if TYPE_CHECKING:
    from chatbot.training.events import Event
    from chatbot.training.export.weights import Storage
    from chatbot.training.trainer import Trainer


_SETTINGS = (
    "temperature",
    "top_k",
    "top_p",
    "seed",
    "max_length",
    "no_repeat_ngram",
    "repetition_penalty",
)
"""The settings of a search that are options of the same name."""

SIGN_OF_LIFE = 5.0
"""Seconds between two lines that say how far a long task is."""


def main() -> None:
    """Run the command line; an error becomes one line on stderr and an exit code."""
    _speak_utf8()
    try:
        code = cli.main(prog_name="chatbot", standalone_mode=False)
    except ChatbotError as error:
        code = _complain(str(error), error.exit_code)
    except click.ClickException as error:
        code = _complain(_with_hint(error), error.exit_code)
    except click.Abort:  # Ctrl-C
        code = 130
    except OSError as error:
        problem = f"{error}. Check the path and the room on the disk."
        code = _complain(problem, ChatbotError.exit_code)
    sys.exit(code)


@contextmanager
def needs_extra(command: str, extra: str) -> Iterator[None]:
    """Answer a package that is not installed with the line that installs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("chatbot", "corpus_tools"):  # ours: not an extra but a bug
            raise
        raise MissingExtraError(command, extra, package) from error


@dataclass(frozen=True, kw_only=True)
class Search:
    """Hold what the command line says of the search; on the rest the bundle decides."""

    beam: int | None
    greedy: bool
    sample: bool
    settings: Mapping[str, int | float | None]

    def over(self, default: Decoding) -> Decoding:
        """Return `default` with what was asked for in its place."""
        kinds: dict[str, tuple[bool, type[Decoding]]] = {
            "--greedy": (self.greedy, Greedy),
            "--beam": (self.beam is not None, Beam),
            "--sample": (self.sample, Sample),
        }
        asked = [name for name, (given, _) in kinds.items() if given]
        if len(asked) > 1:
            raise UsageError(f"{' and '.join(asked)} exclude each other. Choose one.")
        chosen = kinds[asked[0]][1] if asked else type(default)
        values: dict[str, Any] = {n: v for n, v in self.settings.items() if v is not None}
        known = {setting.name for setting in fields(chosen)}
        for name in values:
            if name not in known:
                raise UsageError(f"--{name.replace('_', '-')} is a setting of --sample only.")
        if self.beam is not None:
            values["width"] = self.beam
        kept = {name: value for name, value in vars(default).items() if name in known}
        longest = values.get("max_length", default.max_length)
        kept["min_length"] = min(default.min_length, longest)
        return chosen(**{**kept, **values})


def answering(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` the options of everything that answers: its `search` and its `threads`."""
    options = (
        click.option(
            "--beam",
            type=click.IntRange(1, MAX_BEAM),
            metavar="N",
            help="Keep the N best beginnings of a reply at every step.",
        ),
        click.option("--greedy", is_flag=True, help="Take the likeliest token at every step."),
        click.option("--sample", is_flag=True, help="Draw every token by chance."),
        click.option(
            "--temperature",
            type=float,
            metavar="T",
            help="With --sample: above 1 makes unlikely tokens likelier, below 1 less likely.",
        ),
        click.option(
            "--top-k", type=int, metavar="N", help="With --sample: draw from the N likeliest."
        ),
        click.option(
            "--top-p",
            type=float,
            metavar="P",
            help="With --sample: draw from the likeliest that together have the probability P.",
        ),
        click.option(
            "--seed", type=int, metavar="N", help="With --sample: the same N, the same reply."
        ),
        click.option(
            "--max-length",
            type=click.IntRange(1, MAX_REPLY),
            metavar="N",
            help="Cut a reply after N tokens.",
        ),
        click.option(
            "--no-repeat-ngram",
            type=int,
            metavar="N",
            help="Let no N tokens in a row occur twice in a reply.",
        ),
        click.option(
            "--repetition-penalty",
            type=float,
            metavar="X",
            help="Above 1 makes tokens less likely that the reply already has.",
        ),
        click.option(
            "--threads",
            type=click.IntRange(0),
            default=0,
            metavar="N",
            help="Compute in N threads; by default onnxruntime chooses.",
        ),
    )

    @wraps(command)
    def with_search(**given: Any) -> None:
        kinds = {name: given.pop(name) for name in ("beam", "greedy", "sample")}
        settings = {name: given.pop(name) for name in _SETTINGS}
        command(search=Search(**kinds, settings=settings), **given)

    for option in reversed(options):
        with_search = option(with_search)
    return with_search


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Hold what the command line says of an evaluation: on what, and what of it."""

    split: str
    limit: int
    references: str
    protocol: str | None
    free_running: bool


def on_trial(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` the options of an evaluation: its `trial`."""
    options = (
        click.option(
            "--split",
            default="test",
            show_default=True,
            metavar="NAME",
            help="Evaluate on this split of a store.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(0),
            default=0,
            metavar="N",
            help="Draw N questions, always the same ones; by default all.",
        ),
        click.option(
            "--references",
            type=click.Choice(["one", "grouped"]),
            default="one",
            show_default=True,
            help="With grouped, all replies to the same question are right.",
        ),
        click.option(
            "--protocol",
            type=click.Choice(["d2l", "multi30k", "kdconv", "lccc"]),
            help="Measure what others did on these data, as they did; by default everything.",
        ),
        click.option(
            "--free-running",
            is_flag=True,
            help="Measure the perplexity too of a model that is fed its own tokens.",
        ),
    )

    @wraps(command)
    def with_trial(**given: Any) -> None:
        values = {setting.name: given.pop(setting.name) for setting in fields(Trial)}
        command(trial=Trial(**values), **given)

    for option in reversed(options):
        with_trial = option(with_trial)
    return with_trial


@click.group(
    invoke_without_command=True,
    epilog="Example: chatbot reply 你好",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Talk Chinese with a small chatbot that runs on onnxruntime."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command(epilog="Example: chatbot chat --beam 4")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@answering
@click.option("--no-history", is_flag=True, help="Neither read nor write what was typed.")
@click.pass_context
def chat(
    context: click.Context, folder: Path | None, search: Search, threads: int, no_history: bool
) -> None:
    """Talk with a bundle in the terminal.

    FOLDER is by default the bundle that ships with duihua. /help lists the commands. Where stdin
    or stdout is no terminal, one line is written for each line read.
    """
    from chatbot import repl  # noqa: PLC0415 - prompt_toolkit, which --help need not pay

    bot = ChatBot.load(folder, threads=threads)
    decoding = search.over(bot.bundle.decoding)
    context.exit(repl.chat(bot, decoding, history=not no_history))


@cli.command(epilog="Example: chatbot reply --beam 4 你好 早上好")
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
@click.option(
    "--bundle",
    "folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Answer with this bundle instead of the one that ships with duihua.",
)
@answering
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a line.")
def reply(
    texts: Sequence[str], folder: Path | None, search: Search, threads: int, as_json: bool
) -> None:
    """Answer each TEXT, or each line of stdin.

    One line is written for each, an empty one too, and at once. With --json it lists all replies
    that the search kept, best first.
    """
    bot = ChatBot.load(folder, threads=threads)
    decoding = search.over(bot.bundle.decoding)
    for text in map(_argument, texts) if texts else lines(sys.stdin):
        click.echo(_reply_line(text, bot.candidates(text, decoding), as_json))


@cli.command(epilog="Example: chatbot inspect --verify exports/mini")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--verify", is_flag=True, help="Check every reply that the bundle promises.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def inspect(folder: Path | None, verify: bool, as_json: bool) -> None:
    """Say what a bundle is.

    FOLDER is by default the bundle that ships with duihua.
    """
    bundle = Bundle.open(folder or shipped_bundle())
    facts = _facts(bundle)
    differences: list[str] = []
    if verify:
        facts["checked"] = sum(1 for _ in bundle.golden())
        differences = ChatBot(bundle).verify()
        facts["differences"] = differences
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else _table(facts))
    if differences:
        raise BundleError(
            f"{bundle.folder}: {len(differences)} of {facts['checked']} replies are not what the "
            "bundle promises. Export it again."
        )


@cli.command(epilog="Example: chatbot train corpus.db --out runs/first --set model.hidden=512")
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
    overfit: int | None,
    dry_run: bool,
) -> None:
    """Train a model on the accepted pairs of STORE.

    Weights, log and settings go to the folder RUN. The best model on the held-out pairs is kept.
    Ctrl-C ends the run after the step it is in; it goes on with --resume, and so does one that was
    killed.
    """
    _let_threads_sleep()
    with needs_extra("chatbot train", "train"):
        from chatbot.training.config import read_recipe  # noqa: PLC0415 - needs the extra
        from chatbot.training.distributed import joined  # noqa: PLC0415
        from chatbot.training.estimate import estimate  # noqa: PLC0415
        from chatbot.training.trainer import Trainer  # noqa: PLC0415
    if resume and (file or settings or overfit or dry_run):
        raise UsageError(
            "--resume keeps the run's settings: leave all but --epochs, --minutes out."
        )
    if not (store or resume) or not (out or dry_run):
        raise UsageError("name the STORE to train on, and with --out RUN the folder of the run.")
    ends = {"train.epochs": epochs, "train.minutes": minutes}
    short = [f"{name}={value}" for name, value in ends.items() if value is not None]
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
            _run(trainer, run)


def _run(trainer: "Trainer", out: Path) -> None:
    """Train to the end, or to the step in which somebody presses Ctrl-C."""
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
        click.echo(f"Go on with: chatbot train --out {out} --resume", err=True)
        raise click.Abort
    if trainer.world.leads:
        click.echo(f"Done. Next: chatbot export {out} exports/{out.name}")


@cli.command(epilog="Example: chatbot export runs/first exports/first --beam 4")
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
    type=click.Choice(["int8", "fp16", "fp32"]),
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
@click.option("--batches", is_flag=True, help="Write a graph for batches of texts as well.")
@click.option("--license", metavar="NAME", help="State the licence of the weights.")
def export(
    run: Path,
    folder: Path,
    beam: int | None,
    quantize: "Storage",
    store: Path | None,
    batches: bool,
    license: str | None,  # noqa: A002
) -> None:
    """Write the best model of RUN to FOLDER as a bundle.

    Nothing is written unless the ONNX graph gives the same replies and scores as PyTorch. 8-bit
    weights are a quarter of the size and several times faster; where the held-out pairs show a
    difference that matters, 32-bit ones are written instead.
    """
    _let_threads_sleep()
    with needs_extra("chatbot export", "train"):
        from chatbot.training.export import Form, export_run  # noqa: PLC0415 - needs the extra
    about = {"license": license} if license else {}
    decoding = Beam(width=beam) if beam else Greedy()
    form = Form(quantize, batches=batches)
    done = export_run(
        run, folder, decoding=decoding, form=form, store=store, about=about, tell=click.echo
    )
    for line in done.lines():
        click.echo(line)
    click.echo(f"Written: {folder}. Next: chatbot chat {folder}")


@cli.command(epilog="Example: chatbot evaluate runs/first corpus.db --html first.html")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("corpus", type=click.Path(path_type=Path))
@on_trial
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="OTHER",
    help="Evaluate another run or bundle on the same questions, and compare.",
)
@answering
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a page with examples of replies too.",
)
def evaluate(
    model: Path,
    corpus: Path,
    trial: Trial,
    against: Path | None,
    search: Search,
    threads: int,
    as_json: bool,
    html: Path | None,
) -> None:
    """Measure how good MODEL is on CORPUS.

    MODEL is a run or a bundle; a bundle has no perplexity. CORPUS is a store, or a file with lines
    of question<TAB>reply. Scores come with the interval in which 95 % of 1,000 resamples lie.
    """
    _let_threads_sleep()
    with needs_extra("chatbot evaluate", "train"):
        from chatbot.training.evaluating import measures, page, rendering  # noqa: PLC0415
        from chatbot.training.evaluating.cases import read_cases  # noqa: PLC0415
        from chatbot.training.evaluating.examination import examine  # noqa: PLC0415
        from chatbot.training.evaluating.language import language_of  # noqa: PLC0415
        from chatbot.training.evaluating.subjects import open_subject  # noqa: PLC0415
    subject = open_subject(model, threads=threads)
    other = open_subject(against, threads=threads) if against else None
    protocol = trial.protocol or measures.EVERYTHING
    default = measures.PROTOCOLS[protocol].decoding or subject.decoding
    found = examine(
        subject,
        read_cases(
            corpus,
            split=trial.split,
            context=max(one.context for one in (subject, other or subject)),
            limit=trial.limit,
            grouped=trial.references == "grouped",
        ),
        protocol=protocol,
        decoding=search.over(default),
        free_running=trial.free_running,
        against=other,
        tell=_progress(),
    )
    if html:
        page.write_page(found, html, language=language_of(os.environ))
        click.echo(f"{html}: written", err=True)
    if as_json:
        click.echo(json.dumps(rendering.as_dict(found), ensure_ascii=False))
        return
    for line in rendering.as_lines(found):
        click.echo(_printable(line))


@cli.command(epilog="Example: chatbot report runs/first runs/second --html both.html")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path), required=False)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the page to FILE instead of report.html in the folder RUN.",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    help="The language of the page; by default that of the locale.",
)
@click.option("--json", "as_json", is_flag=True, help="Write figures as JSON, one run a line.")
def report(
    run: Path, other: Path | None, html: Path | None, lang: str | None, as_json: bool
) -> None:
    """Write a page about RUN: curves, samples over time, attention, data and recipe.

    OTHER is shown beside it. The run may be going on. The page is one file that loads nothing and
    runs nothing. With --json there is a page only where --html names it.
    """
    _let_threads_sleep()
    with needs_extra("chatbot report", "train"):
        from chatbot.page import write_page  # noqa: PLC0415
        from chatbot.training.report import Account, language_of, report_html  # noqa: PLC0415
    accounts = [Account.read(path) for path in (run, other) if path]
    if as_json:
        for account in accounts:
            click.echo(json.dumps(account.figures(), ensure_ascii=False))
    if html or not as_json:
        page = html or run / "report.html"
        write_page(report_html(accounts, language=language_of(os.environ, lang)), page)
        click.echo(f"{page}: written", err=True)


def _progress() -> Callable[[str, int, int], None]:
    """Return what says on stderr, now and then, how much of a long task is done."""
    said = time.monotonic()

    def tell(what: str, done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= SIGN_OF_LIFE:
            said = time.monotonic()
            click.echo(f"{what}: {done / max(1, total):.0%}", err=True)

    return tell


def _let_threads_sleep() -> None:
    # Before torch loads: threads that spin long while they wait are many times slower as soon as
    # another program wants a core; threads that do not spin at all are slower on a free machine.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")


def _speak_utf8() -> None:
    """Read and write UTF-8 whatever the locale, and let nothing undecodable stop us."""
    if sys.stdin is None:  # the caller has closed it
        sys.stdin = StringIO()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _complain(message: str, code: int) -> int:
    click.echo(f"error: {_printable(' '.join(message.split()))}", err=True)
    return code


def _with_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" See '{context.command_path} --help'." if context else ""
    return error.format_message() + hint


def _argument(text: str) -> str:
    """Return `text` read as UTF-8 where the locale, such as C, could not read it."""
    try:
        return text.encode(errors="surrogateescape").decode(errors="replace")
    except UnicodeEncodeError:  # a surrogate of another kind, which no locale makes
        return text


def _reply_line(text: str, replies: Sequence[Reply], as_json: bool) -> str:
    best = replies[0]
    if not as_json:
        return best.text
    others = [{"reply": one.text, "score": one.score} for one in replies]
    record = {
        "text": text,
        "reply": best.text,
        "tokens": best.tokens,
        "score": best.score,
        "finished": best.finished,
        "source": best.source,
        "candidates": others,
    }
    return json.dumps(record, ensure_ascii=False)


def _facts(bundle: Bundle) -> dict[str, Any]:
    """Return what the manifest says, the size of each file in the place of its checksum."""
    names = [*FILES, IDS_GRAPH] if bundle.has_ids_graph else FILES
    files = {name: bundle.manifest["files"][name]["bytes"] for name in names}
    return {
        "folder": str(bundle.folder),
        **bundle.manifest,
        "vocabulary": len(bundle.tokenizer.vocabulary),
        "files": files,
    }


def _table(facts: Mapping[str, Any]) -> str:
    """Lay out one line a fact; a list or a mapping gives one line a member."""
    rows = [
        (_printable(name), _printable(text))
        for fact in facts.items()
        for name, text in _rows(*fact)
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _rows(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for member, inner in value.items():
            yield from _rows(f"{name} {member}", inner)
    elif isinstance(value, list):
        for member in value or ["none"]:
            yield from _rows(name, member)
    else:
        yield name, str(value)


def _printable(text: str) -> str:
    """Return `text` without the control sequences that a foreign bundle may hold."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
