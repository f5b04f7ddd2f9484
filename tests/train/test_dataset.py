"""From a store to batches."""

import itertools
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import StoreError
from chatbot.text import Tokenizer
from chatbot.training.config import DataConfig
from chatbot.training.dataset import Pairs, Store
from chatbot.vocabulary import EOS, PAD, Vocabulary

LETTERS = Tokenizer(Vocabulary.learn(dict.fromkeys("abcdefg", 2)))


def test_only_accepted_pairs_of_the_split_are_read(make_store: Callable) -> None:
    path = make_store([("train", "你好", "嗨"), ("valid", "在吗", "在"), ("train", "谢谢", "不谢")])
    store = Store(path)
    assert list(store.pairs("train")) == [("你好", "嗨"), ("谢谢", "不谢")]
    assert list(store.pairs("valid")) == [("在吗", "在")]
    assert store.word_counts("train") == {"你": 1, "好": 1, "嗨": 1, "谢": 3, "不": 1}


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


def test_pairs_end_with_eos_and_are_cut_or_left_out_as_the_settings_say() -> None:
    data = DataConfig(max_source=4, max_reply=4)
    pairs = Pairs([("abcdef", "abc"), ("ab", "abcd")], LETTERS, data)
    assert (len(pairs), pairs.left_out) == (1, 1)
    source, reply = pairs[0]
    assert source == [*LETTERS.encode("abc"), EOS]
    assert reply == [*LETTERS.encode("abc"), EOS]


texts = st.text("abcdefg", min_size=1, max_size=20)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=60), st.integers(1, 200))
def test_batches_hold_every_pair_once_within_the_budget(
    rows: list[tuple[str, str]], budget: int
) -> None:
    pairs = Pairs(rows, LETTERS, DataConfig())
    for seed in (None, 3):
        seen = []
        for src, src_len, reply in pairs.batches(budget, seed=seed):
            assert len(src) == 1 or src.numel() + reply.numel() <= budget
            for ids, length, answer in zip(src, src_len, reply, strict=True):
                assert (ids[length:] == PAD).all()
                seen.append((ids[:length].tolist(), [t for t in answer.tolist() if t != PAD]))
        assert sorted(seen) == sorted(pairs[i] for i in range(len(pairs)))


def test_the_order_depends_on_the_seed_alone() -> None:
    rows = [(a + b, b) for a, b in itertools.product("abcdefg", repeat=2)]
    pairs = Pairs(rows, LETTERS, DataConfig())

    def order(seed: int) -> list[list[int]]:
        return [batch.src.tolist() for batch in pairs.batches(40, seed=seed)]

    assert order(1) == order(1) != order(2)


def test_pairs_of_like_length_stand_together() -> None:
    """Lengths as in chat, most short and some long: little of what is computed is padding."""
    source = random.Random(0)
    rows = [
        (
            "a" * min(40, 1 + int(source.expovariate(0.15))),
            "b" * min(28, 1 + int(source.expovariate(0.12))),
        )
        for _ in range(5000)
    ]
    real = padded = 0
    for src, src_len, reply in Pairs(rows, LETTERS, DataConfig()).batches(2000, seed=0):
        padded += src.numel() + reply.numel()
        real += int(src_len.sum()) + int((reply != PAD).sum())
    assert padded / real < 1.4  # in random order: 3.2


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
