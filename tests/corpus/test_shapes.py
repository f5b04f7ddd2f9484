"""JSON values as dialogues; expected values are read off the files by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.formats import Dialogue, Skipped, Source, Turn
from corpus_tools.formats.readers.answers import MOST_PAIRS
from corpus_tools.formats.readers.shapes import dialogues_of, records_of

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                (
                    *("messages", "content", "role", "history", "prompt", "answers", "candidates"),
                    *("label", "title", "paragraphs", "instruction", "input", "context", "text"),
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def texts(value: Any) -> list[list[str]]:
    return [[turn.text for turn in dialogue.turns] for dialogue in dialogues_of(value) or ()]


def test_a_file_of_all_shapes(data: Path) -> None:
    records = list(Source([data / "shapes.jsonl"]).records())
    dialogues = [record for record in records if isinstance(record, Dialogue)]
    assert [([turn.text for turn in each.turns], each.context) for each in dialogues] == [
        (["这个多少钱", "九块五"], 0),
        (["有红色的吗", "有"], 0),
        (["你会英文吗", "会", "翻译成英文\n苹果", "apple"], 3),
        (["讲个笑话", "从前有座山"], 0),
        (["讲个故事", "从前有座山", "然后呢", "山里有座庙"], 3),
        (["一加一", "二"], 0),
        (["一加一", "等于二"], 0),
        (["你好", "你好呀"], 0),
        (["您好", "你好呀"], 0),
        (["吃了吗", "没有", "我请你", "好啊"], 3),
        (["天空什么颜色", "蓝色"], 0),
        (["你是谁", "我是小智", "几岁", "三岁"], 0),
        (["晚安", "做个好梦"], 0),
        (["山青花欲燃", "水绿鸟逾白"], 0),
    ]
    skipped = [record for record in records if isinstance(record, Skipped)]
    assert [(each.line, each.reason) for each in skipped] == [
        (10, "no dialogue in this value"),
        (13, "broken JSON (Expecting value)"),
        (14, "not two clauses with a comma between them"),
        (14, "not two clauses with a comma between them"),
    ]
    assert [each.text for each in skipped[2:]] == ["只有一句。", "問君何所思？無所思。"]


def test_a_role_that_says_nothing_is_no_speaker() -> None:
    system = {"role": "system", "content": "规则"}
    assert texts([system, {"role": "user", "content": "a"}]) == [["a"]]
    # As a `speaker` it is one side of a dialogue, as in some data sets of tasks.
    assert texts([{"speaker": "user", "text": "a"}, {"speaker": "system", "text": "b"}]) == [
        ["a", "b"]
    ]


def test_speakers_are_kept() -> None:
    (dialogue,) = dialogues_of({"conversations": [{"from": "human", "value": "a"}]}) or ()
    assert dialogue.turns == (Turn("a", "human"),)


@pytest.mark.parametrize(
    "value",
    [
        42,
        None,
        {},
        [],
        {"messages": []},
        {"messages": [{"role": "user"}]},
        {"prompt": "a"},
        {"prompt": "a", "response": 1},
        {"instruction": "a", "input": "b"},
        {"question": "a", "candidates": ["b"], "label": 1},
        {"context": "一段课文", "answer": "b"},
    ],
)
def test_what_is_no_dialogue(value: object) -> None:
    (record,) = records_of(value, 7, "raw")
    assert record == Skipped(7, "no dialogue in this value", "raw")


def test_too_many_pairs_are_kept_aside() -> None:
    many = [str(number) for number in range(MOST_PAIRS)]
    assert len(texts({"questions": many, "answer": "a"})) == MOST_PAIRS
    assert records_of({"questions": [*many, "x"], "answer": "a"}, 1, "raw") == (
        Skipped(1, "questions times answers are more than 1,000 pairs", "raw"),
    )


def test_every_question_with_every_answer() -> None:
    assert texts({"questions": ["a", "b"], "answers": ["c", "d"]}) == [
        ["a", "c"],
        ["a", "d"],
        ["b", "c"],
        ["b", "d"],
    ]


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5), st.text(), st.text())
def test_a_history_is_context(past: list[tuple[str, str]], prompt: str, reply: str) -> None:
    said = [text for pair in past for text in pair]
    for history in (past, [list(pair) for pair in past], said):
        value = json.loads(json.dumps({"prompt": prompt, "response": reply, "history": history}))
        (dialogue,) = dialogues_of(value) or ()
        assert [turn.text for turn in dialogue.turns] == [*said, prompt, reply]
        # Exactly one pair, prompt and reply: a pair is a turn at or behind `context`.
        assert len(dialogue.turns) - max(1, dialogue.context) == 1


@given(ANYTHING)
def test_any_value_gives_records(value: object) -> None:
    records = records_of(value, 1, "raw")
    assert records
    assert all(isinstance(record, (Dialogue, Skipped)) for record in records)


@pytest.mark.parametrize(
    "line", ["一，二，三。", "一。二，三。", "一，二", "，二。", "", "一？二。"]
)
def test_a_line_of_a_poem_that_is_no_pair(line: str) -> None:
    (record,) = records_of({"title": "无题", "paragraphs": [line]}, 3, "raw")
    assert record == Skipped(3, "not two clauses with a comma between them", line)


def test_one_object_with_lists_of_its_own(folder: Path) -> None:
    path = folder / "a.json"
    value = {"prompt": "a", "response": "b", "history": [["c", "d"]]}
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")
    (record,) = Source([path]).records()
    assert isinstance(record, Dialogue)
    assert [turn.text for turn in record.turns] == ["c", "d", "a", "b"]


def test_tang_poems(shared: Path) -> None:
    """The count of lines of two clauses is that of the collection's README."""
    records = list(Source([shared / "poet_tang.zip"]).records())
    pairs = [record for record in records if isinstance(record, Dialogue)]
    assert len(pairs) == 254_218
    skipped = [record for record in records if isinstance(record, Skipped)]
    lines = sum(record.reason.startswith("not two clauses") for record in skipped)
    assert lines + len(pairs) == 268_283
