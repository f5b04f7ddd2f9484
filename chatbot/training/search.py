"""The reference search: greedy, beam and sampling over any step function.

It knows neither text nor network; the search inside the exported graph is proven equal to it.

    B  sources    K  hypotheses of a source    V  tokens of the vocabulary    t  tokens so far
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from chatbot.bundle import Hypothesis
from chatbot.decoding import LENGTH_PENALTY, SEED, Beam, Decoding, Greedy, Sample, settings
from chatbot.vocabulary import BOS, EOS, PAD, UNK

NEVER = -1e9
"""A log-probability that no finite sum reaches; not infinite, so that scores stay numbers."""

BLOCKED = -1e8
"""What a repeated n-gram pays: so much that it comes only where nothing else is left to say."""

MULTIPLIERS = (40014, 40692)
MODULI = (2147483563, 2147483399)
JUMPS = tuple(pow(a, 2**20, m) for a, m in zip(MULTIPLIERS, MODULI, strict=True))
"""What takes each of the two generators 2^20 steps on."""

STREAMS = 64
"""Streams of random numbers that a seed has: as many as there may be samples."""

S = TypeVar("S")

Choose = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Map logits and ranks (B, K, V) to the parents and the tokens (B, K) that a step goes on with."""


class Step(Protocol[S]):
    """Give the search its logits."""

    def __call__(self, tokens: Tensor, state: S) -> tuple[Tensor, S]:
        """Map the previous tokens (B, K) and a state to logits (B, K, V) and the next state."""

    def reorder(self, state: S, parents: Tensor) -> S:
        """Return the state whose hypothesis k of a source is the old one's `parents[b, k]`."""


def search(step: Step[S], state: S, sources: int, decoding: Decoding) -> list[list[Hypothesis]]:
    """Return the `decoding.hypotheses` hypotheses of each source, best first.

    A continuation ranks by its cumulative log-probability over the length penalty
    ((5 + n) / 6) ** alpha (Wu et al. 2016, eq. 14), and so do the hypotheses at the end.
    """
    shape, told = (sources, decoding.hypotheses), settings(decoding)
    alpha, choose = told[LENGTH_PENALTY], _chooser(decoding, seed=int(told[SEED]))
    ids = torch.empty((*shape, 0), dtype=torch.long)
    tokens = torch.full(shape, BOS)
    total = torch.zeros(shape)
    if isinstance(decoding, Beam):
        total[:, 1:] = NEVER  # all hypotheses start alike: only one of them counts
    lengths = torch.zeros(shape, dtype=torch.long)
    ended = torch.zeros(shape, dtype=torch.bool)
    for _ in range(decoding.max_length):
        logits, state = step(tokens, state)
        logits = only_pad(admit(logits, ids, decoding), ended)  # (B, K, V)
        candidates = total[..., None] + logits.log_softmax(dim=-1)  # (B, K, V)
        lengths = lengths + ~ended
        parents, tokens = choose(logits, _over(candidates, lengths[..., None], alpha))  # (B, K)
        best = parents * logits.size(-1) + tokens  # of the K · V continuations
        total = candidates.flatten(1).gather(1, best)
        lengths = lengths.gather(1, parents)
        ended = ended.gather(1, parents) | (tokens == EOS)
        ids = ids.gather(1, parents[..., None].expand_as(ids))
        ids = torch.cat([ids, tokens[..., None]], dim=-1)
        state = step.reorder(state, parents)
        if ended.all():
            break
    return _hypotheses(ids, lengths, _over(total, lengths, alpha))


def admit(logits: Tensor, ids: Tensor, decoding: Decoding) -> Tensor:
    """Return logits (…, V) with what may not follow the reply so far (…, t) made unlikely.

    A token that the reply has already is penalised (Keskar et al. 2019, section 4.1); ruled out
    are the tokens that are no reply, an end before `min_length`, and n-grams that it has already.
    """
    if (theta := decoding.repetition_penalty) != 1:
        said = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, ids, value=True)  # (…, V)
        penalised = torch.where(logits > 0, logits / theta, logits * theta)
        logits = torch.where(said, penalised, logits)
    too_short = ids.size(-1) < decoding.min_length
    banned = torch.zeros(logits.size(-1))
    banned[[PAD, BOS, UNK, EOS] if too_short else [PAD, BOS, UNK]] = NEVER
    logits = logits + banned
    if 0 < (n := decoding.no_repeat_ngram) <= ids.size(-1):
        logits = logits + BLOCKED * _repeats(ids, n, like=logits)
    return logits


def only_pad(logits: Tensor, ended: Tensor) -> Tensor:
    """Return logits (…, V) that leave a hypothesis after its end nothing but to pad."""
    padding = torch.full_like(logits, NEVER)
    padding[..., PAD] = 0.0
    return torch.where(ended[..., None], padding, logits)


def _repeats(ids: Tensor, n: int, *, like: Tensor) -> Tensor:
    """Return 1 for each token (…, V) that would end an n-gram the reply (…, t) has, else 0."""
    counts = torch.zeros_like(like)  # (…, V)
    grams = ids.unfold(-1, n, 1)  # (…, t - n + 1, n)
    last = ids[..., ids.size(-1) - n + 1 :]  # (…, n - 1): what the next token would complete
    same = (grams[..., :-1] == last[..., None, :]).all(dim=-1)  # (…, t - n + 1)
    return counts.scatter_add(-1, grams[..., -1], same.to(like.dtype)).clamp(max=1)


def _chooser(decoding: Decoding, *, seed: int) -> Choose:
    match decoding:
        case Greedy():
            return _likeliest
        case Beam():
            return _best_of_all
        case Sample():
            return _Sampler(decoding, Generator(seed, decoding.samples))


def _likeliest(logits: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
    """Go on with every hypothesis, with its likeliest token: of equal ones the first."""
    return _every_row(logits), logits.argmax(dim=-1)


def _best_of_all(_: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """Go on with the K best of the K · V continuations of a source."""
    best = ranks.flatten(1).topk(ranks.size(1)).indices  # (B, K)
    return best // ranks.size(-1), best % ranks.size(-1)


class _Sampler:
    """Go on with every hypothesis, with a token drawn by chance."""

    def __init__(self, decoding: Sample, generator: "Generator") -> None:
        self._decoding = decoding
        self._generator = generator

    def __call__(self, logits: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        decoding = self._decoding
        values, order = logits.sort(dim=-1, descending=True, stable=True)  # (B, K, V)
        values = values[..., : decoding.top_k or None]
        p = (values / decoding.temperature).softmax(dim=-1)
        c = p.cumsum(dim=-1)
        kept = (c - p < max(decoding.top_p, 1e-6)).sum(dim=-1, keepdim=True)  # (B, K, 1)
        draw = self._generator.draw()[:, None] * c.gather(-1, kept - 1)  # (B, K, 1)
        passed = (c <= draw).sum(dim=-1, keepdim=True)  # never all that is kept: a number is < 1
        tokens = order.gather(-1, passed)  # (B, K, 1)
        return _every_row(logits), tokens.squeeze(-1)


class Generator:
    """Draw uniform numbers, a stream for each hypothesis: the same in every language.

    Two multiplicative congruential generators are combined (L'Ecuyer 1988). The streams of a seed
    are 2^20 steps apart on one sequence; squaring scatters where those of neighbouring seeds are.
    """

    def __init__(self, seed: int, streams: int) -> None:
        self._states = []
        for modulus, jump in zip(MODULI, JUMPS, strict=True):
            x = 1 + seed % (modulus - 1)
            for _ in range(2):
                x = 1 + x * x % (modulus - 1)
            jumps = torch.tensor([pow(jump, k + 1, modulus) for k in range(streams)])  # (K,)
            self._states.append(x * jumps % modulus)

    def draw(self) -> Tensor:
        """Return the next number of each stream (K,), above 0 and below 1."""
        steps = zip(MULTIPLIERS, self._states, MODULI, strict=True)
        self._states = [multiplier * state % modulus for multiplier, state, modulus in steps]
        first, second = self._states
        return uniform(1 + (first - second - 1) % (MODULI[0] - 1))


def uniform(z: Tensor) -> Tensor:
    """Map integers from 1 to below the first modulus to numbers, the greatest 1 - 2^-24."""
    return z.float() / 2**31  # over the modulus, which rounds to 2^31 - 128, some would be 1


def _every_row(logits: Tensor) -> Tensor:
    """Return the parents (B, K) where every hypothesis goes on."""
    return torch.arange(logits.size(1)).expand(logits.shape[:2])


def _over(total: Tensor, lengths: Tensor, alpha: float) -> Tensor:
    """Return log-probabilities over the length penalty."""
    return total / ((5 + lengths) / 6) ** alpha


def _hypotheses(ids: Tensor, lengths: Tensor, scores: Tensor) -> list[list[Hypothesis]]:
    scores, order = scores.sort(dim=-1, descending=True, stable=True)  # (B, K)
    lengths = lengths.gather(1, order)
    ids = ids.gather(1, order[..., None].expand_as(ids))
    return [
        [
            Hypothesis(tuple(token for token in beam[:length] if token != EOS), score)
            for beam, length, score in zip(*source, strict=True)
        ]
        for source in zip(ids.tolist(), lengths.tolist(), scores.tolist(), strict=True)
    ]
