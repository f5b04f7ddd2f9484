"""`corpus stats`, `search`, `sample` and `export`: nothing here writes into the store."""

import sys
from collections.abc import Iterator, Sequence

from chatbot.text import normalise
from corpus_tools.errors import UsageError
from corpus_tools.rendering import pair_json, pair_text
from corpus_tools.segmenter import Segmenter
from corpus_tools.shown import found_json, found_lines
from corpus_tools.store import Store, user_words
from corpus_tools.store import sample as sampled_pairs
from corpus_tools.store import search as search_store


def search(
    store: str,
    phrases: Sequence[str],
    *,
    side: str | None,
    source: str | None,
    limit: int,
    as_json: bool,
) -> Iterator[str]:
    """Return the turns that hold all phrases, as text or as JSON."""
    with Store(store) as opened:
        segmenter = Segmenter(user_words(opened))
        wanted = [_words(phrase, segmenter) for phrase in phrases]
        found = search_store(opened, wanted, side=side, source=source, limit=limit)
    if as_json:
        return iter([found_json(found, phrases)])
    return found_lines(found, phrases, colour=sys.stdout.isatty())


def _words(phrase: str, segmenter: Segmenter) -> list[str]:
    text = normalise(phrase)
    stem = text.removesuffix("*")
    words = segmenter.words(stem)
    if not words:
        raise UsageError(f"{phrase!r}: nothing to search for. Give a word or a phrase.")
    return [*words[:-1], words[-1] + "*"] if text != stem else words


def sample(store: str, *, count: int, seed: int | None, as_json: bool) -> Iterator[str]:
    """Return accepted pairs at random, as text or as JSON."""
    with Store(store) as opened:
        pairs = sampled_pairs(opened, count, seed=seed)
    return map(pair_json if as_json else pair_text, pairs)
