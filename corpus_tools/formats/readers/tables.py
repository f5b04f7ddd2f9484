"""TSV, CSV and tables of any delimiter: one pair a row, or one turn."""

import re
from collections.abc import Iterator
from itertools import chain

from corpus_tools.errors import UsageError
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.readers.columns import Pairs, Turns, columns_of, meaning_of
from corpus_tools.formats.readers.grouping import grouped
from corpus_tools.formats.readers.rows import Line, Row, Rows, csv_rows, split_rows
from corpus_tools.formats.records import Records, Skipped, Turn, pair
from corpus_tools.formats.sample import MOST_LINES, Sample
from corpus_tools.formats.text import Text

_LARGEST_HEAD = 1 << 20  # characters


def looks_like_tsv(sample: Sample) -> float:
    """Return 0.9 or 0.6 where nearly all or most lines have text on both sides of a tab."""
    halves = (line.partition("\t") for line in sample.lines)
    tabbed = sum(bool(before.strip() and after.strip()) for before, _, after in halves)
    share = tabbed / len(sample.lines) if sample.lines else 0.0
    return 0.9 if share > 0.9 else 0.6 if share > 0.5 else 0.0


def looks_like_csv(sample: Sample) -> float:
    """Return 0.9 for a header of known names, or where every line is quoted fields."""
    if not sample.lines:
        return 0.0
    if any(meaning_of(_header(sample.lines[0], delimiter)) for delimiter in ",;"):
        return 0.9
    quoted = sum(bool(re.fullmatch(r'"[^"]*"(,"[^"]*")+', line)) for line in sample.lines)
    return 0.9 if quoted > 0.9 * len(sample.lines) else 0.1 if "," in sample.lines[0] else 0.0


def read_tsv(text: Text, layout: Layout) -> Records:
    """Yield what the rows say, question TAB answer without a header; quotes mean nothing."""
    return _records(split_rows(text.lines(), _tab(layout)), layout, "\t", name=text.name)


def read_csv(text: Text, layout: Layout) -> Records:
    """Yield what the rows say; a quoted field may hold commas, quotes and line breaks."""
    lines, delimiter = _csv_lines(text.lines(), layout)
    return _records(csv_rows(lines, delimiter), layout, delimiter, name=text.name)


def read_delimited(text: Text, layout: Layout) -> Records:
    """Yield what the rows say, split at the delimiter that `layout` gives; quotes mean nothing."""
    delimiter = _given(layout)
    return _records(split_rows(text.lines(), delimiter), layout, delimiter, name=text.name)


def describe_tsv(sample: Sample, layout: Layout) -> str:
    """Return which columns are read as what."""
    return _described(split_rows(_lines(sample), _tab(layout)), sample, layout)


def describe_csv(sample: Sample, layout: Layout) -> str:
    """Return which columns are read as what."""
    lines, delimiter = _csv_lines(_lines(sample), layout)
    return _described(csv_rows(lines, delimiter), sample, layout)


def describe_delimited(sample: Sample, layout: Layout) -> str:
    """Return which columns are read as what."""
    return _described(split_rows(_lines(sample), _given(layout)), sample, layout)


def _tab(layout: Layout) -> str:
    if layout.delimiter not in {None, "\t", r"\t"}:
        raise UsageError(
            f"'tsv' is split at tabs, not at {layout.delimiter!r}. Use --format delimited."
        )
    return "\t"


def _given(layout: Layout) -> str:
    if not layout.delimiter:
        raise UsageError("The format 'delimited' needs --delimiter, such as --delimiter '@@'.")
    return "\t" if layout.delimiter == r"\t" else layout.delimiter


def _csv_lines(lines: Iterator[Line], layout: Layout) -> tuple[Iterator[Line], str]:
    """Return the lines and the delimiter: as given, or a semicolon where the header shows it."""
    if layout.delimiter:
        delimiter = _given(layout)
        if len(delimiter) > 1 or delimiter in '"\r\n':
            raise UsageError(
                f"'csv' is split at one character, not at {delimiter!r}. Use --format delimited."
            )
        return lines, delimiter
    first = next(lines, None)
    if first is None:
        return lines, ","
    is_semicolon = meaning_of(_header(first[1], ";")) and not meaning_of(_header(first[1], ","))
    return chain([first], lines), ";" if is_semicolon else ","


def _header(line: str, delimiter: str) -> list[str]:
    row = next(csv_rows(iter([(1, line)]), delimiter), None)
    return row[1] if isinstance(row, tuple) else []


def _lines(sample: Sample) -> Iterator[Line]:
    return iter(enumerate(sample.lines, 1))


def _described(rows: Rows, sample: Sample, layout: Layout) -> str:
    return str(columns_of(_fields(_head(rows)), layout, name=sample.name))


def _records(rows: Rows, layout: Layout, delimiter: str, *, name: str) -> Records:
    head = _head(rows)
    columns = columns_of(_fields(head), layout, name=name)
    if columns.header:
        head.remove(next(row for row in head if not isinstance(row, Skipped)))
    every = chain(head, rows)
    if isinstance(columns.meaning, Turns):
        yield from grouped(_turns(every, columns.meaning, columns.width, delimiter))
    else:
        yield from _pairs(every, columns.meaning, columns.width, delimiter)


def _pairs(rows: Rows, pairs: Pairs, width: int, delimiter: str) -> Records:
    prompt, reply, addition = pairs.prompt, pairs.reply, pairs.addition
    for row in rows:
        if isinstance(row, Skipped):
            yield row
        elif len(row[1]) != width:
            yield _irregular(row, width, delimiter)
        elif addition is not None and row[1][addition].strip():
            yield pair(f"{row[1][prompt]}\n{row[1][addition]}", row[1][reply])
        else:
            yield pair(row[1][prompt], row[1][reply])


def _turns(
    rows: Rows, turns: Turns, width: int, delimiter: str
) -> Iterator[tuple[str, Turn] | Skipped]:
    for row in rows:
        if isinstance(row, Skipped):
            yield row
        elif len(row[1]) != width:
            yield _irregular(row, width, delimiter)
        else:
            speaker = None if turns.speaker is None else row[1][turns.speaker]
            yield row[1][turns.dialogue], Turn(row[1][turns.text], speaker or None)


def _irregular(row: Row, width: int, delimiter: str) -> Skipped:
    return Skipped(row[0], f"{len(row[1])} fields instead of {width}", delimiter.join(row[1]))


def _head(rows: Rows) -> list[Row | Skipped]:
    """Take the rows that decide on the meaning of the columns."""
    head: list[Row | Skipped] = []
    size = 0
    for row in rows:
        head.append(row)
        size += len(row.text) if isinstance(row, Skipped) else sum(map(len, row[1]))
        if len(head) == MOST_LINES or size > _LARGEST_HEAD:
            break
    return head


def _fields(head: list[Row | Skipped]) -> list[list[str]]:
    return [row[1] for row in head if not isinstance(row, Skipped)]
