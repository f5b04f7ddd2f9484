"""Whatever ends a command, or runs beside it: the store is whole, and the work can go on."""

import io
import random
import shutil
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from corpus_tools.errors import ReadError, StoreError, UsageError
from corpus_tools.formats import Dialogue, Skipped, Source, sniff
from corpus_tools.formats.catalogue import READERS
from corpus_tools.importing import Plan, import_source
from corpus_tools.preparing import Batch, Job, Prepared
from corpus_tools.store import Store
from corpus_tools.store.schema import Base
from tests.corpus.conftest import Outcome
from tests.corpus.test_importing import (
    COMMAND,
    dialogues_in,
    has_dialogues,
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
    ["words", "remove", "天气怎么样"],
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
# 10,000 more refused pairs, to which the migration has to give their keys.
MORE = """
INSERT INTO dialogues
    WITH RECURSIVE n(i) AS (SELECT 6 UNION ALL SELECT i + 1 FROM n WHERE i < 10005)
    SELECT i, 1, i - 1, i, 'train' FROM n;
INSERT INTO turns
    SELECT 2 * id - 1, id, 0, NULL, 'hello', 'hello', 'hello', NULL, NULL
    FROM dialogues WHERE id > 5;
INSERT INTO turns
    SELECT 2 * id, id, 1, NULL, 'world' || id, 'world' || id, 'world' || id, 'not_chinese', NULL
    FROM dialogues WHERE id > 5;
UPDATE imports SET dialogues_done = 10005, turns_done = 20010, pairs_done = 10005;
"""


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


def kill_after(seconds: float, *arguments: object, once: Callable[[], bool] = lambda: True) -> bool:
    """Kill a command some time after something is so, and tell whether it was still running."""
    process = start(*arguments)
    while not once() and process.poll() is None:
        time.sleep(0.01)
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
            if not there:  # an older schema
                continue
            columns = ", ".join(each for each in there if each not in TIMES)
            order = ", ".join(column.name for column in table.primary_key)
            rows = connection.execute(f"SELECT {columns} FROM {name} ORDER BY {order}")
            found[name] = rows.fetchall()
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
    """Each run goes on where the last was killed; one that gets to its end is begun anew.

    Every second one is killed at any moment from its start, the others behind their first batch.
    """
    source, whole, killed = write_pairs(folder / "a.tsv", 10_000), folder / "w.db", folder / "k.db"
    lasts = seconds_of("import", source, "--store", whole)
    expected = contents(whole)
    moments = random.Random(20)
    while_writing = 0
    for number in range(20):
        import_it = ["import", source, "--processes", moments.choice([1, 2]), "--store", killed]
        if number % 2:
            was_killed = kill_after(moments.uniform(0, 0.5) * lasts, *import_it)
        else:
            advances = partial(has_dialogues, killed, dialogues_in(killed) + 1)
            was_killed = kill_after(moments.uniform(0, 0.1) * lasts, *import_it, once=advances)
        if was_killed and killed.exists():
            contents(killed)
            while_writing += 0 < dialogues_in(killed) < dialogues_in(whole)
        if not was_killed:
            assert contents(killed) == expected
            killed.unlink()
    assert while_writing > 5
    assert run("import", source, "--store", killed).returncode == 0
    assert contents(killed) == expected


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store of two imports and a cleaning run, in which every command finds work."""
    folder = tmp_path_factory.mktemp("cleaned")
    store = folder / "corpus.db"
    for number in range(2):
        source = write_pairs(folder / f"{number}.tsv", 4_000 + number)
        assert run("import", source, "--store", store).returncode == 0
    profile, short = folder / "all.toml", folder / "short.toml"
    profile.write_text(run("rules", "--toml").stdout, encoding="utf-8")
    short.write_text(profile.read_text(encoding="utf-8").replace("256", "12"), encoding="utf-8")
    assert run("clean", "--profile", short, "--store", store).returncode == 0
    return store


@pytest.fixture
def copied(cleaned: Path, folder: Path) -> Path:
    return Path(shutil.copy(cleaned, folder / "corpus.db"))


@pytest.mark.parametrize(
    "command",
    [
        ["clean"],
        ["undo", "--cleaning"],
        ["undo", "1"],
        ["gc"],
        ["split", "--valid", "30"],
    ],
    ids=" ".join,
)
def test_a_command_that_is_killed_has_done_all_or_nothing(
    cleaned: Path, copied: Path, command: list[str]
) -> None:
    if command == ["clean"]:  # by the defaults, which accept again what was refused
        command = ["clean", "--profile", str(cleaned.with_name("all.toml"))]
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


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    path = folder / "disk"
    path.mkdir()
    if not mounted("size=2m", path):
        pytest.skip("no file system can be mounted here")
    yield path
    subprocess.run(["umount", path], check=True)


def mounted(options: str, path: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", path]
    return (
        bool(shutil.which("mount"))
        and not subprocess.run(command, check=False, capture_output=True).returncode
    )


def test_an_import_onto_a_full_disk(folder: Path, small_disk: Path) -> None:
    source, store, whole = write_pairs(folder / "a.tsv", 12_000), small_disk / "c.db", folder / "w"
    assert run("import", source, "--store", whole).returncode == 0
    done = run("import", source, "--store", store)
    assert (done.returncode, said(done)) == (4, f"error: {store}: {FULL}")
    stored = contents(store)
    assert 0 < len(stored["turns"]) < len(contents(whole)["turns"])
    check_counts(store)
    assert mounted("remount,size=64m", small_disk)
    assert run("import", source, "--store", store).returncode == 0
    assert contents(store) == contents(whole)


@pytest.mark.parametrize("command", [["clean"], ["undo", "1"], ["undo", "--cleaning"], ["gc"]])
def test_a_command_on_a_full_disk(
    copied: Path, small_disk: Path, command: list[str], cleaned: Path
) -> None:
    assert mounted(f"remount,size={copied.stat().st_size + 60_000}", small_disk)
    store = Path(shutil.copy(copied, small_disk))
    if command == ["clean"]:
        command = ["clean", "--profile", str(cleaned.with_name("all.toml"))]
    done = run(*command, "--store", store)
    assert done.returncode == 4, done
    assert said(done) == f"error: {store}: {FULL}"
    assert contents(store) == contents(copied)
    assert mounted("remount,size=64m", small_disk)
    assert run(*command, "--store", store).returncode == 0


def test_a_migration_onto_a_full_disk(small_disk: Path, data: Path) -> None:
    """There is room for the old store, but none for a copy of it."""
    assert mounted("remount,size=72k", small_disk)
    store = small_disk / "old.db"
    with closing(sqlite3.connect(store)) as connection:
        connection.executescript((data / "store_schema1.sql").read_text(encoding="utf-8"))
    before = store.read_bytes()
    done = run("list", "--store", store)
    assert (done.returncode, said(done)) == (4, f"error: {store}: {FULL}")
    assert [path.name for path in small_disk.iterdir()] == ["old.db"]
    assert store.read_bytes() == before
    assert mounted("remount,size=64m", small_disk)
    assert run("list", "--store", store).returncode == 0


FULL = "the disk is full. Make room and run the command again."


def test_a_file_that_may_not_grow(folder: Path) -> None:
    """A quota stops the store where no disk can be made small: here a limit of the process."""
    source, store, whole = write_pairs(folder / "a.tsv", 12_000), folder / "c.db", folder / "w.db"
    limited = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
from corpus_tools.cli import main
sys.exit(main(["import", {str(source)!r}, "--processes", "1", "--store", {str(store)!r}]))
"""
    done = subprocess.run(
        [COMMAND[0], "-c", limited], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 4
    assert said(done).startswith(f"error: {store}: the disk ")
    assert len(contents(store)["turns"]) > 0
    for name in (store, whole):
        assert run("import", source, "--store", name).returncode == 0
    assert contents(store) == contents(whole)


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the error that a command ended with; no traceback stands before it."""
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def with_words(cleaned: Path) -> Path:
    """The same store with a word added, so that there is something to segment and to remove."""
    path = Path(shutil.copy(cleaned, cleaned.with_name("words.db")))
    assert run("words", "add", "天气怎么样", "--store", path).returncode == 0
    return path


@pytest.mark.parametrize("command", [*WRITING, *READING], ids=" ".join)
def test_a_store_opened_for_reading(with_words: Path, folder: Path, command: list[str]) -> None:
    (folder / "b.tsv").write_text("你好\t好\n", encoding="utf-8")
    url = f"sqlite:///file:{with_words}?mode=ro&uri=true"
    check_reading_only(run(*command, "--store", url, cwd=folder), command)


@pytest.mark.parametrize("command", [["list"], ["search", "天气"], ["clean"]], ids=" ".join)
def test_a_disk_that_cannot_be_written(
    small_disk: Path, with_words: Path, folder: Path, command: list[str]
) -> None:
    assert mounted("remount,size=64m", small_disk)
    shutil.copy(with_words, small_disk / "corpus.db")
    assert mounted("remount,ro", small_disk)
    url = f"sqlite:///file:{small_disk}/corpus.db?immutable=1&uri=true"
    check_reading_only(run(*command, "--store", url, cwd=folder), command)
    done = run(*command, "--store", small_disk / "corpus.db", cwd=folder)
    assert done.returncode == 4
    assert said(done).startswith(f"error: {small_disk}/corpus.db: the store ")


def check_reading_only(done: "subprocess.CompletedProcess[str]", command: list[str]) -> None:
    if command in READING:
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout
    else:
        assert done.returncode == 4
        assert "the store is read-only. Make the file and its folder writable." in said(done)


def test_two_imports_at_once(folder: Path) -> None:
    """Both complete, and a pair that both bring is accepted once; the store is new to both."""
    lines = [f"你好{number}\t好的{number}\n" for number in range(9_000)]
    for name, part in (("a.tsv", lines[:6_000]), ("b.tsv", lines[3_000:])):
        (folder / name).write_text("".join(part), encoding="utf-8")
    store = folder / "corpus.db"
    both = [start("import", folder / name, "--store", store) for name in ("a.tsv", "b.tsv")]
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in both]
    assert [code for _, code in ended] == [0, 0], ended
    check_counts(store)
    pairs = run("export", "--format", "tsv", "--store", store).stdout.splitlines()[1:]
    assert sorted(pairs) == sorted(line.strip("\n") for line in lines)


def test_one_file_imported_twice_at_once(folder: Path) -> None:
    """One of the two completes; the other says that it is not alone, or finds nothing to do."""
    source, store = write_pairs(folder / "a.tsv", 12_000), folder / "corpus.db"
    both = [start("import", source, "--store", store) for _ in range(2)]
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in both]
    assert 0 in [code for _, code in ended], ended
    for errors, code in ended:
        assert code == 0 or "another command works on import 1. Wait for its end" in errors
        assert "Traceback" not in errors
    run("import", source, "--store", folder / "alone.db")
    assert contents(store) == contents(folder / "alone.db")


@pytest.mark.parametrize(
    "command",
    [
        ["clean", "--profile", "short.toml"],
        ["undo", "1"],
        ["undo", "2"],
        ["segment"],
        ["split", "--valid", "30"],
        ["gc"],
    ],
    ids=" ".join,
)
def test_a_command_beside_an_import(
    store: Store, plan: Plan, corpus: Callable[..., Outcome], command: list[str]
) -> None:
    """It works between two batches of the import, which goes on, or stops and can be run again."""
    Path("short.toml").write_text("[too_long]\nreply = 12\n", encoding="utf-8")
    import_source(store, Source([write_pairs(Path("a.tsv"), 2_000)]), plan)
    write_pairs(Path("b.tsv"), 6_000)
    outcomes = []

    def intruding(jobs: Iterable[tuple[Job, Batch]], /) -> Iterator[tuple[Job, Prepared]]:
        for number, prepared in enumerate(plan.prepare(jobs)):
            if number == 3:
                if command == ["segment"]:
                    outcomes.append(corpus("words", "add", "去北京"))
                outcomes.append(corpus(*command))
            yield prepared

    with suppress(StoreError):
        import_source(store, Source([Path("b.tsv")]), plan._replace(prepare=intruding))
    assert [outcome.code for outcome in outcomes] == [0] * len(outcomes)
    outcome = corpus("import", "b.tsv", *(command[1:] if command[0] == "clean" else []))
    assert outcome.code == 0
    check_counts(Path("corpus.db"))
    if command == ["segment"]:
        check_words(corpus)
    elif command[0] == "split":
        check_splits(corpus)


def check_words(corpus: Callable[..., Outcome]) -> None:
    """Check that what says to be segmented with some words is: with one more nothing changes."""
    assert corpus("segment").code == 0
    before = contents(Path("corpus.db"))["turns"]
    assert corpus("words", "add", "一个不会出现的词").code == 0
    assert corpus("segment").code == 0
    assert contents(Path("corpus.db"))["turns"] == before


def check_splits(corpus: Callable[..., Outcome]) -> None:
    """Check that all dialogues are shared out by the rule that the store keeps."""
    before = contents(Path("corpus.db"))["dialogues"]
    assert corpus("split", "--valid", "30").code == 0
    assert contents(Path("corpus.db"))["dialogues"] == before


LAUGHS = "a0: &a0 [哈]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    "content",
    [
        f"{LAUGHS}conversations:\n- [你好, *a11]\n",
        f"{LAUGHS}conversations: *a11\n",
        "- q: &a [你好]\n  a: *a\n",
        f"{LAUGHS}- q: *a11\n  a: 好\n",
        "conversations: " + "[" * 100_000,
        "- " * 100_000,
    ],
)
def test_a_yaml_that_would_grow(corpus: Callable[..., Outcome], content: str) -> None:
    Path("a.yml").write_text(content, encoding="utf-8")
    outcome = corpus("import", "a.yml", "--format", "faq" if "q:" in content else "chatterbot")
    assert (outcome.code, outcome.out) == (1, "")
    *_, error = outcome.err.splitlines()
    assert error.startswith("error: a.yml, line 1: ")
    assert len(outcome.err) < 400


def inflated(path: Path, layers: int) -> Path:
    """Write 64 MiB of zeros, packed as often as it says."""
    content = bytes(1 << 26)
    for _ in range(layers):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.tsv", content)
        content = packed.getvalue()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("options", [[], ["--format", "tsv"]])
def test_a_zip_that_would_grow(
    corpus: Callable[..., Outcome], layers: int, options: list[str]
) -> None:
    outcome = corpus("import", inflated(Path("a.zip"), layers), *options)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: a.zip")
    assert outcome.err.count("\n") == 1


SMALL = sorted(path for path in (Path(__file__).parent / "data").iterdir() if path.is_file())


@pytest.mark.parametrize("name", ["sqlite", "parquet"])
def test_a_text_is_no_binary_file(corpus: Callable[..., Outcome], data: Path, name: str) -> None:
    outcome = corpus("import", data / "pairs.tsv", "--format", name)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "pairs.tsv: not of the format that --format names, by its first bytes." in outcome.err


@pytest.mark.parametrize("original", SMALL, ids=lambda path: path.name)
def test_a_damaged_file_is_read_or_refused(original: Path, folder: Path) -> None:
    """Whatever has become of a file: as it shows itself, and as what it was."""
    damage = random.Random(original.name)
    path = folder / original.name
    formats = [None, *sorted(name for name in READERS if name != "delimited")]
    for number in range(30):
        path.write_bytes(mutated(original.read_bytes(), damage))
        with suppress(ReadError, UsageError):
            source = Source([path], format_name=formats[number % len(formats)])
            sniff(source)
            for record in source.records():
                assert isinstance(record, (Dialogue, Skipped))


def mutated(content: bytes, damage: random.Random) -> bytes:
    """Return bytes of which some are changed, cut out, repeated or put in."""
    for _ in range(damage.choice([1, 3, 10])):
        at = damage.randrange(len(content) + 1)
        to = min(len(content), at + damage.choice([0, 1, 1, 2, 8, 100]))
        inserted = [content[at:to] * 2, damage.randbytes(1), damage.choice(MARKS).encode(), b""]
        content = content[:at] + damage.choice(inserted) + content[to:]
    return content


MARKS = ['"', "\n", "\t", "\r", "{", "[", "]", ":", ": ", "- ", "&a ", "*a ", "\0", "\ufeff", "\\u"]
