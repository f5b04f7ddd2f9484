"""The accepted pairs of a store as ids, in batches of similar length."""

import hashlib
import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from chatbot.errors import StoreError
from chatbot.text import Tokenizer, normalise
from chatbot.training.config import DataConfig
from chatbot.vocabulary import EOS, PAD

STORE_SCHEMAS = (1, 2)
"""The schema versions of stores whose `pairs` view is read here (docs/store.md)."""

_POOL = 64
"""Batches that are sorted by length together: enough to save padding, few enough to stay random."""


class Batch(NamedTuple):
    """Hold padded ids: sources end with EOS, replies too."""

    src: Tensor  # (B, S) int64
    src_len: Tensor  # (B,) int64
    reply: Tensor  # (B, T) int64


class Store:
    """Read accepted pairs through the store's documented view; nothing is ever written."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise StoreError(f"{self.path}: no such store. 'corpus import FILE' makes one.")
        with self._connect() as connection:
            row = connection.execute("SELECT version FROM schema_info").fetchone()
        version = row[0] if row else None
        if version not in STORE_SCHEMAS:
            raise StoreError(
                f"{self.path}: store schema {version}; this version reads "
                f"{' and '.join(map(str, STORE_SCHEMAS))}. "
                "Upgrade duihua or import the corpus again."
            )

    def pairs(self, split: str) -> Iterator[tuple[str, str]]:
        """Yield (prompt, reply) of the accepted pairs of a split, in the order of import."""
        query = (
            "SELECT prompt, reply FROM pairs WHERE split = ? AND rejected IS NULL ORDER BY pair_id"
        )
        with self._connect() as connection:
            yield from connection.execute(query, (split,))

    def word_counts(self, split: str) -> Counter[str]:
        """Count the words of the accepted pairs of a split, as the import segmented them.

        The words leave out the spaces between Latin words, which are tokens too.
        """
        counts: Counter[str] = Counter()
        query = (
            "SELECT prompt_words, reply_words, prompt, reply FROM pairs"
            " WHERE split = ? AND rejected IS NULL"
        )
        with self._connect() as connection:
            for *words, prompt, reply in connection.execute(query, (split,)):
                counts.update(" ".join(words).split())
                for text in (prompt, reply):
                    if " " in text:
                        counts[" "] += normalise(text).count(" ")
        return +counts

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self.path.resolve().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=30)) as connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{self.path}: not a corpus store ({error}). Name one that 'corpus import' wrote."
            ) from error


class Pairs:
    """Hold pairs as ids in flat arrays: four bytes a token, whatever their number."""

    def __init__(self, pairs: Iterable[tuple[str, str]], tokenizer: Tokenizer, data: DataConfig):
        """Encode the pairs; one whose reply is longer than `data.max_reply` is left out."""
        self._ids = array("i")
        self._ends = array("q", [0])  # source, reply, source, reply, …
        self.left_out = 0
        for prompt, reply in pairs:
            answer = tokenizer.encode(reply)
            if len(answer) >= data.max_reply:
                self.left_out += 1
                continue
            self._append(tokenizer.source(prompt, data.max_source))
            self._append([*answer, EOS])

    def __len__(self) -> int:
        return len(self._ends) // 2

    def __getitem__(self, index: int) -> tuple[list[int], list[int]]:
        """Return the source and the reply of a pair, both with EOS."""
        start, middle, end = self._ends[2 * index : 2 * index + 3]
        return self._ids[start:middle].tolist(), self._ids[middle:end].tolist()

    def fingerprint(self) -> str:
        """Return a checksum of all ids: two runs with the same one saw the same data."""
        return hashlib.sha256(self._ids.tobytes() + self._ends.tobytes()).hexdigest()

    def batches(self, batch_tokens: int, *, seed: int | None) -> Iterator[Batch]:
        """Return batches of at most `batch_tokens` ids, padding included.

        Pairs of like length stand together. The order depends on `seed` alone; with None, which
        is for evaluation, it is by length.
        """
        return map(self.batch, self.plan(batch_tokens, seed=seed))

    def plan(self, batch_tokens: int, *, seed: int | None) -> list[list[int]]:
        """Return the pairs of each batch by their numbers, as `batches` yields them."""
        if seed is None:
            return list(self._cut(sorted(range(len(self)), key=self._rank), batch_tokens))
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self), generator=generator).tolist()
        typical = max(1, len(self._ids) // max(1, len(self)))
        pool = _POOL * max(1, batch_tokens // typical)
        groups = [
            group
            for start in range(0, len(order), pool)
            for group in self._cut(
                sorted(order[start : start + pool], key=self._rank), batch_tokens
            )
        ]
        return [groups[i] for i in torch.randperm(len(groups), generator=generator).tolist()]

    def _cut(self, order: list[int], batch_tokens: int) -> Iterator[list[int]]:
        group: list[int] = []
        source = reply = 0
        for index in order:
            s, t = self._length(index)
            source, reply = max(source, s), max(reply, t)
            if group and (source + reply) * (len(group) + 1) > batch_tokens:
                yield group
                group, source, reply = [], s, t
            group.append(index)
        if group:
            yield group

    def _rank(self, index: int) -> tuple[int, int]:
        """Sort by reply, then to and fro by source: neighbours are alike in both lengths."""
        source, reply = self._length(index)
        return reply, source if reply % 2 else -source

    def _length(self, index: int) -> tuple[int, int]:
        start, middle, end = self._ends[2 * index : 2 * index + 3]
        return middle - start, end - middle

    def batch(self, indices: list[int]) -> Batch:
        """Return the pairs of these numbers, padded."""
        pairs = [self[index] for index in indices]
        sources = [torch.tensor(source) for source, _ in pairs]
        replies = [torch.tensor(reply) for _, reply in pairs]
        return Batch(
            pad_sequence(sources, batch_first=True, padding_value=PAD),
            torch.tensor([len(source) for source in sources]),
            pad_sequence(replies, batch_first=True, padding_value=PAD),
        )

    def _append(self, ids: list[int]) -> None:
        self._ids.extend(ids)
        self._ends.append(len(self._ids))
