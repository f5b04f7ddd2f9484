"""A vocabulary as training finds it, made from the words of jieba's dictionary."""

import jieba

from chatbot.vocabulary import Vocabulary

MOST_FREQUENT = 30_000
"""Words whose characters fill a quarter of 20,000 tokens, as in a corpus of dialogues."""


def vocabulary(size: int) -> Vocabulary:
    """Return so many tokens: Han characters, and words of two or more of them."""
    with jieba.get_dict_file() as lines:
        entries = [line.decode().split(" ") for line in lines]
    counts = sorted(((int(count), word) for word, count, _ in entries), reverse=True)
    return Vocabulary.learn({word: n for n, word in counts[:MOST_FREQUENT]}, size=size)
