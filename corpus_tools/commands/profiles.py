"""Which cleaning profile a command works by."""

from pathlib import Path

from corpus_tools.cleaning import Profile
from corpus_tools.store import Store


def profile_of(store: Store, path: Path | None) -> Profile:
    """Return the profile in the file, else that of the last cleaning run, else the defaults."""
    if path is not None:
        return Profile.load(path)
    kept = store.profile()
    return Profile() if kept is None else Profile.from_dict(kept)
