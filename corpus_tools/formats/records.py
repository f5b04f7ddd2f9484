"""What every reader yields, and the names under which files keep prompts, replies and turns."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Turn(NamedTuple):
    """One utterance, as it stood in the file."""

    text: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Turns that follow one another; every turn and the next one form a pair.

    The first `context` turns are there for what follows only: none of them is a reply.
    """

    turns: tuple[Turn, ...]
    context: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that is no dialogue: kept aside with its place and the reason."""

    line: int
    reason: str
    text: str
    member: str | None = None


Record = Dialogue | Skipped
Records = Iterator[Record]

LONGEST_DIALOGUE = 10_000
"""Turns after which a dialogue is cut, because one dialogue has to fit into memory."""
LARGEST_DIALOGUE = 1 << 24
"""Characters after which a dialogue is cut, for the same reason."""

# Where a record has several of them, the first name here wins.
PROMPT_NAMES = (
    *("prompt", "question", "ask", "query", "post", "input", "q", "问", "问题"),
    *("提问", "问句", "title", "标题"),
)
REPLY_NAMES = (
    *("reply", "response", "answer", "output", "a", "答", "回答", "回复"),
    *("答案", "答句", "应答", "回应"),
)
# Names of columns that say something only beside one another.
PAIRED_NAMES = (
    *(("source", "target"), ("src", "tgt"), ("上联", "下联"), ("上句", "下句")),
    *(("user", "assistant"), ("human", "assistant"), ("user", "bot"), ("human", "bot")),
)


def pair(prompt: str, reply: str) -> Dialogue:
    """Return the dialogue of two turns."""
    return Dialogue((Turn(prompt), Turn(reply)))
