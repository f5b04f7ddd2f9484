"""Rounds of interleaved measurements, and the table they become."""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TypeVar

Rounds = Sequence[float]
K = TypeVar("K")
T = TypeVar("T")

QUIET = 0.15
"""CPUs that other programs may keep busy during a round that counts."""

PATIENCE = 3
"""How many times the rounds asked for are tried before those that were least disturbed count."""


def interleaved(tasks: Mapping[K, Callable[[], T]], rounds: int) -> tuple[dict[K, list[T]], str]:
    """Measure every task once a round, so that a change of the machine's pace meets all alike.

    Return the measurements of the quiet rounds, and a sentence that says how quiet they were.
    """
    tried: list[tuple[float, dict[K, T]]] = []
    while sum(busy <= QUIET for busy, _ in tried) < rounds and len(tried) < PATIENCE * rounds:
        others = Others()
        measured = {name: task() for name, task in tasks.items()}
        tried.append((others.cpus(), measured))
    kept = sorted(tried, key=lambda each: each[0])[:rounds]
    note = (
        f"{len(kept)} rounds of {len(tried)}; beside them other programs kept "
        f"{kept[0][0]:.2f} to {kept[-1][0]:.2f} CPUs busy."
    )
    return {name: [measured[name] for _, measured in kept] for name in tasks}, note


class Others:
    """Tell how much of the machine other programs use: beside them a figure is worth little."""

    def __init__(self) -> None:
        self._begun, self._before = time.monotonic(), self._seconds()

    def cpus(self) -> float:
        """Return the mean number of CPUs since the beginning; 0 where only Linux could tell it."""
        used = self._seconds() - self._before
        return max(0.0, used) / (time.monotonic() - self._begun)

    @staticmethod
    def _seconds() -> float:
        path = Path("/proc/stat")
        if not path.is_file():
            return 0.0
        user, nice, system = map(int, path.read_text().split()[1:4])
        return (user + nice + system) / os.sysconf("SC_CLK_TCK") - math.fsum(os.times()[:4])


def seconds(call: Callable[[], object], *, repeats: int) -> float:
    """Return the median time of `repeats` calls, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return median(times)


def milliseconds(call: Callable[[], object], *, repeats: int) -> float:
    """Return the same in milliseconds."""
    return 1000 * seconds(call, repeats=repeats)


def ratios(values: Rounds, to: Rounds) -> list[float]:
    """Return how many times `to` each value is, round by round."""
    return [value / base for value, base in zip(values, to, strict=True)]


def spread(values: Rounds, form: str = ".1f") -> str:
    """Return median, least and greatest."""
    return f"{median(values):{form}} [{min(values):{form}}, {max(values):{form}}]"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *notes: str) -> str:
    """Return a Markdown table whose first column is text and whose others are figures."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    lines = ["| " + " | ".join(row) + " |" for row in (heads, rule, *rows)]
    return "\n".join([*lines, *(f"\n{note}" for note in notes)])
