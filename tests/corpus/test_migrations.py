"""A store of an older schema becomes one of this; the old one stays beside it."""

import sqlite3
import stat
from pathlib import Path

import pytest

from chatbot.text import normalise
from corpus_tools.errors import StoreError
from corpus_tools.keys import pair_key
from corpus_tools.store import Phrase, Store, pairs, search
from corpus_tools.store import migrations as migrations_module
from corpus_tools.store.schema import Base


@pytest.fixture
def old(folder: Path, data: Path) -> Path:
    """Make a store that schema 1 wrote: the dump of one."""
    path = folder / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript((data / "store_schema1.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


def columns_of(path: Path) -> dict[str, set[str]]:
    connection = sqlite3.connect(path)
    found = {
        table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for table in [*Base.metadata.tables, "pairs"]
    }
    connection.close()
    return found


def test_an_old_store_becomes_a_new_one(old: Path, folder: Path) -> None:
    with Store(str(old)) as opened, Store(str(folder / "new.db"), create=True):
        stored = list(pairs(opened, refused=True))
        row = opened.imports()[0]
    assert [(pair.prompt, pair.reply, pair.rejected) for pair in stored] == [
        ("你好", "你好呀", None),
        ("你好", "你好呀", "duplicate"),
        ("吃火锅吗", "好啊", None),
        ("今天天气怎么样", "晴天", None),
        ("hello", "world", "not_chinese"),
    ]
    assert (row.license, row.origin, row.dictionary) == ("CC0-1.0", None, "jieba 0.42.1")
    assert columns_of(old) == columns_of(folder / "new.db")


def test_refused_pairs_get_their_keys(old: Path) -> None:
    with Store(str(old)) as opened, opened.reading() as connection:
        query = "SELECT id, pair_key FROM turns WHERE position > 0 AND rejected IS NOT NULL"
        found = dict(connection.exec_driver_sql(query).all())
    assert found == {
        4: pair_key("你好", "你好呀"),
        10: pair_key(normalise("hello"), normalise("world")),
    }


def test_a_new_store_does_all_that_a_migrated_one_does(old: Path) -> None:
    with Store(str(old)) as opened:
        assert search(opened, [Phrase(["天气"], ["今天天气"])]).total == 1
        assert opened.remove_import(1)
        assert search(opened, [Phrase(["天气"], ["今天天气"])]).total == 0


def test_the_old_store_is_kept(old: Path) -> None:
    Store(str(old)).close()
    backup = old.with_name("old.db.schema1")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    connection = sqlite3.connect(backup)
    assert connection.execute("SELECT version FROM schema_info").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM pairs").fetchone() == (5,)
    connection.close()
    assert sorted(path.name for path in old.parent.iterdir()) == ["old.db", "old.db.schema1"]


def test_a_step_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_connection: object) -> None:
        raise OSError("power")

    monkeypatch.setattr(migrations_module, "_fill_in_keys", fail)
    with pytest.raises(StoreError, match="power"):
        Store(str(old))
    connection = sqlite3.connect(old)
    assert connection.execute("SELECT version FROM schema_info").fetchone() == (1,)
    assert "restored" not in columns_of(old)["turns"]
    connection.close()


def test_a_dry_run_leaves_an_old_store_alone(old: Path) -> None:
    before = old.read_bytes()
    with pytest.raises(StoreError, match="store schema 1"):
        Store(str(old), dry_run=True)
    assert old.read_bytes() == before
