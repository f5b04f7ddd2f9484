"""The proofs without which nothing is written: the graphs do what the model and the text do."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from chatbot.bundle import Hypothesis
from chatbot.decoding import Beam, Decoding, Greedy, Sample
from chatbot.engine import IdsEngine, SegmentingEngine, TextEngine
from chatbot.errors import ExportError
from chatbot.text import Tokenizer
from chatbot.training.evaluation import generate, score
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import EOS, UNK

T = TypeVar("T")

TOLERANCE = 1e-4
"""The largest difference of a score; float32 arithmetic in another order makes about 1e-6."""

NEAR = 1e-2
"""The largest difference of a rank's score where the replies differ: beams that rounding led apart
at nearly equal hypotheses find nearly as good ones, and a broken search does not."""

FEW = 0.02
"""The largest share of replies that rounding to 8 bits may lead apart."""

LUCK = 0.25
"""The largest share of samples that may differ. A draw on the border between two tokens goes either
way, and thousands of tokens of like probability have many borders; another generator, or another
order of the tokens, changes nearly all samples."""

BATCHES = ((1, 1), (1, 7), (3, 5), (8, 12), (5, 30))
"""Sources in a batch, tokens of the longest."""

DECODINGS: tuple[Decoding, ...] = (
    Greedy(max_length=20),
    Greedy(max_length=12, min_length=5),
    Beam(width=4, max_length=16),
    Beam(width=3, max_length=10, length_penalty=0.0, min_length=2),
)

SHAPED: tuple[Decoding, ...] = (
    Greedy(max_length=16, no_repeat_ngram=2, repetition_penalty=1.3),
    Beam(width=3, max_length=12, no_repeat_ngram=1),
    Sample(seed=7, samples=3, max_length=12, top_k=20),
    Sample(seed=1, temperature=1.2, top_k=0, top_p=1.0, max_length=8, no_repeat_ngram=3),
)
"""On the random batches only: they are slow in PyTorch."""


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
    """Compare replies and scores on random sources in several batch shapes and on the given ones.

    The graph has 32-bit weights. Raises `ExportError` that names the first difference.
    """
    engine = IdsEngine(graph)
    proof = _Proof()
    some, given = _random_batches(vocabulary), _chunks(sources, 32)
    for batches, decodings in ((some, DECODINGS + SHAPED), (given, DECODINGS)):
        for batch, decoding in product(batches, decodings):
            proof.compare(model, batch, decoding, engine.generate(batch, decoding))
    if proof.unlucky > LUCK * proof.drawn:
        raise ExportError(f"{proof.unlucky} of {proof.drawn} samples differ from PyTorch's.")
    return Parity(sum(map(len, [*some, *given])), proof.compared, proof.ties, proof.difference)


class _Proof:
    """Compare one search after the other and keep count."""

    def __init__(self) -> None:
        self.compared = self.ties = self.drawn = self.unlucky = 0
        self.difference = 0.0

    def compare(
        self,
        model: Seq2Seq,
        batch: Sequence[Sequence[int]],
        decoding: Decoding,
        found: Sequence[Sequence[Hypothesis]],
    ) -> None:
        sampled = isinstance(decoding, Sample)
        for source, ours, theirs in zip(
            batch, generate(model, batch, decoding), found, strict=True
        ):
            same = [a.ids for a in ours] == [b.ids for b in theirs]
            rank, off = _differences(model, source, ours, theirs, decoding)
            # A draw that falls on a border goes either way; what follows may be worse or better.
            near = sampled or rank <= NEAR  # not so for NaN
            if not (near and off <= TOLERANCE):
                raise ExportError(
                    f"graph and PyTorch differ: a score by {off:.6f} (allowed {TOLERANCE}), "
                    f"a rank by {rank:.6f} (allowed {NEAR}), with {decoding} and a batch of "
                    f"{len(batch)}."
                )
            self.compared, self.difference = self.compared + 1, max(self.difference, off)
            self.ties += not same
            self.drawn += sampled
            self.unlucky += sampled and not same


def prove_segmentation(
    graph: bytes, tokenizer: Tokenizer, max_source: int, sentences: Iterable[str]
) -> None:
    """Compare what the graph reads of each sentence with `Tokenizer.source`.

    Raises `ExportError` that names the first difference.
    """
    engine = SegmentingEngine(graph)
    for sentence in sentences:
        found, expected = engine.source(sentence), tokenizer.source(sentence, max_source)
        if found != expected:
            raise ExportError(f"{sentence!r}: the graph reads {found}, chatbot.text {expected}.")


def prove_text(
    text: TextEngine, ids: IdsEngine, tokenizer: Tokenizer, max_source: int, texts: Sequence[str]
) -> int:
    """Compare the graph of text, text by text, with the graph of ids in batches; return the ties.

    Raises `ExportError` where they read a text differently, or where more replies differ than
    rounding explains.
    """
    ties = compared = 0
    for decoding in (Greedy(max_length=20), Beam(width=4, max_length=16)):
        for chunk in _chunks(texts, 32):
            sources = [tokenizer.source(one, max_source) for one in chunk]
            batch = ids.generate(sources, decoding)
            for one, source, expected in zip(chunk, sources, batch, strict=True):
                replies, found, read = text.answer(one, decoding)
                written = [tokenizer.decode(hypothesis.ids) for hypothesis in found]
                if list(read) != source or [reply.text for reply in replies] != written:
                    raise ExportError(f"{one!r}: the graph of text reads or writes other tokens.")
                ties += [a.ids for a in found] != [b.ids for b in expected]
                compared += 1
    if ties > FEW * compared:
        raise ExportError(f"{ties} of {compared} replies depend on the batch they are made in.")
    return ties


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


def _random_batches(vocabulary: int) -> list[Sequence[Sequence[int]]]:
    source = random.Random(0)  # noqa: S311 - test data, no secret
    return [
        [
            [source.randrange(UNK, vocabulary) for _ in range(length - 1)] + [EOS]
            for length in [longest, *(source.randint(1, longest) for _ in range(size - 1))]
        ]
        for size, longest in BATCHES
    ]


def _chunks(sources: Sequence[T], size: int) -> list[Sequence[T]]:
    return [sources[start : start + size] for start in range(0, len(sources), size)]
