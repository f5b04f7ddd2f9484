"""The proof that a graph equals its model, without which nothing is written."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.bundle import Hypothesis
from chatbot.decoding import Beam, Decoding, Greedy
from chatbot.engine import Engine
from chatbot.errors import ExportError
from chatbot.training.evaluation import generate, score
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import EOS, UNK

TOLERANCE = 1e-4
"""The largest difference of a score; float32 arithmetic in another order makes about 1e-6."""

BATCHES = ((1, 1), (1, 7), (3, 5), (8, 12), (5, 30))
"""Sources in a batch, tokens of the longest."""

DECODINGS: tuple[Decoding, ...] = (
    Greedy(max_length=20),
    Greedy(max_length=12, min_length=5),
    Beam(width=4, max_length=16),
    Beam(width=3, max_length=10, length_penalty=0.0, min_length=2),
)


@dataclass(frozen=True)
class Parity:
    """Hold how well graph and model agreed."""

    sources: int
    compared: int
    ties: int
    difference: float


def prove(
    model: Seq2Seq, graph: bytes, sources: Sequence[Sequence[int]], *, vocabulary: int
) -> Parity:
    """Compare replies and scores on random sources in several batch shapes and on real ones.

    Raises `ExportError` that names the first difference.
    """
    engine = Engine(graph)
    compared, ties, difference = 0, 0, 0.0
    batches = [*_random_batches(vocabulary), *_chunks(sources, 32)]
    for batch in batches:
        for decoding in DECODINGS:
            expected, found = generate(model, batch, decoding), engine.generate(batch, decoding)
            for source, ours, theirs in zip(batch, expected, found, strict=True):
                worst = _compare(ours, theirs, f"{decoding}, batch of {len(batch)}")
                compared, difference = compared + 1, max(difference, worst)
                if [a.ids for a in ours] != [b.ids for b in theirs]:
                    ties += 1
                    _check_tie(model, source, theirs, decoding)
    return Parity(sum(map(len, batches)), compared, ties, difference)


def _compare(expected: Sequence[Hypothesis], found: Sequence[Hypothesis], where: str) -> float:
    """Return the largest difference between the scores of the same rank."""
    worst = max(abs(a.score - b.score) for a, b in zip(expected, found, strict=True))
    if not worst <= TOLERANCE:  # true for NaN too
        raise ExportError(
            f"graph and PyTorch differ: scores by {worst:.6f} (allowed {TOLERANCE}) at {where}."
        )
    return worst


def _check_tie(
    model: Seq2Seq, source: Sequence[int], found: Sequence[Hypothesis], decoding: Decoding
) -> None:
    """Refuse other replies of the same rank and score unless PyTorch too scores them so.

    Rounding decides which of two hypotheses of equal score comes first.
    """
    for hypothesis in found:
        expected = score(model, source, hypothesis.ids, decoding)
        if not abs(expected - hypothesis.score) <= TOLERANCE:
            raise ExportError(
                f"the graph scores {hypothesis.ids} {hypothesis.score:.6f}, PyTorch {expected:.6f}."
            )


def _random_batches(vocabulary: int) -> list[list[list[int]]]:
    source = random.Random(0)  # noqa: S311 - test data, no secret
    return [
        [
            [source.randrange(UNK, vocabulary) for _ in range(length - 1)] + [EOS]
            for length in [longest, *(source.randint(1, longest) for _ in range(size - 1))]
        ]
        for size, longest in BATCHES
    ]


def _chunks(sources: Sequence[Sequence[int]], size: int) -> list[Sequence[Sequence[int]]]:
    return [sources[start : start + size] for start in range(0, len(sources), size)]
