from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools import cleaning
from corpus_tools.cleaning import FILTERS, LONGEST_REPLY, RULES, clean, refusal

CASES = Path(__file__).parent / "data" / "cleaning"
# Mostly what the rules look at, else arbitrary text.
TEXTS = st.one_of(st.text("你好𠮷aB1 9　？！\t\u200b", max_size=30), st.text(max_size=30))


def cases() -> list[object]:
    found = []
    for path in sorted(CASES.glob("*.txt")):
        for block in path.read_text(encoding="utf-8").removesuffix("\n").split("\n\n"):
            given_text, expected = block.split("\n# output\n")
            found.append(
                pytest.param(path.stem, given_text, expected, id=f"{path.stem}:{expected}")
            )
    return found


@pytest.mark.parametrize(("rule", "text", "expected"), cases())
def test_case(rule: str, text: str, expected: str) -> None:
    assert getattr(cleaning, rule)(text) == expected


def test_every_rule_has_cases() -> None:
    assert {rule.__name__ for rule in RULES} <= {path.stem for path in CASES.glob("*.txt")}


@pytest.mark.parametrize("rule", [*RULES, clean], ids=lambda rule: rule.__name__)
@given(text=TEXTS)
def test_a_rule_changes_nothing_the_second_time(rule: cleaning.Rule, text: str) -> None:
    assert rule(rule(text)) == rule(text)


@pytest.mark.parametrize(
    ("prompt", "reply", "reason"),
    [
        ("你好", "你好呀", None),
        ("C#和F#哪个好", "C#", None),
        ("比分是3:2还是2:3呢", "3:2", None),
        ("你是什么语言编写的", "Python", None),
        ("你的电话", "888888", None),
        ("好吃吗", "😂", None),
        ("𠮷", "𩸽", None),
        ("你好", "？！……", "empty"),
        ("", "你好", "empty"),
        ("你好", "长" * (LONGEST_REPLY + 1), "too_long"),
        ("你好", "长" * LONGEST_REPLY, None),
        ("how are you", "fine thank you 好", "not_chinese"),
        ("お休み", "おやすみなさい", "not_chinese"),
        ("呵呵", "呵呵", "echo"),
    ],
)
def test_refusal(prompt: str, reply: str, reason: str | None) -> None:
    assert refusal(prompt, reply) == reason


def test_the_documented_filters() -> None:
    assert [each.__name__ for each in FILTERS] == ["empty", "too_long", "not_chinese", "echo"]
