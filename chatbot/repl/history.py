"""What was typed, kept for the next time and for nobody else."""

import os
from pathlib import Path

from platformdirs import user_state_path
from prompt_toolkit.history import FileHistory, History, InMemoryHistory


class PrivateHistory(FileHistory):
    """Keep lines in a file that only its owner reads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600))
        path.chmod(0o600)  # it may be older than we are
        super().__init__(path)

    def store_string(self, string: str) -> None:
        """Append a line; a lone surrogate, which no file can hold, becomes a question mark."""
        super().store_string(string.encode(errors="replace").decode())


def open_history(keep: bool) -> History:
    """Return the history of earlier sessions, or an empty one that ends with this session."""
    if not keep:
        return InMemoryHistory()
    try:
        return PrivateHistory(user_state_path("duihua") / "history")
    except OSError:  # a home that cannot be written is no reason not to talk
        return InMemoryHistory()
