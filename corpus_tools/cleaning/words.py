"""A list of words, looked for in many short texts."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise


class Words:
    """Find whether a text holds one of many words, in time that does not depend on how many.

    A Latin word is only found as a whole word.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._single: set[str] = set()
        by_head: dict[tuple[str, str], list[str]] = defaultdict(list)
        for word in words:
            if len(word) == 1:
                self._single.add(word)
            else:
                by_head[word[0], word[1]].append(word)
        self._by_head = dict(by_head)
        self._heads = frozenset(by_head)

    def __bool__(self) -> bool:
        return bool(self._single or self._heads)

    def in_text(self, text: str) -> bool:
        """Return whether `text` holds one of the words."""
        # One quick look for any beginning, and only then word by word.
        return (not self._single.isdisjoint(text) and self._holds_single(text)) or (
            not self._heads.isdisjoint(pairwise(text)) and self._holds_longer(text)
        )

    def _holds_single(self, text: str) -> bool:
        return any(
            character in self._single and _stands_alone(text, place, 1)
            for place, character in enumerate(text)
        )

    def _holds_longer(self, text: str) -> bool:
        return any(
            text.startswith(word, start) and _stands_alone(text, start, len(word))
            for start, head in enumerate(pairwise(text))
            for word in self._by_head.get(head, ())
        )


def _stands_alone(text: str, start: int, length: int) -> bool:
    end = start + length
    return not (
        (start > 0 and _is_latin(text[start - 1]) and _is_latin(text[start]))
        or (end < len(text) and _is_latin(text[end - 1]) and _is_latin(text[end]))
    )


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
