"""Words of a sentence: the only door to jieba."""

import re
from collections.abc import Mapping
from hashlib import blake2b
from importlib.metadata import version
from math import ceil, exp, inf, log
from types import MappingProxyType

import jieba

from corpus_tools.errors import UsageError

# What jieba looks up in its dictionary; any other character is a word of its own.
_BLOCK = re.compile(r"([\u4e00-\u9fd5a-zA-Z0-9+#&._%\-]+)")


class Segmenter:
    """jieba's dictionary in memory, and jieba's rule: the most probable path, no guessed words.

    The dictionary is read anew, about a second: jieba's cache lies in a predictable place that
    others can write to, and is loaded through `marshal`. The path is computed here, from logarithms
    taken once, which is nearly twice as fast as `jieba.cut(text, HMM=False)` and gives the same.
    """

    def __init__(self, user_words: Mapping[str, int | None] = MappingProxyType({})) -> None:
        """Take the user's words besides, with their frequencies.

        None: as frequent as it takes to keep the word in one piece.
        """
        tokenizer = jieba.Tokenizer()
        frequencies, total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
        self._unknown = -log(total)
        # -inf: no word, but the beginning of one.
        self._weights: dict[str, float] = {
            word: log(count) - log(total) if count else -inf for word, count in frequencies.items()
        }
        for word, frequency in user_words.items():
            self._add(word, frequency, total)

    def words(self, text: str) -> list[str]:
        """Return the words of `text`, without white space."""
        words: list[str] = []
        for index, part in enumerate(_BLOCK.split(text)):
            if index % 2:
                words.extend(self._cut(part))
            else:
                words.extend(character for character in part if not character.isspace())
        return words

    def words_with(self, part: str) -> list[str]:
        """Return the longer words of the dictionary that hold `part`, the shortest first."""
        found = [
            word
            for word, weight in self._weights.items()
            if part in word and word != part and weight > -inf
        ]
        return sorted(found, key=lambda word: (len(word), word))

    def _add(self, word: str, frequency: int | None, total: int) -> None:
        if frequency is not None:
            weight = log(frequency) - log(total)
        else:
            parts = sum(self._weights.get(part, self._unknown) for part in self._cut(word))
            least = log(ceil(exp(parts) * total) + 1) - log(total)
            weight = max(least, self._weights.get(word, -inf))
        self._weights[word] = weight
        for end in range(1, len(word)):
            self._weights.setdefault(word[:end], -inf)

    def _cut(self, block: str) -> list[str]:
        """Return the words of `block`; single Latin letters and digits in a row are one word."""
        ends = self._best_ends(block)
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

    def _best_ends(self, block: str) -> list[int]:
        """Return for every place where the first word of the best path from there ends."""
        weight_of = self._weights.get
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
                top, end = self._unknown + best[start + 1], start + 1
            best[start], ends[start] = top, end
        return ends


def check_word(word: str) -> None:
    """Refuse what can never come out as one word, because the text is cut there first."""
    if not _BLOCK.fullmatch(word):
        raise UsageError(
            f"{word!r} cannot be one word: jieba cuts text at everything but Han, ASCII letters, "
            "digits and +#&._%-. Leave the rest out."
        )


def dictionary_name(user_words: Mapping[str, int | None]) -> str:
    """Return what a store remembers of the dictionary that it was segmented with."""
    name = f"jieba {version('jieba')}"
    if not user_words:
        return name
    listed = "\n".join(f"{word} {count}" for word, count in sorted(user_words.items()))
    digest = blake2b(listed.encode(), digest_size=4).hexdigest()
    return f"{name} + {len(user_words)} words ({digest})"
