"""What each reader makes of a small file, written by hand from the format's description."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_tools.errors import ReadError
from corpus_tools.formats import Source
from corpus_tools.formats.readers.json_tree import LARGEST_VALUE
from corpus_tools.formats.readers.yaml_events import DEEPEST, LARGEST_EVENT
from corpus_tools.formats.records import LARGEST_DIALOGUE, LONGEST_DIALOGUE
from corpus_tools.formats.text import LONGEST_LINE

Read = Callable[..., tuple[list[list[str]], list[tuple[int, str]]]]


def test_conv(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "turns.conv")
    assert dialogues == [
        ["爸爸  你午饭时喝了多少酒", "你是在教训我么?", "不敢"],
        ["只有一句"],
        ["", "刚才没说话"],
    ]
    assert skipped == [(6, "neither 'E' nor 'M text'")]


def test_a_conv_without_end_is_cut(read: Read, folder: Path) -> None:
    path = folder / "a.conv"
    path.write_text("E\n" + "M 你好\n" * (LONGEST_DIALOGUE + 1), encoding="utf-8")
    assert [len(turns) for turns in read(path)[0]] == [LONGEST_DIALOGUE, 1]


def test_jsonl(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "messages.jsonl")
    assert dialogues == [["在吗", "在的", "怎么退货"], ["几点开门", "九点"], ["你好", "你也好"]]
    assert skipped == [(5, "no dialogue in this value")]


def test_jsonl_keeps_the_speakers(data: Path) -> None:
    first = next(Source([data / "messages.jsonl"]).records())
    assert [turn.speaker for turn in first.turns] == ["client", "counselor", "client"]


def test_json_list(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "dialogues.json")
    assert dialogues == [
        ["看过这部电影吗", "看过"],
        ["你好", "你也好", "再见"],
        ["无关", "一加一", "二"],
    ]
    assert skipped == [(5, "no dialogue in this value")]


def test_json_object_around_lists_and_dialogues(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "splits.json")
    assert dialogues == [["你 好", "你 也 好"], ["再 见", "明 天 见"], ["找餐馆", "好的"]]
    assert skipped == []


def test_json_list_of_turns_is_one_dialogue(read: Read, data: Path) -> None:
    assert read(data / "one_dialogue.json") == ([["我很累", "辛苦了"]], [])


@pytest.mark.parametrize("indent", [None, 1])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=4), min_size=1, max_size=6))
def test_json_equals_the_standard_library(
    read: Read, folder: Path, indent: int | None, dialogues: list[list[str]]
) -> None:
    path = folder / "a.json"
    path.write_text(json.dumps({"all": dialogues}, indent=indent), encoding="utf-8")
    assert read(path, format_name="json")[0] == dialogues


def test_json_larger_than_a_chunk(read: Read, folder: Path) -> None:
    dialogues = [[f"问题{n}" * 30, "答" * 50_000 if n == 7 else "答"] for n in range(2_000)]
    path = folder / "a.json"
    path.write_text(json.dumps(dialogues), encoding="utf-8")
    assert read(path, format_name="json")[0] == dialogues


@pytest.mark.parametrize(("count", "last"), [(2, 2), (10, 10), (200, 10)])
def test_jsonl_of_broken_lines_alone(read: Read, folder: Path, count: int, last: int) -> None:
    path = folder / "a.jsonl"
    path.write_text('{"a"\n' * count, encoding="utf-8")
    with pytest.raises(ReadError, match=rf"line {last}: broken JSON .*, as in every line before"):
        read(path, format_name="jsonl")


def test_a_broken_line_of_jsonl_costs_itself(read: Read, folder: Path) -> None:
    path = folder / "a.jsonl"
    path.write_text('{"a": \n["a", "b"]\n' + "[" * 100_000 + '\n["c", "d"]\n', encoding="utf-8")
    dialogues, skipped = read(path)
    assert dialogues == [["a", "b"], ["c", "d"]]
    assert skipped == [(1, "broken JSON (Expecting value)"), (3, "broken JSON (nested too deeply)")]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jsonl", '["a", "b"]', "jsonl"),
        ("a.json", '["a", "b"]', "json"),
        ("a.txt", '["a", "b"]', "json"),
        ("a.jsonl", '[\n["a", "b"],\n["c", "d"]\n]\n', "json"),
        ("a.json", '["a", "b"]\n["c", "d"]\n', "jsonl"),
        ("a.txt", '{"a": \n["a", "b"]\n["c", "d"]\n', "jsonl"),
    ],
)
def test_json_or_json_lines(folder: Path, name: str, content: str, expected: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    assert Source([folder / name]).format == expected


def test_a_conv_of_long_turns_is_cut(read: Read, folder: Path) -> None:
    path = folder / "a.conv"
    line, count = "M " + "好" * (LONGEST_LINE - 10) + "\n", LARGEST_DIALOGUE // LONGEST_LINE + 4
    path.write_text("E\n" + line * count, encoding="utf-8")
    assert [len(turns) for turns in read(path)[0]] == [count - 3, 3]


def test_chatterbot(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "chinese.yml")
    assert dialogues == [["你好", "你好呀"], ["你几岁", "1", "真的吗"]]
    assert skipped == [(9, "not a list of turns")]


def test_parallel(read: Read, data: Path) -> None:
    files = data / "questions.txt", data / "answers.txt"
    dialogues, _ = read(*files, format_name="parallel")
    assert dialogues == [["你 叫 什 么", "我 叫 小 智"], ["你 几 岁 了", "三 岁"]]


BROKEN: dict[str, tuple[Any, str]] = {
    "list.json": ('[\n{"prompt": "a", "reply": "b"},\noops\n]', r"line 3: broken JSON"),
    "comma.json": ('[["a", "b"]\n["c", "d"]]', r"line 2: broken JSON \(',' expected\)"),
    "cut.json": ('[["a", "b"],\n', r"line 2: broken JSON"),
    "behind.json": ('[\n["a", "b"]]\n]', r"line 3: broken JSON \(more behind"),
    "deep.json": ("[" * 200_000, r"broken JSON"),
    "deep.jsonl": ("[" * 200_000, r"line 1: broken JSON"),
    "long.jsonl": ('["' + "a" * LONGEST_LINE + '"]', r"line 1: longer than 1,048,576 characters"),
    "large.json": ('[["' + "a" * LARGEST_VALUE * 3, r"does not end within 16,777,216 characters"),
    "bomb.yml": ("a: &a [x, x]\nconversations: [*a, *a]\n", r"line 1: an alias or an anchor"),
    "broken.yml": ("conversations:\n- - a\n  - b: [\n", r"broken YAML"),
    "deep.yml": ("a: " + "[" * (DEEPEST + 1) + "\n", r"line 1: lists nested too deeply"),
    "list.yml": ("- a\n- b\n", r"line 1: no mapping with 'conversations:'"),
    "large.yml": ("conversations:\n- - '" + "a" * 2 * LARGEST_EVENT + "'\n", r"a value of more"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_named(read: Read, folder: Path, name: str) -> None:
    content, message = BROKEN[name]
    path = folder / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ReadError, match=message):
        read(path)


def test_parallel_files_of_different_length(read: Read, folder: Path) -> None:
    (folder / "q.txt").write_text("一\n二\n三\n", encoding="utf-8")
    (folder / "a.txt").write_text("一\n", encoding="utf-8")
    with pytest.raises(ReadError, match=r"q\.txt: 3 lines, but .*a\.txt has 1"):
        read(folder / "q.txt", folder / "a.txt", format_name="parallel")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("E\nM 你好\nM 你好呀\n", "conv"),
        ("你好\t你好呀\n", "tsv"),
        ('{"prompt": "a", "reply": "b"}\n{"prompt": "a", "reply": "b"}\n', "jsonl"),
        ('[\n["a", "b"]]\n', "json"),
        ("conversations:\n- - a\n  - b\n", "chatterbot"),
        ("question,answer\na,b\n", "csv"),
    ],
)
def test_the_content_shows_the_format(folder: Path, content: str, expected: str) -> None:
    path = folder / "corpus.txt"
    path.write_text(content, encoding="utf-8")
    assert Source([path]).format == expected


def test_a_format_that_nothing_shows(folder: Path) -> None:
    path = folder / "novel.txt"
    path.write_text("很久很久以前\n", encoding="utf-8")
    with pytest.raises(ReadError, match="Name it with --format: ass, "):
        Source([path])


@pytest.mark.parametrize("text", ['{["a"]: 1}', '{{"a": 1}: 2}', "{1: 2}", "{null: 2}"])
def test_a_name_that_is_no_text(read: Read, folder: Path, text: str) -> None:
    path = folder / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReadError, match=r"broken JSON \(a name in quotes expected\)"):
        read(path)


def test_a_list_as_a_key_is_passed_over(read: Read, folder: Path) -> None:
    path = folder / "a.yml"
    path.write_text("? [a, [b]]\n: c\nconversations:\n- - 你好\n  - 好\n", encoding="utf-8")
    assert read(path) == ([["你好", "好"]], [])


def test_a_control_character_in_yaml_is_told_in_one_line(read: Read, folder: Path) -> None:
    path = folder / "a.yml"
    path.write_text("conversations:\n" + "- - 你好\n  - 好\n" * 50 + "\x01", encoding="utf-8")
    with pytest.raises(ReadError, match="unacceptable character") as caught:
        read(path)
    assert "\n" not in str(caught.value)
