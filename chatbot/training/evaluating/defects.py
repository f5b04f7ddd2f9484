"""What is wrong with replies, whatever the references say; and how long they are."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.training.evaluating.subjects import Answer

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""How the unknown token shows in a reply."""

GENERIC = 10
"""The most frequent replies that are called generic."""

DEFECTS = (
    "empty",
    "cut at the greatest length",
    "repeats itself",
    "unknown tokens",
    "copies the question",
    "copies a training reply",
)

_EMPTY, _CUT, _REPEATS, _UNKNOWN, _COPIES, _LEARNT = DEFECTS


@dataclass(frozen=True)
class Lengths:
    """Describe how many tokens texts have."""

    mean: float
    median: float
    p95: float
    longest: int


@dataclass(frozen=True)
class Defects:
    """Count what is wrong. A defect that could not be looked for has no count."""

    replies: int
    different: int  # replies
    generic: int  # replies that are one of the ten which the model gives most often
    counts: Mapping[str, int]  # of replies, by defect


def defects_of(
    turn: str, answer: Answer, words: Sequence[str], learnt: set[str] | None
) -> Iterator[str]:
    """Yield the defects of an answer with these words to a question.

    `learnt` are the texts of all answers that are training replies too, None where those are not
    known.
    """
    wrong = {
        _EMPTY: not answer.text.strip(),
        _CUT: not answer.finished,
        _REPEATS: repeats(words),
        _UNKNOWN: UNKNOWN in answer.tokens,
        _COPIES: bool(_letters(turn)) and _letters(turn) == _letters(answer.text),
        _LEARNT: learnt is not None and answer.text in learnt,
    }
    return (name for name in DEFECTS if wrong[name])


def count(found: Iterable[Sequence[str]], texts: Sequence[str], *, training_known: bool) -> Defects:
    """Count the defects `found` in the replies, which are these texts."""
    counts = Counter(name for names in found for name in names)
    looked_for = [name for name in DEFECTS if training_known or name != _LEARNT]
    replies = Counter(texts)
    generic = sum(number for _, number in replies.most_common(GENERIC))
    return Defects(len(texts), len(replies), generic, {name: counts[name] for name in looked_for})


def repeats(words: Sequence[str]) -> bool:
    """Return whether a word stands three times in a row, or three words in a row occur twice."""
    triples = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(triples)) < len(triples) or any(a == b == c for a, b, c in triples)


def learnt(texts: Iterable[str], training: Iterable[str], normal: Callable[[str], str]) -> set[str]:
    """Return those of the texts that are training replies once these are normalised."""
    said = set(texts)
    return {reply for reply in map(normal, training) if reply in said}


def lengths(tokens: Iterable[Sequence[object]]) -> Lengths:
    """Describe the lengths of token sequences, of which there is one at least."""
    sizes = np.array([len(each) for each in tokens])
    median, p95 = np.quantile(sizes, [0.5, 0.95])
    return Lengths(float(sizes.mean()), float(median), float(p95), int(sizes.max()))


def _letters(text: str) -> str:
    """Return the letters and digits, without the marks that a copy may add or drop."""
    return "".join(filter(str.isalnum, text))
