"""The corpus-wide filters: each reads the accepted pairs of the whole store and names some."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from corpus_tools.cleaning.profile import Profile


class AcceptedPair(NamedTuple):
    """A pair of the store that no filter before has refused; both texts normalised."""

    id: int
    prompt: str
    reply: str


Pairs = Callable[[], Iterator[AcceptedPair]]
"""Read the accepted pairs anew, in the order of their ids."""


class Judge(Protocol):
    """A corpus-wide filter."""

    id: str

    def refused(self, pairs: Pairs) -> Iterator[int]:
        """Yield the ids of the pairs to refuse, each once."""
        ...


def judges(profile: Profile) -> list[Judge]:  # noqa: ARG001
    """Return the corpus-wide filters that are on, in the order of the profile."""
    return []
