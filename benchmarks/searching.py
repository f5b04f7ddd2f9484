"""Search and statistics in a store of a million turns, and SQL's LIKE on the same turns."""

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.importing import CORPUS, Command
from benchmarks.processes import measure
from benchmarks.subtitles import SOURCE, write_pairs
from benchmarks.timing import interleaved, milliseconds, ratios, spread, table
from corpus_tools.segmenter import Segmenter
from corpus_tools.store import Phrase, Store, search

ROUNDS = 5
TURNS = 1_000_000
REPEATS = 5
MOST_LONGER_WORDS = 1_000  # as many as `corpus search` looks for


class Question(NamedTuple):
    """What is looked for, and how; `longer`: with the dictionary's words that hold it."""

    words: tuple[str, ...]
    longer: bool = False
    side: str | None = None
    source: str | None = None


QUESTIONS = {
    "我": Question(("我",)),
    "我们": Question(("我们",)),
    "喜欢, or longer words": Question(("喜欢",), longer=True),
    "我 爱 你": Question(("我", "爱", "你")),
    "我, replies": Question(("我",), side="reply"),
    "我, prompts": Question(("我",), side="prompt"),
    "我, one source": Question(("我",), source="1"),
}


def run(rounds: int, turns: int = TURNS) -> str:
    if not SOURCE.is_file():
        return f"Skipped: {SOURCE} is not there."
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.db"
        fill(path, turns)
        whole = processes(path, rounds)  # first: this process must be small
        with Store(str(path)) as store:
            return questions(store, path, rounds) + "\n\n" + whole


def fill(store: Path, turns: int) -> None:
    source = store.with_name("pairs.tsv")
    write_pairs(source, turns // 2)
    command: Command = [sys.executable, "-c", CORPUS, "import", source, "--store", store]
    subprocess.run(command, check=True, capture_output=True)
    source.unlink()


def processes(path: Path, rounds: int) -> str:
    """Measure whole processes, from start to end."""
    corpus: Command = [sys.executable, "-c", CORPUS]
    first = measure([*corpus, "search", "我", "--store", path])
    commands: dict[str, Command] = {
        "`corpus search 我`": [*corpus, "search", "我", "--store", path],
        "`corpus search 喜欢`": [*corpus, "search", "喜欢", "--store", path],
        "`corpus stats`": [*corpus, "stats", "--store", path],
        "`corpus --version`": [*corpus, "--version"],
    }
    measured, note = interleaved(
        {name: partial(measure, command) for name, command in commands.items()}, rounds
    )
    rows = [["the first `corpus search`", f"{first.seconds:.2f}", f"{first.peak_mib:.0f}"]]
    rows += [
        [
            name,
            spread([usage.seconds for usage in usages], ".2f"),
            spread([usage.peak_mib for usage in usages], ".0f"),
        ]
        for name, usages in measured.items()
    ]
    return table(["a whole process", "s", "peak memory, MiB"], rows, note)


def questions(store: Store, path: Path, rounds: int) -> str:
    """Measure the searches alone, and what one would do without an index of words."""
    segmenter = Segmenter()
    plain = sqlite3.connect(path)
    tasks: dict[tuple[str, str], Callable[[], float]] = {}
    found: dict[str, int] = {}
    for name, question in QUESTIONS.items():
        ours = partial(ask, store, question, phrase(question, segmenter))
        like = partial(scan, plain, question)
        found[name] = ours()
        tasks[name, "ours"] = partial(milliseconds, ours, repeats=REPEATS)
        tasks[name, "like"] = partial(once, like)
    measured, note = interleaved(tasks, rounds)
    plain.close()
    rows = [
        [
            name,
            f"{found[name]:,}",
            spread(measured[name, "ours"], ".1f"),
            spread(measured[name, "like"], ".0f"),
            spread(ratios(measured[name, "like"], measured[name, "ours"])),
        ]
        for name in QUESTIONS
    ]
    heads = ["looked for", "turns found", "search, ms", "LIKE, ms", "LIKE / search"]
    return table(heads, rows, note)


def phrase(question: Question, segmenter: Segmenter) -> Phrase:
    words = question.words
    longer = segmenter.words_with(words[0])[:MOST_LONGER_WORDS] if question.longer else []
    return Phrase(words, longer)


def ask(store: Store, question: Question, wanted: Phrase) -> int:
    return search(store, [wanted], side=question.side, source=question.source).total


def scan(connection: sqlite3.Connection, question: Question) -> None:
    """Count the turns that hold the characters, and take the first twenty."""
    condition = {"reply": "position > 0", "prompt": "position = 0"}.get(question.side or "", "true")
    like = f"FROM turns WHERE text LIKE ? AND {condition}"
    wanted = [f"%{''.join(question.words)}%"]
    connection.execute(f"SELECT count(*) {like}", wanted).fetchone()
    connection.execute(f"SELECT id, text {like} ORDER BY id LIMIT 20", wanted).fetchall()


def once(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begun)
