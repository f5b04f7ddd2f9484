"""What a run computes on, and how precisely."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from chatbot.errors import TrainingError, UsageError
from chatbot.training.config import TrainConfig


@dataclass(frozen=True)
class Hardware:
    """Hold the device of this process, and whether its products are made in bfloat16."""

    device: torch.device
    bf16: bool

    @classmethod
    def chosen(cls, config: TrainConfig, local_rank: int = 0) -> "Hardware":
        """Return what a recipe asks for; `auto` takes a GPU where there is one."""
        if config.device == "cuda" and not torch.cuda.is_available():
            raise UsageError(
                "train.device=cuda: this PyTorch sees no GPU. Take device=cpu, or install a "
                "PyTorch built for CUDA."
            )
        cuda = config.device != "cpu" and torch.cuda.is_available()
        if cuda and local_rank >= torch.cuda.device_count():
            raise UsageError(
                f"process {local_rank + 1} of this machine has no GPU: there are "
                f"{torch.cuda.device_count()}. Start as many processes, or set train.device=cpu."
            )
        device = torch.device("cuda", local_rank) if cuda else torch.device("cpu")
        native = _has_bf16(cuda=cuda)
        return cls(device, config.precision == "bf16" or (config.precision == "auto" and native))

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which products are made; weights and sums stay in 32 bits."""
        if not self.bf16:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def random_state(self) -> Tensor:
        """Return where the random numbers of this process stand."""
        cuda = self.device.type == "cuda"
        return torch.cuda.get_rng_state(self.device) if cuda else torch.get_rng_state()

    def set_random_state(self, state: Tensor) -> None:
        """Go on with the random numbers of a checkpoint."""
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state, self.device)
        else:
            torch.set_rng_state(state)


@contextmanager
def enough_memory() -> Iterator[None]:
    """Answer a batch that does not fit into the memory with what to do."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error)
        if isinstance(error, RuntimeError) and not any(said in text for said in _NO_MEMORY):
            raise
        raise TrainingError(
            "a batch does not fit into the memory. The last checkpoint is intact; begin another "
            "run with a smaller train.batch_tokens, and a larger train.accumulate for like steps."
        ) from error


_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
"""What PyTorch says, on a GPU and on the CPU of each system."""


def _has_bf16(*, cuda: bool) -> bool:
    """Return whether the device multiplies bfloat16 faster than 32-bit numbers."""
    if cuda:
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    asked = getattr(torch.cpu, "get_capabilities", dict)  # older PyTorch cannot tell
    capabilities: dict[str, Any] = asked()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
