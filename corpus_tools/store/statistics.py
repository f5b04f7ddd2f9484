"""What a store holds, in figures: SQL counts pairs, one pass over the turns counts words."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, compress, takewhile
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from chatbot.text import normalise
from corpus_tools.cleaning import CONTEXT
from corpus_tools.keys import TEST, TRAIN, VALID
from corpus_tools.store.schema import Change, Cleaning, Dialogue, SkippedRecord, Turn
from corpus_tools.store.store import ImportRow, Store

BARS = (5, 10, 20, 40, 80, 160)
"""Lengths up to which the bars of a distribution reach; one more holds the rest."""
COVERED = (50, 80, 90, 95, 99)
"""Per cent of the running words, for which `Vocabulary.needed` says how many words it takes."""

_TURNS_AT_ONCE = 200  # more of them at once keep the garbage collector busy
# The place of a bad byte makes every such reason another one.
_PLACE = re.compile(r"^byte [\d,]+ \(0x[0-9A-F]{2}\)")


@dataclass(frozen=True, slots=True)
class Lengths:
    """The distribution of lengths, in characters or in words."""

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
class SourceSize:
    """How much came out of one import; `refused` by rule, the most frequent first."""

    import_id: int
    path: str
    accepted: int
    refused: dict[str, int]
    malformed: int


@dataclass(frozen=True, slots=True)
class Frequent:
    """A word or a reply; `share` is of all running words or of all replies."""

    text: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """The share of the running words that are among the `words` most frequent ones."""

    words: int
    share: float


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of the accepted pairs, punctuation left out: running ones and different ones.

    `needed`: how many of the most frequent words make up so many per cent of the running words.
    """

    tokens: int
    types: int
    coverage: list[Coverage]
    needed: dict[int, int]


@dataclass(frozen=True, slots=True)
class CleaningSize:
    """How many turns a cleaning run has changed."""

    cleaning_id: int
    created_at: datetime
    changed: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """All figures of a store; lengths, words and replies are those of the accepted pairs."""

    imports: list[ImportRow]
    sources: list[SourceSize]
    accepted: int
    refused: dict[str, int]
    skipped: dict[str, int]
    splits: dict[str, SplitSize]
    prompts: Lengths
    replies: Lengths
    prompt_words: Lengths
    reply_words: Lengths
    vocabulary: Vocabulary
    words: list[Frequent]
    top_replies: list[Frequent]
    cleanings: list[CleaningSize]


def statistics(store: Store, *, top: int) -> Statistics:
    """Count everything; `top` is how many words and replies are listed."""
    imports = store.imports()
    with store.reading() as connection:
        refused = _refused(connection)
        splits = _splits(connection)
        accepted = sum(size.accepted for size in splits.values())
        counts = _count_turns(connection)
        return Statistics(
            imports=imports,
            sources=[_source(row, refused.get(row.id, {})) for row in imports],
            accepted=accepted,
            refused=_sum(refused.values()),
            skipped=_skipped(connection),
            splits=splits,
            prompts=lengths_of(counts.prompts),
            replies=lengths_of(counts.replies),
            prompt_words=lengths_of(counts.prompt_words),
            reply_words=lengths_of(counts.reply_words),
            vocabulary=vocabulary_of(counts.words),
            words=_frequent(counts.words.most_common(top), counts.words.total()),
            top_replies=_frequent(_top_replies(connection, top), accepted),
            cleanings=_cleanings(connection),
        )


def lengths_of(counts: Mapping[int, int]) -> Lengths:
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


def vocabulary_of(words: Mapping[str, int]) -> Vocabulary:
    """Return the size of a vocabulary and what its most frequent words cover."""
    covered = list(accumulate(sorted(words.values(), reverse=True)))
    tokens = covered[-1] if covered else 0
    wanted = [*takewhile(lambda size: size < len(covered), _one_two_five()), len(covered)]
    return Vocabulary(
        tokens=tokens,
        types=len(covered),
        coverage=[Coverage(size, covered[size - 1] / tokens) for size in wanted if size],
        needed={share: _reaching(covered, share * tokens / 100) for share in COVERED},
    )


@dataclass(frozen=True, slots=True)
class _TurnCounts:
    """How often each length and each word occurs."""

    prompts: Counter[int] = field(default_factory=Counter)
    replies: Counter[int] = field(default_factory=Counter)
    prompt_words: Counter[int] = field(default_factory=Counter)
    reply_words: Counter[int] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)


def _count_turns(connection: Connection) -> _TurnCounts:
    """Count lengths and words over the turns of accepted pairs, the words of a turn once."""
    counts = _TurnCounts()
    query = select(Turn.position, Turn.rejected, func.length(Turn.text), Turn.words)
    # The turns of a dialogue were stored one behind the other.
    rows = connection.execute(
        query.order_by(Turn.id), execution_options={"yield_per": _TURNS_AT_ONCE}
    )
    before: _Turn = (0, "", False)
    for block in rows.partitions():
        before = _count_block(counts, block, before)
    for word in [word for word in counts.words if not _is_word(word)]:
        del counts.words[word]
    return counts


_Turn = tuple[int, str, bool]  # length, words, and whether it is the reply of an accepted pair


def _count_block(counts: _TurnCounts, block: Sequence[Row[Any]], before: _Turn) -> _Turn:
    """Count turns that follow `before`, and return the last of them."""
    # By column, since a Counter counts what comes out of one in C.
    positions, refusals, sizes, words = zip(*block, strict=True)
    are_replies = [
        position > 0 and rule is None for position, rule in zip(positions, refusals, strict=True)
    ]
    earlier_sizes, earlier_words = (before[0], *sizes), (before[1], *words)
    counts.prompts.update(compress(earlier_sizes, are_replies))
    counts.replies.update(compress(sizes, are_replies))
    asked = list(compress(earlier_words, are_replies))
    said = list(compress(words, are_replies))
    counts.prompt_words.update([text.count(" ") + 1 if text else 0 for text in asked])
    counts.reply_words.update([text.count(" ") + 1 if text else 0 for text in said])
    # A prompt that is itself the reply of an accepted pair is counted as that.
    earlier = zip(are_replies, [before[2], *are_replies], strict=False)
    said += compress(earlier_words, [is_reply and not is_both for is_reply, is_both in earlier])
    counts.words.update(" ".join(said).split(" "))
    return sizes[-1], words[-1], are_replies[-1]


def _is_word(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _refused(connection: Connection) -> dict[int, dict[str, int]]:
    """Count the refused pairs by import and by rule, the most frequent first."""
    size = func.count()
    query = (
        select(Dialogue.import_id, Turn.rejected, size)
        .join_from(Turn, Dialogue, Turn.dialogue_id == Dialogue.id)
        .where(Turn.position > 0, Turn.rejected.is_not(None), Turn.rejected != CONTEXT)
        .group_by(Dialogue.import_id, Turn.rejected)
        .order_by(size.desc(), Turn.rejected)
    )
    refused: dict[int, dict[str, int]] = {}
    for import_id, rule, count in connection.execute(query):
        refused.setdefault(import_id, {})[str(rule)] = count
    return refused


def _source(row: ImportRow, refused: dict[str, int]) -> SourceSize:
    return SourceSize(row.id, row.path, row.pairs_accepted, refused, row.skipped_done)


def _skipped(connection: Connection) -> dict[str, int]:
    query = select(SkippedRecord.reason, func.count()).group_by(SkippedRecord.reason)
    reasons = connection.execute(query)
    return _sum({_PLACE.sub("a byte", reason): count} for reason, count in reasons)


def _sum(counted: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of counts, the most frequent first."""
    total: Counter[str] = Counter()
    for counts in counted:
        total.update(counts)
    return dict(total.most_common())


def _splits(connection: Connection) -> dict[str, SplitSize]:
    dialogues = select(Dialogue.split, func.count()).group_by(Dialogue.split)
    accepted = select(Dialogue.split, func.count()).join_from(Dialogue, Turn)
    accepted = accepted.where(Turn.position > 0, Turn.rejected.is_(None))
    sizes = _counted(connection, dialogues)
    pairs = _counted(connection, accepted.group_by(Dialogue.split))
    return {
        split: SplitSize(sizes.get(split, 0), pairs.get(split, 0)) for split in (TRAIN, VALID, TEST)
    }


def _counted(connection: Connection, query: Select[Any, int]) -> dict[Any, int]:
    return dict(connection.execute(query).all())


def _top_replies(connection: Connection, top: int) -> list[tuple[str, int]]:
    """Count replies by their words, in which what is normalised alike is the same."""
    size = func.count()
    query = (
        select(Turn.words, size)
        .where(Turn.position > 0, Turn.rejected.is_(None))
        .group_by(Turn.words)
        .order_by(size.desc(), Turn.words)
        .limit(top)
    )
    return [(normalise(words), count) for words, count in connection.execute(query)]


def _frequent(counted: Iterable[tuple[str, int]], total: int) -> list[Frequent]:
    return [Frequent(text, count, count / total) for text, count in counted]


def _cleanings(connection: Connection) -> list[CleaningSize]:
    query = (
        select(Cleaning.id, Cleaning.created_at, func.count(Change.turn_id))
        .join_from(Cleaning, Change, isouter=True)
        .group_by(Cleaning.id, Cleaning.created_at)
    )
    return [CleaningSize(*row) for row in connection.execute(query.order_by(Cleaning.id))]


def _quantile(counts: Mapping[int, int], rank: float) -> int:
    """Return the length that at least `rank` texts do not exceed."""
    reached = 0
    for size in sorted(counts):
        reached += counts[size]
        if reached >= rank:
            return size
    return 0


def _reaching(covered: list[int], least: float) -> int:
    """Return how many words it takes to cover `least` running words."""
    return next((size for size, reached in enumerate(covered, 1) if reached >= least), 0)


def _one_two_five() -> Iterator[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10
