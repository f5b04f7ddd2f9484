"""Which pairs are exported."""

from collections.abc import Iterator
from dataclasses import dataclass

from corpus_tools.store import Pair, Store, conversations, pairs


@dataclass(frozen=True, slots=True)
class Selection:
    """The pairs of one split or of all; with `refused` also those that a rule refused."""

    split: str | None = None
    refused: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields of a pair that are written, where a format has room for all of them."""
        fields = ("prompt", "reply", "split", "source", "license")
        return (*fields, "rejected") if self.refused else fields

    def pairs(self, store: Store) -> Iterator[Pair]:
        """Yield the pairs in the order of their import."""
        return pairs(store, refused=self.refused, split=self.split)

    def conversations(self, store: Store) -> Iterator[list[str]]:
        """Yield the turns of accepted pairs that follow one another."""
        for run in conversations(store, split=self.split):
            yield [run[0].prompt, *(pair.reply for pair in run)]
