"""Replies that occur too often: long ones to different prompts, and any reply."""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from corpus_tools.cleaning.accepted import Pairs
from corpus_tools.cleaning.settings import Advertisement, ReplyCap

_SLOTS = 1 << 24
_FULL = 255


class Counts:
    """How often texts were seen, at most a little too much, in 32 MiB for any number of texts.

    Two counters a text, of 16 million each, shared with other texts; the smaller one counts
    (count-min, Cormode & Muthukrishnan 2005).
    """

    def __init__(self) -> None:
        self._tables = bytearray(_SLOTS), bytearray(_SLOTS)

    def add(self, text: str) -> None:
        """See a text once more."""
        for table, slot in zip(self._tables, _slots(text), strict=True):
            if table[slot] < _FULL:
                table[slot] += 1

    def may_exceed(self, text: str, most: int) -> bool:
        """Return whether a text may have been seen more than `most` times."""
        least = min(most + 1, _FULL)
        return all(t[slot] >= least for t, slot in zip(self._tables, _slots(text), strict=True))


class Advertisements:
    """Refuse long replies that answer several different prompts."""

    id: ClassVar[str] = "advertisement"

    def __init__(self, settings: Advertisement) -> None:
        self._shortest = settings.shortest
        self._most = settings.most

    def refused(self, pairs: Pairs) -> Iterator[int]:
        """Yield every pair with such a reply, the first ones too."""
        counts = Counts()
        for pair in pairs():
            if len(pair.reply) >= self._shortest:
                counts.add(pair.reply)
        prompts: dict[str, set[str]] = {}
        ids: dict[str, list[int]] = {}
        for pair in pairs():
            if len(pair.reply) >= self._shortest and counts.may_exceed(pair.reply, self._most):
                ids.setdefault(pair.reply, []).append(pair.id)
                seen = prompts.setdefault(pair.reply, set())
                if len(seen) <= self._most:
                    seen.add(pair.prompt)
        refused = (ids[reply] for reply, seen in prompts.items() if len(seen) > self._most)
        yield from sorted(each for group in refused for each in group)


class ReplyCaps:
    """Refuse a pair when as many before it have the same reply as may."""

    id: ClassVar[str] = "reply_cap"

    def __init__(self, settings: ReplyCap) -> None:
        self._most = settings.most

    def refused(self, pairs: Pairs) -> Iterator[int]:
        """Yield the pairs beyond the cap of their reply."""
        counts = Counts()
        for pair in pairs():
            counts.add(pair.reply)
        exact: Counter[str] = Counter()
        for pair in pairs():
            if counts.may_exceed(pair.reply, self._most):
                exact[pair.reply] += 1
                if exact[pair.reply] > self._most:
                    yield pair.id


def _slots(text: str) -> tuple[int, int]:
    """Return two numbers of a text that are independent of each other."""
    code = hash(text)  # differs from process to process; what it decides is counted exactly after
    return code % _SLOTS, (code >> 32) % _SLOTS
