"""Imports: whole or resumable, once, and removed where the input is bad."""

import json
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot.text import normalise
from corpus_tools import importing, workers
from corpus_tools.cleaning import Cleaner, Profile
from corpus_tools.errors import ReadError, StoreError
from corpus_tools.formats import Dialogue, Source
from corpus_tools.formats.text import LONGEST_LINE
from corpus_tools.importing import Labels, Plan, batched, import_source, storable
from corpus_tools.keys import Shares, split_of
from corpus_tools.preparing import Batch, Job, Prepared
from corpus_tools.store import Pair, Store
from corpus_tools.store import pairs as pairs_of
from corpus_tools.workers import Preparer

COMMAND = [sys.executable, "-c", "import sys; from corpus_tools.cli import main; sys.exit(main())"]


def write_pairs(path: Path, count: int) -> Path:
    """Write pairs of which about every tenth is a duplicate and every 50th line malformed."""
    noise = random.Random(0)
    words = ["今天", "天气", "怎么样", "我们", "去", "北京", "大学", "吃饭", "你", "喜欢", "电影"]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            said = "".join(noise.choices(words, k=6))
            reply = f"{said}？" if number % 10 else "你猜"
            file.write("坏行\n" if number % 50 == 49 else f"{said}\t{reply}{number % 997}\n")
    return path


def batches_of(source: Source) -> Iterator[Batch]:
    for records in batched(source.records()):
        dialogues = [record for record in records if isinstance(record, Dialogue)]
        yield Batch(
            texts=[turn.text for dialogue in dialogues for turn in dialogue.turns],
            sizes=[len(dialogue.turns) for dialogue in dialogues],
            contexts=[dialogue.context for dialogue in dialogues],
        )


def rows(path: Path) -> list[tuple[object, ...]]:
    """Return all of a store but the times."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        counts = connection.execute("SELECT state, dialogues_done, skipped_done FROM imports")
        turns = connection.execute("SELECT * FROM turns ORDER BY id")
        skipped = connection.execute("SELECT * FROM skipped ORDER BY id")
        found = [*counts, *turns, *skipped]
    connection.close()
    return found


def test_turns_keep_what_was_said(store: Store, plan: Plan, data: Path) -> None:
    _, row = import_source(
        store, Source([data / "turns.conv"]), plan._replace(labels=Labels("CC0"))
    )
    assert (row.dialogues_done, row.turns_done, row.pairs_done) == (3, 6, 3)
    assert (row.pairs_accepted, row.skipped_done, row.license) == (2, 1, "CC0")
    pairs = list(pairs_of(store, refused=True))
    assert [(pair.prompt, pair.reply, pair.rejected) for pair in pairs] == [
        ("爸爸 你午饭时喝了多少酒", "你是在教训我么?", None),
        ("你是在教训我么?", "不敢", None),
        ("", "刚才没说话", "empty"),
    ]
    assert pairs[1].prompt_words == "你 是 在 教训 我 么 ？"
    assert pairs[0].license == "CC0"


def test_a_second_import_adds_nothing(store: Store, plan: Plan, data: Path) -> None:
    source = Source([data / "pairs.tsv"])
    import_source(store, source, plan)
    pairs = list(pairs_of(store))
    before, _ = import_source(store, Source([data / "pairs.tsv"]), plan)
    assert before.is_complete
    assert list(pairs_of(store)) == pairs
    assert len(store.imports()) == 1


def test_a_pair_is_accepted_once(store: Store, plan: Plan, folder: Path) -> None:
    (folder / "a.tsv").write_text("你好\t你好呀\nＨＩ\t好\n你好\t你好呀\n", encoding="utf-8")
    (folder / "b.tsv").write_text("hi\t好\n你好\t再见\n", encoding="utf-8")
    for name in ("a.tsv", "b.tsv"):
        import_source(store, Source([folder / name]), plan)
    verdicts = [pair.rejected for pair in pairs_of(store, refused=True)]
    assert verdicts == [None, None, "duplicate", "duplicate", None]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (b"\xff\n" * 5_000, "is not utf-8, nor are [0-9,]+ more"),
        (b"\xff" * 5_000, "is not utf-8, nor are [0-9,]+ more"),
        (b"?" * (LONGEST_LINE + 1), "line 3001: longer than 1,048,576 characters"),
    ],
    ids=["bad lines", "one bad line", "a long line"],
)
def test_a_bad_input_leaves_nothing(
    store: Store,
    plan: Plan,
    folder: Path,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: bytes,
    message: str,
) -> None:
    monkeypatch.setattr(importing, "BATCH_RECORDS", 100)
    import_source(store, Source([data / "pairs.tsv"]), plan)
    pairs = list(pairs_of(store))
    path = write_pairs(folder / "a.tsv", 3_000)
    path.write_bytes(path.read_bytes() + fault)
    stored = []
    source = Source([path], format_name="tsv", encoding="utf-8")
    with pytest.raises(ReadError, match=message):
        import_source(store, source, plan, on_progress=stored.append)
    assert stored
    assert list(pairs_of(store)) == pairs
    with store.reading() as connection:
        for table in ("dialogues", "turns", "skipped"):
            left = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            assert left == {"dialogues": 3, "turns": 6, "skipped": 2}[table]


def test_a_few_bad_bytes_cost_their_lines(store: Store, plan: Plan, folder: Path) -> None:
    # A byte that is no UTF-8 in the middle, and a character that is cut short at the end.
    lines = ["你好\t你好呀", "在吗\t在", "再见\t再"]
    first, second, third = (line.encode() for line in lines)
    (folder / "a.tsv").write_bytes(first + b"\n\xff" + second + b"\n" + third + b"\xe8\xa7")
    _, row = import_source(store, Source([folder / "a.tsv"]), plan)
    assert (row.pairs_done, row.pairs_accepted, row.skipped_done) == (3, 1, 2)
    verdicts = [(pair.reply, pair.rejected) for pair in pairs_of(store, refused=True)]
    assert verdicts == [("你好呀", None), ("在", "undecodable"), ("再\ufffd", "undecodable")]
    with store.reading() as connection:
        query = "SELECT line, reason, text FROM skipped ORDER BY id"
        kept = connection.exec_driver_sql(query).all()
    damaged, cut = len(first) + 1, len(first + second + third) + 3
    assert kept == [
        (2, f"byte {damaged} (0xFF) is not utf-8", "\ufffd在吗\t在"),
        (3, f"byte {cut} (0xE8) is not utf-8", "再见\t再\ufffd"),
    ]


def test_no_dialogue_is_an_error(store: Store, plan: Plan, folder: Path) -> None:
    (folder / "a.jsonl").write_text('{"title": "x"}\n', encoding="utf-8")
    with pytest.raises(ReadError, match="no dialogue in it, read as jsonl"):
        import_source(store, Source([folder / "a.jsonl"]), plan)
    assert store.imports() == []


def test_half_characters_become_the_replacement(store: Store, plan: Plan, folder: Path) -> None:
    (folder / "a.jsonl").write_text('["你\\ud83d好", "\\u0000在\\ud83d\\ude00"]', encoding="utf-8")
    (folder / "b.json").write_text('[["我\\ud83d好", "\\u0000在"]]', encoding="utf-8")
    for name in ("a.jsonl", "b.json"):
        import_source(store, Source([folder / name]), plan)
    pairs = [(pair.prompt, pair.reply) for pair in pairs_of(store, refused=True)]
    assert pairs == [("你\ufffd好", "\ufffd在😀"), ("我\ufffd好", "\ufffd在")]


def test_two_imports_of_the_same_at_once(
    store: Store, plan: Plan, data: Path, folder: Path
) -> None:
    def intruding(jobs: Iterable[tuple[Job, Batch]], /) -> Iterator[tuple[Job, Prepared]]:
        for prepared in plan.prepare(jobs):
            with Store(store.name) as other:
                import_source(other, Source([data / "pairs.tsv"]), plan)
            yield prepared

    with pytest.raises(StoreError, match="another command works on import 1"):
        import_source(store, Source([data / "pairs.tsv"]), plan._replace(prepare=intruding))
    assert len(list(pairs_of(store))) == 3


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_give_what_one_gives(
    plan: Plan, folder: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this platform")
    monkeypatch.setattr(workers, "_start_method", lambda: method)
    source = Source([write_pairs(folder / "a.tsv", 5_000)])
    jobs = list(enumerate(batches_of(source)))
    here = list(plan.prepare(jobs))
    with Preparer(2, Profile(), {}) as preparer:
        assert list(preparer.in_processes(jobs)) == here


def test_few_batches_are_under_way(folder: Path) -> None:
    taken = 0

    def counted(batches: Iterable[Batch]) -> Iterator[tuple[None, Batch]]:
        nonlocal taken
        for batch in batches:
            taken += 1
            yield None, batch

    source = Source([write_pairs(folder / "a.tsv", 12_000)])
    with Preparer(2, Profile(), {}) as preparer:
        results = preparer.in_processes(counted(batches_of(source)))
        assert len(list(islice(results, 2))) == 2
        assert taken <= 7


def test_the_split_depends_on_the_dialogue_alone() -> None:
    counts = {"train": 0, "valid": 0, "test": 0}
    for key in range(-5_000, 5_000):
        counts[split_of(key, Shares())] += 1
    assert counts == {"train": 9_000, "valid": 500, "test": 500}


def test_killed_and_run_again(folder: Path) -> None:
    """Kill the command several times, always later; the last run must end as if never killed."""
    source = write_pairs(folder / "a.tsv", 20_000)
    whole, killed = folder / "whole.db", folder / "killed.db"
    command = [*COMMAND, "import", str(source), "--processes", "2", "--store"]
    subprocess.run([*command, str(whole)], check=True, capture_output=True)
    done = 0
    for moment in (0, 5_000, 10_000):
        process = subprocess.Popen(
            [*command, str(killed)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(partial(has_dialogues, killed, max(moment, done + 1)), process)
        process.kill()
        process.wait()
        wait_until_gone(process.pid)
        assert dialogues_in(killed) > done
        done = dialogues_in(killed)
        assert len(rows(killed)) == 1 + 2 * done + skipped_in(killed)
    assert done < dialogues_in(whole)
    subprocess.run([*command, str(killed)], check=True, capture_output=True)
    assert rows(killed) == rows(whole)


def test_interrupted_with_workers(folder: Path) -> None:
    # So many that it is not through before a busy machine has looked.
    source, store = write_pairs(folder / "a.tsv", 400_000), folder / "corpus.db"
    process = subprocess.Popen(
        [*COMMAND, "import", str(source), "--processes", "2", "--store", str(store)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: dialogues_in(store) > 0, process)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "run it again to go on" in said
    assert "Traceback" not in said
    wait_until_gone(process.pid)


def wait_until_gone(group: int) -> None:
    """Wait for the workers, which have to notice by themselves that their parent is gone."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("workers are left behind")


def has_dialogues(path: Path, least: int) -> bool:
    return dialogues_in(path) >= least


def dialogues_in(path: Path) -> int:
    return number_in(path, "SELECT sum(dialogues_done) FROM imports")


def skipped_in(path: Path) -> int:
    return number_in(path, "SELECT count(*) FROM skipped")


def number_in(path: Path, query: str) -> int:
    if not path.exists():
        return 0
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(query).fetchone()[0] or 0)
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None, "ended before it could be stopped"
        time.sleep(0.02)


def test_pairs_are_streamed_in_order(store: Store, plan: Plan, folder: Path) -> None:
    import_source(store, Source([write_pairs(folder / "a.tsv", 3_000)]), plan)
    ids = [pair.pair_id for pair in pairs_of(store, refused=True)]
    assert ids == sorted(ids)
    assert isinstance(next(pairs_of(store)), Pair)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=40))
def test_what_comes_out_is_what_went_in_cleaned(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan, pairs: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, pairs)), encoding="utf-8")
    with Store(str(folder / "corpus.db"), create=True) as store:
        import_source(store, Source([folder / "a.jsonl"]), plan)
        stored = list(pairs_of(store, refused=True))
        with store.reading() as connection:
            raw = connection.exec_driver_sql("SELECT raw FROM turns ORDER BY id").scalars().all()
    assert raw == [storable(text) for pair in pairs for text in pair]
    cleaner = Cleaner(Profile())
    cleaned = [tuple(cleaner.clean(storable(text)) for text in pair) for pair in pairs]
    assert [(pair.prompt, pair.reply) for pair in stored] == cleaned
    for pair in stored:
        expected = cleaner.refusal(normalise(pair.prompt), normalise(pair.reply))
        assert pair.rejected == expected or (pair.rejected, expected) == ("duplicate", None)
