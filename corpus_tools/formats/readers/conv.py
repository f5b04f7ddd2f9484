"""`.conv`: a line `E` opens a dialogue, a line `M text` is one turn of it."""

import re

from corpus_tools.formats.records import (
    LARGEST_DIALOGUE,
    LONGEST_DIALOGUE,
    Dialogue,
    Records,
    Skipped,
    Turn,
)
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text


def looks_like_conv(sample: Sample) -> float:
    """Return the share of the lines that are `E` or `M text`."""
    marked = sum(bool(re.fullmatch(r"E\s*|M .*", line)) for line in sample.lines)
    return marked / len(sample.lines) if sample.lines else 0.0


def read_conv(text: Text) -> Records:
    """Yield the dialogues of a `.conv` file."""
    turns: list[Turn] = []
    size = 0
    for number, line in text.lines():
        mark, _, words = line.partition(" ")
        if mark == "M":
            turns.append(Turn(words))
            size += len(words)
        elif line.strip() and line.strip() != "E":
            yield Skipped(number, "neither 'E' nor 'M text'", line)
        is_full = len(turns) == LONGEST_DIALOGUE or size >= LARGEST_DIALOGUE
        if turns and (mark != "M" or is_full):
            yield Dialogue(tuple(turns))
            turns, size = [], 0
    if turns:
        yield Dialogue(tuple(turns))
