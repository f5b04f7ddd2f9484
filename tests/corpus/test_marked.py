"""Scripts, questions with answers, and FAQ; expected values are read off the files by hand."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.errors import ReadError
from corpus_tools.formats import Dialogue, Record, Skipped
from corpus_tools.formats.readers.answers import MOST_PAIRS
from corpus_tools.formats.readers.chatterbot import read_chatterbot
from corpus_tools.formats.readers.faq import read_faq
from corpus_tools.formats.readers.qa import read_qa
from corpus_tools.formats.readers.script import read_script
from corpus_tools.formats.records import LONGEST_DIALOGUE
from corpus_tools.formats.text import Text

Read = Callable[..., tuple[list[list[str]], list[tuple[int, str]]]]
LINE = st.text(st.sampled_from("你我他好吗？，。在abc1"), min_size=1, max_size=8)


def text_of(content: str) -> Text:
    return Text("a", iter([content.encode()]), encoding="utf-8")


def turns(records: Iterable[Record]) -> list[list[str]]:
    return [[turn.text for turn in each.turns] for each in records if isinstance(each, Dialogue)]


def test_script(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "play.txt")
    assert dialogues == [
        ["老师，这道题我不会。", "哪一道？\n拿来给我看看。", "第三道，答案是12:30吗？"],
        ["该锁门了", "再等五分钟"],
    ]
    assert skipped == [(7, "no role before a colon"), (10, "no role before a colon")]


@pytest.mark.parametrize(
    "line",
    ["12:30 出发", "http://example.org", "今天，他说：走吧", "比分是3:2", "：没有", "小明："],
)
def test_what_is_no_role(line: str) -> None:
    assert turns(read_script(text_of(f"{line}\n"))) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("甲：好", "好"),
        ("**甲**：好", "好"),
        ("**甲：** 好", "好"),
        ("客服01: 好", "好"),
        ("Dr. Wang: 好", "好"),
        ("甲（小声）：（笑）好", "好"),
        ("甲：7:30见", "7:30见"),
    ],
)
def test_roles(line: str, words: str) -> None:
    assert turns(read_script(text_of(line))) == [[words]]


@given(st.lists(st.lists(st.tuples(st.sampled_from("甲乙丙"), LINE), min_size=1), min_size=1))
def test_a_written_script_is_read_back(scenes: list[list[tuple[str, str]]]) -> None:
    content = "【场】\n".join(
        "".join(f"{role}：{words}\n" for role, words in scene) for scene in scenes
    )
    expected = []
    for scene in scenes:
        merged: list[tuple[str, str]] = []
        for role, words in scene:
            is_same = bool(merged) and merged[-1][0] == role
            merged.append((role, f"{merged.pop()[1]}\n{words}" if is_same else words))
        expected.append([words for _, words in merged])
    assert turns(read_script(text_of(content))) == expected


def test_blank_lines_behind_every_line_are_no_border() -> None:
    content = "甲：一\n\n乙：二\n\n甲：三\n\n\n甲：四\n\n乙：五\n"
    assert turns(read_script(text_of(content))) == [["一", "二", "三"], ["四", "五"]]


def test_qa(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "questions.md")
    assert dialogues == [
        ["怎么退货？", "先提交申请。\n再把东西寄回来。"],
        ["运费谁出？", "质量问题由我们出。"],
        ["可以换颜色吗", "可以"],
        ["可以换颜色吗", "要看有没有货"],
    ]
    assert skipped == [
        (1, "neither question nor answer"),
        (3, "neither question nor answer"),
        (16, "a question without an answer, or the reverse"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "问：甲\n答：乙\n",
        "问题：甲\n回答：乙\n",
        "Q: 甲\nA: 乙\n",
        "q1：甲\n\na1：乙\n",
        "Q1. 甲\nA1. 乙\n",
        "Question: 甲\nAnswer: 乙\n",
        "1. 问：甲\n   答：乙\n",
        "- 问: 甲\n- 答: 乙\n",
        "> **Q:** 甲\n>\n> **A:** 乙\n",
        "**问：甲**\n\n答：乙\n",
        "### Q1: 甲\n\nA: 乙\n",
        "### 问题一：甲\n乙\n",
        "【问】甲\n【答】乙\n",
        "[问]：甲\n[答]：乙\n",
        "问：\n甲\n答：\n乙\n",
        "开头\n---\n问：甲\n答：乙\n***\n结尾\n",
    ],
)
def test_marks_of_questions_and_answers(content: str) -> None:
    assert turns(read_qa(text_of(content))) == [["甲", "乙"]]


@pytest.mark.parametrize(
    "line", ["1 > 0 吗", "A. 选项", "A) 选项", "回答得很好", "问题在这里", "答应：我"]
)
def test_what_is_no_mark(line: str) -> None:
    assert turns(read_qa(text_of(f"问：甲\n答：乙\n{line}\n"))) == [["甲", f"乙\n{line}"]]


@given(st.lists(st.tuples(st.lists(LINE, min_size=1), st.lists(LINE, min_size=1))))
def test_written_questions_are_read_back(entries: list[tuple[list[str], list[str]]]) -> None:
    content = "".join(
        "问：" + "\n".join(asked) + "\n\n答：" + "\n\n".join(told) + "\n" for asked, told in entries
    )
    expected = [["\n".join(asked), "\n".join(told)] for asked, told in entries]
    assert turns(read_qa(text_of(content))) == expected


def test_faq(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "faq.yml")
    assert dialogues == [
        ["几点开门", "九点"],
        ["几点开门", "早上九点"],
        ["什么时候营业", "九点"],
        ["什么时候营业", "早上九点"],
        ["在哪里", "北京路1号"],
    ]
    assert skipped == [(10, "not questions with answers"), (11, "not questions with answers")]


@given(
    st.lists(
        # More than 1,000 pairs of one entry would be put aside.
        st.tuples(*[st.lists(st.text(), min_size=1, max_size=8)] * 2),
        min_size=1,
    ),
    st.booleans(),
)
def test_a_written_faq_is_read_back(
    entries: list[tuple[list[str], list[str]]], is_under_a_name: bool
) -> None:
    listed = [{"questions": asked, "answers": told} for asked, told in entries]
    content = yaml.safe_dump({"faq": listed} if is_under_a_name else listed)
    expected = [[ask, tell] for asked, told in entries for ask in asked for tell in told]
    assert turns(read_faq(text_of(content))) == expected


def test_too_many_pairs_of_one_entry() -> None:
    content = yaml.safe_dump([{"q": ["x"] * (MOST_PAIRS + 1), "a": "y"}, {"q": "x", "a": "y"}])
    first, second = read_faq(text_of(content))
    assert isinstance(first, Skipped)
    assert first.reason == "questions times answers are more than 1,000 pairs"
    assert isinstance(second, Dialogue)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("faq: &a [x]\n", "line 1: an alias or an anchor"),
        ("- q: &a x\n  a: *a\n", "line 1: an alias or an anchor"),
        ("只有一句话\n", "line 1: no list of questions and answers"),
        ("- q: [x\n", "broken YAML"),
    ],
)
def test_an_faq_that_cannot_be_read(content: str, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        list(read_faq(text_of(content)))


def test_a_nested_question_is_kept_aside() -> None:
    (record,) = read_faq(text_of("- q: [[x], y]\n  a: z\n"))
    assert isinstance(record, Skipped)


def test_a_long_conversation_of_chatterbot_is_cut() -> None:
    content = "conversations:\n-\n" + "  - 好\n" * (LONGEST_DIALOGUE + 1)
    assert list(map(len, turns(read_chatterbot(text_of(content))))) == [LONGEST_DIALOGUE, 1]


@given(st.text())
def test_any_text_is_read_or_refused(content: str) -> None:
    for read in (read_script, read_qa):
        list(read(text_of(content)))
        list(read(text_of(f"问：{content}\n答：{content}\n{content}")))
    for read in (read_faq, read_chatterbot):
        with suppress(ReadError):
            list(read(text_of(content)))
