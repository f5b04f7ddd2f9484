"""Words of a sentence, by jieba's rule: the most probable path, no guessed words."""

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib import import_module
from math import ceil, exp, inf, log
from types import MappingProxyType

from corpus_tools.dictionary import BLOCK, UserWords, read_dictionary

# Two ways to cut three of one Han may be equally probable: then rounding decides, and only the same
# computation rounds alike.
_THREE_ALIKE = re.compile(r"([\u4e00-\u9fd5])\1\1")

Cut = Callable[[str, bool], list[str]]


class Segmenter:
    """jieba's dictionary in memory, read when it is needed: half a second.

    The path is computed here, from logarithms taken once, which is nearly twice as fast as
    `jieba.cut(text, HMM=False)` and gives the same. Where `rjieba` is installed (extra `fast`), it
    cuts what it is known to cut alike.
    """

    def __init__(self, user_words: UserWords = MappingProxyType({})) -> None:
        self._user_words = user_words
        self._fast_cut = None if user_words else _fast_cut()

    def __reduce__(self) -> tuple[type["Segmenter"], tuple[dict[str, int | None]]]:
        # What a process that is not forked gets: it reads the dictionary itself.
        return Segmenter, (dict(self._user_words),)

    def make_ready(self) -> None:
        """Read the dictionary now, so that processes that are forked have it in their memory."""
        _ = self._dictionary
        if self._fast_cut:
            self._fast_cut("好", False)

    def words(self, text: str) -> list[str]:
        """Return the words of `text`, without white space."""
        if self._fast_cut is None or _THREE_ALIKE.search(text):
            return self._words_by_path(text)
        words = self._fast_cut(text, False)
        if " " in text or not text.isprintable():
            return [word for word in words if not word.isspace()]
        return words

    def joined_words(self, texts: Sequence[str]) -> list[str]:
        """Return the words of every text, joined by one space; no text has a line break."""
        if self._fast_cut is None:
            return [" ".join(self._words_by_path(text)) for text in texts]
        # One call for all: most of a call for a short text goes into the call.
        lines = " ".join(self._fast_cut("\n".join(texts), False)).split("\n")
        joined = [" ".join(line.split()) if "  " in line else line.strip() for line in lines]
        for place, text in enumerate(texts):
            if _THREE_ALIKE.search(text):
                joined[place] = " ".join(self._words_by_path(text))
        return joined

    def words_with(self, part: str) -> list[str]:
        """Return the longer words of the dictionary that hold `part`, the shortest first."""
        found = [
            word
            for word, weight in self._dictionary[0].items()
            if part in word and word != part and weight > -inf
        ]
        return sorted(found, key=lambda word: (len(word), word))

    def _words_by_path(self, text: str) -> list[str]:
        words: list[str] = []
        for index, part in enumerate(BLOCK.split(text)):
            if index % 2:
                words.extend(_cut(part, *self._dictionary))
            else:
                words.extend(character for character in part if not character.isspace())
        return words

    @cached_property
    def _dictionary(self) -> tuple[dict[str, float], float]:
        weights, once = read_dictionary()
        for word, frequency in self._user_words.items():
            _add(weights, once, word, frequency)
        return weights, once


def _fast_cut() -> Cut | None:
    try:
        return import_module("rjieba").cut  # type: ignore[no-any-return]
    except ModuleNotFoundError:
        return None


def _add(weights: dict[str, float], once: float, word: str, frequency: int | None) -> None:
    """Put a word among the others; `once` is the weight of a word that occurs one time."""
    if frequency is None:
        parts = sum(weights.get(part, once) for part in _cut(word, weights, once))
        least = log(ceil(exp(parts - once)) + 1) + once
        weight = max(least, weights.get(word, -inf))
    else:
        weight = log(frequency) + once
    weights[word] = weight
    for end in range(1, len(word)):
        weights.setdefault(word[:end], -inf)


def _cut(block: str, weights: dict[str, float], unknown: float) -> list[str]:
    """Return the words of `block`; single Latin letters and digits in a row are one word."""
    ends = _best_ends(block, weights, unknown)
    words: list[str] = []
    start, latin = 0, ""
    while start < len(block):
        word = block[start : ends[start]]
        if len(word) == 1 and word.isascii() and word.isalnum():
            latin += word
        elif latin:
            words += (latin, word)
            latin = ""
        else:
            words.append(word)
        start = ends[start]
    return [*words, latin] if latin else words


def _best_ends(block: str, weights: dict[str, float], unknown: float) -> list[int]:
    """Return for every place where the first word of the best path from there ends."""
    weight_of = weights.get
    size = len(block)
    best = [0.0] * (size + 1)  # best[i]: log probability of block[i:]
    ends = [0] * size
    for start in range(size - 1, -1, -1):
        top, end = -inf, start + 1
        stop = start + 1
        weight = weight_of(block[start])
        while weight is not None:
            score = weight + best[stop]
            if score >= top:  # on a tie the longer word, as in jieba
                top, end = score, stop
            stop += 1
            weight = weight_of(block[start:stop]) if stop <= size else None
        if top == -inf:
            top, end = unknown + best[start + 1], start + 1
        best[start], ends[start] = top, end
    return ends
