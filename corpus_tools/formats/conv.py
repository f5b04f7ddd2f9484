"""`.conv`: a line `E` opens a dialogue, a line `M text` is one turn of it."""

from corpus_tools.formats.records import LONGEST_DIALOGUE, Dialogue, Records, Skipped, Turn
from corpus_tools.formats.text import Text


def read_conv(text: Text) -> Records:
    """Yield the dialogues of a `.conv` file."""
    turns: list[Turn] = []
    for number, line in text.lines():
        mark, _, words = line.partition(" ")
        if mark == "M":
            turns.append(Turn(words))
        elif line.strip() and line.strip() != "E":
            yield Skipped(number, "neither 'E' nor 'M text'", line)
        if turns and (mark != "M" or len(turns) == LONGEST_DIALOGUE):
            yield Dialogue(tuple(turns))
            turns = []
    if turns:
        yield Dialogue(tuple(turns))
