"""Import of 323,830 subtitle pairs: `corpus import`, and the loop that a user would write."""

import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.processes import Usage, measure
from benchmarks.timing import interleaved, ratios, spread, table

Command = list[str | Path]

ROUNDS = 3
PAIRS = 323_830
SOURCE = Path(
    "../shared/data/dgk_tv_conv.zip"
)  # not part of the project, and not to be had with it
CORPUS = "from corpus_tools.cli import main; main()"


def run(rounds: int) -> str:
    if not SOURCE.is_file():
        return f"Skipped: {SOURCE} is not there."
    ours: Command = [sys.executable, "-c", CORPUS, "import", SOURCE, "--store"]
    commands: dict[str, Command] = {
        "`corpus import`": ours,
        "`corpus import --processes 1`": [*ours[:-1], "--processes", "1", "--store"],
        "plain loop": [sys.executable, "-m", "benchmarks.plain_import", SOURCE],
    }
    measured, note = interleaved(
        {name: partial(into_new_store, command) for name, command in commands.items()},
        rounds,
    )
    speed = {name: [PAIRS / usage.seconds for usage in usages] for name, usages in measured.items()}
    rows = [
        [
            name,
            spread(speed[name], ",.0f"),
            spread(ratios(speed[name], speed["plain loop"]), ".2f"),
            spread([usage.peak_mib for usage in measured[name]], ".0f"),
        ]
        for name in commands
    ]
    return table(
        ["", "pairs/s", "to the plain loop", "peak memory of all processes, MiB"], rows, note
    )


def into_new_store(command: Command) -> Usage:
    with tempfile.TemporaryDirectory() as folder:
        return measure([*command, Path(folder) / "corpus.db"])
