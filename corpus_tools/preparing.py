"""From raw turns to cleaned, segmented and judged ones: what one process does with a batch."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from chatbot.text import normalise
from corpus_tools.cleaning import CONTEXT, Cleaner
from corpus_tools.keys import dialogue_key, pair_key
from corpus_tools.segmenter import Segmenter


class Batch(NamedTuple):
    """Dialogues as they were said: their texts one behind the other, and how long each is.

    The first `contexts` turns of a dialogue are no replies. Columns, and not an object a dialogue,
    because they go from process to process.
    """

    texts: list[str]
    sizes: list[int]
    contexts: list[int]

    def dialogues(self) -> Iterator[tuple[list[str], int]]:
        """Yield the texts of every dialogue, and how many are context."""
        start = 0
        for size, context in zip(self.sizes, self.contexts, strict=True):
            yield self.texts[start : start + size], context
            start += size


class Prepared(NamedTuple):
    """What became of a batch: a key a dialogue; all else a value a turn.

    A pair key is None where a turn ends no pair: the first of a dialogue, and those of its context.
    """

    dialogue_keys: list[int]
    texts: list[str]
    words: list[str]
    rejected: list[str | None]
    pair_keys: list[int | None]


Job = TypeVar("Job")


class Prepare(Protocol):
    """Turn batches into prepared ones, in order, here or in other processes."""

    def __call__(self, jobs: Iterable[tuple[Job, Batch]], /) -> Iterable[tuple[Job, Prepared]]:
        """Yield what the caller keeps with a batch, and what became of the batch."""


class Preparing:
    """Clean, segment and judge; duplicates are left to the store."""

    def __init__(self, cleaner: Cleaner, segmenter: Segmenter) -> None:
        self._cleaner = cleaner
        self._segmenter = segmenter

    def prepare(self, batch: Batch) -> Prepared:
        """Prepare every turn of a batch."""
        texts = [self._cleaner.clean(text) for text in batch.texts]
        normal = [normalise(text) for text in texts]
        rejected: list[str | None] = []
        keys: list[int | None] = []
        start = 0
        for size, context in zip(batch.sizes, batch.contexts, strict=True):
            self._judge(normal[start : start + size], context, rejected, keys)
            start += size
        return Prepared(
            [dialogue_key(said) for said, _ in batch.dialogues()],
            texts,
            self._segmenter.joined_words(normal),
            rejected,
            keys,
        )

    def _judge(
        self,
        turns: Sequence[str],
        context: int,
        rejected: list[str | None],
        keys: list[int | None],
    ) -> None:
        """Add the verdict on every turn of a dialogue, and its key where it ends a pair."""
        previous = ""
        for position, turn in enumerate(turns):
            if position and position >= context:
                rejected.append(self._cleaner.refusal(previous, turn))
                keys.append(pair_key(previous, turn))
            else:
                rejected.append(CONTEXT if position else None)
                keys.append(None)
            previous = turn
