"""Pairs of ids on disk, and batches of similar length made of them."""

import hashlib
import math
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chatbot.errors import TrainingError
from chatbot.text import NORMALISATION, Tokenizer
from chatbot.training.config import Recipe
from chatbot.training.store import Store
from chatbot.vocabulary import EOS, PAD, SEPARATOR, Vocabulary

Indices = npt.NDArray[np.int64]

_IDS, _ENDS = np.dtype("<i4"), np.dtype("<i8")

_POOL = 512
"""Batches that are sorted by length together: enough to save padding, few enough to stay random."""

_RELEASE = 64
"""Batches after which the pages that were read are given back: memory does not grow with data."""


class Batch(NamedTuple):
    """Hold padded ids: sources end with EOS, replies too."""

    src: Tensor  # (B, S) int64
    src_len: Tensor  # (B,) int64, on the CPU
    reply: Tensor  # (B, T) int64

    @property
    def tokens(self) -> int:
        """Return the number of reply tokens, padding left out."""
        return int((self.reply != PAD).sum())

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device; the lengths stay, for they are read on the CPU."""
        return Batch(self.src.to(device), self.src_len, self.reply.to(device))


class Codec:
    """Turn the text of a store into the ids that a recipe trains on."""

    def __init__(self, recipe: Recipe, vocabulary: Vocabulary) -> None:
        self._data = recipe.data
        self.tokenizer = tokenizer(recipe, vocabulary)
        known = recipe.model.outputs(len(vocabulary))
        self._replies = Tokenizer(vocabulary.first(known))
        self.left_out = 0

    def encoded_split(self, store: Store, split: str) -> Iterator[tuple[list[int], list[int]]]:
        """Yield the pairs of a split, with the turns before them that the recipe reads."""
        return self.encoded(store.pairs(split, context=self._data.context))

    def encoded(self, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[list[int], list[int]]]:
        """Yield source and reply, both with EOS; too long a reply is left out and counted."""
        for prompt, reply in pairs:
            answer = self._replies.encode(reply)
            if len(answer) >= self._data.max_reply:
                self.left_out += 1
            else:
                yield self.tokenizer.source(prompt, self._data.max_source), [*answer, EOS]


def tokenizer(recipe: Recipe, vocabulary: Vocabulary) -> Tokenizer:
    """Return what cuts the sources of a recipe; with context, it keeps turns apart."""
    if recipe.data.source == "characters":
        vocabulary = vocabulary.in_characters()
    if not recipe.data.context:
        return Tokenizer(vocabulary)
    return Tokenizer(vocabulary, {k: v for k, v in NORMALISATION.items() if k != SEPARATOR})


class Pairs:
    """Hold pairs as ids in two files, mapped into memory: four bytes a token.

    `NAME.ids` holds the ids of source, reply, source, reply …; `NAME.ends` where each ends.
    """

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self._ends = _mapped(_path(prefix, "ends"), _ENDS)
        self._ids = _mapped(_path(prefix, "ids"), _IDS)
        ends = self._ends
        if not (len(ends) % 2 and ends[0] == 0 and ends[-1] == len(self._ids)):
            raise TrainingError(f"{prefix}: the ids of the pairs are damaged. Train anew.")
        self._read = 0

    @classmethod
    def write(
        cls, prefix: Path, examples: Iterable[tuple[Sequence[int], Sequence[int]]]
    ) -> "Pairs":
        """Keep source and reply ids, both with EOS, as `prefix`.ids and `prefix`.ends."""
        beside = {kind: prefix.with_name(f".{prefix.name}.{kind}") for kind in ("ids", "ends")}
        try:
            prefix.parent.mkdir(parents=True, exist_ok=True)
            with beside["ids"].open("wb") as ids, beside["ends"].open("wb") as ends:
                _write(examples, ids.write, ends.write)
            for kind, path in beside.items():
                path.replace(_path(prefix, kind))
        except OSError as error:
            raise TrainingError(f"{prefix}: the pairs cannot be written ({error}).") from error
        finally:
            for path in beside.values():
                path.unlink(missing_ok=True)
        return cls(prefix)

    def __len__(self) -> int:
        return len(self._ends) // 2

    def __getitem__(self, index: int) -> tuple[list[int], list[int]]:
        """Return the source and the reply of a pair, both with EOS."""
        start, middle, end = self._ends[2 * index : 2 * index + 3]
        return self._ids[start:middle].tolist(), self._ids[middle:end].tolist()

    def fingerprint(self) -> str:
        """Return a checksum of all ids: two runs with the same one saw the same data."""
        digest = hashlib.sha256()
        for kind in ("ids", "ends"):
            with _path(self.prefix, kind).open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()

    def lengths(self) -> Indices:
        """Return the tokens of each source and reply, EOS included: (pairs, 2)."""
        return np.diff(self._ends).reshape(-1, 2)

    def batches(self, batch_tokens: int, *, seed: int | None) -> Iterator[Batch]:
        """Return batches of at most `batch_tokens` ids, padding included; see `plan`."""
        return map(self.batch, self.plan(batch_tokens, seed=seed))

    def plan(
        self, batch_tokens: int, *, most: int = 0, seed: int | None, together: int = 1
    ) -> list[Indices]:
        """Return the pairs of each batch by their numbers, at most `most` where it is set.

        Pairs of like length stand together, and so do so many batches `together`: processes that
        take one each need not wait for each other. The order depends on `seed` alone; with None,
        which is for evaluation, it is always the same.
        """
        lengths = self.lengths()
        most = most or max(1, len(self))
        # Batches that there would be without padding.
        batches = max(len(self._ids) / batch_tokens, len(self) / most, 1.0)
        if seed is None:
            pools = [np.arange(len(self))]
        else:
            generator = np.random.default_rng(seed)
            pools = np.array_split(generator.permutation(len(self)), math.ceil(batches / _POOL))
        groups = [
            group
            for pool in pools
            if len(pool)
            for group in _cut(
                _alike(pool, lengths, batches / len(pools)), lengths, batch_tokens, most
            )
        ]
        if seed is None:
            return groups
        runs = len(groups) // together
        order = (generator.permutation(runs)[:, None] * together + np.arange(together)).ravel()
        return [groups[i] for i in order] + groups[runs * together :]

    def batch(self, indices: Sequence[int] | Indices) -> Batch:
        """Return the pairs of these numbers, padded."""
        pairs = [self[index] for index in indices]
        self._read += 1
        if self._read % _RELEASE == 0:
            _release(self._ids)
        sources, replies = zip(*pairs, strict=True)
        return Batch(padded(sources), torch.tensor([*map(len, sources)]), padded(replies))


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return the rows as one tensor (B, longest), PAD behind each."""
    table = np.full((len(rows), max(map(len, rows))), PAD, dtype=np.int64)
    for line, row in zip(table, rows, strict=True):
        line[: len(row)] = row
    return torch.from_numpy(table)


def _alike(order: Indices, lengths: Indices, batches: float) -> Indices:
    """Sort so that neighbours are alike in both lengths, for so many batches to be cut.

    By reply into strips of the same number of tokens, and within each strip by source, to and fro:
    a batch is then a tile of the plane of both lengths, about as high as it is wide.
    """
    source, reply = lengths[order].T
    strips = max(1, round(1.3 * math.sqrt(batches)))  # measured: less padding than 1 or 2 times
    by_reply = np.lexsort((source, reply))
    tokens = np.cumsum(source[by_reply] + reply[by_reply])
    strip = np.empty(len(order), dtype=np.int64)
    strip[by_reply] = (tokens - 1) * strips // tokens[-1]
    return order[np.lexsort((np.where(strip % 2, source, -source), strip))]


def _cut(order: Indices, lengths: Indices, most_tokens: int, most: int) -> Iterator[Indices]:
    """Yield pieces of the order that stay within both limits; a single pair always does."""
    start = source = reply = 0
    for place, (s, t) in enumerate(lengths[order].tolist()):
        source, reply = max(source, s), max(reply, t)
        full = place - start == most or (source + reply) * (place - start + 1) > most_tokens
        if place > start and full:
            yield order[start:place]
            start, source, reply = place, s, t
    if start < len(order):
        yield order[start:]


def _write(
    examples: Iterable[tuple[Sequence[int], Sequence[int]]],
    ids: Callable[[bytes], object],
    ends: Callable[[bytes], object],
) -> None:
    end = 0
    ends(np.array([0], _ENDS).tobytes())
    for source, reply in examples:
        ids(np.array([*source, *reply], _IDS).tobytes())
        middle = end + len(source)
        end = middle + len(reply)
        ends(np.array([middle, end], _ENDS).tobytes())


def _path(prefix: Path, kind: str) -> Path:
    return prefix.with_name(f"{prefix.name}.{kind}")


def _mapped(path: Path, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return the numbers of a file without reading it into memory."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not size:  # which cannot be mapped
                return np.zeros(0, kind)
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), kind)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path}: no ids of pairs ({error}). Train anew.") from error


def _release(array: npt.NDArray[Any]) -> None:
    """Give the pages of a mapped file back; the next reader finds them where they were."""
    mapped = getattr(array.base, "obj", None)
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
