"""Training speed at one size: ours, and the step-by-step loop of the PyTorch tutorial.

The work of a step is 6 floating-point operations (2 forward, 4 backward) for each weight of a
product and each token that passes it, and likewise for the encoder states, which the attention
multiplies by twice. The peak is that of the fastest product of square
matrices.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from benchmarks.timing import interleaved, ratios, seconds, spread, table
from benchmarks.tutorial import Tutorial
from chatbot.training.config import ModelConfig, TrainConfig
from chatbot.training.dataset import Batch
from chatbot.training.device import Hardware
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import EOS, SPECIALS

ROUNDS = 5
REPEATS = 5
THREADS = 2
VOCABULARY = 8_000
SOURCES, SOURCE, REPLY = 64, 12, 13  # tokens with EOS, no padding
UNTIED = ModelConfig(
    embedding=256,
    encoder_hidden=256,
    encoder_layers=2,
    hidden=512,
    decoder_layers=2,
    attention="dot",
    query="previous",
    tied=False,
)
FIRST = replace(UNTIED, query="first")
TIED = replace(FIRST, tied=True)  # the output reads as many numbers as an embedding has
SIDES = (512, 1024, 2048)  # rows and columns of the products that show the peak
LOOP, PEAK = "the tutorial's loop", "peak"
FP32 = Hardware(torch.device("cpu"), bf16=False)
BF16 = Hardware(torch.device("cpu"), bf16=True)

Step = Callable[[], object]


@dataclass(frozen=True)
class Task:
    """Hold a step of a model, and what it computes."""

    step: Step
    parameters: int
    operations: float


def run(rounds: int) -> str:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    batch = random_batch(SOURCES, SOURCE, REPLY)
    work = {
        (name, hardware.bf16): task
        for hardware in (FP32, BF16)
        for name, task in tasks(batch, hardware).items()
    }
    peaks = {(PEAK, each.bf16): partial(peak, each) for each in (FP32, BF16)}
    steps = {name: partial(per_second, task.step) for name, task in work.items()}
    measured, note = interleaved({**steps, **peaks}, rounds)
    rows = []
    for (name, bf16), task in work.items():
        rate = measured[name, bf16]
        done = [task.operations * each for each in rate]
        rows.append(
            [
                f"{name}, {kind(bf16)}",
                f"{task.parameters:,}",
                spread([batch.tokens * each for each in rate], ",.0f"),
                spread(ratios(rate, measured[LOOP, False]), ".2f"),
                spread([100 * share for share in ratios(done, measured[PEAK, bf16])], ".0f"),
            ]
        )
    heads = ["", "parameters", "reply tokens/s", f"to {LOOP}, fp32", "% of the peak"]
    found = [
        f"{kind(bf16)} {spread([each / 1e9 for each in measured[PEAK, bf16]], '.0f')}"
        for _, bf16 in peaks
    ]
    return table(heads, rows, f"Peak, 10^9 operations a second: {', '.join(found)}.", note)


def kind(bf16: bool) -> str:
    return "bf16" if bf16 else "fp32"


def tasks(batch: Batch, hardware: Hardware) -> dict[str, Task]:
    """Return the tutorial's loop and ours, of equal sizes."""
    return {
        LOOP: theirs(UNTIED, batch, hardware),
        f"{LOOP}, tied": theirs(TIED, batch, hardware),
        "ours, query previous": ours(UNTIED, batch, hardware),
        "ours, query first": ours(FIRST, batch, hardware),
        "ours, query first, tied": ours(TIED, batch, hardware),
    }


def theirs(config: ModelConfig, batch: Batch, hardware: Hardware) -> Task:
    tutorial = Tutorial(config, VOCABULARY, hardware)
    encoder, decoder = tutorial.parts
    return Task(
        partial(tutorial.step, batch),
        parameters(encoder, decoder),
        operations(weights(encoder.gru), weights(decoder.gru, decoder.readout)),
    )


def ours(config: ModelConfig, batch: Batch, hardware: Hardware) -> Task:
    model = Seq2Seq(config, VOCABULARY)
    readout = [model.bottleneck, model.embedding] if config.tied else [model.output]
    return Task(
        trainer_step(model, batch, hardware),
        parameters(model),
        operations(weights(model.encoder), weights(model.decoder.layers, *readout)),
    )


def trainer_step(model: Seq2Seq, batch: Batch, hardware: Hardware) -> Step:
    """Return what `chatbot train` does with one batch."""
    defaults = TrainConfig()
    optimizer = torch.optim.Adam(model.parameters(), lr=defaults.learning_rate)

    def step() -> float:
        optimizer.zero_grad()
        with hardware.autocast():
            loss = model.loss(*batch)
        torch.autograd.backward(loss / batch.tokens)
        clip_grad_norm_(model.parameters(), defaults.clip)
        optimizer.step()
        return float(loss.item())

    return step


def operations(source: int, reply: int) -> float:
    """Return the work of a step where so many weights see each source and each reply token."""
    attention = 2 * SOURCE * UNTIED.memory
    return 6.0 * SOURCES * (SOURCE * source + REPLY * (reply + attention))


def weights(*modules: nn.Module) -> int:
    """Return the numbers of all matrices: what a token is multiplied by."""
    found = nn.ModuleList(modules).parameters()
    return sum(weight.numel() for weight in found if weight.dim() == 2)


def parameters(*modules: nn.Module) -> int:
    return sum(weight.numel() for weight in nn.ModuleList(modules).parameters())


def per_second(step: Step) -> float:
    return 1 / seconds(step, repeats=REPEATS)


def peak(hardware: Hardware) -> float:
    """Return the operations a second of the fastest product."""
    dtype = torch.bfloat16 if hardware.bf16 else torch.float32
    pairs = {side: torch.randn(2, side, side, dtype=dtype) for side in SIDES}
    return max(2 * side**3 * per_second(partial(torch.mm, *pairs[side])) for side in SIDES)


def random_batch(sources: int, source: int, reply: int) -> Batch:
    """Return a batch of random ids, all sources and all replies of one length with EOS."""
    src, answers = (
        torch.randint(len(SPECIALS), VOCABULARY, (sources, length)) for length in (source, reply)
    )
    src[:, -1] = answers[:, -1] = EOS
    return Batch(src, torch.full((sources,), source), answers)
