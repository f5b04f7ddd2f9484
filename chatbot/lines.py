"""The lines of a stream, none of them without end."""

from collections.abc import Iterator
from typing import TextIO

from chatbot.errors import UsageError

MAX_LINE = 1_000_000
"""Characters of the longest line that is read: what is longer is no turn of a conversation."""


def lines(stream: TextIO) -> Iterator[str]:
    """Yield each line, without its end, as soon as it is there; a longer one is a `UsageError`."""
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise UsageError(
                f"line {number} of the input has more than {MAX_LINE:,} characters; "
                "expected one turn of a conversation a line."
            )
        yield line.rstrip("\r\n")
