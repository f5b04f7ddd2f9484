"""What an input is, told before anything is done with it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from corpus_tools.errors import ReadError
from corpus_tools.formats.records import Dialogue, Records
from corpus_tools.formats.source import Source

MOST_PAIRS = 5

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file, a member, or two files together are; `columns` is empty where there are none."""

    name: str
    format: str
    encoding: str
    confidence: float
    columns: str
    spacing: str
    pairs: tuple[Pair, ...]


def sniff(source: Source) -> list[Sniffed]:
    """Return what every part of an input is, with its first pairs as they are going to be read."""
    return [
        Sniffed(
            name=part.name,
            format=part.format,
            encoding=", ".join(dict.fromkeys(file.encoding for file in part.files)),
            confidence=part.confidence,
            columns=part.columns,
            spacing=part.spacing,
            pairs=_first(MOST_PAIRS, records),
        )
        for part, records in source.records_by_part()
    ]


def _first(count: int, records: Records) -> tuple[Pair, ...]:
    """Return the first pairs of what may be broken further on, which an import will tell."""
    found: list[Pair] = []
    with suppress(ReadError):
        found.extend(islice(_pairs(records), count))
    return tuple(found)


def _pairs(records: Records) -> Iterator[Pair]:
    for record in records:
        if isinstance(record, Dialogue):
            for place in range(max(record.context, 1), len(record.turns)):
                yield record.turns[place - 1].text, record.turns[place].text
