"""Replies with their context: `turn<s>turn<s>… TAB reply`."""

import re

from corpus_tools.formats.records import Dialogue, Records, Skipped, Turn
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

_BETWEEN = "<s>"
_LEAST_SPLIT = 0.2


def looks_like_contexts(sample: Sample) -> float:
    """Return 1.0 where nearly every line has one tab, and many have `<s>` between words before it.

    `</s>` would make `<s>` the mark of a sentence, which opens a line and parts nothing.
    """
    if not sample.lines or "</s>" in sample.text:
        return 0.0
    tabbed = sum(line.count("\t") == 1 for line in sample.lines)
    split = sum(bool(re.match(r"[^\t]*\S<s>\s*\S[^\t]*\t", line)) for line in sample.lines)
    regular = tabbed > 0.9 * len(sample.lines) and split > _LEAST_SPLIT * len(sample.lines)
    return 1.0 if regular else 0.0


def read_contexts(text: Text) -> Records:
    """Yield a dialogue a line, of which the last turn is the one reply."""
    for number, line in text.lines():
        if not line.strip():
            continue
        context, *replies = line.split("\t")
        if len(replies) == 1:
            turns = [*context.split(_BETWEEN), replies[0]]
            yield Dialogue(tuple(Turn(turn) for turn in turns), context=len(turns) - 1)
        else:
            yield Skipped(number, f"{1 + len(replies)} fields instead of 2", line)
