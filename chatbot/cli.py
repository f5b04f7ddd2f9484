"""`chatbot …`: parse, one library call, print."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatbot import __version__
from chatbot.bot import ChatBot, Reply
from chatbot.bundle import FILES, Bundle, shipped_bundle
from chatbot.decoding import MAX_BEAM, MAX_REPLY, Beam, Decoding, Greedy
from chatbot.errors import BundleError, ChatbotError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from chatbot.training.trainer import Event


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


@dataclass(frozen=True)
class Search:
    """Hold what the command line says of the search; on the rest the bundle decides."""

    beam: int | None
    greedy: bool
    max_length: int | None

    def over(self, default: Decoding) -> Decoding:
        """Return `default` with what was asked for in its place."""
        if self.greedy and self.beam is not None:
            raise UsageError("--greedy and --beam exclude each other. Choose one.")
        longest = self.max_length or default.max_length
        shortest = min(default.min_length, longest)
        if self.greedy:
            return Greedy(max_length=longest, min_length=shortest)
        if self.beam is None:
            return replace(default, max_length=longest, min_length=shortest)
        ranked = default if isinstance(default, Beam) else Beam()
        return replace(ranked, width=self.beam, max_length=longest, min_length=shortest)


def answering(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` the options of everything that answers: its `search` and its `threads`."""

    @click.option(
        "--beam",
        type=click.IntRange(1, MAX_BEAM),
        metavar="N",
        help="Keep the N best beginnings of a reply at every step.",
    )
    @click.option("--greedy", is_flag=True, help="Take the likeliest token at every step.")
    @click.option(
        "--max-length",
        type=click.IntRange(1, MAX_REPLY),
        metavar="N",
        help="Cut a reply after N tokens.",
    )
    @click.option(
        "--threads",
        type=click.IntRange(0),
        default=0,
        metavar="N",
        help="Compute in N threads; by default onnxruntime chooses.",
    )
    @wraps(command)
    def with_search(
        beam: int | None, greedy: bool, max_length: int | None, **others: object
    ) -> None:
        command(search=Search(beam, greedy, max_length), **others)

    return with_search


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

    One line is written for each, an empty one too, and at once.
    """
    bot = ChatBot.load(folder, threads=threads)
    decoding = search.over(bot.bundle.decoding)
    for text in map(_argument, texts) if texts else _lines_of_stdin():
        click.echo(_reply_line(text, bot.reply(text, decoding), as_json))


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
        differences = ChatBot.load(bundle.folder).verify()
        facts["differences"] = differences
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else _table(facts))
    if differences:
        raise BundleError(
            f"{bundle.folder}: {len(differences)} of {facts['checked']} replies are not what the "
            "bundle promises. Export it again."
        )


@cli.command(epilog="Example: chatbot train corpus.db --out runs/first --set model.hidden=512")
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="RUN", help="The run's folder."
)
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
@click.option("--resume", is_flag=True, help="Go on with the run, with the settings it began with.")
@click.option("--epochs", type=int, metavar="N", help="Short for --set train.epochs=N.")
@click.option("--minutes", type=float, metavar="N", help="Short for --set train.minutes=N.")
def train(
    store: Path,
    out: Path,
    file: Path | None,
    settings: Sequence[str],
    resume: bool,
    epochs: int | None,
    minutes: float | None,
) -> None:
    """Train a model on the accepted pairs of STORE.

    Weights, log and settings go to the folder RUN. The best model on the held-out pairs is kept;
    an interrupted run goes on with --resume.
    """
    # Before torch loads: threads that spin long while they wait are many times slower as soon as
    # another program wants a core; threads that do not spin at all are slower on a free machine.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    with needs_extra("chatbot train", "train"):
        from chatbot.training.config import read_recipe  # noqa: PLC0415 - needs the extra
        from chatbot.training.narration import narrate  # noqa: PLC0415
        from chatbot.training.trainer import Trainer  # noqa: PLC0415
    click.echo(f"Reading {store} …")
    if resume:
        if file or settings:
            raise UsageError("--resume keeps the run's settings: leave --recipe and --set out.")
        trainer = Trainer.resume(store, out, epochs=epochs, minutes=minutes)
    else:
        ends = {"train.epochs": epochs, "train.minutes": minutes}
        short = [f"{name}={value}" for name, value in ends.items() if value is not None]
        trainer = Trainer.start(store, out, read_recipe(file, [*settings, *short]))

    def tell(event: "Event") -> None:
        for line in narrate(event):
            click.echo(line)

    try:
        trainer.train(tell)
    except KeyboardInterrupt:
        click.echo(f"Stopped. Go on with: chatbot train {store} --out {out} --resume", err=True)
        raise
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
@click.option("--license", metavar="NAME", help="State the licence of the weights.")
def export(run: Path, folder: Path, beam: int | None, license: str | None) -> None:  # noqa: A002
    """Write the best model of RUN to FOLDER as a bundle.

    Nothing is written unless the ONNX graph gives the same replies and scores as PyTorch.
    """
    with needs_extra("chatbot export", "train"):
        from chatbot.training.export import export_run  # noqa: PLC0415 - needs the extra
    about = {"license": license} if license else {}
    decoding = Beam(width=beam) if beam else Greedy()
    parity = export_run(run, folder, decoding=decoding, about=about)
    click.echo(
        f"{folder}: {parity.compared} searches over {parity.sources} sources agree with PyTorch "
        f"(largest difference of a score {parity.difference:.1e}, {parity.ties} ties)."
    )


def _speak_utf8() -> None:
    """Read and write UTF-8 whatever the locale, and let nothing undecodable stop us."""
    if sys.stdin is None:  # the caller has closed it
        sys.stdin = StringIO()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _complain(message: str, code: int) -> int:
    click.echo(f"error: {' '.join(message.split())}", err=True)
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


def _lines_of_stdin() -> Iterator[str]:
    return (line.rstrip("\r\n") for line in sys.stdin)


def _reply_line(text: str, reply: Reply, as_json: bool) -> str:
    if not as_json:
        return reply.text
    record = {"text": text, "reply": reply.text, "tokens": reply.tokens, "score": reply.score}
    return json.dumps(record, ensure_ascii=False)


def _facts(bundle: Bundle) -> dict[str, Any]:
    """Return what the manifest says, the size of each file in the place of its checksum."""
    files = {name: bundle.manifest["files"][name]["bytes"] for name in FILES}
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
    """Return `text` without the control sequences that a foreign manifest may hold."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
