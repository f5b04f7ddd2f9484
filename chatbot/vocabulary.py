"""Tokens and their ids, with the cost that segmentation pays for each."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from chatbot.errors import BundleError, UsageError

PAD, BOS, EOS, UNK = range(4)
SPECIALS = ("<pad>", "<bos>", "<eos>", "<unk>")

SEPARATOR = "\x1e"
"""What stands between the turns of a conversation, the newest first; a character like any other."""

MAX_WORD_LENGTH = 8
"""Characters of the longest word that is learnt; what is longer is noise more often than a word."""


@dataclass(frozen=True)
class Vocabulary:
    """Hold tokens in the order of their ids, and an integer cost for each.

    The cost of a token is round(1000 · (ln total - ln count)): the negative log-probability of the
    word in the corpus it was learnt from, in thousandths. The four special tokens have ids 0 to 3
    and no cost: text never becomes one of them, `UNK` excepted.
    """

    tokens: Sequence[str]
    costs: Sequence[int]
    cost_of: Mapping[str, int] = field(init=False, repr=False, compare=False)
    id_of: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if tuple(self.tokens[: len(SPECIALS)]) != SPECIALS:
            raise BundleError(f"a vocabulary starts with {SPECIALS}, not {self.tokens[:4]}.")
        if len(self.tokens) != len(self.costs):
            raise BundleError(f"{len(self.tokens)} tokens but {len(self.costs)} costs.")
        if not all(isinstance(token, str) for token in self.tokens):
            raise BundleError("a token of the vocabulary is no text.")
        if not all(isinstance(cost, int) and cost >= 0 for cost in self.costs):
            raise BundleError("a cost of the vocabulary is no whole number from 0.")
        words = self.tokens[len(SPECIALS) :]
        id_of = {word: number for number, word in enumerate(words, len(SPECIALS))}
        if len(id_of) != len(words) or not all(words):
            raise BundleError("a token of the vocabulary is empty or stands in it twice.")
        object.__setattr__(self, "id_of", id_of)
        object.__setattr__(
            self, "cost_of", dict(zip(words, self.costs[len(SPECIALS) :], strict=True))
        )

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def unknown_cost(self) -> int:
        """Return the cost of a character outside the vocabulary: more than anything known."""
        return 1000 + max(self.cost_of.values(), default=0)

    @cached_property
    def prefixes(self) -> frozenset[str]:
        """Return every beginning of a token, so that a search for words knows when to stop."""
        return frozenset(word[:end] for word in self.id_of for end in range(1, len(word) + 1))

    def first(self, size: int) -> "Vocabulary":
        """Return the vocabulary of the first `size` tokens, with the same ids and costs."""
        return Vocabulary(self.tokens[:size], self.costs[:size])

    def in_characters(self) -> "Vocabulary":
        """Return the same tokens at costs that cut text into its characters.

        A word costs more than its characters. Runs of letters and of digits, which are not cut
        where they are tokens, stay whole: the square is more than the sum of the parts' squares.
        """
        costs = [
            cost
            if len(word) == 1
            else len(word) ** 2 + sum(self.cost_of.get(c, self.unknown_cost) for c in word)
            for word, cost in self.cost_of.items()
        ]
        return Vocabulary(self.tokens, (*self.costs[: len(SPECIALS)], *costs))

    @classmethod
    def learn(
        cls, word_counts: Mapping[str, int], *, size: int = 20_000, min_count: int = 2
    ) -> "Vocabulary":
        """Choose every character seen `min_count` times, then the most frequent words.

        `word_counts` are the words of the segmented corpus, the spaces between Latin words among
        them; `size` counts the special tokens too.
        A character's cost comes from its count as a word of its own (at least 1), as in jieba's
        dictionary, so that words win over their characters.
        """
        if size <= len(SPECIALS):
            raise UsageError(f"size={size}: expected more than the {len(SPECIALS)} special tokens.")
        characters: Counter[str] = Counter()
        for word, count in word_counts.items():
            for character in word:
                characters[character] += count
        room = size - len(SPECIALS)
        chosen = [c for c, n in _by_frequency(characters) if n >= min_count][:room]
        words = {
            word: count
            for word, count in word_counts.items()
            if 1 < len(word) <= MAX_WORD_LENGTH and " " not in word and count >= min_count
        }
        chosen += [word for word, _ in _by_frequency(words)][: room - len(chosen)]
        counts = [max(1, word_counts.get(word, 0)) for word in chosen]
        total = sum(counts)
        costs = [round(1000 * (math.log(total) - math.log(count))) for count in counts]
        return cls((*SPECIALS, *chosen), (*[0] * len(SPECIALS), *costs))


def _by_frequency(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Sort by falling count, then by text, so that the same corpus gives the same ids."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
