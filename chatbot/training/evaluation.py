"""How good a model is on pairs it was not trained on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from chatbot.bundle import Hypothesis
from chatbot.decoding import LENGTH_PENALTY, Decoding, settings
from chatbot.training.dataset import Pairs, padded
from chatbot.training.metrics import LARGEST_EXPONENT
from chatbot.training.model import Memory, Seq2Seq, State
from chatbot.training.search import admit, search
from chatbot.vocabulary import EOS


def perplexity(loss: float) -> float:
    """Return e to the loss, in nats a token; capped where a float ends."""
    return math.exp(min(loss, LARGEST_EXPONENT))


@dataclass(frozen=True)
class Validation:
    """Hold teacher-forced figures over all tokens of a split."""

    loss: float  # nats a token
    tokens: int

    @property
    def perplexity(self) -> float:
        """Return e to the loss."""
        return perplexity(self.loss)


@torch.inference_mode()
def validate(model: Seq2Seq, pairs: Pairs, *, batch_tokens: int) -> Validation:
    """Return the loss a token over all pairs, each step fed the true token before it."""
    training = model.training
    model.eval()
    total, tokens = 0.0, 0
    for batch in pairs.batches(batch_tokens, seed=None):
        loss = model.loss(*batch.to(device(model)))
        total, tokens = total + loss.item(), tokens + batch.tokens
    model.train(training)
    return Validation(total / max(1, tokens), tokens)


@torch.inference_mode()
def generate(
    model: Seq2Seq, sources: Sequence[Sequence[int]], decoding: Decoding
) -> list[list[Hypothesis]]:
    """Return for each source (ids with EOS) its hypotheses, best first, found with PyTorch."""
    training = model.training
    model.eval()
    src_len = torch.tensor([len(source) for source in sources])  # (B,)
    src = padded(sources).to(device(model))  # (B, S)
    memory = model.encode(src, src_len).repeat(decoding.hypotheses)
    state = model.decoder.start(memory.summary)
    found = search(_ModelStep(model, memory), state, len(sources), decoding)
    model.train(training)
    return found


@torch.inference_mode()
def score(model: Seq2Seq, source: Sequence[int], ids: Sequence[int], decoding: Decoding) -> float:
    """Return the score that a search gives to one reply (ids without EOS)."""
    tokens = torch.tensor([[*ids, EOS][: decoding.max_length]])  # (1, T)
    logits = model(torch.tensor([source]), torch.tensor([len(source)]), tokens)  # (1, T, V)
    total = sum(
        admit(now, tokens[:, :position], decoding)
        .log_softmax(dim=-1)[0, tokens[0, position]]
        .item()
        for position, now in enumerate(logits.unbind(dim=1))
    )
    penalty = ((5 + tokens.size(1)) / 6) ** settings(decoding)[LENGTH_PENALTY]
    return float(total / penalty)


def device(model: Seq2Seq) -> torch.device:
    """Return where the weights of a model are."""
    return model.embedding.weight.device


class _ModelStep:
    """Offer a model as the step of a search: hypotheses (B, K) are its rows (B · K)."""

    def __init__(self, model: Seq2Seq, memory: Memory) -> None:
        self._model = model
        self._memory = memory  # (R, …): all hypotheses of a source look at the same

    def __call__(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        rows = tokens.flatten().to(device(self._model))
        logits, state = self._model.step(rows, state, self._memory)
        return logits.view(*tokens.shape, -1).cpu(), state  # (B, K, V)

    def reorder(self, state: State, parents: Tensor) -> State:
        sources, width = parents.shape
        rows = (parents + width * torch.arange(sources)[:, None]).flatten()  # (R,)
        rows = rows.to(state[0].device)
        return tuple(part[:, rows] for part in state)
