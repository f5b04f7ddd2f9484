"""Near duplicates: texts that have most of their pairs of neighbouring characters in common.

MinHash (Broder 1997) with bands finds texts that may be alike; which of them are, their real pairs
decide. What grows with the corpus lies in temporary files: the texts, and 8 bytes a text and band.
In memory are 8 bytes a text for its place, and the numbers of one band at a time.
"""

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice, pairwise
from tempfile import TemporaryFile, gettempdir
from typing import IO, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from corpus_tools.cleaning.accepted import Pairs
from corpus_tools.cleaning.settings import NearDuplicate
from corpus_tools.errors import CorpusError, UsageError

PERMUTATIONS = 64
RECALL = 0.98
"""Share of the pairs of texts just alike enough that the bands are to find."""

_SEED = 1
_AT_ONCE = 10_000
_REPRESENTATIVES = 8
"""Texts of one band that a further one is compared with, so that many alike take linear time."""

IsKnown = Callable[[int, int], bool]


class NearDuplicates:
    """Refuse a pair that is nearly one before it."""

    id: ClassVar[str] = "near_duplicate"

    def __init__(self, settings: NearDuplicate) -> None:
        self._similarity = settings.similarity

    def refused(self, pairs: Pairs) -> Iterator[int]:
        """Yield the later pair of every two that are alike."""
        texts = ((pair.id, f"{pair.prompt}\t{pair.reply}") for pair in pairs())
        with Texts(texts, self._similarity) as stored:
            refused: set[int] = set()
            for _, later in stored.alike(lambda _, later: later in refused):
                refused.add(later)
            yield from (stored.ids[place] for place in sorted(refused))


def clustered(texts: Iterable[tuple[int, str]], threshold: float) -> Iterator[tuple[int, int]]:
    """Yield (id, cluster) as `judges.clusters` says."""
    with Texts(texts, threshold) as stored:
        parents: dict[int, int] = {}
        known: IsKnown = lambda one, other: _root(parents, one) == _root(parents, other)  # noqa: E731
        for one, other in stored.alike(known):
            first, last = sorted((_root(parents, one), _root(parents, other)))
            parents[last] = first
        members = {place for link in parents.items() for place in link}
        for place in sorted(members):
            yield stored.ids[place], stored.ids[_root(parents, place)]


class Texts:
    """Texts in a temporary file, with the bands of their MinHash in others."""

    def __init__(self, texts: Iterable[tuple[int, str]], similarity: float) -> None:
        self._similarity = similarity
        self._bands, self._rows = _bands(similarity)
        self.ids = array("q")
        self._offsets = array("Q", [0])
        self._files = ExitStack()
        try:
            self._text_file = self._temporary()
            self._band_files = [self._temporary() for _ in range(self._bands)]
            self._store(iter(texts))
        except OSError as error:
            self._files.close()
            raise CorpusError(
                f"near duplicates need temporary files in {gettempdir()}: {error.strerror}. "
                "Make room there, or name another folder in TMPDIR."
            ) from error
        except BaseException:
            self._files.close()
            raise

    def __enter__(self) -> "Texts":
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def alike(self, is_known: IsKnown) -> Iterator[tuple[int, int]]:
        """Yield the places of two texts that are alike, the earlier one first.

        Two of which `is_known` says so are not compared, nor all in a crowd: a text is compared
        with the last few that were unlike each other.
        """
        for file in self._band_files:
            for crowd in _crowds(file):
                yield from self._alike_in(crowd, is_known)

    def _alike_in(self, crowd: Sequence[int], is_known: IsKnown) -> Iterator[tuple[int, int]]:
        seen: deque[tuple[int, frozenset[Any]]] = deque(maxlen=_REPRESENTATIVES)
        for place in crowd:
            shingles = frozenset(_shingles(self._text(place)))
            for earlier, others in seen:
                if is_known(earlier, place):
                    break
                if self._are_alike(others, shingles):
                    yield earlier, place
                    break
            else:
                seen.append((place, shingles))

    def _are_alike(self, one: frozenset[Any], other: frozenset[Any]) -> bool:
        common = len(one & other)
        return common >= self._similarity * (len(one) + len(other) - common)

    def _store(self, texts: Iterator[tuple[int, str]]) -> None:
        digests = _digests()
        while batch := list(islice(texts, _AT_ONCE)):
            for identifier, text in batch:
                data = text.encode("utf-8", "surrogatepass")
                self._text_file.write(data)
                self.ids.append(identifier)
                self._offsets.append(self._offsets[-1] + len(data))
            rows = digests([_shingles(text) for _, text in batch])
            numbers = chain.from_iterable(rows)
            matrix = np.fromiter(numbers, np.uint64, len(batch) * PERMUTATIONS)
            self._store_bands(matrix.reshape(len(batch), PERMUTATIONS))
        for file in (self._text_file, *self._band_files):
            file.flush()

    def _store_bands(self, matrix: NDArray[np.uint64]) -> None:
        used = matrix[:, : self._bands * self._rows]
        rows = used.reshape(len(matrix), self._bands, self._rows)  # (N, bands, rows)
        code = np.zeros(rows.shape[:2], np.uint64)  # (N, bands)
        for row in range(self._rows):
            code = (code ^ rows[:, :, row]) * np.uint64(0x9E3779B97F4A7C15)
            code ^= code >> np.uint64(29)
        for band, file in enumerate(self._band_files):
            file.write(np.ascontiguousarray(code[:, band]).tobytes())

    def _text(self, place: int) -> str:
        start, end = self._offsets[place], self._offsets[place + 1]
        self._text_file.seek(start)
        return self._text_file.read(end - start).decode("utf-8", "surrogatepass")

    def _temporary(self) -> IO[bytes]:
        return self._files.enter_context(TemporaryFile(prefix="duihua-"))


def _crowds(file: IO[bytes]) -> Iterator[list[int]]:
    """Yield the places, in order, of texts whose numbers in this band are equal."""
    file.seek(0)
    codes = np.frombuffer(file.read(), np.uint64)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=codes[order[:1]] ^ np.uint64(1)))
    ends = np.append(starts[1:], len(codes))
    for index in np.flatnonzero(ends - starts > 1):
        yield order[starts[index] : ends[index]].tolist()


def _bands(similarity: float) -> tuple[int, int]:
    """Return how many bands of how many rows: as many rows as find the share `RECALL`."""
    for rows in range(PERMUTATIONS, 1, -1):
        bands = PERMUTATIONS // rows
        if 1 - (1 - similarity**rows) ** bands >= RECALL:
            return bands, rows
    return PERMUTATIONS, 1


def _shingles(text: str) -> list[str]:
    return [one + other for one, other in pairwise(text)] or [text]


def _root(parents: dict[int, int], place: int) -> int:
    while (parent := parents.get(place, place)) != place:
        parents[place] = parents.get(parent, parent)  # halve the way for the next time
        place = parent
    return place


def _digests() -> Callable[[list[list[str]]], list[list[int]]]:
    """Return the function that computes MinHash signatures, a row a text."""
    try:
        from rensa import RMinHash  # noqa: PLC0415 - only who asks for it needs the extra
    except ImportError as error:
        raise UsageError(
            "near duplicates need rensa, which is not installed. Run: pip install 'duihua[near]'"
        ) from error
    return lambda shingles: RMinHash.digests_from_token_sets(shingles, PERMUTATIONS, _SEED)
