"""From raw turns to cleaned, segmented and judged ones: what one process does with a batch."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from chatbot.text import normalise
from corpus_tools.cleaning import CONTEXT, Cleaner
from corpus_tools.keys import pair_key
from corpus_tools.segmenter import Segmenter

# No database holds half a surrogate pair, and PostgreSQL no NUL.
_UNSTORABLE = re.compile("[\ud800-\udfff\0]")


class Raw(NamedTuple):
    """A dialogue as it was said; the first `context` turns are no replies."""

    turns: Sequence[str]
    context: int


class Prepared(NamedTuple):
    """What became of a batch, a value a turn, one dialogue behind the other.

    A key is None where a turn ends no pair: the first of a dialogue, and those of its context.
    """

    texts: list[str]
    words: list[str]
    reasons: list[str | None]
    keys: list[int | None]


Batch = Sequence[Raw]

Job = TypeVar("Job")


class Prepare(Protocol):
    """Turn batches into prepared ones, in order, here or in other processes."""

    def __call__(self, jobs: Iterable[tuple[Job, Batch]], /) -> Iterable[tuple[Job, Prepared]]:
        """Yield what the caller keeps with a batch, and what became of the batch."""


class Preparing:
    """Clean, segment and judge; duplicates are left to the store."""

    def __init__(self, cleaner: Cleaner, segmenter: Segmenter) -> None:
        self._clean = cleaner.clean
        self._refusal = cleaner.refusal
        self._words = segmenter.words

    def prepare(self, batch: Batch) -> Prepared:
        """Prepare every turn of a batch."""
        prepared = Prepared([], [], [], [])
        for raw in batch:
            self._prepare(raw, prepared)
        return prepared

    def _prepare(self, raw: Raw, prepared: Prepared) -> None:
        texts, words, reasons, keys = prepared
        previous = ""
        for position, said in enumerate(raw.turns):
            text = self._clean(said)
            normal = normalise(text)
            texts.append(text)
            words.append(" ".join(self._words(normal)))
            is_pair = position >= max(1, raw.context)
            keys.append(pair_key(previous, normal) if is_pair else None)
            is_context = 0 < position < raw.context
            reason = self._refusal(previous, normal) if is_pair else None
            reasons.append(CONTEXT if is_context else reason)
            previous = normal


def storable(text: str) -> str:
    """Return `text` with U+FFFD for what no database holds."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
