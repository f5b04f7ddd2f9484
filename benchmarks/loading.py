"""What feeding a model costs: padding, its share of the time, and memory up to a million pairs.

The corpus is xhj (benchmarks/corpora.py). The larger ones have the lengths of its pairs, again and
again, and random words; a process writes one and trains the default recipe on it for half a minute.
"""

import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from benchmarks.corpora import DATA, xhj
from benchmarks.processes import measure
from benchmarks.timing import interleaved, ratios, spread, table

ROUNDS = 3
SIZES = (100_000, 1_000_000)
FEEDING: list[str | Path] = [sys.executable, "-m", "benchmarks.feeding"]


class Fed(NamedTuple):
    """Hold what a training took."""

    peak_mib: float
    loading: float  # share of the time that went into making batches
    steps: int


def run(rounds: int) -> str:
    if not DATA.is_dir():
        return f"Skipped: {DATA} is not there."
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        real = folder / "xhj"
        start = [*FEEDING, "start", real, xhj(folder).store]
        padding: dict[str, float] = json.loads(subprocess.check_output(start))
        tasks = {size: partial(fed, folder / str(size), real, size) for size in SIZES}
        measured, note = interleaved(tasks, rounds)
    peaks = {size: [one.peak_mib for one in found] for size, found in measured.items()}
    rows = [
        [
            f"{size:,}",
            spread(peaks[size], ".0f"),
            spread(ratios(peaks[size], peaks[SIZES[0]]), ".2f"),
            spread([100 * one.loading for one in found], ".2f"),
            spread([one.steps for one in found], ",.0f"),
        ]
        for size, found in measured.items()
    ]
    heads = [
        "pairs",
        "peak memory, MiB",
        f"to {SIZES[0]:,} pairs",
        "% of the time loading",
        "steps",
    ]
    wasted = "; ".join(f"batches {kind}: {times:.3f}" for kind, times in padding.items())
    return table(heads, rows, f"Computed tokens for each real one of xhj, {wasted}.", note)


def fed(run: Path, real: Path, size: int) -> Fed:
    """Train in a new process; this one must stay small (benchmarks/processes.py)."""
    usage = measure([*FEEDING, "train", run, real, str(size)])
    events = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    for path in run.iterdir():
        path.unlink()
    loading = fmean(event["loading"] for event in events if event["event"] == "train")
    return Fed(usage.peak_mib, loading, events[-1]["step"])
