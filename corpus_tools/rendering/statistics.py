"""Pairs and figures as text for a terminal, and as JSON."""

import json
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from corpus_tools.store import (
    CleaningSize,
    Frequent,
    ImportRow,
    Lengths,
    Pair,
    SourceSize,
    Statistics,
    Vocabulary,
)

WIDTH = 80
"""Columns of a terminal that no line goes beyond."""

_BAR = 30
_LABEL = 24
_INDENT = 2
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def statistics_text(statistics: Statistics) -> str:
    """Return all figures as sections of aligned lines."""
    sections = {
        "imports": _import_lines(statistics.imports, statistics.sources),
        "pairs": _bars({"accepted": statistics.accepted, **statistics.refused}),
        "malformed records": _bars(statistics.skipped),
        "splits": (
            f"{name:<6} {size.dialogues:>11,} dialogues {size.accepted:>11,} accepted pairs"
            for name, size in statistics.splits.items()
        ),
        "prompt length": _lengths(statistics.prompts, statistics.prompt_words),
        "reply length": _lengths(statistics.replies, statistics.reply_words),
        "vocabulary": _vocabulary(statistics.vocabulary),
        "frequent words": _frequent(statistics.words),
        "frequent replies": _frequent(statistics.top_replies),
        "cleaning runs": _cleanings(statistics.cleanings),
    }
    indent = " " * _INDENT
    return "\n\n".join(
        "\n".join([title, *(f"{indent}{line}" for line in lines)])
        for title, lines in ((title, list(lines)) for title, lines in sections.items())
        if lines
    )


def statistics_json(statistics: Statistics) -> str:
    """Return all figures as one JSON object."""
    return json.dumps(asdict(statistics), ensure_ascii=False, indent=2, default=str)


def pair_text(pair: Pair) -> str:
    """Return a pair as three lines."""
    verdict = f", refused: {pair.rejected}" if pair.rejected else ""
    return (
        f"#{pair.pair_id} {pair.split}, {pair.source}{verdict}\n  > {pair.prompt}\n  < {pair.reply}"
    )


def pair_json(pair: Pair) -> str:
    """Return a pair as one line of JSON."""
    return json.dumps(pair._asdict(), ensure_ascii=False)


def cells(text: str) -> int:
    """Return how many columns of a terminal `text` takes: a Han character takes two."""
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )


def fitted(text: str, columns: int) -> str:
    """Return `text` in exactly so many columns, cut or filled up, and nothing that moves them."""
    text = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    if cells(text) > columns:
        while cells(text) >= columns:
            text = text[:columns] if len(text) > columns else text[:-1]
        text += "…"
    return text + " " * (columns - cells(text))


def _import_lines(imports: Iterable[ImportRow], sources: Iterable[SourceSize]) -> Iterator[str]:
    for row, source in zip(imports, sources, strict=True):
        state = f"licence {row.license or 'not given'}, {row.state}"
        yield fitted(f"#{row.id} {row.path}", WIDTH - _INDENT).rstrip()
        yield fitted(f"   {row.format}, {row.encoding}, {state}", WIDTH - _INDENT).rstrip()
        yield from _wrapped(
            f"{row.dialogues_done:,} dialogues, {row.turns_done:,} turns; "
            f"{row.pairs_done:,} pairs: {source.accepted:,} accepted, "
            f"{sum(source.refused.values()):,} refused; {source.malformed:,} malformed"
        )
        if source.refused:
            # Joined by a space at which no line is broken.
            rules = (f"{rule}\u00a0{count:,}" for rule, count in source.refused.items())
            yield from _wrapped(f"refused: {', '.join(rules)}")


def _wrapped(text: str) -> Iterator[str]:
    lines = textwrap.wrap(text, WIDTH - _INDENT, initial_indent=" " * 3, subsequent_indent=" " * 5)
    return (line.replace("\u00a0", " ") for line in lines)


def _bars(counts: Mapping[str, int]) -> Iterator[str]:
    most = max(counts.values(), default=0)
    return (
        f"{count:>11,}  {fitted(name, _LABEL)} {_bar(count, most)}".rstrip()
        for name, count in counts.items()
    )


def _lengths(characters: Lengths, words: Lengths) -> Iterator[str]:
    for lengths, unit in ((characters, "characters"), (words, "words")):
        yield f"median {lengths.median}, 95 % up to {lengths.p95}, longest {lengths.longest} {unit}"
    most = max(characters.bars.values())
    for name, count in characters.bars.items():
        yield f"{name:>5} {count:>11,} {_bar(count, most)}".rstrip()


def _vocabulary(vocabulary: Vocabulary) -> Iterator[str]:
    if not vocabulary.tokens:
        return
    yield f"{vocabulary.tokens:,} words, {vocabulary.types:,} different ones"
    for share, size in vocabulary.needed.items():
        yield f"{size:>11,}  most frequent words are {share} % of the text {_bar(share, 100, 20)}"


def _frequent(frequent: Sequence[Frequent]) -> Iterator[str]:
    most = max((each.count for each in frequent), default=0)
    for each in frequent:
        label = fitted(each.text, _LABEL)
        yield f"{each.count:>11,}  {label} {each.share:>6.2%} {_bar(each.count, most)}"


def _cleanings(cleanings: Iterable[CleaningSize]) -> Iterator[str]:
    for each in cleanings:
        when = f"{each.created_at:%Y-%m-%d %H:%M} UTC"
        yield f"#{each.cleaning_id} {when}, {each.changed:,} turns changed"


def _bar(count: int, most: int, columns: int = _BAR) -> str:
    return "█" * round(columns * count / most) if most else ""
