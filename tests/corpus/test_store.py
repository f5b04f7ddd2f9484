"""The store as a file, and the view that other programs read."""

import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from corpus_tools.errors import StoreError
from corpus_tools.store import (
    ImportKey,
    NewDialogue,
    NewTurns,
    Pair,
    Provenance,
    Store,
    duplicates,
    pairs,
    rejects,
    sample,
)
from corpus_tools.store.schema import Base


@pytest.fixture
def filled(store: Store) -> Store:
    provenance = Provenance("a", "MIT", "a friend", "jieba", {})
    row = store.begin_import(ImportKey("0", "tsv", "utf-8"), provenance)
    dialogues = [
        NewDialogue(1, 3),
        NewDialogue(97, 2),  # from 95 on `test`, from 90 on `valid`
        NewDialogue(92, 1),
    ]
    texts = ["问", "答", "再答", "问", "？", "独白"]
    rejected = [None, None, None, None, "empty", None]
    keys = [None, 1, 2, None, 3, None]
    turns = NewTurns([None] * 6, texts, texts, texts, rejected, keys)
    store.complete_import(store.add_batch(row, dialogues, turns, []).id)
    return store


def test_the_view_for_other_programs(filled: Store) -> None:
    connection = sqlite3.connect(f"file:{filled.name}?mode=ro", uri=True)
    cursor = connection.execute("SELECT * FROM pairs ORDER BY pair_id")
    assert tuple(name for name, *_ in cursor.description) == Pair._fields
    assert cursor.fetchall() == [
        (2, 1, 1, "train", 1, "a", "MIT", "问", "答", "问", "答", None),
        (3, 1, 2, "train", 1, "a", "MIT", "答", "再答", "答", "再答", None),
        (5, 2, 1, "test", 1, "a", "MIT", "问", "？", "问", "？", "empty"),
    ]
    connection.close()


def test_removal_takes_everything_along(filled: Store) -> None:
    assert filled.remove_import(1)
    assert not filled.remove_import(1)
    with filled.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM turns").scalar() == 0


def test_a_sample_is_repeatable(filled: Store) -> None:
    assert sample(filled, 1, seed=3) == sample(filled, 1, seed=3)
    assert [pair.reply for pair in sample(filled, 9, seed=3)] == ["答", "再答"]
    assert [pair.reply for pair in rejects(filled, 9, seed=3, rule="empty")] == ["？"]
    assert [pair.reply for pair in rejects(filled, 9, seed=3)] == ["？"]


def test_only_the_owner_may_read(store: Store) -> None:
    assert stat.S_IMODE(Path(store.name).stat().st_mode) == 0o600


def test_our_settings_do_not_leak(store: Store) -> None:
    with store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    other = sqlite3.connect(":memory:")
    assert other.execute("PRAGMA foreign_keys").fetchone() == (0,)
    other.close()


def test_a_missing_store(folder: Path) -> None:
    with pytest.raises(StoreError, match=r"no such store\. 'corpus import FILE --store"):
        Store(str(folder / "none.db"))
    assert list(folder.iterdir()) == []


def test_a_file_that_is_no_database(folder: Path) -> None:
    (folder / "a.db").write_text("你好" * 1000, encoding="utf-8")
    with pytest.raises(StoreError, match="not a corpus store, nor any SQLite file"):
        Store(str(folder / "a.db"), create=True)


def test_a_database_of_somebody_else(folder: Path) -> None:
    connection = sqlite3.connect(folder / "a.db")
    connection.execute("CREATE TABLE conversation (ask TEXT)")
    connection.close()
    with pytest.raises(StoreError, match="a database, but no corpus store"):
        Store(str(folder / "a.db"), create=True)


def test_a_store_of_a_newer_version(store: Store) -> None:
    connection = sqlite3.connect(store.name)
    connection.execute("UPDATE schema_info SET version = 3")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="store schema 3; this version reads 2"):
        Store(store.name)


def test_a_read_only_store(filled: Store) -> None:
    with Store(f"sqlite:///file:{filled.name}?mode=ro&uri=true") as opened:
        assert len(list(pairs(opened))) == 2
        with pytest.raises(StoreError, match="the store is read-only"):
            opened.remove_import(1)


@pytest.mark.parametrize("name", ["nosuch://x", "sqlite:/:bad://"])
def test_a_url_that_leads_nowhere(name: str) -> None:
    with pytest.raises(StoreError):
        Store(name)


def test_the_tables_are_portable() -> None:
    dialect = postgresql.dialect()
    for table in Base.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))


@pytest.mark.parametrize("name", ["", ":memory:", "sqlite://", "sqlite:///"])
def test_a_store_that_would_keep_nothing(name: str) -> None:
    with pytest.raises(StoreError, match="would be gone at once"):
        Store(name, create=True)


def test_a_name_that_is_too_long(folder: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(str(folder / ("x" * 300)), create=True)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE imports SET options = '{'",
        "UPDATE imports SET created_at = 'never'",
        "UPDATE imports SET path = CAST(x'e4bdff' AS TEXT)",
        "ALTER TABLE imports DROP COLUMN path",
    ],
)
def test_a_damaged_store(filled: Store, damage: str) -> None:
    connection = sqlite3.connect(filled.name)
    connection.execute("DROP VIEW pairs")
    connection.execute(damage)
    connection.commit()
    connection.close()
    with Store(filled.name) as opened, pytest.raises(StoreError, match="the database is damaged"):
        opened.imports()


def test_a_store_deleted_meanwhile(filled: Store) -> None:
    Path(filled.name).unlink()
    with pytest.raises(StoreError, match="deleted meanwhile"):
        filled.complete_import(1)


@given(
    st.lists(st.lists(st.integers(-3, 12), max_size=8), max_size=12),
    st.integers(0, 5),
)
def test_a_key_is_accepted_once(batches: list[list[int]], held: int) -> None:
    """However many keys lie unsorted; the model is a set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_UNSORTED", held)
        keys, seen = duplicates.AcceptedKeys(), set[int]()
        for batch in batches:
            expected = []
            for key in batch:
                expected.append("duplicate" if key in seen else None)
                seen.add(key)
            assert keys.judge(batch, [None] * len(batch)) == expected
