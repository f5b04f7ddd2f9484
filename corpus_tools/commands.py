"""What the commands do: the part of the command line that needs the extra."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from corpus_tools.cleaning import REFUSALS
from corpus_tools.errors import ReadError, UsageError
from corpus_tools.exporting import WRITERS, write_lines
from corpus_tools.formats import Source
from corpus_tools.importing import import_source
from corpus_tools.progress import Progress
from corpus_tools.rendering import (
    encoding_lines,
    import_line,
    pair_json,
    pair_text,
    statistics_json,
    statistics_text,
)
from corpus_tools.store import Store, statistics
from corpus_tools.workers import Preparer

__all__ = ["export", "import_files", "remove", "sample", "stats", "write_lines"]


def import_files(
    files: Sequence[Path],
    *,
    store: str,
    format_name: str | None,
    encoding: str | None,
    licence: str | None,
    processes: int,
) -> int:
    """Import one file after the other and return how many failed."""
    failed = 0
    inputs = Source.inputs(files, format_name=format_name, encoding=encoding)
    with Store(store, create=True) as opened, Preparer(processes) as preparer:
        for paths in inputs:
            try:
                source = Source(paths, format_name=format_name, encoding=encoding)
                click.echo(_import(opened, source, preparer, licence))
            except ReadError as error:
                click.echo(f"error: {error}", err=True)
                failed += 1
    return failed


def stats(store: str, *, as_json: bool, top: int) -> str:
    """Return the figures of a store."""
    with Store(store) as opened:
        figures = statistics(opened, top=top)
    return statistics_json(figures) if as_json else statistics_text(figures)


def sample(
    store: str, *, count: int, seed: int | None, rejected: str | None, as_json: bool
) -> Iterator[str]:
    """Return pairs at random, as text or as JSON."""
    if rejected is not None and rejected not in REFUSALS:
        raise UsageError(f"unknown rule {rejected!r}; known rules: {', '.join(REFUSALS)}")
    with Store(store) as opened:
        pairs = opened.sample(count, seed=seed, rejected=rejected)
    return map(pair_json if as_json else pair_text, pairs)


@contextmanager
def export(store: str, *, format_name: str, refused: bool) -> Iterator[Iterator[str]]:
    """Give the lines of an export while the store is open."""
    with Store(store) as opened:
        yield WRITERS[format_name](opened.pairs(refused=refused), verdicts=refused)


def remove(store: str, number: int) -> str:
    """Remove an import and say so."""
    with Store(store) as opened:
        if not opened.remove_import(number):
            raise UsageError(f"no import {number} in {store}. 'corpus stats' lists them.")
    return f"Import {number} removed."


def _import(store: Store, source: Source, preparer: Preparer, licence: str | None) -> str:
    for line in encoding_lines(source):
        click.echo(line, err=True)
    started = time.monotonic()
    with Progress(source) as progress:
        before, after = import_source(
            store,
            source,
            prepare=preparer.choose(source.size),
            licence=licence,
            on_progress=progress.show,
        )
    if before.is_complete:
        return f"{source.path}: already in the store as import {before.id}; nothing to add."
    return import_line(after, before, time.monotonic() - started)
