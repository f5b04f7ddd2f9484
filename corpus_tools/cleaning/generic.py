"""Generic replies: those that are made of tri-grams which occur everywhere in the corpus."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus_tools.cleaning.accepted import AcceptedPair, Pairs
from corpus_tools.cleaning.settings import Generic

_AT_ONCE = 20_000
_SLOT_BITS = 22
_SIZE = 3
_FACTORS = (
    # Odd numbers of 64 bits, one for each place in a tri-gram; a row of them for each table.
    (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9),
    (0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB),
)


class Grams(NamedTuple):
    """The tri-grams of N replies, G in all; a shorter reply is filled up to one."""

    owner: NDArray[np.int64]  # (G,): the place of the reply
    slots: tuple[NDArray[np.uint64], ...]  # (G,) each: the place of its count in each table


class GenericReplies:
    """Refuse replies of which a large share of tri-grams is frequent, but for some of each.

    Counts are shared by tri-grams that fall on the same place of two tables (16 MiB each), the
    smaller one counts; at 10 million replies that adds some 25 occurrences where 10,000 matter.
    """

    id: ClassVar[str] = "generic"

    def __init__(self, settings: Generic) -> None:
        self._settings = settings

    def refused(self, pairs: Pairs) -> Iterator[int]:
        """Yield the pairs with generic replies beyond those of the same reply that stay."""
        tables, replies = _count(pairs)
        least = max(self._settings.least, self._settings.frequent * replies)
        kept: Counter[str] = Counter()
        for batch in _batches(pairs()):
            shares = _frequent_shares([pair.reply for pair in batch], tables, least)
            for place in np.flatnonzero(shares >= self._settings.share):
                pair = batch[int(place)]
                kept[pair.reply] += 1
                if kept[pair.reply] > self._settings.keep:
                    yield pair.id


def _count(pairs: Pairs) -> tuple[list[NDArray[np.uint32]], int]:
    tables = [np.zeros(1 << _SLOT_BITS, np.uint32) for _ in _FACTORS]
    replies = 0
    for batch in _batches(pairs()):
        replies += len(batch)
        grams = _grams([pair.reply for pair in batch])
        for table, slots in zip(tables, grams.slots, strict=True):
            np.add.at(table, slots, 1)
    return tables, replies


def _frequent_shares(
    replies: Sequence[str], tables: Sequence[NDArray[np.uint32]], least: float
) -> NDArray[np.float64]:
    """Return (N,): the share of its tri-grams that occur at least `least` times."""
    owner, slots = _grams(replies)
    times = np.minimum(*(table[place] for table, place in zip(tables, slots, strict=True)))  # (G,)
    frequent = np.bincount(owner, times >= least, minlength=len(replies))  # (N,)
    return frequent / np.bincount(owner, minlength=len(replies))


def _grams(replies: Sequence[str]) -> Grams:
    filled = [reply.ljust(_SIZE, "\0") for reply in replies]
    codes = np.frombuffer("".join(filled).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, filled), np.int64, len(filled))
    owner = np.repeat(np.arange(len(filled)), lengths)  # (C,) a character
    is_start = owner[: 1 - _SIZE] == owner[_SIZE - 1 :]  # (C - 2,)
    places = [codes[shift : len(codes) - _SIZE + 1 + shift][is_start] for shift in range(_SIZE)]
    slots = tuple(_slot(places, factors) for factors in _FACTORS)
    return Grams(owner[: 1 - _SIZE][is_start], slots)


def _slot(places: Sequence[NDArray[np.uint32]], factors: Sequence[int]) -> NDArray[np.uint64]:
    """Return (G,): a hash by multiplication, of which the upper bits are the good ones."""
    code = np.zeros(len(places[0]), np.uint64)
    for characters, factor in zip(places, factors, strict=True):
        code ^= (characters.astype(np.uint64) + np.uint64(1)) * np.uint64(factor)
        code ^= code >> np.uint64(29)
    code *= np.uint64(factors[0])
    return code >> np.uint64(64 - _SLOT_BITS)


def _batches(pairs: Iterable[AcceptedPair]) -> Iterator[list[AcceptedPair]]:
    remaining = iter(pairs)
    while batch := list(islice(remaining, _AT_ONCE)):
        yield batch
