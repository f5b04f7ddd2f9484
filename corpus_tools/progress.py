"""How far an import has come, on stderr: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click

from corpus_tools.formats import Source
from corpus_tools.store import ImportRow

LINE_EVERY = 5.0  # seconds
LONGEST_LABEL = 16  # leaves a bar on a terminal of 40 columns


class Progress:
    """The progress of one import."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._bar: Any = None
        self._said = time.monotonic()
        if sys.stderr.isatty():
            self._bar = click.progressbar(
                length=source.size,
                file=sys.stderr,
                label=Path(source.path).name[-LONGEST_LABEL:],
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

    def show(self, row: ImportRow) -> None:
        """Show that the store has come as far as `row`."""
        if self._bar:
            self._bar.update(self._source.position - self._bar.pos)
        elif time.monotonic() - self._said >= LINE_EVERY:
            self._said = time.monotonic()
            share = self._source.position / self._source.size
            click.echo(f"{row.path}: {share:.0%}, {row.pairs_done:,} pairs", err=True)
