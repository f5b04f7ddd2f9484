"""Cleaning: rules (text → text) and filters (pair → whether to refuse it), two lists in order.

Every function stands for itself; its name is the name of the rule in the store and in `stats`.
"""

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise

LONGEST_PROMPT = 256
LONGEST_REPLY = 256
LEAST_HAN_SHARE = 0.3
LONGEST_REPEAT = 3

_HAN = re.compile("[〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_FOREIGN_WORD = re.compile(
    # Latin and its like count by the word; scripts without spaces by the character.
    "[a-zA-Z\u00aa-\u1fff]+|[\u3040-\u30ff\u31f0-\u31ff\uac00-\ud7af]"
)
# Controls other than white space; zero-width and direction marks. The joiner U+200D stays, since
# it holds emoji together.
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
)
_SPACES = re.compile(r"\s+")
_REPEAT = re.compile(rf"(\D)\1{{{LONGEST_REPEAT},}}", re.DOTALL)
_READABLE = re.compile(r"[^\W_]")


def drop_controls(text: str) -> str:
    """Drop the characters that nobody sees."""
    return _CONTROL.sub("", text)


def squeeze_spaces(text: str) -> str:
    """Make every run of white space, line breaks included, one space."""
    return _SPACES.sub(" ", text)


def join_spaced(text: str) -> str:
    """Join a text that was written with a space around every Han character.

    Between two Latin words or numbers the space stays, unless both are single characters too.
    """
    tokens = text.split(" ")
    han = [token for token in tokens if _HAN.search(token)]
    if len(han) < 2 or any(len(token) > 1 for token in han):
        return text
    joined = tokens[0]
    for left, right in pairwise(tokens):
        joined += f" {right}" if _are_words(left, right) else right
    return joined


def squeeze_repeats(text: str) -> str:
    """Shorten four and more of one character to three; digits stay, for they may be a number."""
    return _REPEAT.sub(lambda match: match[1] * LONGEST_REPEAT, text)


def strip(text: str) -> str:
    """Drop white space at both ends."""
    return text.strip()


def _are_words(left: str, right: str) -> bool:
    return (
        left[-1:].isascii()
        and left[-1:].isalnum()
        and right[:1].isascii()
        and right[:1].isalnum()
        and (len(left) > 1 or len(right) > 1)
    )


Rule = Callable[[str], str]
RULES: tuple[Rule, ...] = (drop_controls, squeeze_spaces, join_spaced, squeeze_repeats, strip)


def clean(text: str) -> str:
    """Return `text` after all rules."""
    for rule in RULES:
        text = rule(text)
    return text


def empty(prompt: str, reply: str) -> bool:
    """Refuse a pair with a side that holds no letter, Han, digit or emoji."""
    return not (_says_something(prompt) and _says_something(reply))


def too_long(prompt: str, reply: str) -> bool:
    """Refuse a pair with a side that is no chat any more."""
    return len(prompt) > LONGEST_PROMPT or len(reply) > LONGEST_REPLY


def not_chinese(prompt: str, reply: str) -> bool:
    """Refuse a pair with too few Han characters among its words; numbers and emoji are neutral."""
    han = len(_HAN.findall(prompt)) + len(_HAN.findall(reply))
    foreign = len(_FOREIGN_WORD.findall(prompt)) + len(_FOREIGN_WORD.findall(reply))
    return han < LEAST_HAN_SHARE * (han + foreign)


def echo(prompt: str, reply: str) -> bool:
    """Refuse a reply that says the prompt again."""
    return prompt == reply


def _says_something(text: str) -> bool:
    return bool(_READABLE.search(text)) or any(unicodedata.category(c) == "So" for c in text)


Filter = Callable[[str, str], bool]
FILTERS: tuple[Filter, ...] = (empty, too_long, not_chinese, echo)
DUPLICATE = "duplicate"
"""The one refusal that needs the store: the pair has been accepted before."""
REFUSALS = (*(each.__name__ for each in FILTERS), DUPLICATE)


def refusal(prompt: str, reply: str) -> str | None:
    """Return the name of the first filter that refuses the normalised pair, or None."""
    return next((each.__name__ for each in FILTERS if each(prompt, reply)), None)
