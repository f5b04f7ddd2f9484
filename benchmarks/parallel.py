"""Sentences of two languages as ids: a word is what stands between two spaces."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from chatbot.training.config import Recipe
from chatbot.vocabulary import EOS, SPECIALS, UNK, Vocabulary

MIN_COUNT = 2
"""How often a word is seen in training to be known."""

Sentence = Sequence[str]
Pair = tuple[Sentence, Sentence]
"""What is read and what is written."""


class Words:
    """Give the words of two languages one space of ids: special tokens, written words, read words.

    So the first `reply_vocabulary` tokens are all that a model has to write. A word that both
    languages know has one id, and is known only in a language that has it often enough.
    """

    def __init__(self, pairs: Iterable[Pair]) -> None:
        sources, replies = zip(*pairs, strict=True)
        read, written = _frequent(sources), _frequent(replies)
        words = list(dict.fromkeys((*written, *read)))
        self.vocabulary = Vocabulary((*SPECIALS, *words), [0] * (len(SPECIALS) + len(words)))
        self.reply_vocabulary = len(SPECIALS) + len(written)
        self._read = {word: self.vocabulary.id_of[word] for word in read}
        self._written = {word: self.vocabulary.id_of[word] for word in written}

    def fitted(self, recipe: Recipe) -> Recipe:
        """Return the recipe for a model that writes the words that may be written."""
        model = dataclasses.replace(recipe.model, reply_vocabulary=self.reply_vocabulary)
        return dataclasses.replace(recipe, model=model)

    def encoded(self, pairs: Iterable[Pair]) -> Iterator[tuple[list[int], list[int]]]:
        """Yield the ids of both sentences, each with EOS; an unknown word is UNK."""
        for source, reply in pairs:
            yield (
                [*(self._read.get(word, UNK) for word in source), EOS],
                [*(self._written.get(word, UNK) for word in reply), EOS],
            )

    def decoded(self, ids: Iterable[int]) -> list[str]:
        """Return the words of ids without EOS."""
        return [self.vocabulary.tokens[number] for number in ids]


def _frequent(sentences: Iterable[Sentence]) -> list[str]:
    """Return the words seen often enough, by falling count, then by text."""
    counts = Counter(word for sentence in sentences for word in sentence)
    by_count = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [word for word, count in by_count if count >= MIN_COUNT]
