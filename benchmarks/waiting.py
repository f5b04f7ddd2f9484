"""How long threads spin while they wait (`GOMP_SPINCOUNT`): training in company."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks.timing import interleaved, ratios, spread, table

ROUNDS = 5
POLICIES = {
    "default": {},
    "2,000 turns, as `chatbot train`": {"GOMP_SPINCOUNT": "2000"},
    "none": {"OMP_WAIT_POLICY": "PASSIVE"},
}
POLICY_NAMES = {name for environment in POLICIES.values() for name in environment}
MEASURE = "from benchmarks.waiting import training_speed; print(training_speed())"
BUSY = "while True: pass"


def run(rounds: int) -> str:
    places = {"a free machine": speed, "beside a busy process": beside_busy}
    tasks = {
        (where, policy): partial(place, environment)
        for where, place in places.items()
        for policy, environment in POLICIES.items()
    }
    measured, note = interleaved(tasks, rounds)
    rows = [
        [
            where,
            policy,
            spread(measured[where, policy], ",.0f"),
            spread(ratios(measured[where, policy], measured[where, "default"]), ".2f"),
        ]
        for where, policy in tasks
    ]
    heads = ["training", "threads that wait spin", "reply tokens/s", "to default"]
    return table(heads, rows, note)


def speed(environment: dict[str, str]) -> float:
    """Return the training speed in a new process, which reads its policy once, as torch loads."""
    clean = {name: value for name, value in os.environ.items() if name not in POLICY_NAMES}
    command = [sys.executable, "-c", MEASURE]
    output = subprocess.run(
        command, env=clean | environment, check=True, capture_output=True, text=True
    ).stdout
    return float(output)


def beside_busy(environment: dict[str, str]) -> float:
    with busy_process():
        return speed(environment)


@contextmanager
def busy_process() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def training_speed() -> float:
    """Return the reply tokens a second of the default model."""
    # torch, which the others run without
    from benchmarks import training  # noqa: PLC0415
    from chatbot.training.config import ModelConfig  # noqa: PLC0415
    from chatbot.training.model import Seq2Seq  # noqa: PLC0415

    batch = training.random_batch(164, 15, 10)
    model = Seq2Seq(ModelConfig(), training.VOCABULARY)
    step = training.trainer_step(model, batch, training.FP32)
    return batch.tokens * training.per_second(step)
