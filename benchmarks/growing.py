"""Import of 10,000, 100,000 and 1,000,000 pairs: time and memory."""

import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.importing import CORPUS, into_new_store
from benchmarks.subtitles import SOURCE, write_pairs
from benchmarks.timing import interleaved, ratios, spread, table

ROUNDS = 3
SIZES = (10_000, 100_000, 1_000_000)


def run(rounds: int, sizes: tuple[int, ...] = SIZES) -> str:
    if not SOURCE.is_file():
        return f"Skipped: {SOURCE} is not there."
    with tempfile.TemporaryDirectory() as folder:
        files = {size: Path(folder) / f"{size}.tsv" for size in sizes}
        for size, path in files.items():
            write_pairs(path, size)
        command = [sys.executable, "-c", CORPUS, "import"]
        measured, note = interleaved(
            {
                size: partial(into_new_store, [*command, path, "--store"])
                for size, path in files.items()
            },
            rounds,
        )
    seconds = {size: [usage.seconds for usage in usages] for size, usages in measured.items()}
    peak = {size: [usage.peak_mib for usage in usages] for size, usages in measured.items()}
    rows = [
        [
            f"{size:,}",
            spread(seconds[size], ".1f"),
            spread([size / each for each in seconds[size]], ",.0f"),
            spread(peak[size], ".0f"),
            spread(ratios(peak[size], peak[sizes[-2]]), ".2f"),
        ]
        for size in sizes
    ]
    before, last = sizes[-2:]
    marginal = [
        (last - before) / (more - less)
        for more, less in zip(seconds[last], seconds[before], strict=True)
    ]
    heads = ["pairs", "s", "pairs/s", "peak memory of all processes, MiB", f"to {before:,} pairs"]
    remark = f"From {before:,} to {last:,} pairs: {spread(marginal, ',.0f')} pairs/s."
    return table(heads, rows, remark, note)
