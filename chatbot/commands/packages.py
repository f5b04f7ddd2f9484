"""Packages that not every install has, and how those that are there behave."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from chatbot.errors import MissingExtraError


@contextmanager
def needs_extra(command: str, extra: str) -> Iterator[None]:
    """Answer a package that is not installed with the line that installs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("chatbot", "corpus_tools"):  # ours: not an extra but a bug
            raise
        raise MissingExtraError(command, extra, package) from error


def let_threads_sleep() -> None:
    """Say how PyTorch's threads wait for each other; to be called before it is imported."""
    # Before torch loads: threads that spin long while they wait are many times slower as soon as
    # another program wants a core; threads that do not spin at all are slower on a free machine.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
