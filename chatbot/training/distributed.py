"""The processes of one run: each computes its share of every step, all take the same step.

`torchrun --nproc-per-node=N` starts them and says by the environment who is who. Gradients are
sums over tokens, divided by the tokens of all processes: N processes make the step that one makes
with N times the batch.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

from chatbot.errors import UsageError


@dataclass(frozen=True)
class World:
    """Tell a process which of how many it is."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0  # among those of its machine

    @property
    def leads(self) -> bool:
        """Return whether this process evaluates, writes and tells."""
        return self.rank == 0

    def sum(self, *numbers: float) -> list[float]:
        """Return each number summed over all processes."""
        if self.size == 1:
            return list(numbers)
        total = torch.tensor(numbers, dtype=torch.float64)
        distributed.all_reduce(total)
        return [float(number) for number in total.tolist()]

    def told(self, number: float) -> float:
        """Return the number that the leading process has."""
        return self.sum(number if self.leads else 0.0)[0]

    def sum_gradients(self, model: nn.Module) -> None:
        """Replace each gradient by its sum over all processes, in one message."""
        if self.size == 1:
            return
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        parts = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
        flat = torch.cat([part.flatten() for part in parts])
        distributed.all_reduce(flat)
        pieces = torch.split(flat, [part.numel() for part in parts])
        for weight, piece in zip(weights, pieces, strict=True):
            weight.grad = piece.view_as(weight)

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """Return the tensors that the processes have, in their order; all are of one shape."""
        if self.size == 1:
            return [tensor]
        everyone = [torch.empty_like(tensor) for _ in range(self.size)]
        distributed.all_gather(everyone, tensor)
        return everyone

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.size > 1:
            distributed.barrier()


ALONE = World()


@contextmanager
def joined() -> Iterator[World]:
    """Join the other processes of the run, if torchrun started any, and leave them at the end."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    if "RANK" not in os.environ:
        raise UsageError("WORLD_SIZE without RANK: torchrun sets both. Start the run with it.")
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    if local < torch.cuda.device_count():
        torch.cuda.set_device(local)
    # Numbers go by gloo and gradients by where they are; and whoever waits for the leading
    # process, which encodes and evaluates alone, waits as long as it takes.
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, timeout=timedelta(days=7))
    try:
        yield World(rank, size, local)
    finally:
        distributed.destroy_process_group()
