"""Pair filters: what a prompt and its reply, both normalised, can be refused for."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from corpus_tools.cleaning.characters import HAN
from corpus_tools.cleaning.private import finder
from corpus_tools.cleaning.profile import Profile
from corpus_tools.cleaning.settings import Echo, NotChinese, TooLong, TooShort
from corpus_tools.cleaning.words import Words

Filter = Callable[[str, str], bool]

_HAN = re.compile(f"[{HAN}]")
_FOREIGN_WORD = re.compile(
    # Latin and its like count by the word; scripts without spaces by the character.
    "[a-zA-Z\u00aa-\u1fff]+|[\u3040-\u30ff\u31f0-\u31ff\uac00-\ud7af]"
)
_READABLE = re.compile(r"[^\W_]")
_LOST = "\N{REPLACEMENT CHARACTER}"


def filters(profile: Profile) -> Iterator[tuple[str, Filter]]:
    """Yield the filters that are on, with their ids, in the order of the profile."""
    is_private, words = finder(profile.private), Words(profile.word_list.words)
    made: dict[str, Filter | None] = {
        "undecodable": undecodable,
        "empty": empty,
        "too_short": too_short(profile.too_short),
        "too_long": too_long(profile.too_long),
        "not_chinese": not_chinese(profile.not_chinese),
        "echo": echo(profile.echo),
        "private": _either(is_private) if is_private else None,
        "word_list": _either(words.in_text) if words else None,
    }
    for name, refuses in made.items():
        if refuses and getattr(profile, name).on:
            yield name, refuses


def undecodable(prompt: str, reply: str) -> bool:
    """Refuse a pair with a character that stands for bytes that are no text."""
    return _LOST in prompt or _LOST in reply


def empty(prompt: str, reply: str) -> bool:
    """Refuse a pair with a side that holds no letter, Han, digit or emoji."""
    return not (_says_something(prompt) and _says_something(reply))


def too_short(settings: TooShort) -> Filter:
    """Return the filter of pairs with a side of few characters."""
    return lambda prompt, reply: len(prompt) < settings.prompt or len(reply) < settings.reply


def too_long(settings: TooLong) -> Filter:
    """Return the filter of pairs with a side that is no chat any more."""
    return lambda prompt, reply: len(prompt) > settings.prompt or len(reply) > settings.reply


def not_chinese(settings: NotChinese) -> Filter:
    """Return the filter of pairs with too few Han among their words."""
    share = settings.share

    def refuses(prompt: str, reply: str) -> bool:
        foreign = len(_FOREIGN_WORD.findall(prompt)) + len(_FOREIGN_WORD.findall(reply))
        if not foreign:
            return False
        han = len(_HAN.findall(prompt)) + len(_HAN.findall(reply))
        return han < share * (han + foreign)

    return refuses


def echo(settings: Echo) -> Filter:
    """Return the filter of replies that say the prompt again.

    With a share under 1, of replies that have that share of their pairs of neighbouring characters
    in common with the prompt (Dice's coefficient).
    """
    if settings.share == 1:
        return lambda prompt, reply: prompt == reply
    return lambda prompt, reply: prompt == reply or _likeness(prompt, reply) >= settings.share


def _likeness(prompt: str, reply: str) -> float:
    one, other = Counter(pairwise(prompt)), Counter(pairwise(reply))
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


def _either(test: Callable[[str], bool]) -> Filter:
    return lambda prompt, reply: test(prompt) or test(reply)


def _says_something(text: str) -> bool:
    return bool(_READABLE.search(text)) or any(unicodedata.category(c) == "So" for c in text)
