"""Writing beside the target and renaming: an interrupted export leaves the old file."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from corpus_tools.errors import CorpusError

_SQLITE = b"SQLite format 3\0"


@contextmanager
def written_beside(*paths: Path) -> Iterator[Sequence[BinaryIO]]:
    """Give a file for every path; they get their names together, once all is written."""
    besides = [path.parent / f".{path.name}.{os.getpid()}" for path in paths]
    current = paths[0]
    try:
        with ExitStack() as stack:
            files = []
            for current, beside in zip(paths, besides, strict=True):
                _check(current)
                beside.unlink(missing_ok=True)
                files.append(stack.enter_context(beside.open("xb")))
            yield files
        for current, beside in zip(paths, besides, strict=True):
            beside.replace(current)
    except OSError as error:
        problem = error.strerror or str(error)
        raise CorpusError(f"{current}: cannot be written ({problem}).") from error
    finally:
        for beside in besides:
            with suppress(OSError):
                beside.unlink()


def write_lines(lines: Iterable[str], path: Path) -> None:
    """Write a text file in UTF-8, all of it or nothing."""
    with written_beside(path) as (file,):
        file.writelines(f"{line}\n".encode() for line in lines)


def _check(path: Path) -> None:
    if path.exists() and not path.is_file():  # a rename would put a file in its place
        raise CorpusError(f"{path}: no file. Name one, or leave --output out for stdout.")
    if path.exists():
        with path.open("rb") as file:
            if file.read(len(_SQLITE)) == _SQLITE:
                raise CorpusError(f"{path}: a database, perhaps the store. Name another file.")
