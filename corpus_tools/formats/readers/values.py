"""Rows of values out of a database: those without text where it is expected are put aside."""

from collections.abc import Iterator, Sequence
from typing import Any

from corpus_tools.formats.readers.columns import Columns, Pairs, Turns
from corpus_tools.formats.readers.grouping import grouped
from corpus_tools.formats.records import Dialogue, Records, Skipped, Turn, pair
from corpus_tools.formats.text import LONGEST_LINE

Row = tuple[int, Sequence[Any]]  # its number from 1, its values


def records_of_rows(rows: Iterator[Row | Skipped], columns: Columns) -> Records:
    """Yield the pairs or the dialogues that `columns` make of the rows."""
    meaning = columns.meaning
    if isinstance(meaning, Turns):
        yield from grouped(_turn(row, meaning, columns.header) for row in rows)
        return
    for row in rows:
        yield _pair(row, meaning, columns.header)


def _pair(row: Row | Skipped, pairs: Pairs, names: Sequence[str]) -> Dialogue | Skipped:
    if isinstance(row, Skipped):
        return row
    prompt, reply = row[1][pairs.prompt], row[1][pairs.reply]
    if problem := _problem(row, (pairs.prompt, pairs.reply), names):
        return problem
    addition = None if pairs.addition is None else row[1][pairs.addition]
    more = isinstance(addition, str) and addition.strip()
    return pair(f"{prompt}\n{addition}" if more else prompt, reply)


def _turn(row: Row | Skipped, turns: Turns, names: Sequence[str]) -> tuple[str, Turn] | Skipped:
    if isinstance(row, Skipped):
        return row
    if problem := _problem(row, (turns.text,), names):
        return problem
    dialogue = row[1][turns.dialogue]
    if not isinstance(dialogue, (str, int)):
        return _skipped(row, f"no dialogue under {names[turns.dialogue]!r}")
    speaker = None if turns.speaker is None else row[1][turns.speaker]
    named = str(speaker) if isinstance(speaker, (str, int)) and speaker != "" else None
    return str(dialogue), Turn(row[1][turns.text], named)


def _problem(row: Row, needed: Sequence[int], names: Sequence[str]) -> Skipped | None:
    for column in needed:
        value = row[1][column]
        if value is None:
            return _skipped(row, f"nothing under {names[column]!r}")
        if not isinstance(value, str):
            return _skipped(row, f"no text under {names[column]!r}")
        if len(value) > LONGEST_LINE:
            return _skipped(row, f"over {LONGEST_LINE:,} characters under {names[column]!r}")
    return None


def _skipped(row: Row, reason: str) -> Skipped:
    texts = (value[:LONGEST_LINE] for value in row[1] if isinstance(value, str))
    return Skipped(row[0], reason, "\t".join(texts))
