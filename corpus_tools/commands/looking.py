"""`corpus stats`, `search`, `sample` and `export`: nothing here writes into the store."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from chatbot.text import normalise
from corpus_tools.errors import UsageError
from corpus_tools.exporting import Selection, export_file, export_lines, write_lines
from corpus_tools.rendering.results import found_json, found_lines
from corpus_tools.rendering.statistics import pair_json, pair_text, statistics_json, statistics_text
from corpus_tools.report import language_of, report_html
from corpus_tools.segmenter import Segmenter
from corpus_tools.store import Phrase, Store, statistics, user_words
from corpus_tools.store import sample as sampled_pairs
from corpus_tools.store import search as search_store

MANY_TURNS = 200_000
"""Turns whose indexing takes so long that it is said."""

MOST_LONGER_WORDS = 1_000
"""Longer words that are looked for with a word, the shortest first."""


def search(
    store: str,
    phrases: Sequence[str],
    *,
    side: str | None,
    source: str | None,
    limit: int,
    exact: bool,
    as_json: bool,
) -> Iterator[str]:
    """Return the turns that hold all phrases, as text or as JSON."""
    with Store(store) as opened:
        segmenter = Segmenter(user_words(opened))
        wanted = [_phrase(phrase, segmenter, exact=exact) for phrase in phrases]
        found = search_store(
            opened, wanted, side=side, source=source, limit=limit, on_indexing=_remark
        )
    if as_json:
        return iter([found_json(found, phrases)])
    return found_lines(found, phrases, colour=bool(sys.stdout and sys.stdout.isatty()))


def _remark(turns: int) -> None:
    if turns > MANY_TURNS:
        click.echo(f"Indexing {turns:,} turns, once …", err=True)


def _phrase(asked: str, segmenter: Segmenter, *, exact: bool) -> Phrase:
    text = normalise(asked)
    stem = text.removesuffix("*")
    words = segmenter.words(stem)
    if not words:
        raise UsageError(f"{asked!r}: nothing to search for. Give a word or a phrase.")
    is_word = len(words) == 1 and len(stem) > 1 and not exact
    longer = segmenter.words_with(words[0])[:MOST_LONGER_WORDS] if is_word else []
    return Phrase(words, longer, is_open=text != stem)


def sample(store: str, *, count: int, seed: int | None, as_json: bool) -> Iterator[str]:
    """Return accepted pairs at random, as text or as JSON."""
    with Store(store) as opened:
        pairs = sampled_pairs(opened, count, seed=seed)
    return map(pair_json if as_json else pair_text, pairs)


def stats(store: str, *, as_json: bool, html: Path | None, top: int) -> str:
    """Return the figures of a store, and write them as a page if `html` names one."""
    with Store(store) as opened:
        figures = statistics(opened, top=top)
    if html is not None:
        page = report_html(figures, opened.name, language=language_of(os.environ))
        write_lines([page], html)
        click.echo(f"{html}: written", err=True)
    return statistics_json(figures) if as_json else statistics_text(figures)


def export(
    store: str, selection: Selection, *, format_name: str, output: Path | None
) -> Iterator[str]:
    """Yield the lines of an export, or write files and name them."""
    with Store(store) as opened:
        if output is None:
            yield from export_lines(opened, format_name, selection)
        else:
            for path in export_file(opened, format_name, selection, output):
                click.echo(f"{path}: written", err=True)
