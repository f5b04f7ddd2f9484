"""The room that a store takes."""

from corpus_tools.store.cleanings import forget_changes
from corpus_tools.store.store import Store


def free_space(store: Store) -> tuple[int, int]:
    """Forget what cleaning runs keep for an undo, and return the bytes before and after."""
    before = store.size()
    forget_changes(store)
    store.compact()
    return before, store.size()
