"""The reference search: greedy and beam over any step function.

It knows neither text nor network; the search inside the exported graph is proven equal to it.

    B  sources    K  hypotheses of a source    V  tokens of the vocabulary
"""

from typing import Protocol, TypeVar

import torch
from torch import Tensor

from chatbot.bundle import Hypothesis
from chatbot.decoding import Decoding
from chatbot.vocabulary import BOS, EOS, PAD, UNK

NEVER = -1e9
"""A log-probability that no finite sum reaches; not infinite, so that scores stay numbers."""

S = TypeVar("S")


class Step(Protocol[S]):
    """Give the search its logits."""

    def __call__(self, tokens: Tensor, state: S) -> tuple[Tensor, S]:
        """Map the previous tokens (B, K) and a state to logits (B, K, V) and the next state."""

    def reorder(self, state: S, parents: Tensor) -> S:
        """Return the state whose hypothesis k of a source is the old one's `parents[b, k]`."""


def search(step: Step[S], state: S, sources: int, decoding: Decoding) -> list[list[Hypothesis]]:
    """Return the `decoding.width` best hypotheses of each source, best first.

    At every step all continuations are ranked by cumulative log-probability over the length
    penalty ((5 + n) / 6) ** alpha (Wu et al. 2016, eq. 14); a hypothesis that has ended keeps its
    place and its score. With width 1 this is greedy search.
    """
    shape = (sources, decoding.width)
    ids = torch.empty((*shape, 0), dtype=torch.long)
    tokens = torch.full(shape, BOS)
    total = torch.full(shape, NEVER)
    total[:, 0] = 0.0  # all hypotheses start alike: only one of them counts
    lengths = torch.zeros(shape, dtype=torch.long)
    ended = torch.zeros(shape, dtype=torch.bool)
    for position in range(decoding.max_length):
        logits, state = step(tokens, state)
        allowed = position >= decoding.min_length
        candidates = total[..., None] + log_probs(logits, ended, end_allowed=allowed)  # (B, K, V)
        lengths = lengths + ~ended
        penalty = ((5 + lengths) / 6) ** decoding.length_penalty  # (B, K)
        best = (candidates / penalty[..., None]).flatten(1).topk(decoding.width)  # (B, K)
        parents = best.indices // logits.size(-1)
        tokens = best.indices % logits.size(-1)
        total = candidates.flatten(1).gather(1, best.indices)
        lengths = lengths.gather(1, parents)
        ended = ended.gather(1, parents) | (tokens == EOS)
        ids = ids.gather(1, parents[..., None].expand_as(ids))
        ids = torch.cat([ids, tokens[..., None]], dim=-1)
        state = step.reorder(state, parents)
        if ended.all():
            break
    return _hypotheses(ids, lengths, best.values)


def log_probs(logits: Tensor, ended: Tensor, *, end_allowed: bool) -> Tensor:
    """Normalise without the tokens that are no reply; after its end a hypothesis only pads."""
    logits = logits.clone()
    logits[..., [PAD, BOS, UNK] if end_allowed else [PAD, BOS, UNK, EOS]] += NEVER
    only_pad = torch.full_like(logits, NEVER)
    only_pad[..., PAD] = 0.0
    return torch.where(ended[..., None], only_pad, logits.log_softmax(dim=-1))


def _hypotheses(ids: Tensor, lengths: Tensor, scores: Tensor) -> list[list[Hypothesis]]:
    return [
        [
            Hypothesis(tuple(token for token in beam[:length] if token != EOS), score)
            for beam, length, score in zip(*source, strict=True)
        ]
        for source in zip(ids.tolist(), lengths.tolist(), scores.tolist(), strict=True)
    ]
