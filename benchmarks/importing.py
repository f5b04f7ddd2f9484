"""Import of 323,830 subtitle pairs: `corpus import`, and the loop that a user would write."""

import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.processes import Usage, measure
from benchmarks.subtitles import PAIRS, SOURCE
from benchmarks.timing import interleaved, ratios, spread, table

Command = list[str | Path]

ROUNDS = 3
CORPUS = "import sys; from corpus_tools.cli import main; sys.exit(main())"
WITHOUT_RJIEBA = f"import sys; sys.modules['rjieba'] = None; {CORPUS}"
PLAIN = "plain loop"


def run(rounds: int) -> str:
    if not SOURCE.is_file():
        return f"Skipped: {SOURCE} is not there."
    commands: dict[str, Command] = {
        "`corpus import`, rjieba, 2 processes": corpus_import(CORPUS, processes=2),
        "`corpus import`, rjieba, 1 process": corpus_import(CORPUS, processes=1),
        "`corpus import`, 2 processes": corpus_import(WITHOUT_RJIEBA, processes=2),
        "`corpus import`, 1 process": corpus_import(WITHOUT_RJIEBA, processes=1),
        PLAIN: [sys.executable, "-m", "benchmarks.plain_import", SOURCE],
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
            spread(ratios(speed[name], speed[PLAIN]), ".2f"),
            spread([usage.peak_mib for usage in measured[name]], ".0f"),
        ]
        for name in commands
    ]
    return table(
        ["", "pairs/s", "to the plain loop", "peak memory of all processes, MiB"], rows, note
    )


def corpus_import(code: str, *, processes: int) -> Command:
    return [sys.executable, "-c", code, "import", SOURCE, f"--processes={processes}", "--store"]


def into_new_store(command: Command) -> Usage:
    with tempfile.TemporaryDirectory() as folder:
        return measure([*command, Path(folder) / "corpus.db"])
