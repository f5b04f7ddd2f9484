"""The Cornell layout: lines by their ids, in the order of the conversations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.errors import ReadError
from corpus_tools.formats import Dialogue, Record, Skipped, Turn
from corpus_tools.formats.readers import cornell
from corpus_tools.formats.readers.cornell import (
    looks_like_cornell_conversations,
    looks_like_cornell_lines,
    read_cornell,
)
from corpus_tools.formats.records import LONGEST_DIALOGUE
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

# Five fields as in the films, three as in a forum.
LINES = """L3 +++$+++ u0 +++$+++ m0 +++$+++ 甲 +++$+++ 走吧
L1 +++$+++ u0 +++$+++ m0 +++$+++ 甲 +++$+++ 你好
L2 +++$+++ u1 +++$+++ m0 +++$+++ 乙 +++$+++

7 +++$+++ 乙 +++$+++ 怎么装？
"""
CONVERSATIONS = """u0 +++$+++ u1 +++$+++ m0 +++$+++ ['L1', 'L2', 'L3']
0 +++$+++ 甲 +++$+++ 乙 +++$+++ [7, 7]
"""


def read(lines: str, conversations: str) -> list[Record]:
    return list(
        read_cornell(
            Text("lines.txt", iter([lines.encode()]), encoding="utf-8"),
            Text("conversations.txt", iter([conversations.encode()]), encoding="utf-8"),
        )
    )


def test_the_conversations() -> None:
    assert read(LINES, CONVERSATIONS) == [
        Dialogue((Turn("你好", "甲"), Turn("", "乙"), Turn("走吧", "甲"))),
        Dialogue((Turn("怎么装？", "乙"),) * 2),
    ]


def test_what_is_wrong_is_put_aside() -> None:
    lines = LINES + "没有 +++$+++ 三个\nL1 +++$+++ 丙 +++$+++ 又一个\n"
    found = read(lines, "a +++$+++ ['L1', 'L9']\n\na +++$+++ []\na +++$+++ L1 L2\n")
    assert [(record.line, record.reason) for record in found if isinstance(record, Skipped)] == [
        (6, "among the lines: no id, speaker and text"),
        (7, "among the lines: an id for the second time"),
        (1, "an id that no line has"),
        (3, "no list of line ids at the end"),
        (4, "no list of line ids at the end"),
    ]
    assert all(isinstance(record, Skipped) for record in found)


def test_a_long_conversation_is_cut() -> None:
    found = read(LINES, f"a +++$+++ [{', '.join(['7'] * (LONGEST_DIALOGUE + 2))}]\n")
    assert [len(record.turns) for record in found] == [LONGEST_DIALOGUE, 2]


@pytest.mark.parametrize("limit", ["MOST_LINES", "MOST_TEXT"])
def test_more_lines_than_memory_should_hold(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(cornell, limit, 2)
    with pytest.raises(ReadError, match=r"lines\.txt, line \d: more than .* too many to hold"):
        read(LINES, CONVERSATIONS)


def test_both_files_are_recognised() -> None:
    lines, conversations = Sample("a", LINES), Sample("b", CONVERSATIONS)
    assert looks_like_cornell_lines(lines) == looks_like_cornell_conversations(conversations) == 1
    assert looks_like_cornell_lines(conversations) == looks_like_cornell_conversations(lines) == 0
    assert looks_like_cornell_lines(Sample("c", "")) == 0.0


PIECES = st.lists(st.sampled_from([" +++$+++ ", "L1", "[", "]", "'", ",", "\n", "你"])).map("".join)


@given(PIECES, PIECES)
def test_any_text_is_read(lines: str, conversations: str) -> None:
    found = read(LINES + lines, conversations)
    assert len(found) <= lines.count("\n") + conversations.count("\n") + 2
