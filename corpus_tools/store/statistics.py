"""What a store holds, in figures; SQL does the counting."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from corpus_tools.store.cleanings import verdicts
from corpus_tools.store.pairs import PAIRS
from corpus_tools.store.schema import Dialogue, SkippedRecord, Turn
from corpus_tools.store.store import ImportRow, Store

BARS = (5, 10, 20, 40, 80, 160)
"""Lengths up to which the bars of a distribution reach; one more holds the rest."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """The distribution of lengths in characters."""

    median: int
    p95: int
    longest: int
    bars: dict[str, int]


@dataclass(frozen=True, slots=True)
class SplitSize:
    """How much one split holds."""

    dialogues: int
    accepted: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """All figures of a store."""

    imports: list[ImportRow]
    accepted: int
    refused: dict[str, int]
    skipped: dict[str, int]
    splits: dict[str, SplitSize]
    prompts: Lengths
    replies: Lengths
    words: list[tuple[str, int]]
    top_replies: list[tuple[str, int]]


def statistics(store: Store, *, top: int) -> Statistics:
    """Count everything; lengths and replies over the accepted pairs, words over all turns."""
    imports = store.imports()
    with store.reading() as connection:
        counts = verdicts(connection)
        return Statistics(
            imports=imports,
            accepted=counts.pop(None, 0),
            refused={str(rule): count for rule, count in counts.items()},
            skipped=_skipped(connection),
            splits=_splits(connection),
            prompts=_lengths(connection, PAIRS.c.prompt),
            replies=_lengths(connection, PAIRS.c.reply),
            words=_top_words(connection, top),
            top_replies=_top_replies(connection, top),
        )


def _counted(connection: Connection, query: Select[Any, int]) -> dict[Any, int]:
    return dict(connection.execute(query).all())


def _skipped(connection: Connection) -> dict[str, int]:
    size = func.count()
    query = select(SkippedRecord.reason, size).group_by(SkippedRecord.reason)
    return _counted(connection, query.order_by(size.desc()))


def _splits(connection: Connection) -> dict[str, SplitSize]:
    dialogues = select(Dialogue.split, func.count()).group_by(Dialogue.split)
    sizes = _counted(connection, dialogues)
    accepted = select(Dialogue.split, func.count()).join_from(Dialogue, Turn)
    accepted = accepted.where(Turn.position > 0, Turn.rejected.is_(None))
    pairs = _counted(connection, accepted.group_by(Dialogue.split))
    return {
        split: SplitSize(sizes.get(split, 0), pairs.get(split, 0))
        for split in ("train", "valid", "test")
    }


def _lengths(connection: Connection, column: ColumnElement[str]) -> Lengths:
    length = func.length(column)
    query = select(length, func.count()).where(PAIRS.c.rejected.is_(None)).group_by(length)
    return lengths_of(_counted(connection, query))


def lengths_of(counts: dict[int, int]) -> Lengths:
    """Return the distribution, given how many texts there are of each length."""
    total = sum(counts.values())
    bars = dict.fromkeys([*(f"≤ {bound}" for bound in BARS), f"> {BARS[-1]}"], 0)
    for size, count in counts.items():
        bound = next((f"≤ {bound}" for bound in BARS if size <= bound), f"> {BARS[-1]}")
        bars[bound] += count
    return Lengths(
        median=_quantile(counts, total * 0.5),
        p95=_quantile(counts, total * 0.95),
        longest=max(counts, default=0),
        bars=bars,
    )


def _quantile(counts: dict[int, int], rank: float) -> int:
    """Return the length that at least `rank` texts do not exceed."""
    reached = 0
    for size in sorted(counts):
        reached += counts[size]
        if reached >= rank:
            return size
    return 0


def _top_words(connection: Connection, top: int) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    rows = connection.execution_options(yield_per=1_000).execute(select(Turn.words))
    for words in rows.scalars():
        counts.update(words.split())
    return list(islice(_words_only(counts.most_common()), top))


def _words_only(counted: Iterable[tuple[str, int]]) -> Iterable[tuple[str, int]]:
    return ((word, count) for word, count in counted if any(c.isalnum() for c in word))


def _top_replies(connection: Connection, top: int) -> list[tuple[str, int]]:
    size = func.count()
    query = (
        select(Turn.text, size)
        .where(Turn.position > 0, Turn.rejected.is_(None))
        .group_by(Turn.text)
        .order_by(size.desc(), Turn.text)
        .limit(top)
    )
    return list(_counted(connection, query).items())
