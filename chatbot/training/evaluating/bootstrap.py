"""Scores, and how far they may be off because a test set is only a sample."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chatbot.training.metrics import Array

RESAMPLES = 1000
CONFIDENCE = 0.95
SEED = 0

_BLOCK = 16
"""Resamples that are summed at once."""


class Column(NamedTuple):
    """Hold what a score is made of: a row for each case, and what maps a sum of rows to it."""

    rows: Array  # (N, K)
    score: Callable[[Array], Array]  # (…, K) to (…)


@dataclass(frozen=True)
class Figure:
    """Hold a score and where the middle 95 % of its resamples lie."""

    value: float
    low: float | None = None  # None where drawing the cases again would say nothing
    high: float | None = None


@dataclass(frozen=True)
class Difference(Figure):
    """Hold how much a score is above that of another model on the same cases."""

    p: float | None = None  # how often chance alone makes it so large


def figures(columns: Mapping[str, Column]) -> dict[str, Figure]:
    """Return the score of each column with its interval."""
    drawn = _scores(columns)
    return {
        name: Figure(float(column.score(column.rows.sum(axis=0))), *interval(drawn[name]))
        for name, column in columns.items()
    }


def differences(
    columns: Mapping[str, Column], others: Mapping[str, Column]
) -> dict[str, Difference]:
    """Return for each column that both have its score less the other's.

    Both scores of a resample are of the same cases (paired bootstrap, Koehn 2004).
    """
    shared = [name for name in columns if name in others]
    ours, theirs = ({name: one[name] for name in shared} for one in (columns, others))
    drawn, drawn_theirs = _scores(ours), _scores(theirs)
    found = {}
    for name in shared:
        value, other = (float(c.score(c.rows.sum(axis=0))) for c in (ours[name], theirs[name]))
        spread = drawn[name] - drawn_theirs[name]
        found[name] = Difference(value - other, *interval(spread), p_value(spread, value - other))
    return found


def resampled(rows: Array, *, resamples: int = RESAMPLES, seed: int = SEED) -> Array:
    """Return the sums (R, K) of the rows (N, K) over R draws of N rows with replacement.

    Efron 1979. The draws depend on N and the seed alone.
    """
    generator = np.random.default_rng(seed)
    size, sums = len(rows), []
    for start in range(0, resamples, _BLOCK):
        draws = [
            np.bincount(generator.integers(size, size=size), minlength=size)
            for _ in range(min(_BLOCK, resamples - start))
        ]
        # Not by @: the threads of BLAS wait for each other as soon as another program has a core.
        sums.append(np.einsum("rn,nk->rk", np.array(draws, dtype=np.float64), rows))
    return np.concatenate(sums)


def interval(scores: Array) -> tuple[float, float]:
    """Return between which scores the middle 95 % of the resamples lie."""
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(scores, [outside, 1 - outside])
    return float(low), float(high)


def p_value(spread: Array, observed: float) -> float:
    """Return how often chance alone would give a difference as large as the one observed.

    The differences (R,) of the resamples, moved so that their mean is 0, are what chance gives;
    either sign counts (Riezler and Maxwell 2005).
    """
    by_chance = np.abs(spread - spread.mean())
    return float((np.sum(by_chance >= abs(observed)) + 1) / (len(spread) + 1))


def _scores(columns: Mapping[str, Column]) -> dict[str, Array]:
    """Return the scores (R,) of each column over the resamples, which are the same for all."""
    if not columns:
        return {}
    different = {id(column.rows): column.rows for column in columns.values()}
    sums = resampled(np.hstack(list(different.values())))  # (R, ΣK)
    ends = np.cumsum([rows.shape[1] for rows in different.values()])[:-1]
    parts = dict(zip(different, np.split(sums, ends, axis=1), strict=True))  # (R, K) each
    return {name: column.score(parts[id(column.rows)]) for name, column in columns.items()}
