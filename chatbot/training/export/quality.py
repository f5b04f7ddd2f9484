"""What smaller weights cost: measured on held-out pairs, before anybody gets them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from chatbot.engine import MeasuringEngine
from chatbot.training.config import ModelConfig
from chatbot.training.dataset import Batch, Pairs
from chatbot.training.evaluation import perplexity
from chatbot.training.export.flavours import measuring_graph
from chatbot.training.export.graph import Array
from chatbot.training.export.weights import Storage
from chatbot.vocabulary import PAD

MAX_PERPLEXITY_RATIO = 1.002
MIN_AGREEMENT = 0.985

TOKENS = 20_000
"""Reply tokens that are enough to tell."""

_BATCH = 32


@dataclass(frozen=True)
class Quality:
    """Compare smaller weights with 32-bit ones, each step fed the true token before it."""

    perplexity: float  # of the 32-bit weights
    perplexity_ratio: float  # of the smaller weights to it
    agreement: float  # share of the steps at which both find the same token likeliest
    tokens: int

    @property
    def passes(self) -> bool:
        """Return whether nobody would notice."""
        return self.perplexity_ratio <= MAX_PERPLEXITY_RATIO and self.agreement >= MIN_AGREEMENT


def measure(
    config: ModelConfig, arrays: Mapping[str, Array], storage: Storage, pairs: Pairs
) -> Quality:
    """Return what smaller weights cost on the pairs, on at most `TOKENS` of their tokens."""
    exact, small = (
        MeasuringEngine(measuring_graph(config, arrays, kind).SerializeToString())
        for kind in ("fp32", storage)
    )
    losses, smaller, same, tokens = 0.0, 0.0, 0, 0
    for batch in _spread(pairs):
        valid = (reply := batch.reply.numpy()) != PAD
        given = batch.src.numpy(), batch.src_len.numpy(), reply
        (loss, best), (small_loss, small_best) = exact.measure(*given), small.measure(*given)
        losses += float(loss.sum(dtype=np.float64))
        smaller += float(small_loss.sum(dtype=np.float64))
        same += int((best == small_best)[valid].sum())
        tokens += int(valid.sum())
    ratio = perplexity((smaller - losses) / tokens)
    return Quality(perplexity(losses / tokens), ratio, same / tokens, tokens)


def _spread(pairs: Pairs) -> Iterator[Batch]:
    """Yield batches of pairs from all over the held-out ones."""
    replies = pairs.lengths()[:, 1]
    step = max(1, int(replies.sum() / TOKENS))
    chosen = sorted(range(0, len(pairs), step), key=lambda i: int(replies[i]))
    for start in range(0, len(chosen), _BATCH):
        yield pairs.batch(chosen[start : start + _BATCH])
