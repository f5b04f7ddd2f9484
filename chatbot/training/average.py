"""A mean of the weights over the steps, decaying exponentially, which is often the better model."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Follow the weights of a model (Polyak and Juditsky 1992, with exponential decay)."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model, self._decay = model, decay
        self.weights: dict[str, Tensor] = {
            name: weight.detach().clone() for name, weight in model.named_parameters()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step; the first steps count less, so that none weighs on."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, weight in self._model.named_parameters():
            self.weights[name].lerp_(weight, 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the mean into the model while the context is open."""
        own = {name: weight.detach().clone() for name, weight in self._model.named_parameters()}
        self._set(self.weights)
        try:
            yield
        finally:
            self._set(own)

    @torch.no_grad()
    def _set(self, weights: dict[str, Tensor]) -> None:
        for name, weight in self._model.named_parameters():
            weight.copy_(weights[name])
