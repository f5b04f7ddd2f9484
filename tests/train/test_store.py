"""What the trainer reads of a store."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatbot.bundle import Bundle
from chatbot.errors import StoreError
from chatbot.training.store import Store
from chatbot.vocabulary import SEPARATOR


def test_only_accepted_pairs_of_the_split_are_read(make_store: Callable) -> None:
    path = make_store([("train", "你好", "嗨"), ("valid", "在吗", "在"), ("train", "谢谢", "不谢")])
    store = Store(path)
    assert list(store.pairs("train")) == [("你好", "嗨"), ("谢谢", "不谢")]
    assert list(store.pairs("valid")) == [("在吗", "在")]
    assert store.word_counts("train") == {"你": 1, "好": 1, "嗨": 1, "谢": 3, "不": 1}


def test_prompts_are_counted_as_they_will_be_read(make_store: Callable) -> None:
    path = make_store([("train", "天气ok", "天气")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE pairs SET prompt_words = '天气 ok', reply_words = '天气'")
    store = Store(path)
    assert store.word_counts("train") == {"天气": 2, "ok": 1}
    counted = store.word_counts("train", prompts="characters")
    assert counted == {"天": 1, "气": 1, "ok": 1, "天气": 1}


def test_spaces_between_latin_words_are_counted(make_store: Callable) -> None:
    store = Store(make_store([("train", "hello big world", "你 好")]))
    assert store.word_counts("train")[" "] == 2


def test_a_store_that_is_none_is_refused(tmp_path: Path, make_store: Callable) -> None:
    with pytest.raises(StoreError, match="no such store"):
        Store(tmp_path / "nowhere.db")
    (tmp_path / "text.db").write_text("not a database, only text" * 100)
    with pytest.raises(StoreError, match="not a corpus store"):
        Store(tmp_path / "text.db")
    with pytest.raises(StoreError, match="store schema 7; this version reads 1"):
        Store(make_store([], schema=7))


def test_the_sources_of_the_training_pairs_are_counted(make_store: Callable) -> None:
    path = make_store([("train", "你好", "嗨", "在吗"), ("valid", "在吗", "在")])
    assert Store(path).sources("train") == {"chat.tsv": 2}


@pytest.mark.parametrize("context", [1, 2, 5])
def test_the_turns_before_stand_as_a_bundle_reads_them(make_store: Callable, context: int) -> None:
    """Training and runtime join the turns alike, a separator that somebody wrote included."""
    turns = ["一", f"二{SEPARATOR}贰", "三", "四"]
    path = make_store([("train", *turns), ("train", "别的", "对话")])
    bundle = Bundle.__new__(Bundle)
    object.__setattr__(bundle, "manifest", {"context": context})
    *found, other = Store(path).pairs("train", context=context)
    assert found == [
        (bundle.text(turns[place - 1], turns[: place - 1]), turns[place]) for place in (1, 2, 3)
    ]
    assert other == ("别的", "对话")


def test_a_damaged_store_is_refused_while_it_is_read(make_store: Callable) -> None:
    path = make_store([("train", "你好", "嗨")])
    store = Store(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE pairs SET prompt = CAST(x'e4bdff' AS TEXT)")
    connection.close()
    with pytest.raises(StoreError, match="not a corpus store"):
        list(store.pairs("train"))
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE pairs")
        connection.execute("DELETE FROM schema_info")
    connection.close()
    with pytest.raises(StoreError, match="no such table: pairs"):
        store.word_counts("train")
    with pytest.raises(StoreError, match="store schema None"):
        Store(path)
