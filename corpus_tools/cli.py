"""`corpus …`: parse, one library call, print.

The library is imported inside the commands: `corpus --help` needs none of it, and an install
without the extra can say what it lacks.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from corpus_tools.errors import CorpusError, MissingExtraError

EXTRA = ("charset_normalizer", "jieba", "sqlalchemy", "yaml", "zstandard")
"""The packages of the extra `corpus`, by the names under which they are imported."""

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


@cli.command("import", epilog="Example: corpus import dialogues.tsv chat.jsonl.gz")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@store_option
@click.option("--format", "format_name", metavar="NAME", help="Overrule what the file shows.")
@click.option("--encoding", metavar="NAME", help="Overrule what the file shows.")
@click.option("--license", "licence", metavar="TEXT", help="Kept with every pair.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=os.cpu_count,
    metavar="N",
    help="Processes that clean and segment.  [default: one a core]",
)
def import_files(files: tuple[Path, ...], **options: Any) -> None:
    """Import dialogue FILES; run it again to go on where it stopped.

    Formats: tsv, csv, json, jsonl, conv, chatterbot, and parallel, two files of which line i of
    the second answers line i of the first (corpus import q.txt a.txt --format parallel). Each may
    be packed with gzip, zstd or zip.
    """
    failed = _commands().import_files(files, **options)
    if failed:
        raise click.exceptions.Exit(CorpusError.exit_code)


@cli.command(epilog="Example: corpus stats --top 20")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--top", type=click.IntRange(min=0), default=10, show_default=True, metavar="N")
def stats(store: str, *, as_json: bool, top: int) -> None:
    """Count what the store holds, what was refused, and why."""
    click.echo(_commands().stats(store, as_json=as_json, top=top))


@cli.command(epilog="Example: corpus sample -n 5 --rejected not_chinese")
@store_option
@click.option("-n", "count", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--seed", type=int, help="Choose the same pairs every time.")
@click.option("--rejected", metavar="RULE", help="Show pairs that this rule refused.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
def sample(store: str, **options: Any) -> None:
    """Show pairs at random."""
    for line in _commands().sample(store, **options):
        click.echo(line)


@cli.command(epilog="Example: corpus export --format tsv --output pairs.tsv")
@store_option
@click.option("--format", "format_name", type=click.Choice(["jsonl", "tsv"]), default="jsonl")
@click.option("--output", type=click.Path(path_type=Path), help="A file, instead of stdout.")
@click.option("--all", "refused", is_flag=True, help="Refused pairs too, with the rule.")
def export(store: str, *, format_name: str, output: Path | None, refused: bool) -> None:
    """Write the accepted pairs in the order of their import."""
    with _commands().export(store, format_name=format_name, refused=refused) as lines:
        if output:
            _commands().write_lines(lines, output)
        else:
            for line in lines:
                click.echo(line)


@cli.command(epilog="Example: corpus remove 3")
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
@store_option
def remove(number: int, store: str) -> None:
    """Remove import NUMBER with all its dialogues."""
    click.echo(_commands().remove(store, number))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # None where the caller has closed it
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        return cli.main(arguments, prog_name="corpus", standalone_mode=False) or 0
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
