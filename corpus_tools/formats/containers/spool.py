"""Bytes that have to lie on disk as a plain file, in a private folder that goes away."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus_tools.formats.containers.packing import Chunks


@contextmanager
def spooled(chunks: Chunks) -> Iterator[Path]:
    """Give the path of a file with these bytes, which only this user can read."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        path = Path(folder, "spooled")
        with path.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
        yield path
