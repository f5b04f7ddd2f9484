"""Whatever ends a command, or runs beside it: the store is whole, and the work can go on."""

import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from corpus_tools.store.schema import Base
from tests.corpus.test_importing import (
    COMMAND,
    dialogues_in,
    has_dialogues,
    wait_for,
    wait_until_gone,
    write_pairs,
)

WRITING = [
    ["import", "b.tsv"],
    ["clean"],
    ["restore", "1"],
    ["undo", "1"],
    ["gc"],
    ["split", "--valid", "9"],
    ["words", "add", "怎么样呢"],
    ["words", "remove", "你"],
    ["segment"],
]
READING = [
    ["list"],
    ["stats"],
    ["search", "天气"],
    ["sample", "-n", "1"],
    ["rejects"],
    ["export"],
    ["words", "list"],
]
TIMES = {"created_at"}
PROFILE = "[cleaning]\nversion = 1\n"


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, cwd=cwd
    )


def start(*arguments: object) -> "subprocess.Popen[str]":
    """Start a command in a group of its own."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill_after(seconds: float, *arguments: object) -> bool:
    """Kill a command and tell whether it was still running."""
    process = start(*arguments)
    try:
        said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        wait_until_gone(process.pid)
        return True
    assert process.returncode == 0, said
    return False


def seconds_of(*arguments: object) -> float:
    """Run a command to its end and return how long it took."""
    begun = time.monotonic()
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a store that is whole, but for the times."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        found = {}
        for name, table in Base.metadata.tables.items():
            there = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            columns = ", ".join(each for each in there if each not in TIMES) or "1"
            order = ", ".join(column.name for column in table.primary_key)
            rows = connection.execute(f"SELECT {columns} FROM {name} ORDER BY {order}")
            found[name] = rows.fetchall() if there else []
    return found


def check_counts(path: Path) -> None:
    """Check what must hold in any store: counts as the tables have them, a pair accepted once."""
    counted = """
        SELECT imports.id, count(DISTINCT dialogues.id), count(turns.id), count(pair_key),
            sum(pair_key IS NOT NULL AND rejected IS NULL)
        FROM imports LEFT JOIN dialogues ON import_id = imports.id
        LEFT JOIN turns ON dialogue_id = dialogues.id GROUP BY imports.id
    """
    kept = "SELECT id, dialogues_done, turns_done, pairs_done, pairs_accepted FROM imports"
    accepted = "SELECT pair_key FROM turns WHERE rejected IS NULL AND pair_key IS NOT NULL"
    refused = "SELECT pair_key FROM turns WHERE rejected = 'duplicate'"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(kept).fetchall() == connection.execute(counted).fetchall()
        keys = connection.execute(accepted).fetchall()
        assert len(keys) == len(set(keys))
        assert not set(connection.execute(refused)) - set(keys)


def test_an_import_killed_at_twenty_moments(folder: Path) -> None:
    """Each run goes on where the last was killed; one that gets to its end is begun anew."""
    source, whole, killed = write_pairs(folder / "a.tsv", 12_000), folder / "w.db", folder / "k.db"
    lasts = seconds_of("import", source, "--store", whole)
    expected = contents(whole)
    moments = random.Random(20)
    while_writing = ends = 0
    for _ in range(20):
        processes = moments.choice([1, 2])
        moment = moments.uniform(0.1, 1) * lasts
        if kill_after(moment, "import", source, "--processes", processes, "--store", killed):
            if killed.exists() and dialogues_in(killed):
                contents(killed)
                while_writing += 1
        else:
            assert contents(killed) == expected
            killed.unlink()
            ends += 1
    assert while_writing > 3
    assert run("import", source, "--store", killed).returncode == 0
    assert contents(killed) == expected


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store of two imports and a cleaning run, in which every command finds work."""
    folder = tmp_path_factory.mktemp("cleaned")
    store = folder / "corpus.db"
    for number in range(2):
        source = write_pairs(folder / f"{number}.tsv", 6_000 + number)
        assert run("import", source, "--store", store).returncode == 0
    short = folder / "short.toml"
    short.write_text(run("rules", "--toml").stdout.replace("256", "12"), encoding="utf-8")
    assert run("clean", "--profile", short, "--store", store).returncode == 0
    return store


@pytest.fixture
def copied(cleaned: Path, folder: Path) -> Path:
    return Path(shutil.copy(cleaned, folder / "corpus.db"))


@pytest.mark.parametrize(
    "command",
    [
        ["clean", "--profile"],
        ["undo", "--cleaning"],
        ["undo", "1"],
        ["gc"],
        ["split", "--valid", "30"],
    ],
    ids=" ".join,
)
def test_a_command_that_is_killed_has_done_all_or_nothing(
    cleaned: Path, copied: Path, command: list[str], folder: Path
) -> None:
    if command[-1] == "--profile":  # the defaults, which accept again what `cleaned` refuses
        profile = folder / "profile.toml"
        profile.write_text(run("rules", "--toml").stdout, encoding="utf-8")
        command = [*command, str(profile)]
    before = contents(copied)
    lasts = seconds_of(*command, "--store", copied)
    after = contents(copied)
    assert before != after
    moments = random.Random(" ".join(command))
    for _ in range(4):
        shutil.copy(cleaned, copied)
        kill_after(moments.uniform(0.4, 1) * lasts, *command, "--store", copied)
        assert contents(copied) in (before, after)
        check_counts(copied)


def test_a_migration_that_is_killed(folder: Path, data: Path) -> None:
    old, copy = folder / "old.db", folder / "copy.db"
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript((data / "store_schema1.sql").read_text(encoding="utf-8"))
        connection.executescript(MORE)
    before = contents(old)
    shutil.copy(old, copy)
    lasts = seconds_of("list", "--store", copy)
    after = contents(copy)
    assert len(after["turns"]) > 20_000
    moments = random.Random(4)
    for _ in range(4):
        shutil.copy(old, copy)
        kill_after(moments.uniform(0.3, 1) * lasts, "list", "--store", copy)
        found = contents(copy)
        assert found in (before, after)
        if found == after:
            assert contents(copy.with_name("copy.db.schema1")) == before
    assert run("list", "--store", copy).returncode == 0
    assert contents(copy) == after
