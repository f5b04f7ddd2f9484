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

NEAR = 1e-2
"""The largest difference of a rank's score where the replies differ: beams that rounding led apart
at nearly equal hypotheses find nearly as good ones, and a broken search does not."""

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
                rank, off = _differences(model, source, ours, theirs, decoding)
                if not (rank <= NEAR and off <= TOLERANCE):  # true for NaN too
                    raise ExportError(
                        f"graph and PyTorch differ: a score by {off:.6f} (allowed {TOLERANCE}), "
                        f"a rank by {rank:.6f} (allowed {NEAR}), with {decoding} and a batch of "
                        f"{len(batch)}."
                    )
                compared, difference = compared + 1, max(difference, off)
                ties += [a.ids for a in ours] != [b.ids for b in theirs]
    return Parity(sum(map(len, batches)), compared, ties, difference)


def _differences(
    model: Seq2Seq,
    source: Sequence[int],
    expected: Sequence[Hypothesis],
    found: Sequence[Hypothesis],
    decoding: Decoding,
) -> tuple[float, float]:
    """Return the largest differences between scores of a rank, and between scores of a reply.

    Where the replies differ, PyTorch scores those that the graph has found.
    """
    scores = [hypothesis.score for hypothesis in found]
    rank = _largest_difference([hypothesis.score for hypothesis in expected], scores)
    if [a.ids for a in expected] == [b.ids for b in found]:
        return rank, rank
    rescored = [score(model, source, hypothesis.ids, decoding) for hypothesis in found]
    return rank, _largest_difference(rescored, scores)


def _largest_difference(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return max(abs(a - b) for a, b in zip(ours, theirs, strict=True))


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
