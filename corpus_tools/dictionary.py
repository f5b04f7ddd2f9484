"""jieba's dictionary with the user's words: the only door to jieba."""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from importlib.metadata import version
from math import inf, log

import jieba

from corpus_tools.errors import UsageError

UserWords = Mapping[str, int | None]
"""Words with their frequencies; None: as frequent as it takes to keep the word in one piece."""

# What jieba looks up in its dictionary; any other character is a word of its own.
BLOCK = re.compile(r"([\u4e00-\u9fd5a-zA-Z0-9+#&._%\-]+)")


def read_dictionary() -> tuple[dict[str, float], float]:
    """Return the logarithm of the probability of every word, and that of one time in all texts.

    -inf: no word, but the beginning of one. The file is read anew: jieba's cache of it lies in a
    predictable place that others can write to, and is loaded through `marshal`.
    """
    with jieba.get_dict_file() as file:
        fields = file.read().decode().split()  # word, count and kind, line after line
    words, counts = fields[::3], fields[1::3]
    times = {count: int(count) for count in set(counts)}
    total = log(sum(map(times.__getitem__, counts)))
    logarithms = {count: log(number) - total if number else -inf for count, number in times.items()}
    weights = dict(zip(words, map(logarithms.__getitem__, counts), strict=True))
    weights.update(dict.fromkeys(_beginnings(words) - weights.keys(), -inf))
    return weights, -total


def _beginnings(words: Sequence[str]) -> set[str]:
    """Return all beginnings of `words`; most have at most four characters."""
    found = {word[0] for word in words}
    found.update(word[:2] for word in words if len(word) > 2)
    found.update(word[:3] for word in words if len(word) > 3)
    found.update(word[:end] for word in words if len(word) > 4 for end in range(4, len(word)))
    return found


def check_word(word: str) -> None:
    """Refuse what can never come out as one word, because the text is cut there first."""
    if not BLOCK.fullmatch(word):
        raise UsageError(
            f"{word!r} cannot be one word: jieba cuts text at everything but Han, ASCII letters, "
            "digits and +#&._%-. Leave the rest out."
        )


def dictionary_name(user_words: UserWords) -> str:
    """Return what a store remembers of the dictionary that it was segmented with."""
    name = f"jieba {version('jieba')}"
    if not user_words:
        return name
    listed = "\n".join(f"{word} {count}" for word, count in sorted(user_words.items()))
    digest = blake2b(listed.encode(), digest_size=4).hexdigest()
    return f"{name} + {len(user_words)} words ({digest})"
