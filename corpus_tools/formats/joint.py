"""Which files belong together: one with what is asked, one with what is answered."""

import re
from collections.abc import Hashable, Iterator, Sequence

from corpus_tools.formats.sample import unpacked_name

_PAIRS = (
    *(("input", "target"), ("input", "output"), ("in", "out"), ("enc", "dec")),
    *(("question", "answer"), ("questions", "answers"), ("q", "a"), ("ask", "answer")),
    *(("source", "target"), ("src", "tgt"), ("post", "response"), ("posts", "responses")),
    *(("query", "reply"), ("query", "response"), ("prompt", "reply"), ("prompt", "response")),
    *(("context", "response"), ("问", "答"), ("问题", "回答"), ("问题", "答案"), ("上联", "下联")),
)
# ISO 639-1, those that corpora of translations and of Chinese use.
_LANGUAGES = frozenset(
    {
        *("ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi"),
        *("hr", "hu", "id", "it", "ja", "km", "ko", "lt", "lv", "mn", "ms", "my", "nl", "no", "pl"),
        *("pt", "ro", "ru", "sk", "sl", "sv", "th", "tr", "uk", "ur", "vi", "zh", "cn", "tw"),
    }
)
_BETWEEN = re.compile(r"([\s._\-/\\]+)")


def partners(names: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of the names that belong together, the asking one first.

    They differ in one word: `train_input.txt` and `train_target.txt`, `a.q` and `a.a`, or in a
    language at the end: `train.de` and `train.en`, in the order in which they stand.
    """
    words = [_BETWEEN.split(str(unpacked_name(name.lower()))) for name in names]
    found: dict[int, int] = {}
    for pair in [*_asked(words), *_translated(words)]:
        if not any(place in found or place in found.values() for place in pair):
            found[pair[0]] = pair[1]
    return sorted(found.items())


def _asked(words: Sequence[list[str]]) -> Iterator[tuple[int, int]]:
    asking, answering = (
        {
            (place, pair, _without(each, place)): index
            for index, each in enumerate(words)
            for place, word in enumerate(each)
            for pair in _PAIRS
            if word == pair[side]
        }
        for side in (0, 1)
    )
    return ((asking[key], answering[key]) for key in asking if key in answering)


def _translated(words: Sequence[list[str]]) -> Iterator[tuple[int, int]]:
    groups: dict[Hashable, list[int]] = {}
    for index, each in enumerate(words):
        place = len(each) - 1 - 2 * (each[-1] == "txt")
        if place > 0 and each[place] in _LANGUAGES:
            groups.setdefault((place, _without(each, place)), []).append(index)
    return ((group[0], group[1]) for group in groups.values() if len(group) == 2)


def _without(words: list[str], place: int) -> tuple[str, ...]:
    return (*words[:place], *words[place + 1 :])
