"""The scores of replies, and the named protocols that choose among them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Literal

import numpy as np

from chatbot.decoding import Decoding, Greedy, Sample
from chatbot.training import metrics
from chatbot.training.evaluating.bootstrap import Column
from chatbot.training.evaluating.units import Unit
from chatbot.training.metrics import Array, Tokens

Perplexity = Literal["teacher-forced", "free-running", "free-running, mean of batches"]


@dataclass(frozen=True)
class Measure:
    """Map a reply and its references to a row of numbers, and the sum of rows to a score."""

    row: Callable[[Tokens, Sequence[Tokens]], Sequence[float]]
    score: Callable[[Array], Array]


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        **{
            f"BLEU-{order}": Measure(metrics.bleu_statistics, partial(metrics.bleu, order=order))
            for order in range(1, metrics.BLEU_ORDER + 1)
        },
        "D2L BLEU(2)": Measure(metrics.d2l_statistics, metrics.mean),
        "chrF2": Measure(metrics.chrf_statistics, metrics.chrf),
    }
)


def columns(
    replies: Sequence[Tokens], references: Sequence[Sequence[Tokens]], names: Iterable[str]
) -> dict[str, Column]:
    """Return what the named measures of the replies are made of; each may have many references."""
    measures = {name: MEASURES[name] for name in names}
    rows = {
        row: np.array([row(*case) for case in zip(replies, references, strict=True)], dtype=float)
        for row in dict.fromkeys(measure.row for measure in measures.values())
    }
    return {name: Column(rows[measure.row], measure.score) for name, measure in measures.items()}


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Name what is measured and how, so that two figures of one protocol can be compared.

    `distinct` are the orders of n-grams; `decoding` is the search unless the caller asks for
    another, None the model's own.
    """

    measures: tuple[tuple[Unit, str], ...]
    distinct: tuple[tuple[Unit, int], ...] = ()
    perplexities: tuple[Perplexity, ...] = ("teacher-forced",)
    decoding: Decoding | None = None
    left_out: str = ""  # what its source measures besides


_BLEU = tuple(f"BLEU-{order}" for order in range(1, metrics.BLEU_ORDER + 1))


def _of(unit: Unit, *names: str) -> tuple[tuple[Unit, str], ...]:
    return tuple((unit, name) for name in names)


EVERYTHING = "everything"
PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        EVERYTHING: Protocol(
            measures=(
                *_of("word", *_BLEU, "D2L BLEU(2)"),
                *_of("character", *_BLEU, "chrF2"),
            ),
            distinct=(("word", 1), ("word", 2), ("character", 1), ("character", 2)),
        ),
        # Dive into Deep Learning, section 9.7.
        "d2l": Protocol(measures=_of("space", "D2L BLEU(2)"), perplexities=(), decoding=Greedy()),
        # The notebooks of bentrevett/pytorch-seq2seq.
        "multi30k": Protocol(
            measures=_of("space", "BLEU-4"),
            perplexities=("free-running, mean of batches", "free-running", "teacher-forced"),
            decoding=Greedy(max_length=50),
        ),
        # Zhou et al. 2020, and the code of thu-coai/KdConv.
        "kdconv": Protocol(
            measures=_of("word", *_BLEU),
            distinct=(("word", 1), ("word", 2), ("word", 3), ("word", 4)),
            decoding=Greedy(),
            left_out="Hits@1 and Hits@3, which rank replies that are given",
        ),
        # Wang et al. 2020, and the readme of thu-coai/CDial-GPT.
        "lccc": Protocol(
            measures=_of("character", "BLEU-2", "BLEU-4"),
            distinct=(("character", 1), ("character", 2)),
            decoding=Sample(temperature=0.7, top_k=0, top_p=0.9, seed=0),
            left_out="Greedy Matching and Embedding Average, which need word vectors",
        ),
    }
)
