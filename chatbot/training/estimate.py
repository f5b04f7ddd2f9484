"""What a run would take, told before it begins: a few steps are made and measured."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from chatbot.training.dataset import Indices
from chatbot.training.device import Hardware
from chatbot.training.trainer import Trainer

STEPS = 5
"""Steps that are timed, from the largest to the smallest."""


@dataclass(frozen=True)
class Estimate:
    """Hold what a few steps showed."""

    parameters: int
    vocabulary: int
    pairs: int
    held_out: int
    steps: int  # of an epoch
    seconds: float  # of an epoch
    memory: int | None  # bytes at the peak; None: this system does not tell
    available: int | None  # bytes

    def lines(self) -> Iterator[str]:
        """Say it."""
        yield (
            f"{self.pairs:,} pairs to train on, {self.held_out:,} held out; vocabulary "
            f"{self.vocabulary:,}; {self.parameters:,} parameters."
        )
        yield f"An epoch: {self.steps:,} steps, about {self.seconds / 60:.1f} minutes."
        if self.memory is None or self.available is None:
            return
        yield (
            f"Memory: {self.memory / 2**30:.1f} GiB at the largest batch; "
            f"{self.available / 2**30:.1f} GiB are free."
        )
        if self.memory > self.available:
            yield "That is too much: set a smaller train.batch_tokens or a smaller model."


def estimate(trainer: Trainer) -> Estimate:
    """Make a few steps with the run's batches, and tell what an epoch would take."""
    available = _available(trainer.hardware)
    lengths = trainer.pairs.lengths()  # (pairs, 2)
    steps = trainer.steps()
    sizes = np.array([sum(_padded(lengths[group]) for group in groups) for groups in steps])
    chosen = np.argsort(-sizes)[np.linspace(0, len(steps) - 1, min(STEPS, len(steps)), dtype=int)]
    trainer.step(steps[chosen[0]], 0.0)  # the largest, and the first, which takes longer
    begun = time.monotonic()
    for place in chosen:
        trainer.step(steps[place], 0.0)
    seconds = (time.monotonic() - begun) * float(sizes.sum() / sizes[chosen].sum())
    started = trainer.started()
    return Estimate(
        parameters=started.parameters,
        vocabulary=started.vocabulary,
        pairs=len(lengths),
        held_out=started.held_out,
        steps=len(steps),
        seconds=seconds,
        memory=_peak(trainer.hardware),
        available=available,
    )


def _padded(lengths: Indices) -> int:
    """Return the tokens of a batch of such lengths, padding included."""
    return int(lengths.max(axis=0).sum()) * len(lengths)


def _available(hardware: Hardware) -> int | None:
    if hardware.device.type == "cuda":
        return int(torch.cuda.mem_get_info(hardware.device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kilobytes = {name: value.split()[0] for name, _, value in (x.partition(":") for x in lines)}
    return int(kilobytes["MemAvailable"]) * 1024 if "MemAvailable" in kilobytes else None


def _peak(hardware: Hardware) -> int | None:
    if hardware.device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(hardware.device))
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
