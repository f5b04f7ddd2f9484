"""What a corpus-wide filter gets and gives."""

from collections.abc import Callable, Iterator
from typing import ClassVar, NamedTuple, Protocol


class AcceptedPair(NamedTuple):
    """A pair of the store that no filter before has refused; both texts normalised."""

    id: int
    prompt: str
    reply: str


Pairs = Callable[[], Iterator[AcceptedPair]]
"""Read the accepted pairs anew, in the order of their ids."""


class Judge(Protocol):
    """A corpus-wide filter.

    It keeps in memory what is suspicious, and tables whose size does not depend on the corpus;
    for `near_duplicate` see there.
    """

    id: ClassVar[str]

    def refused(self, pairs: Pairs) -> Iterator[int]:
        """Yield the ids of the pairs to refuse, each once."""
        ...
