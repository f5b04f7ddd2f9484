"""Lines of text as rows of fields: split at a delimiter, or CSV with its quotes."""

import csv
from collections import deque
from collections.abc import Iterator

from corpus_tools.formats.records import Skipped

LONGEST_ROW = 1_000
"""Lines after which a quote that nothing closes is taken for a slip."""

Line = tuple[int, str]
Row = tuple[int, list[str]]  # the line where it begins, its fields
Rows = Iterator[Row | Skipped]


def split_rows(lines: Iterator[Line], delimiter: str) -> Rows:
    """Yield a row a line, without the blank ones; quotes mean nothing."""
    return ((number, line.split(delimiter)) for number, line in lines if line.strip(" "))


def csv_rows(lines: Iterator[Line], delimiter: str) -> Rows:
    """Parse row by row, so that a stray quote costs its own line and nothing behind it."""
    again: deque[Line] = deque()
    while first := _next_line(again, lines):
        if '"' in first[1] or "\r" in first[1]:
            taken = [first]
            fields = _parse_row(taken, again, lines, delimiter=delimiter)
            if isinstance(fields, str):
                again.extendleft(reversed(taken[1:]))
                yield Skipped(first[0], fields, first[1])
                continue
        else:
            fields = first[1].split(delimiter)
        if any(field and not field.isspace() for field in fields):
            yield first[0], fields


def _parse_row(
    taken: list[Line], again: deque[Line], lines: Iterator[Line], *, delimiter: str
) -> list[str] | str:
    """Return the fields of the row that begins with the line taken, and take what it needs.

    Where it is none, return the reason.
    """

    def feed() -> Iterator[str]:
        yield taken[0][1] + "\n"
        while len(taken) < LONGEST_ROW and (line := _next_line(again, lines)):
            taken.append(line)
            yield line[1] + "\n"

    try:
        return next(csv.reader(feed(), strict=True, delimiter=delimiter), [])
    except csv.Error as error:
        if "field limit" in str(error):
            return f"a quoted field of more than {csv.field_size_limit():,} characters"
        return "a quote that is not closed, or text behind one"


def _next_line(again: deque[Line], lines: Iterator[Line]) -> Line | None:
    return again.popleft() if again else next(lines, None)
