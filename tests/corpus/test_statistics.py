"""The figures of a store, and how the terminal shows them."""

import json
import string
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.text import normalise
from corpus_tools.rendering.statistics import WIDTH, cells, fitted, statistics_json, statistics_text
from corpus_tools.store import (
    ImportKey,
    NewSkipped,
    Provenance,
    Store,
    statistics,
)
from corpus_tools.store.statistics import COVERED, lengths_of, vocabulary_of
from tests.corpus.batches import NewTurn, add_batch


def turn(words: str, *, rejected: str | None = None) -> NewTurn:
    text = words.replace(" ", "")
    return NewTurn(None, text, text, words, rejected, None)


def add(
    store: Store,
    path: str,
    dialogues: Sequence[Sequence[NewTurn]],
    *,
    skipped: Sequence[str] = (),
    split: str = "train",
) -> None:
    """Import dialogues whose turns from the second on are the replies of pairs."""
    rows = [
        (number, split, [each._replace(pair_key=place or None) for place, each in enumerate(turns)])
        for number, turns in enumerate(dialogues)
    ]
    provenance = Provenance(path, None, None, "jieba", {})
    row = store.begin_import(ImportKey(path, "tsv", "utf-8"), provenance)
    aside = [NewSkipped(None, line, reason, "") for line, reason in enumerate(skipped)]
    store.complete_import(add_batch(store, row, rows, aside).id)


@pytest.fixture
def filled(store: Store) -> Store:
    add(
        store,
        "甲.tsv",
        [
            [turn("你 好"), turn("好 的 。"), turn("吃 了 吗 ？")],
            [turn("在 吗"), turn("好 的 。")],
            [turn("买 它"), turn("广 告", rejected="advertisement")],
        ],
        skipped=["no tab", "byte 12 (0xFF) is not utf-8", "byte 3,456 (0xFE) is not utf-8"],
    )
    add(
        store,
        "乙.tsv",
        [
            [turn("问 题"), turn("前 文", rejected="context"), turn("回 答")],
            [turn("嗯"), turn("嗯", rejected="echo")],
            [turn("独 白")],
        ],
        split="test",
    )
    return store


def test_pairs_by_rule_source_and_split(filled: Store) -> None:
    figures = statistics(filled, top=3)
    assert figures.accepted == 4
    assert figures.refused == {"advertisement": 1, "echo": 1}
    assert [
        (each.path, each.accepted, each.refused, each.malformed) for each in figures.sources
    ] == [
        ("甲.tsv", 3, {"advertisement": 1}, 3),
        ("乙.tsv", 1, {"echo": 1}, 0),
    ]
    assert {name: (size.dialogues, size.accepted) for name, size in figures.splits.items()} == {
        "train": (3, 3),
        "valid": (0, 0),
        "test": (3, 1),
    }
    # Two bad bytes in different places are one reason.
    assert figures.skipped == {"a byte is not utf-8": 2, "no tab": 1}


def test_words_and_replies_of_accepted_pairs(filled: Store) -> None:
    figures = statistics(filled, top=3)
    # 好的。 is once a reply and a prompt, and counted once; what was refused is not counted. The
    # prompt of 回答 is 前文, the turn in front of it.
    said = "你好 好的 吃了吗 在吗 好的 前文 回答".replace(" ", "")
    assert figures.vocabulary.tokens == len(said)
    assert figures.vocabulary.types == len(set(said))
    assert [(each.text, each.count) for each in figures.words[:1]] == [("好", 3)]
    assert [(each.text, each.count) for each in figures.top_replies] == [
        ("好的。", 2),
        ("吃了吗？", 1),
        ("回答", 1),
    ]
    assert figures.top_replies[0].share == 0.5
    assert figures.replies.longest == figures.reply_words.longest == 4
    assert figures.prompts.bars["≤ 5"] == 4


def test_replies_that_differ_only_in_form_are_one(store: Store) -> None:
    turns = [NewTurn(None, text, text, "ok 的 ！", None, 1) for text in ("ＯＫ的！", "ok 的！")]
    add(store, "a", [[turn("行 吗"), each] for each in turns])
    (reply,) = statistics(store, top=5).top_replies
    assert (reply.text, reply.count) == (normalise("OK的！"), 2)


def test_an_empty_store(store: Store) -> None:
    figures = statistics(store, top=10)
    assert (figures.accepted, figures.vocabulary.tokens, figures.vocabulary.coverage) == (0, 0, [])
    assert json.loads(statistics_json(figures))["imports"] == []
    assert "pairs" in statistics_text(figures)


_SAID = st.lists(st.tuples(st.text("你好吗", min_size=1, max_size=6), st.booleans()), min_size=1)
_DIALOGUES = st.lists(_SAID, min_size=1, max_size=5)


@settings(max_examples=25, deadline=None)  # every store is a new database
@given(_DIALOGUES)
def test_one_pass_counts_what_the_pairs_hold(dialogues: list[list[tuple[str, bool]]]) -> None:
    """The figures are those of a loop over the pairs, however the blocks of rows fall."""
    turns = [
        [turn(" ".join(text), rejected=None if good else "echo") for text, good in dialogue]
        for dialogue in dialogues
    ]
    pairs = [pair for each in turns for pair in pairwise(each) if pair[1].rejected is None]
    said = {
        (number, place)
        for number, each in enumerate(turns)
        for place in range(1, len(each))
        if each[place].rejected is None
        for place in (place - 1, place)
    }
    words = Counter("".join(turns[number][place].text for number, place in said))
    module = import_module("corpus_tools.store.statistics")
    with memory() as store, patch.object(module, "_TURNS_AT_ONCE", 2):
        add(store, "a", turns)
        figures = statistics(store, top=10)
    assert figures.accepted == len(pairs)
    assert figures.prompts == lengths_of(Counter(len(prompt.text) for prompt, _ in pairs))
    assert figures.reply_words == lengths_of(Counter(len(reply.text) for _, reply in pairs))
    assert {each.text: each.count for each in figures.words} == words


def memory() -> Store:
    """Return a store that is gone when it is closed."""
    return Store("never made.db", create=True, dry_run=True)


def test_lengths() -> None:
    lengths = lengths_of({1: 90, 7: 5, 300: 5})
    assert (lengths.median, lengths.p95, lengths.longest) == (1, 7, 300)
    assert lengths.bars["≤ 5"] == 90
    assert lengths.bars["≤ 10"] == 5
    assert lengths.bars["> 160"] == 5


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 1000), min_size=1))
def test_coverage(words: dict[str, int]) -> None:
    vocabulary = vocabulary_of(words)
    counts = sorted(words.values(), reverse=True)
    for each in vocabulary.coverage:
        assert each.share == sum(counts[: each.words]) / sum(counts)
    assert vocabulary.coverage[-1].words == len(words)
    sizes = [each.words for each in vocabulary.coverage]
    assert sizes == sorted(set(sizes))
    for share in COVERED:  # so many words are enough, and one less is not
        size = vocabulary.needed[share]
        assert 100 * sum(counts[:size]) >= share * sum(counts)
        assert 100 * sum(counts[: size - 1]) < share * sum(counts)


def test_text_keeps_to_its_width(store: Store) -> None:
    long = " ".join("很长的话" * 30)
    hostile = "\x1b[31m\n\u202e" + "x" * 200
    add(store, "很长的名字" * 40 + hostile, [[turn("在"), turn(long)], [turn("在"), turn("好")]])
    shown = statistics_text(statistics(store, top=5))
    assert max(cells(line) for line in shown.split("\n")) <= WIDTH
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "2  accepted" in shown


def test_a_han_character_takes_two_columns() -> None:
    """Unicode Annex 11: wide and full-width characters; a combining mark takes none."""
    assert [cells(text) for text in ("你好", "Ｆ１", "e\u0301", "abc", "。")] == [4, 4, 1, 3, 2]
    assert fitted("你好吗朋友", 6) == "你好… "


@given(st.text(st.sampled_from(string.ascii_letters + "你好吗\u0301é　")), st.integers(1, 30))
def test_fitted_fills_its_columns(text: str, columns: int) -> None:
    assert cells(fitted(text, columns)) == columns


def test_json_holds_everything(filled: Store) -> None:
    figures = json.loads(statistics_json(statistics(filled, top=1)))
    assert figures["vocabulary"]["needed"]["50"] >= 1
    assert figures["sources"][0]["refused"] == {"advertisement": 1}
    assert figures["top_replies"] == [{"text": "好的。", "count": 2, "share": 0.5}]
