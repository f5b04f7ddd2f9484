"""SQLite files: which tables are read, in which order, and what is never run."""

import contextlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_tools.errors import ReadError, UsageError
from corpus_tools.formats import Dialogue, Record, Skipped, Turn
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.readers import sqlite as reader
from corpus_tools.formats.readers.sqlite import MAGIC, describe_sqlite, read_sqlite
from corpus_tools.formats.text import Binary
from corpus_tools.store import Store

Made = Callable[..., Binary]


@pytest.fixture
def made(folder: Path) -> Made:
    def make(script: str, *rows: tuple[str, list[tuple[object, ...]]]) -> Binary:
        path = folder / "a 100%?#.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)
            for statement, values in rows:
                connection.executemany(statement, values)
            connection.commit()
        return Binary("a.db", path)

    return make


def read(binary: Binary, layout: Layout = Layout()) -> list[Record]:  # noqa: B008
    before = sorted(binary.path.parent.iterdir())
    found = list(read_sqlite(binary, layout))
    assert sorted(binary.path.parent.iterdir()) == before
    return found


def pairs(found: list[Record]) -> list[tuple[str, ...]]:
    assert not any(isinstance(record, Skipped) for record in found)
    return [tuple(turn.text for turn in record.turns) for record in found]


def test_pairs_in_the_order_of_their_row_ids(made: Made) -> None:
    binary = made(
        "CREATE TABLE conversation (ask text, answer text, more varchar(900));"
        "CREATE INDEX both ON conversation (answer, ask);",
        (
            "INSERT INTO conversation (ask, answer) VALUES (?, ?)",
            [("丙", "二"), ("甲", "三"), ("乙", "一")],
        ),
    )
    assert binary.path.read_bytes().startswith(MAGIC)
    assert pairs(read(binary)) == [("丙", "二"), ("甲", "三"), ("乙", "一")]
    assert describe_sqlite(binary, Layout()) == "conversation: ask → prompt, answer → reply, header"


def test_turns_of_named_dialogues(made: Made) -> None:
    binary = made(
        "CREATE TABLE t (session_id integer, content text, role text);"
        "INSERT INTO t VALUES (1, '你好', '甲'), (1, '在', NULL), (2, '谢谢', ''), (NULL, 'x', '');"
    )
    assert read(binary) == [
        Dialogue((Turn("你好", "甲"), Turn("在"))),
        Dialogue((Turn("谢谢"),)),
        Skipped(4, "no dialogue under 'session_id'", "x\t"),
    ]


def test_what_is_no_text_is_put_aside(made: Made) -> None:
    binary = made(
        "CREATE TABLE t (question, answer);",
        (
            "INSERT INTO t VALUES (?, ?)",
            [("问", None), (b"\xff", "答"), (3, "答"), ("问", "a" * (1 << 20) + "a"), ("问", "答")],
        ),
    )
    with closing(sqlite3.connect(binary.path)) as connection:
        connection.execute("INSERT INTO t VALUES (CAST(x'ff' AS TEXT), '答')")
        connection.commit()
    *skipped, last, damaged = read(binary)
    assert [record.reason for record in skipped if isinstance(record, Skipped)] == [
        "nothing under 'answer'",
        "no text under 'question'",
        "no text under 'question'",
        "over 1,048,576 characters under 'answer'",
    ]
    assert last == Dialogue((Turn("问"), Turn("答")))
    assert damaged == Skipped(6, "no text under 'question'", "答")


def test_nothing_of_the_file_is_run(made: Made) -> None:
    """Views, virtual tables and generated columns can hold any expression."""
    binary = made(
        "CREATE TABLE t (question, answer, reply AS (answer || '!'));"
        "INSERT INTO t VALUES ('问', '答');"
        "CREATE VIEW v AS SELECT question AS prompt, answer AS reply FROM t;"
        "CREATE VIRTUAL TABLE f USING fts5(prompt, reply);"
        "INSERT INTO f VALUES ('a', 'b');"
        "PRAGMA writable_schema = ON;"
        "UPDATE sqlite_master SET rootpage = 2 WHERE name = 'f';"
    )
    assert pairs(read(binary)) == [("问", "答")]


def test_names_are_quoted(made: Made) -> None:
    binary = made(
        'CREATE TABLE "a""; DROP TABLE x; --" ("答", "问", "x""y");'
        "INSERT INTO \"a\"\"; DROP TABLE x; --\" VALUES ('好', '你好', '1');"
    )
    assert pairs(read(binary)) == [("你好", "好")]
    assert pairs(read(binary, Layout(None, "问", 'x"y'))) == [("你好", "1")]


def test_tables_without_row_ids_and_several_tables(made: Made) -> None:
    binary = made(
        "CREATE TABLE train (q text PRIMARY KEY, a text) WITHOUT ROWID;"
        "CREATE TABLE test (q text, a text); CREATE TABLE logs (session_id, text);"
        "INSERT INTO train VALUES ('b', '1'), ('a', '2'); INSERT INTO test VALUES ('c', '3');"
        "INSERT INTO logs VALUES (1, 'x');"
    )
    assert pairs(read(binary)) == [("a", "2"), ("b", "1"), ("c", "3")]


def test_columns_of_other_names(made: Made) -> None:
    binary = made("CREATE TABLE t (id, frage, antwort); INSERT INTO t VALUES (1, '你好', '好');")
    assert pairs(read(binary, Layout(None, "frage", "antwort"))) == [("你好", "好")]
    assert pairs(read(binary, Layout(None, "2", "3"))) == [("你好", "好")]
    with pytest.raises(ReadError, match=r"no table .* known names; there are t\(id, frage, antw"):
        read(binary)
    with pytest.raises(
        UsageError, match=r"table t: no column 'x'\. Its columns: id, frage, antwort"
    ):
        read(binary, Layout(None, "x", "antwort"))


def test_columns_of_several_tables_need_names(made: Made) -> None:
    binary = made("CREATE TABLE t (id, frage); CREATE TABLE u (frage, antwort);")
    assert read(binary, Layout(None, "frage", "antwort")) == []
    with pytest.raises(UsageError, match=r"no table with '1' and '2'; there are t\(id, frage\), u"):
        read(binary, Layout(None, "1", "2"))


def test_a_store_is_no_source(folder: Path) -> None:
    path = folder / "corpus.db"
    with Store(str(path), create=True):
        pass
    with pytest.raises(ReadError, match="a corpus store already"):
        list(read_sqlite(Binary("corpus.db", path), Layout()))


def test_a_database_that_is_being_written(made: Made) -> None:
    binary = made("CREATE TABLE t (q, a);")
    with closing(sqlite3.connect(binary.path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO t VALUES ('你好', '好')")
        connection.commit()
        with pytest.raises(ReadError, match=r"latest changes still stand in the file .*-wal"):
            read(binary)
    assert pairs(read(binary)) == [("你好", "好")]


def test_a_row_that_is_too_large(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = made("CREATE TABLE t (q, a);", ("INSERT INTO t VALUES (?, 'a')", [("a" * 5_000,)]))
    monkeypatch.setattr(reader, "LARGEST_ROW", 4_000)
    with pytest.raises(ReadError, match="a row of more than 4,000 bytes"):
        read(binary)


def test_a_small_file_that_holds_much(made: Made) -> None:
    """A default value stands in the file once, however many rows have it."""
    binary = made(
        "CREATE TABLE t (q);",
        ("INSERT INTO t VALUES (?)", [("问",)] * 5_000),
    )
    with closing(sqlite3.connect(binary.path)) as connection:
        connection.execute(f"ALTER TABLE t ADD COLUMN a DEFAULT '{'答' * 20_000}'")
        connection.commit()
    with pytest.raises(ReadError, match="its rows hold more than 100 times what the file does"):
        read(binary)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150
)
@given(
    st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=20),
    st.integers(0, 1 << 20),
)
def test_a_damaged_file_is_read_or_refused(
    folder: Path, changes: list[tuple[int, int]], cut: int
) -> None:
    whole, path = folder / "whole.db", folder / "a.db"
    if not whole.exists():
        with closing(sqlite3.connect(whole)) as connection:
            connection.execute("CREATE TABLE t (question text, answer text)")
            rows = [(f"问{n}", "答" * n) for n in range(60)]
            connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
            connection.commit()
    content = bytearray(whole.read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    del content[: cut % 4096 if cut % 3 == 0 else 0]
    path.write_bytes(content)
    with contextlib.suppress(ReadError, UsageError):
        list(read_sqlite(Binary("a.db", path), Layout()))
