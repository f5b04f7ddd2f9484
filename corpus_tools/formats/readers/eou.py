"""DailyDialog: `turn __eou__ turn __eou__ …`, a dialogue a line; behind a tab come its labels."""

from corpus_tools.formats.records import LONGEST_DIALOGUE, Dialogue, Records, Skipped, Turn
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

_END = "__eou__"


def looks_like_eou(sample: Sample) -> float:
    """Return 1.0 where nearly every line has the mark."""
    marked = sum(_END in line for line in sample.lines)
    return 1.0 if sample.lines and marked > 0.9 * len(sample.lines) else 0.0


def read_eou(text: Text) -> Records:
    """Yield the dialogue of every line, without topic, acts and emotions."""
    for number, line in text.lines():
        if not line.strip():
            continue
        turns = line.partition("\t")[0].split(_END)
        if len(turns) == 1:
            yield Skipped(number, f"no {_END} in the line", line)
            continue
        if not turns[-1].strip():
            turns.pop()
        for start in range(0, len(turns), LONGEST_DIALOGUE):
            part = turns[start : start + LONGEST_DIALOGUE]
            yield Dialogue(tuple(Turn(turn) for turn in part))
