"""How far a command has come, on stderr: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Any, Self

import click

LINE_EVERY = 5.0  # seconds
LONGEST_LABEL = 16  # leaves a bar on a terminal of 40 columns


class Progress:
    """How much of `length` is done, in whatever unit."""

    def __init__(self, label: str, length: int) -> None:
        self._label = label
        self._length = length
        self._bar: Any = None
        self._said = time.monotonic()
        if sys.stderr and sys.stderr.isatty():
            self._bar = click.progressbar(
                length=length,
                file=sys.stderr,
                label=label[-LONGEST_LABEL:],
                width=0,  # what the label leaves: a bar that wraps is not redrawn but repeated
            )

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.__exit__(kind, error, trace)

    def show(self, done: int, remark: str = "") -> None:
        """Show that `done` of the length is done; the remark stands on the line."""
        if self._bar:
            self._bar.update(done - self._bar.pos)
        elif time.monotonic() - self._said >= LINE_EVERY:
            self._said = time.monotonic()
            click.echo(f"{self._label}: {done / max(self._length, 1):.0%}{remark}", err=True)
