"""What a text is cut into before its tokens are compared."""

import re
from collections.abc import Callable
from typing import Literal

from chatbot.text import Tokenizer, normalise, translation

Unit = Literal["word", "character", "space"]

NAMES: dict[Unit, str] = {
    "word": "by word",
    "character": "by character",
    "space": "between spaces",
}

_BETWEEN_SPACES = re.compile(r"[,.!?，。！？]|[^ ,.!?，。！？]+")


def cutter(unit: Unit, tokenizer: Tokenizer) -> Callable[[str], list[str]]:
    """Return what cuts a text, after the tokenizer's normalisation, which every reply has.

    word       the tokens of the tokenizer, spaces between Latin words left out
    character  every character but spaces
    space      what stands between spaces; the marks , . ! ? stand alone, as in D2L, section 9.5
    """
    table = translation(tokenizer.table)
    match unit:
        case "word":
            return lambda text: [word for word in tokenizer.words(text) if word != " "]
        case "character":
            return lambda text: [c for c in normalise(text, table) if not c.isspace()]
        case "space":
            return lambda text: _BETWEEN_SPACES.findall(normalise(text, table))
