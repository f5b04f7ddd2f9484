"""`corpus sniff` and `corpus import`."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from corpus_tools.commands.profiles import profile_of
from corpus_tools.errors import ReadError
from corpus_tools.formats import Layout, Source
from corpus_tools.formats import sniff as sniff_source
from corpus_tools.importing import Plan, import_source
from corpus_tools.progress import Progress
from corpus_tools.segmenter import dictionary_name
from corpus_tools.shown import import_line, sniffed_json, sniffed_lines
from corpus_tools.store import Store, user_words
from corpus_tools.workers import Preparer


class Reading(NamedTuple):
    """What a user says about the files instead of letting them show it."""

    format_name: str | None = None
    encoding: str | None = None
    layout: Layout = Layout()
    spacing: str | None = None


def sniff(files: Sequence[Path], reading: Reading, *, as_json: bool) -> Iterator[str]:
    """Return what each input is, as text or as JSON."""
    for source in _sources(files, reading):
        parts = sniff_source(source)
        if as_json:
            yield sniffed_json(parts)
        else:
            yield from sniffed_lines(parts)


def import_files(
    files: Sequence[Path],
    reading: Reading,
    *,
    store: str,
    licence: str | None,
    origin: str | None,
    profile: Path | None,
    processes: int,
    dry_run: bool,
) -> int:
    """Import one input after the other and return how many failed."""
    failed = 0
    with Store(store, create=True, dry_run=dry_run) as opened:
        chosen = profile_of(opened, profile)
        words = user_words(opened)
        with Preparer(processes, chosen, words) as preparer:
            for source in _sources(files, reading):
                plan = Plan(
                    prepare=preparer.choose(source.size),
                    profile=chosen.to_dict(),
                    dictionary=dictionary_name(words),
                    duplicates=not chosen.duplicate.on,
                    licence=licence,
                    origin=origin,
                )
                try:
                    click.echo(_import(opened, source, plan))
                except ReadError as error:
                    click.echo(f"error: {error}", err=True)
                    failed += 1
    return failed


def _import(store: Store, source: Source, plan: Plan) -> str:
    for line in sniffed_lines(sniff_source(source)):
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
