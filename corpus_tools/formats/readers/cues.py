"""Subtitle cues in the order of their time: one turn a cue, a pause ends the dialogue."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from corpus_tools.formats.readers.markup import chinese_lines, is_bilingual, is_credit, turns_in
from corpus_tools.formats.readers.talk import Talk
from corpus_tools.formats.records import LARGEST_DIALOGUE, LONGEST_DIALOGUE, Records, Skipped

LONGEST_PAUSE = 5_000
"""Milliseconds without words that end a dialogue.

Of the gaps in 30 episodes of film subtitles half are under 0.1 s and 93 % under 5 s; what is longer
is a change of scene more often than a silence.
"""
LEAST_BILINGUAL = 0.2
"""Share of cues with a Chinese and another line from which on the other lines are translations."""


class Cue(NamedTuple):
    """What is shown from `start` to `end`, in milliseconds; `raw` is the text as in the file."""

    line: int
    start: int
    end: int
    lines: list[str]
    raw: str


def records_of_cues(cues: Iterable[Cue | Skipped]) -> Records:
    """Yield the dialogues, and the cues without words or with credits.

    Cues are sorted by time in blocks of up to 10,000, about ten episodes.
    """
    block: list[Cue] = []
    size = 0
    for cue in cues:
        if isinstance(cue, Skipped):
            yield cue
        elif reason := _refusal(cue):
            yield Skipped(cue.line, reason, cue.raw)
        else:
            block.append(cue)
            size += len(cue.raw)
        if len(block) == LONGEST_DIALOGUE or size >= LARGEST_DIALOGUE:
            yield from _dialogues(block)
            block, size = [], 0
    yield from _dialogues(block)


def _refusal(cue: Cue) -> str | None:
    if not cue.lines:
        return "a cue without words"
    return "a credit of the subtitles" if is_credit(cue.lines) else None


def _dialogues(block: list[Cue]) -> Records:
    shown = list(_together(sorted(block, key=_times)))
    bilingual = sum(is_bilingual(lines) for _, _, lines in shown)
    is_translated = bilingual > LEAST_BILINGUAL * len(shown)
    talk, until = Talk(), 0
    for start, end, lines in shown:
        if start - until >= LONGEST_PAUSE:
            yield from talk.end()
        until = max(until, end)
        both = is_translated and is_bilingual(lines)
        for words in turns_in(chinese_lines(lines) if both else lines):
            yield from talk.say(words)
    yield from talk.end()


def _together(cues: Iterable[Cue]) -> Iterator[tuple[int, int, list[str]]]:
    """Yield what is shown at exactly the same time as one: two languages, or two layers."""
    for (start, end), group in groupby(cues, key=_times):
        yield start, end, list(dict.fromkeys(line for cue in group for line in cue.lines))


def _times(cue: Cue) -> tuple[int, int]:
    return cue.start, cue.end
