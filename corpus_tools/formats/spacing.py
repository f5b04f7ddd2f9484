"""Text that was cut by spaces, around every character or every word, found out and joined."""

import re
from collections.abc import Callable, Iterable
from types import MappingProxyType

NONE, CHARACTERS, WORDS = SPACINGS = ("none", "characters", "words")

_HAN = re.compile("[〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_LEAST_HAN = 4  # fewer in a turn say nothing
_LEAST_TURNS = 3
_LEAST_SHARE = 0.9  # of the turns
_LONGEST_WORDS = 3.0  # characters on average; a clause between two spaces has more

# Letters and digits that are written with spaces: Latin, Greek, Cyrillic …, also full-width ones.
_LETTER = "0-9A-Za-z\u00c0-\u1fff０-９Ａ-Ｚａ-ｚ"
_BESIDE_OTHERS = re.compile(f"(?<![{_LETTER}]) +| +(?![{_LETTER}])")
_LETTERS_APART = re.compile(f"[{_LETTER}] +[{_LETTER}]")
_SINGLE_LETTERS = re.compile(
    f"(?<![{_LETTER}][{_LETTER}])(?<=[{_LETTER}]) (?=[{_LETTER}](?![{_LETTER}]))"
)
_SPACES = re.compile(" {2,}")


def spacing_of(turns: Iterable[str]) -> str:
    """Return how most of the turns are spaced: 'none', 'characters' or 'words'."""
    found = [spacing for turn in turns if (spacing := _spacing_of_turn(turn))]
    for spacing in (CHARACTERS, WORDS):
        fitting = found.count(spacing) + (found.count(CHARACTERS) if spacing == WORDS else 0)
        if len(found) >= _LEAST_TURNS and fitting >= _LEAST_SHARE * len(found):
            return spacing
    return NONE


def join_characters(text: str) -> str:
    """Join a text with a space around every character; words of Latin letters stay apart.

    >>> join_characters("我 有 iphone 6 了 ， o k")
    '我有iphone 6了，ok'
    """
    if not _LETTERS_APART.search(text):
        return text.replace(" ", "")
    return _SINGLE_LETTERS.sub("", join_words(text))


def join_words(text: str) -> str:
    """Join a text with a space around every word; only those between Latin words stay.

    >>> join_words("我 的 iphone 6 坏 了 ！")
    '我的iphone 6坏了！'
    """
    if not _LETTERS_APART.search(text):
        return text.replace(" ", "")
    return _SPACES.sub(" ", _BESIDE_OTHERS.sub("", text))


def _spacing_of_turn(turn: str) -> str | None:
    """Return the spacing of one turn, or None where it is too short to show one."""
    runs = _HAN.findall(turn)
    han = sum(map(len, runs))
    if han < _LEAST_HAN:
        return None
    tokens = [token for token in turn.split(" ") if _HAN.search(token)]
    if len(tokens) == han:
        return CHARACTERS
    return WORDS if len(tokens) > 1 and han <= _LONGEST_WORDS * len(tokens) else NONE


JOINERS: "MappingProxyType[str, Callable[[str], str]]" = MappingProxyType(
    {CHARACTERS: join_characters, WORDS: join_words}
)
"""What joins text of either spacing; 'none' needs nothing."""
