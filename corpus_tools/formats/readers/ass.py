"""SubStation Alpha subtitles (ASS and SSA): a line `Dialogue: …,start,end,…,text` is a cue."""

import re
from collections.abc import Iterator

from corpus_tools.formats.readers.cues import Cue, records_of_cues
from corpus_tools.formats.readers.markup import lines_of
from corpus_tools.formats.records import Records, Skipped
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

_COLUMNS = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect"]
_COLUMNS += ["text"]
_CLOCK = re.compile(r"\s*(\d{1,3}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,3}))?\s*", re.ASCII)


def looks_like_ass(sample: Sample) -> float:
    """Return 1.0 for the head of such a file, 0.9 where most lines are cues."""
    first = sample.lines[0].strip().lower() if sample.lines else ""
    if first in {"[script info]", "[v4+ styles]", "[v4 styles]", "[events]"}:
        return 1.0
    cues = sum(line.startswith("Dialogue:") for line in sample.lines)
    return 0.9 if cues and cues >= len(sample.lines) / 2 else 0.0


def read_ass(text: Text) -> Records:
    """Yield the dialogues; comments, styles and fonts are never shown and are no records."""
    yield from records_of_cues(_cues(text))


def _cues(text: Text) -> Iterator[Cue | Skipped]:
    columns = _COLUMNS
    section = ""
    for number, line in text.lines():
        kind, _, rest = line.strip().partition(":")
        if kind.startswith("[") and kind.endswith("]"):
            section = kind.lower()
        elif kind == "Format" and section == "[events]":
            columns = [name.strip().lower() for name in rest.split(",")]
        elif kind == "Dialogue":
            yield _cue(number, rest, columns)


def _cue(number: int, rest: str, columns: list[str]) -> Cue | Skipped:
    values = rest.split(",", len(columns) - 1)
    fields = dict(zip(columns, values, strict=False))
    times = [_CLOCK.fullmatch(fields.get(name, "")) for name in ("start", "end")]
    start, end = (_millis(time) if time else None for time in times)
    if start is None or end is None or "text" not in fields:
        return Skipped(number, "a cue without start, end and text", rest)
    return Cue(number, start, end, lines_of(fields["text"], is_ass=True), fields["text"])


def _millis(time: re.Match[str]) -> int:
    hours, minutes, seconds, fraction = time.groups()
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "").ljust(3, "0"))
