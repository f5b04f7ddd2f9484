"""TSV and CSV: one pair a row, with or without a header."""

import csv
from collections import deque
from collections.abc import Iterator, Sequence

from corpus_tools.formats.records import (
    PROMPT_NAMES,
    REPLY_NAMES,
    Records,
    Skipped,
    pair,
)
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

LONGEST_ROW = 1_000
"""Lines after which a quote that nothing closes is taken for a slip."""

Row = tuple[int, list[str]]  # the line where it begins, its fields
Line = tuple[int, str]
Columns = tuple[int, int]


def looks_like_tsv(sample: Sample) -> float:
    """Return 0.9 for a tab in the first line."""
    return 0.9 if sample.lines and "\t" in sample.lines[0] else 0.0


def looks_like_csv(sample: Sample) -> float:
    """Return 0.9 for a header that names both sides, 0.3 for a comma in the first line."""
    first = sample.lines[0] if sample.lines else ""
    return 0.9 if columns_of(first.split(",")) else 0.1 if "," in first else 0.0


def read_tsv(text: Text) -> Records:
    """Yield a pair a line, question TAB answer; quotes mean nothing."""
    rows = ((number, line.split("\t")) for number, line in text.lines() if line.strip(" "))
    return _pairs(rows, delimiter="\t")


def read_csv(text: Text) -> Records:
    """Yield a pair a row; a quoted field may hold commas, quotes and line breaks."""
    return _pairs(_csv_rows(text), delimiter=",")


def columns_of(fields: Sequence[str]) -> Columns | None:
    """Return where prompt and reply stand, if `fields` is a header that names both."""
    names = [field.strip().lower() for field in fields]
    prompt = next((names.index(name) for name in PROMPT_NAMES if name in names), None)
    reply = next((names.index(name) for name in REPLY_NAMES if name in names), None)
    return None if prompt is None or reply is None else (prompt, reply)


def _pairs(rows: Iterator[Row | Skipped], *, delimiter: str) -> Records:
    width, columns = 2, (0, 1)
    for index, row in enumerate(rows):
        if isinstance(row, Skipped):
            yield row
            continue
        number, fields = row
        named = columns_of(fields) if index == 0 else None
        if named:
            width, columns = len(fields), named
        elif len(fields) == width:
            yield pair(fields[columns[0]], fields[columns[1]])
        else:
            reason = f"{len(fields)} fields instead of {width}"
            yield Skipped(number, reason, delimiter.join(fields))


def _csv_rows(text: Text) -> Iterator[Row | Skipped]:
    """Parse row by row, so that a stray quote costs its own line and nothing behind it."""
    lines = text.lines()
    again: deque[Line] = deque()
    while first := _next_line(again, lines):
        taken = [first]
        fields = _parse_row(taken, again, lines)
        if fields is None:
            again.extendleft(reversed(taken[1:]))
            yield Skipped(first[0], "a quote that is not closed, or text behind one", first[1])
        elif any(field.strip() for field in fields):
            yield first[0], fields


def _parse_row(taken: list[Line], again: deque[Line], lines: Iterator[Line]) -> list[str] | None:
    """Return the fields of the row that begins with the line taken, and take what it needs."""

    def feed() -> Iterator[str]:
        yield taken[0][1] + "\n"
        while len(taken) < LONGEST_ROW and (line := _next_line(again, lines)):
            taken.append(line)
            yield line[1] + "\n"

    try:
        return next(csv.reader(feed(), strict=True), [])
    except csv.Error:
        return None


def _next_line(again: deque[Line], lines: Iterator[Line]) -> Line | None:
    return again.popleft() if again else next(lines, None)
