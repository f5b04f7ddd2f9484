"""Text to token ids and back: the reference of what every other client does.

Two steps, both closed under data that travels in the bundle:

1. `normalise`: one table, character to replacement, then the rule for spaces.
2. `Tokenizer.words`: jieba's own rule over the vocabulary, the path of least total cost.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from chatbot.vocabulary import BOS, EOS, PAD, UNK, Vocabulary

SOURCE_CHARACTERS = 16
"""Characters of a normalised text that are read for each id that its source may have: far more than
they fill, so that a text of any length takes little time."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def _table() -> Iterator[tuple[str, str]]:
    for offset in range(26):
        lower = chr(ord("a") + offset)
        yield chr(ord("A") + offset), lower
        yield chr(ord("Ａ") + offset), lower
        yield chr(ord("ａ") + offset), lower
    for digit in range(10):
        yield chr(ord("０") + digit), str(digit)
    # The marks that Chinese typists mix freely; inside a model one form is enough.
    yield from zip("?!,", "？！，", strict=True)
    spaces = [*range(0x09, 0x0E), *range(0x1C, 0x20), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)]
    for code in (*spaces, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000):
        yield chr(code), " "
    # Controls, zero-width and direction marks, variation selectors: nothing that is read.
    controls = [*range(0x09), *range(0x0E, 0x1C), *range(0x7F, 0x85), *range(0x86, 0xA0)]
    marks = [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
    for code in (*controls, 0xAD, *marks, *range(0xFE00, 0xFE10), 0xFEFF):
        yield chr(code), ""


NORMALISATION: Mapping[str, str] = MappingProxyType(dict(_table()))
"""The table that a new model gets: letters and digits folded to narrow and small, spaces unified,
invisible characters dropped. Punctuation stays full-width. No replacement is longer than one
character: text never grows."""

_SPACES = re.compile(r" {2,}")
_NEEDLESS_SPACE = re.compile(r"(?<![a-z0-9]) | (?![a-z0-9])")  # once runs are single spaces
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UNIT = re.compile(r"[a-z]+|[0-9]+|.", re.DOTALL)


def translation(table: Mapping[str, str]) -> Mapping[int, str]:
    """Return a table in the form that `str.translate` reads, to be made once."""
    return {ord(character): replacement for character, replacement in table.items()}


_DEFAULT = translation(NORMALISATION)
# What `NORMALISATION` leaves as it is; most Chinese sentences are nothing else.
_NORMAL = re.compile("[\u4e00-\u9fff，。？！、；：…“”《》a-z0-9]*")


def well_formed(text: str) -> str:
    """Return `text` with U+FFFD for each lone surrogate, which no other language can represent."""
    return _SURROGATE.sub(_REPLACEMENT, text)


def normalise(text: str, table: Mapping[int, str] = _DEFAULT) -> str:
    """Return `text` in the one form that is counted, searched and tokenised.

    A space stays only between two Latin letters or digits, where it separates words. The result
    is `well_formed`. `table` is a `translation`.

    >>> normalise("ＨＥＬＬＯ　World! 你 好\u200b")
    'hello world！你好'
    """
    if table is _DEFAULT and _NORMAL.fullmatch(text):
        return text
    text = well_formed(text.translate(table))
    return _NEEDLESS_SPACE.sub("", _SPACES.sub(" ", text))


def units(normalised: str) -> list[str]:
    """Return the runs of letters, the runs of digits and the other characters, one by one."""
    return _UNIT.findall(normalised)


class Tokenizer:
    """Cut text into the tokens of a vocabulary, and join them again.

    A run of letters or of digits is one unit, any other character is one unit. A word is one or
    more neighbouring units that the vocabulary knows. Of all ways to cover the text with words the
    one of least total cost is taken; on a tie, the one whose first word is longer (jieba's rule).
    A unit that is no word falls into its characters, and what is still unknown is `UNK`, at a cost
    above everything known.
    """

    def __init__(self, vocabulary: Vocabulary, table: Mapping[str, str] = NORMALISATION) -> None:
        self.vocabulary = vocabulary
        self.table = table
        self._translation = translation(table)

    def words(self, text: str) -> list[str]:
        """Return the tokens of `text` as text; joined they equal the normalised text."""
        return self._cheapest(normalise(text, self._translation))

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, without BOS and EOS."""
        return self._ids(self.words(text))

    def source(self, text: str, max_source: int) -> list[int]:
        """Return what the encoder reads: the first ids of `text`, and EOS; `max_source` in all."""
        normalised = normalise(text, self._translation)[: SOURCE_CHARACTERS * max_source]
        return [*self._ids(self._cheapest(normalised))[: max_source - 1], EOS]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of `ids` up to the first EOS; an unknown token shows as U+FFFD."""
        return "".join(self.tokens(ids))

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of `ids` up to the first EOS, as text."""
        tokens: list[str] = []
        for number in ids:
            if number == EOS:
                break
            if number not in (PAD, BOS):
                tokens.append(_REPLACEMENT if number == UNK else self.vocabulary.tokens[number])
        return tokens

    def _cheapest(self, normalised: str) -> list[str]:
        """Return the words of the cheapest path, the unknown ones in characters."""
        pieces = units(normalised)
        size = len(pieces)
        best = [0] * (size + 1)  # best[i]: least cost of pieces[i:]
        end = [0] * size  # end[i]: where the first word of that path ends
        for start in range(size - 1, -1, -1):
            best[start], end[start] = self._unit_cost(pieces[start]) + best[start + 1], start + 1
            for stop, cost in self._longer_words(pieces, start):
                if cost + best[stop] <= best[start]:
                    best[start], end[start] = cost + best[stop], stop
        tokens: list[str] = []
        start = 0
        while start < size:
            word = "".join(pieces[start : end[start]])
            tokens.extend([word] if word in self.vocabulary.id_of else word)
            start = end[start]
        return tokens

    def _ids(self, words: Iterable[str]) -> list[int]:
        id_of = self.vocabulary.id_of
        return [id_of.get(word, UNK) for word in words]

    def _unit_cost(self, unit: str) -> int:
        cost_of, unknown = self.vocabulary.cost_of, self.vocabulary.unknown_cost
        known = cost_of.get(unit)
        return sum(cost_of.get(c, unknown) for c in unit) if known is None else known

    def _longer_words(self, units: list[str], start: int) -> Iterator[tuple[int, int]]:
        """Yield (end, cost) of every word of two or more units that begins at `start`."""
        cost_of, prefixes = self.vocabulary.cost_of, self.vocabulary.prefixes
        word = units[start]
        for stop in range(start + 1, len(units)):
            if word not in prefixes:
                return
            word += units[stop]
            cost = cost_of.get(word)
            if cost is not None:
                yield stop + 1, cost
