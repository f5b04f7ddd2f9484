"""SubRip subtitles (and WebVTT): number, `start --> end`, lines of text, a blank line."""

import re
from collections.abc import Iterator

from corpus_tools.formats.readers.cues import Cue, records_of_cues
from corpus_tools.formats.readers.markup import lines_of
from corpus_tools.formats.records import Records, Skipped
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

LONGEST_CUE = 50
"""Lines of one cue; what follows without a new time belongs to nothing."""

_CLOCK = r"(?:(\d{1,3})\s*:\s*)?(\d{1,2})\s*:\s*(\d{1,2})(?:\s*[,.:]\s*(\d{1,3}))?"
_TIMES = re.compile(rf"{_CLOCK}\s*--?>\s*{_CLOCK}(?:\s.*)?", re.ASCII)
_NUMBER = re.compile(r"\s*\d+\s*")


def looks_like_srt(sample: Sample) -> float:
    """Return 1.0 where the times of cues stand from the first lines on."""
    found = [bool(_TIMES.fullmatch(line.strip())) for line in sample.lines]
    return 1.0 if any(found[:10]) and sum(found) >= len(found) / 10 else 0.0


def read_srt(text: Text) -> Records:
    """Yield the dialogues of a subtitle file."""
    yield from records_of_cues(_cues(text))


def _cues(text: Text) -> Iterator[Cue | Skipped]:
    opened: tuple[int, re.Match[str]] | None = None
    lines: list[str] = []
    for number, line in text.lines():
        if times := _TIMES.fullmatch(line.strip()):
            if opened:
                yield _cue(*opened, _without_number(lines))
            opened, lines = (number, times), []
        elif opened and len(lines) < LONGEST_CUE:
            lines.append(line)
        elif line.strip() and not _NUMBER.fullmatch(line):
            reason = f"more than {LONGEST_CUE} lines in a cue" if opened else "no time before it"
            yield Skipped(number, reason, line)
    if opened:
        yield _cue(*opened, lines)


def _without_number(lines: list[str]) -> list[str]:
    """Return the lines of a cue without the number of the next one."""
    last = next((i for i in reversed(range(len(lines))) if lines[i].strip()), None)
    is_number = last is not None and _NUMBER.fullmatch(lines[last])
    return lines[:last] if is_number else lines


def _cue(number: int, times: re.Match[str], lines: list[str]) -> Cue:
    clock = times.groups()
    raw = "\n".join(lines).strip()
    return Cue(number, _millis(*clock[:4]), _millis(*clock[4:]), lines_of(raw), raw)


def _millis(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "").ljust(3, "0"))
