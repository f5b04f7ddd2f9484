"""Poems in JSON: of a line of two clauses, the second answers the first."""

import re
from collections.abc import Sequence
from typing import Any

from corpus_tools.formats.records import Record, Skipped, pair

LINES_NAME = "paragraphs"
TITLE_NAMES = ("title", "author", "rhythmic")
_TWO_CLAUSES = re.compile(r"([^，。！？]+)，([^，。！？]+)[。！？]")


def is_poem(value: Any) -> bool:
    """Tell whether a JSON value is an object with a title or an author, and lines of text."""
    if not isinstance(value, dict) or not any(name in value for name in TITLE_NAMES):
        return False
    lines = value.get(LINES_NAME)
    return isinstance(lines, list) and all(isinstance(line, str) for line in lines)


def poem_records(lines: Sequence[str], place: int) -> list[Record]:
    """Return the pair of every line `上句，下句。`, without comma and end, and the other lines."""
    records: list[Record] = []
    for line in lines:
        clauses = _TWO_CLAUSES.fullmatch(line.strip())
        reason = "not two clauses with a comma between them"
        records.append(pair(*clauses.groups()) if clauses else Skipped(place, reason, line))
    return records or [Skipped(place, "a poem without lines", "")]
