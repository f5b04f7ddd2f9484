"""Candidates with a label: `label TAB turn TAB … TAB candidate`, label 1 for the true reply."""

from corpus_tools.formats.records import Dialogue, Records, Skipped, Turn
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

_LABELS = ("0", "1")


def looks_like_candidates(sample: Sample) -> float:
    """Return 1.0 where nearly every line has a label, a turn and a candidate, and both occur."""
    rows = [line.split("\t") for line in sample.lines]
    labels = [row[0] for row in rows if len(row) > 2 and row[0] in _LABELS]
    return 1.0 if len(labels) > 0.9 * len(rows) and len(set(labels)) == 2 else 0.0


def read_candidates(text: Text) -> Records:
    """Yield the dialogues of label 1, whose turns are context of the candidate, the one reply."""
    for number, line in text.lines():
        label, *turns = line.split("\t")
        if label not in _LABELS or len(turns) < 2:
            if line.strip():
                yield Skipped(number, "not a label 0 or 1, turns and a candidate", line)
        elif label == "0":
            yield Skipped(number, "label 0: not the reply", line)
        else:
            yield Dialogue(tuple(Turn(turn) for turn in turns), context=len(turns) - 1)
