"""What a model pays for the true replies, in nats."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from chatbot.training.dataset import padded
from chatbot.training.evaluation import device
from chatbot.training.metrics import Array, perplexity
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import PAD

IdPair = tuple[Sequence[int], Sequence[int]]
"""The ids of a source and of a reply, both with EOS."""

Logits = Callable[[Tensor, Tensor, Tensor], Tensor]
Progress = Callable[[int], None]

BATCH_OF_MEANS = 128
"""Pairs of a batch where the mean over batches is asked for, as in bentrevett/pytorch-seq2seq."""

_MOST_LOGITS = 2**24
_MOST_PAIRS = 64


def teacher_forced(model: Seq2Seq, pairs: Sequence[IdPair], tell: Progress) -> Array:
    """Return the nats and the tokens (N, 2) of each reply, each step fed the true token before."""
    return _losses(model, pairs, model, tell)


def free_running(model: Seq2Seq, pairs: Sequence[IdPair], tell: Progress) -> Array:
    """Return the nats and the tokens (N, 2) of each reply, each step fed the likeliest token."""

    def logits(src: Tensor, src_len: Tensor, reply: Tensor) -> Tensor:
        return model.free_running(src, src_len, reply, teacher_forcing=0.0)

    return _losses(model, pairs, logits, tell)


def mean_of_batches(losses: Array, size: int = BATCH_OF_MEANS) -> float:
    """Return e to the mean over batches of their mean loss a token, the pairs in their order.

    A token of a batch of short replies weighs more than one of long replies, so this is not the
    perplexity of all tokens; tables made with PyTorch tutorials have it.
    """
    batches = [losses[start : start + size].sum(axis=0) for start in range(0, len(losses), size)]
    means = [nats / tokens for nats, tokens in batches]
    return float(perplexity([sum(means), len(means)]))


@torch.inference_mode()
def _losses(model: Seq2Seq, pairs: Sequence[IdPair], logits: Logits, tell: Progress) -> Array:
    """Return (N, 2) whatever the order in which replies of like length are computed together."""
    training = model.training
    model.eval()
    losses = np.zeros((len(pairs), 2))
    done = 0
    for batch in _batches(pairs, model.config.outputs(model.embedding.num_embeddings)):
        sources, replies = zip(*(pairs[number] for number in batch), strict=True)
        src_len = torch.tensor([*map(len, sources)])  # (B,), read on the CPU
        reply = padded(replies).to(device(model))  # (B, T)
        found = logits(padded(sources).to(device(model)), src_len, reply)  # (B, T, V)
        nats = cross_entropy(
            found.float().transpose(1, 2), reply, reduction="none", ignore_index=PAD
        )  # (B, T), 0 on padding
        losses[batch, 0] = nats.double().sum(dim=1).cpu().numpy()
        losses[batch, 1] = [*map(len, replies)]
        done += len(batch)
        tell(done)
    model.train(training)
    return losses


def _batches(pairs: Sequence[IdPair], outputs: int) -> list[list[int]]:
    """Return the pairs of each batch by their numbers: alike in length, few where they are long."""
    batches: list[list[int]] = []
    for number in sorted(range(len(pairs)), key=lambda n: len(pairs[n][1]), reverse=True):
        longest = len(pairs[batches[-1][0]][1]) if batches else 0
        room = min(_MOST_PAIRS, _MOST_LOGITS // max(1, longest * outputs))
        if batches and len(batches[-1]) < room:
            batches[-1].append(number)
        else:
            batches.append([number])
    return batches
