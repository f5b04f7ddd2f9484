"""Finding words in a store: the same with the index and by reading."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_tools.rendering.results import spans
from corpus_tools.store import ImportKey, NewDialogue, NewTurns, Phrase, Provenance, Store, search
from corpus_tools.store.search import _by_reading

TURNS = [
    ("吃火锅吗", "吃火锅 吗"),
    ("好啊，去吃火锅店", "好 啊 ， 去 吃 火锅店"),
    ("火锅好吃", "火锅 好吃"),
    ("我不知道", "我 不 知道"),
    ("C#和F#哪个好", "c# 和 f# 哪个 好"),
    ('他说"好"', '他 说 " 好 "'),
    ("", ""),
]
WORDS = [
    "火锅",
    "好",
    "我",
    "不",
    "知道",
    "c#",
    "c",
    "%",
    "_",
    '"',
    "好吃",
    "*",
    "'",
    "-",
    "(",
    "或",
]


@pytest.fixture
def filled(store: Store) -> Store:
    for number, name in enumerate(("朋友.tsv", "店.tsv")):
        row = store.begin_import(
            ImportKey(str(number), "tsv", "utf-8"), Provenance(name, None, None, "jieba", {})
        )
        texts, words = zip(*TURNS, strict=True)
        keys = [None, *range(10 * number + 1, 10 * number + len(TURNS))]
        nothing = [None] * len(TURNS)
        turns = NewTurns(["甲"] * len(TURNS), texts, texts, words, nothing, keys)
        store.add_batch(row, [NewDialogue(number, len(TURNS))], turns, [])
    return store


def found(store: Store, *phrases: Phrase, **options: Any) -> list[int]:
    result = search(store, phrases, **options)
    assert result.total == len(result.hits)
    return [hit.turn_id for hit in result.hits]


def test_a_word_of_two_characters(filled: Store) -> None:
    assert found(filled, Phrase(["火锅"])) == [3, 10]
    assert found(filled, Phrase(["火锅"], ["吃火锅", "火锅店"])) == [1, 2, 3, 8, 9, 10]
    assert found(filled, Phrase(["火锅"], is_open=True)) == [2, 3, 9, 10]


def test_phrases(filled: Store) -> None:
    assert found(filled, Phrase(["不", "知道"])) == [4, 11]
    assert found(filled, Phrase(["我", "知道"])) == []
    assert found(filled, Phrase(["我"]), Phrase(["知道"])) == [4, 11]
    assert found(filled, Phrase(["我"]), Phrase(["火锅"])) == []


def test_marks_belong_to_words(filled: Store) -> None:
    assert found(filled, Phrase(["c#"])) == [5, 12]
    assert found(filled, Phrase(["c"])) == []
    assert found(filled, Phrase(['"'])) == [6, 13]


def test_sides_and_sources(filled: Store) -> None:
    assert found(filled, Phrase(["吃火锅"]), side="prompt") == [1, 8]
    assert found(filled, Phrase(["吃火锅"]), side="reply") == []
    assert found(filled, Phrase(["说"]), side="reply") == [6, 13]
    assert found(filled, Phrase(["火锅"]), source="朋友") == [3]
    assert found(filled, Phrase(["火锅"]), source="2") == [10]
    assert found(filled, Phrase(["火锅"]), source="%") == []


def test_a_hit_has_its_neighbours(filled: Store) -> None:
    hit = search(filled, [Phrase(["好吃"])], limit=1).hits[0]
    assert (hit.before, hit.text, hit.after) == ("好啊，去吃火锅店", "火锅好吃", "我不知道")
    assert (hit.position, hit.source, hit.rejected, hit.speaker) == (2, "朋友.tsv", None, "甲")
    assert search(filled, [Phrase(["好吃"])], limit=1).total == 2


def test_the_index_follows_the_store(filled: Store) -> None:
    assert found(filled, Phrase(["火锅"])) == [3, 10]
    with filled.writing() as connection:
        connection.exec_driver_sql("UPDATE turns SET words = '火锅 我' WHERE id = 4")
    assert found(filled, Phrase(["火锅"])) == [3, 4, 10]
    assert found(filled, Phrase(["知道"])) == [11]
    filled.remove_import(1)
    assert found(filled, Phrase(["火锅"])) == [10]
    with filled.reading() as connection:
        # FTS5 compares what it has with what is there, and fails where they differ.
        connection.exec_driver_sql(
            "INSERT INTO turns_index (turns_index, rank) VALUES ('integrity-check', 1)"
        )


def test_a_store_that_nobody_can_write_to(filled: Store) -> None:
    name = f"sqlite:///file:{filled.name}?mode=ro&uri=true"
    with Store(name) as opened:
        assert found(opened, Phrase(["火锅"], ["火锅店"])) == [2, 3, 9, 10]
        assert found(opened, Phrase(["火锅"], is_open=True)) == [2, 3, 9, 10]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.builds(
            Phrase,
            st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
            st.lists(st.sampled_from(WORDS), max_size=2),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_the_index_finds_what_reading_finds(filled: Store, phrases: list[Phrase]) -> None:
    by_index = found(filled, *phrases)
    with filled.reading() as connection:
        query = _by_reading(phrases, "sqlite")
        assert sorted(connection.scalars(query)) == by_index


@pytest.mark.parametrize(
    ("text", "phrases", "expected"),
    [
        ("去吃火锅", ["火锅"], ["火锅"]),
        ("我有 iPhone 和ＩＰＨＯＮＥ", ["iphone"], ["iPhone", "ＩＰＨＯＮＥ"]),
        ("不 知道呀", ["不知道"], ["不 知道"]),
        ("火锅店", ["火*"], ["火"]),
        ("没有", ["火锅"], []),
        ("好好好", ["好"], ["好", "好", "好"]),
    ],
)
def test_spans(text: str, phrases: list[str], expected: list[str]) -> None:
    assert [text[start:end] for start, end in spans(text, phrases)] == expected


def test_the_command(corpus: Callable[..., Any]) -> None:
    Path("a.tsv").write_text("吃火锅吗\t好啊\n火锅\x1b[31m\t火锅好吃\n", encoding="utf-8")
    assert corpus("import", "a.tsv").code == 0
    outcome = corpus("search", "火锅")
    assert outcome.out.endswith("3 turns\n")
    assert "  > 吃【火锅】吗\n  < 好啊\n" in outcome.out
    assert "\x1b" not in outcome.out
    assert corpus("search", "火锅", "--exact").out.endswith("2 turns\n")
    assert corpus("search", "火锅", "-n", 1).out.endswith("3 turns, the first 1 shown\n")
    assert corpus("search", "　").code == 2
    hits = json.loads(corpus("search", "火锅", "--side", "prompt", "--json").out)["hits"]
    assert [hit["spans"] for hit in hits] == [[[1, 3]], [[0, 2]]]
