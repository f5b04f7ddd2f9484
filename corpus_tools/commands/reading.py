"""`corpus sniff` and `corpus import`."""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from corpus_tools.commands.profiles import profile_of
from corpus_tools.dictionary import dictionary_name
from corpus_tools.errors import ReadError
from corpus_tools.formats import Options, Source, Unread, opened_inputs
from corpus_tools.formats import sniff as sniff_source
from corpus_tools.importing import Labels, Plan, import_source
from corpus_tools.progress import Progress
from corpus_tools.rendering.results import import_line, left_out_lines, sniffed_json, sniffed_lines
from corpus_tools.store import Store, user_words
from corpus_tools.workers import Preparer


def sniff(files: Sequence[Path], options: Options, *, as_json: bool) -> int:
    """Tell what each input is, as text or as JSON, and return how many are none."""
    failed = 0
    with opened_inputs(files, options, sys.stdin.buffer if sys.stdin else None) as inputs:
        for source in inputs:
            if isinstance(source, Unread):
                failed += _complained(source)
                continue
            for line in _sniffed_json(source) if as_json else _sniffed(source):
                click.echo(line)
    return failed


def import_files(
    files: Sequence[Path],
    options: Options,
    *,
    store: str,
    labels: Labels,
    profile: Path | None,
    processes: int,
    dry_run: bool,
) -> int:
    """Import one input after the other and return how many failed."""
    failed = 0
    with (
        opened_inputs(files, options, sys.stdin.buffer if sys.stdin else None) as inputs,
        Store(store, create=True, dry_run=dry_run) as opened,
    ):
        chosen = profile_of(opened, profile)
        words = user_words(opened)
        with Preparer(processes, chosen, words) as preparer:
            for source in inputs:
                if isinstance(source, Unread):
                    failed += _complained(source)
                    continue
                plan = Plan(
                    prepare=preparer.choose(source.size),
                    profile=chosen.to_dict(),
                    dictionary=dictionary_name(words),
                    duplicates=not chosen.duplicate.on,
                    labels=labels,
                )
                try:
                    click.echo(_import(opened, source, plan))
                except ReadError as error:
                    failed += _complained(Unread(str(error), is_error=True))
    return failed


def _sniffed(source: Source) -> Iterator[str]:
    yield from sniffed_lines(sniff_source(source))
    yield from left_out_lines(source.left_out)


def _sniffed_json(source: Source) -> Iterator[str]:
    yield sniffed_json(sniff_source(source), source.left_out)


def _complained(unread: Unread) -> int:
    click.echo(f"error: {unread.message}" if unread.is_error else unread.message, err=True)
    return int(unread.is_error)


def _import(store: Store, source: Source, plan: Plan) -> str:
    for line in _sniffed(source):
        click.echo(line, err=True)
    started = time.monotonic()
    with Progress(Path(source.path).name, source.size) as progress:
        before, after = import_source(
            store,
            source,
            plan,
            on_progress=lambda row: progress.show(source.position, f", {row.pairs_done:,} pairs"),
        )
    if before.is_complete:
        return f"{source.path}: already in the store as import {before.id}; nothing to add."
    return import_line(after, before, time.monotonic() - started)
