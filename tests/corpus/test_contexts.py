"""Lines that hold more than a pair: candidates with labels, contexts, whole dialogues."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.formats import Dialogue, Record, Skipped, Turn
from corpus_tools.formats.catalogue import READERS, recognised
from corpus_tools.formats.records import LONGEST_DIALOGUE
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text


def records(kind: str, content: str) -> list[Record]:
    return list(READERS[kind].read(Text("a", iter([content.encode()]), encoding="utf-8")))


def dialogue(*turns: str, context: int = 0) -> Dialogue:
    return Dialogue(tuple(Turn(turn) for turn in turns), context=context)


LABELLED = "1\t在吗\t在的\n0\t在吗\t不客气\n1\t你好\t您好\t怎么退货\t七天内\n"
CONTEXTS = "你好<s>在吗\t在的\n你好<s>几点开门<s>周末呢\t九点\n谢谢\t不客气\n"
ENDED = "你好__eou__您好__eou__\t1\t2 2\t0 0\n在吗 __eou__ 在 __eou__ 好\n"


def test_only_the_candidate_of_label_1_is_a_reply() -> None:
    assert records("candidates", LABELLED + "\n2\t你好\t好\n1\t你好\n") == [
        dialogue("在吗", "在的", context=1),
        Skipped(2, "label 0: not the reply", "0\t在吗\t不客气"),
        dialogue("你好", "您好", "怎么退货", "七天内", context=3),
        Skipped(5, "not a label 0 or 1, turns and a candidate", "2\t你好\t好"),
        Skipped(6, "not a label 0 or 1, turns and a candidate", "1\t你好"),
    ]


def test_a_context_and_its_reply_are_one_pair() -> None:
    assert records("contexts", CONTEXTS + "\n没有\n") == [
        dialogue("你好", "在吗", "在的", context=2),
        dialogue("你好", "几点开门", "周末呢", "九点", context=3),
        dialogue("谢谢", "不客气", context=1),
        Skipped(5, "1 fields instead of 2", "没有"),
    ]


def test_a_dialogue_a_line() -> None:
    assert records("eou", ENDED + "\n没有\n") == [
        dialogue("你好", "您好"),
        dialogue("在吗 ", " 在 ", " 好"),
        Skipped(4, "no __eou__ in the line", "没有"),
    ]


def test_a_dialogue_without_end_is_cut() -> None:
    found = records("eou", "好__eou__" * (LONGEST_DIALOGUE + 2))
    assert [len(record.turns) for record in found] == [LONGEST_DIALOGUE, 2]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (LABELLED, "candidates"),
        (LABELLED * 10 + "坏行\n", "candidates"),
        ("1\t在吗\t在的\n" * 9, "tsv"),  # one label is a number
        ("1\t在吗\n0\t你好\n", "tsv"),
        (CONTEXTS, "contexts"),
        ("<s> 你好 </s><s> 在吗 </s>\t<s> 在 </s>\n", "tsv"),
        ("<s>你好\t在\n", "tsv"),
        (ENDED, "eou"),
    ],
)
def test_the_lines_show_the_format(content: str, expected: str) -> None:
    found = recognised(Sample("a.txt", content), READERS.values())
    assert found
    assert found[0].name == expected


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t<_"), min_size=1).filter(
    str.strip
)


@given(st.lists(WORDS, min_size=2, max_size=6))
def test_what_is_written_is_read(turns: list[str]) -> None:
    *context, reply = turns
    expected = [dialogue(*turns, context=len(context))]
    assert records("contexts", f"x{'<s>'.join(context)}\t{reply}")[0].context == len(context)
    assert records("candidates", "\t".join(["1", *turns])) == expected
    assert records("eou", "x__eou__" + "__eou__".join(turns)) == [dialogue("x", *turns)]


@pytest.mark.parametrize("kind", ["candidates", "contexts", "eou"])
@given(st.text("01<s>_eou\t\n\r 问", max_size=80))
def test_any_text_is_read(kind: str, content: str) -> None:
    READERS[kind].recognise(Sample("a", content))
    assert len(records(kind, content)) <= content.count("\n") + 1
