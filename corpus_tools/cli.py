"""`corpus …`: parse, one library call, print.

The library is imported inside the commands: `corpus --help` needs none of it, and an install
without the extra can say what it lacks.
"""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import click

from corpus_tools.errors import CorpusError, MissingExtraError

EXTRA = ("jieba", "sqlalchemy", "yaml", "zstandard")
"""The packages of the extra `corpus`, by the names under which they are imported."""

Command = TypeVar("Command", bound=Callable[..., Any])

store_option = click.option(
    "--store",
    default="corpus.db",
    show_default=True,
    metavar="PATH|URL",
    help="The store: a SQLite file, or any SQLAlchemy URL.",
)


@click.group(
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: corpus import dialogues.tsv --license CC0-1.0",
)
@click.version_option(package_name="duihua", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Turn dialogue files into a clean, segmented corpus in SQL."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def reading_options(command: Command) -> Command:
    """Add what a user may say about the files instead of letting them show it."""
    for option in reversed(_READING):
        command = option(command)
    return command


_READING = (
    click.option("--format", "format_name", metavar="NAME", help="Overrule what the file shows."),
    click.option("--encoding", metavar="NAME", help="Overrule what the file shows."),
    click.option("--delimiter", metavar="TEXT", help="What stands between two columns."),
    click.option("--prompt-column", metavar="NAME|N", help="The column of prompts."),
    click.option("--reply-column", metavar="NAME|N", help="The column of replies."),
    click.option(
        "--spacing",
        type=click.Choice(["none", "characters", "words"]),
        help="What the file puts spaces between.",
    ),
)
profile_option = click.option(
    "--profile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The rules, as TOML.  [default: those of the last 'corpus clean']",
)
processes_option = click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=os.cpu_count,
    metavar="N",
    help="Processes that clean and segment.  [default: one a core]",
)


def _remark(_context: click.Context, _option: click.Parameter, dry_run: bool) -> bool:
    if dry_run:
        click.echo("Dry run: the store stays as it is.", err=True)
    return dry_run


dry_run_option = click.option(
    "--dry-run",
    is_flag=True,
    callback=_remark,
    help="Do all of it, report it, and leave the store as it was.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
seed_option = click.option("--seed", type=int, help="Choose the same pairs every time.")
ID = click.IntRange(1, 2**63 - 1)


@cli.command(epilog="Example: corpus sniff chat.txt archive.zip")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@reading_options
@json_option
def sniff(files: tuple[Path, ...], *, as_json: bool, **options: Any) -> None:
    """Tell what FILES are, before anything is done.

    Format, encoding, columns, spacing, and the first five pairs as they would be read.
    """
    _fail_if(_commands().sniff(files, _reading(**options), as_json=as_json))


@cli.command("import", epilog="Example: corpus import dialogues.tsv chat.jsonl.gz logs/")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@store_option
@reading_options
@click.option("--license", "licence", metavar="TEXT", help="Kept with every pair.")
@click.option("--origin", metavar="TEXT", help="Where the files are from: kept with the import.")
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    help="Give all dialogues this split, for good.  [default: by 'corpus split']",
)
@profile_option
@processes_option
@dry_run_option
def import_files(files: tuple[Path, ...], **options: Any) -> None:
    """Import dialogue FILES; run it again to go on where it stopped.

    FILES are files, folders, patterns, or - for stdin. Format, encoding, columns and spacing are
    found out, printed, and can be overruled. Packed files and archives are read as they are. Two
    files of which line i of the second answers line i of the first are found by their names
    (q_input.txt, q_target.txt) or named: corpus import q.txt a.txt --format parallel.
    """
    rest = {name: options.pop(name) for name in ("store", "profile", "processes", "dry_run")}
    labels = _commands().Labels(*(options.pop(name) for name in ("licence", "origin", "split")))
    _fail_if(_commands().import_files(files, _reading(**options), labels=labels, **rest))


def _reading(
    *,
    delimiter: str | None,
    prompt_column: str | None,
    reply_column: str | None,
    **options: Any,
) -> Any:
    layout = _commands().Layout(delimiter, prompt_column, reply_column)
    return _commands().Options(**options, layout=layout)


def _fail_if(failed: int) -> None:
    if failed:
        raise click.exceptions.Exit(CorpusError.exit_code)


@cli.command("list", epilog="Example: corpus list --json")
@store_option
@json_option
def list_imports(store: str, *, as_json: bool) -> None:
    """List the imports: counts, licence, where they are from."""
    click.echo(_commands().list_imports(store, as_json=as_json))


@cli.command(epilog="Example: corpus rules --toml > profile.toml")
@click.option(
    "--profile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Rules as TOML, instead of the defaults.",
)
@json_option
@click.option("--toml", "as_toml", is_flag=True, help="Print a profile to edit.")
def rules(*, profile: Path | None, as_json: bool, as_toml: bool) -> None:
    """List the cleaning rules in order, with reasons and examples."""
    click.echo(_commands().rules(profile=profile, as_json=as_json, as_toml=as_toml))


@cli.command(epilog="Example: corpus clean --profile profile.toml --dry-run")
@store_option
@profile_option
@processes_option
@dry_run_option
@json_option
def clean(store: str, **options: Any) -> None:
    """Run all rules over the whole store again.

    The corpus-wide ones included. 'corpus undo --cleaning' takes it back.
    """
    click.echo(_commands().clean(store, **options))


@cli.command(epilog="Example: corpus rejects --rule not_chinese --sample 5")
@store_option
@click.option("--rule", metavar="RULE", help="Only pairs that this rule refused.")
@click.option(
    "--sample",
    "count",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="Show so many.",
)
@seed_option
@json_option
def rejects(store: str, **options: Any) -> None:
    """Show refused pairs at random, with the rule."""
    for line in _commands().rejects(store, **options):
        click.echo(line)


@cli.command(epilog="Example: corpus restore 1204 1377")
@click.argument("pair_ids", nargs=-1, required=True, type=ID, metavar="ID...")
@store_option
@dry_run_option
def restore(pair_ids: tuple[int, ...], store: str, *, dry_run: bool) -> None:
    """Accept refused pairs for good.

    ID is a number that 'corpus rejects' shows.
    """
    click.echo(_commands().restore(store, pair_ids, dry_run=dry_run))


@cli.command(epilog="Example: corpus undo 3")
@click.argument("number", type=ID, required=False)
@store_option
@click.option("--cleaning", is_flag=True, help="The last run of 'corpus clean' instead.")
@dry_run_option
def undo(number: int | None, store: str, *, cleaning: bool, dry_run: bool) -> None:
    """Undo an import, or the last cleaning run.

    NUMBER is what 'corpus list' shows. The store is then as if the import had never been.
    """
    click.echo(_commands().undo(store, number, cleaning=cleaning, dry_run=dry_run))


@cli.command(epilog="Example: corpus gc")
@store_option
@dry_run_option
def gc(store: str, *, dry_run: bool) -> None:
    """Give the room of what was undone back to the disk.

    What cleaning runs keep for an undo goes too: they cannot be undone any more.
    """
    click.echo(_commands().collect_garbage(store, dry_run=dry_run))


@cli.command(epilog="Example: corpus search 火锅 好吃 --side reply")
@click.argument("phrases", nargs=-1, required=True, metavar="PHRASE...")
@store_option
@click.option("--side", type=click.Choice(["prompt", "reply"]), help="Only on this side.")
@click.option("--source", metavar="N|TEXT", help="Only an import: its number, or part of its path.")
@click.option("--exact", is_flag=True, help="No longer words: 火锅 does not find 吃火锅.")
@click.option(
    "-n",
    "limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Show so many.",
)
@json_option
def search(phrases: tuple[str, ...], store: str, **options: Any) -> None:
    """Find the turns that hold every PHRASE.

    The words of a phrase follow one another; 火* finds words that begin so.
    """
    for line in _commands().search(store, phrases, **options):
        click.echo(line)


@cli.command(epilog="Example: corpus split --valid 2 --test 2")
@store_option
@click.option("--valid", type=click.IntRange(0, 99), default=5, show_default=True, help="Per cent.")
@click.option("--test", type=click.IntRange(0, 99), default=5, show_default=True, help="Per cent.")
@click.option(
    "--near",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SIMILARITY",
    help="Keep dialogues that are at least this similar on one side, for example 0.8.",
)
@dry_run_option
def split(store: str, *, valid: int, test: int, **options: Any) -> None:
    """Share the dialogues out to train, valid and test.

    Imports to come go the same way.
    """
    if valid + test >= 100:
        raise click.UsageError("--valid and --test leave nothing to train with.")
    click.echo(_commands().split(store, _commands().Shares(valid, test), **options))


@cli.group()
def words() -> None:
    """Words of your own for the segmenter."""


@words.command("add", epilog="Example: corpus words add 火锅店 小智")
@click.argument("words", nargs=-1, required=True)
@store_option
@click.option(
    "--frequency",
    type=click.IntRange(1, 10**9),
    metavar="N",
    help="How often they occur, beside the 60 million of the dictionary.",
)
@dry_run_option
def add_words(words: tuple[str, ...], store: str, **options: Any) -> None:
    """Add WORDS to the dictionary of the store.

    Without --frequency they are as frequent as it takes to keep them in one piece.
    """
    click.echo(_commands().add_words(store, words, **options))


@words.command("remove", epilog="Example: corpus words remove 小智")
@click.argument("words", nargs=-1, required=True)
@store_option
@dry_run_option
def remove_words(words: tuple[str, ...], store: str, *, dry_run: bool) -> None:
    """Remove WORDS that were added."""
    click.echo(_commands().remove_words(store, words, dry_run=dry_run))


@words.command("list", epilog="Example: corpus words list")
@store_option
@json_option
def list_words(store: str, *, as_json: bool) -> None:
    """List the words that were added."""
    click.echo(_commands().list_words(store, as_json=as_json))


@cli.command(epilog="Example: corpus segment")
@store_option
@processes_option
@dry_run_option
def segment(store: str, **options: Any) -> None:
    """Segment anew what was segmented with another dictionary."""
    click.echo(_commands().segment(store, **options))


@cli.command(epilog="Example: corpus stats --html report.html")
@store_option
@json_option
@click.option(
    "--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with plots too."
)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="Show so many of the frequent words and replies.",
)
def stats(store: str, **options: Any) -> None:
    """Count what the store holds, what was refused, and why."""
    click.echo(_commands().stats(store, **options))


@cli.command(epilog="Example: corpus sample -n 5")
@store_option
@click.option(
    "-n",
    "count",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="Show so many.",
)
@seed_option
@json_option
def sample(store: str, **options: Any) -> None:
    """Show accepted pairs at random."""
    for line in _commands().sample(store, **options):
        click.echo(line)


@cli.command(epilog="Example: corpus export --format tsv --output pairs.tsv")
@store_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["jsonl", "tsv", "messages", "chatterbot", "parallel", "parquet"]),
    default="jsonl",
    show_default=True,
    help="What to write.",
)
@click.option("--output", type=click.Path(path_type=Path), help="A file, instead of stdout.")
@click.option("--split", type=click.Choice(["train", "valid", "test"]), help="Only this split.")
@click.option("--all", "refused", is_flag=True, help="Refused pairs too, with the rule.")
def export(store: str, *, split: str | None, refused: bool, **options: Any) -> None:
    """Write the accepted pairs in the order of their import."""
    selection = _commands().Selection(split=split, refused=refused)
    for line in _commands().export(store, selection, **options):
        click.echo(line)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # None where the caller has closed it
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        return cli.main(arguments, prog_name="corpus", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _complain(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What is stored is whole; run it again to go on.", err=True)
        return 130
    except CorpusError as error:
        return _complain(str(error), error.exit_code)
    except OSError as error:
        return _complain(f"{error}. Check the path and the room on the disk.", 1)


def _complain(message: str, code: int) -> int:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    return code


def _commands() -> ModuleType:
    try:
        return import_module("corpus_tools.commands")
    except ModuleNotFoundError as error:
        if error.name in EXTRA:
            raise MissingExtraError(error.name) from error
        raise
