"""Threads that sleep while they wait (`OMP_WAIT_POLICY=PASSIVE`): training in company."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks.timing import interleaved, ratios, spread, table

ROUNDS = 5
PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE"}
MEASURE = "from benchmarks.waiting import training_speed; print(training_speed())"
BUSY = "while True: pass"


def run(rounds: int) -> str:
    tasks = {
        ("a free machine", "default"): partial(speed, {}),
        ("a free machine", "passive"): partial(speed, PASSIVE),
        ("beside a busy process", "default"): partial(beside_busy, {}),
        ("beside a busy process", "passive"): partial(beside_busy, PASSIVE),
    }
    measured, note = interleaved(tasks, rounds)
    rows = [
        [
            where,
            spread(measured[where, "default"], ",.0f"),
            spread(measured[where, "passive"], ",.0f"),
            spread(ratios(measured[where, "passive"], measured[where, "default"]), ".2f"),
        ]
        for where in dict.fromkeys(where for where, _ in tasks)
    ]
    heads = ["reply tokens/s in training", "default", "`PASSIVE`", "`PASSIVE` / default"]
    return table(heads, rows, note)


def speed(environment: dict[str, str]) -> float:
    """Return the training speed in a new process, which reads its policy once, as torch loads."""
    clean = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
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
    from benchmarks import training  # noqa: PLC0415 - torch, which the others run without

    batch = training.random_batch()
    step = training.trainer_step(training.DEFAULT, batch)
    return training.tokens_per_second(step, training.reply_tokens(batch))
