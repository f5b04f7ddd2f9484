"""Rounds of interleaved measurements, and the table they become."""

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TypeVar

Rounds = Sequence[float]
K = TypeVar("K")
T = TypeVar("T")


def interleaved(tasks: Mapping[K, Callable[[], T]], rounds: int) -> dict[K, list[T]]:
    """Measure every task once a round, so that a change of the machine's pace meets all alike."""
    measured: dict[K, list[T]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            measured[name].append(task())
    return measured


def seconds(call: Callable[[], object], *, repeats: int) -> float:
    """Return the median time of `repeats` calls, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return median(times)


def ratios(values: Rounds, to: Rounds) -> list[float]:
    """Return how many times `to` each value is, round by round."""
    return [value / base for value, base in zip(values, to, strict=True)]


def spread(values: Rounds, form: str = ".1f") -> str:
    """Return median, least and greatest."""
    return f"{median(values):{form}} [{min(values):{form}}, {max(values):{form}}]"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is text and whose others are figures."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, rule, *rows))
