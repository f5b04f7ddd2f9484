"""How text is spaced, and how it is joined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.formats.spacing import JOINERS, join_characters, join_words, spacing_of

WORDS = ("我", "今天", "不", "知道", "怎么", "办", "手机", "坏", "了", "什么", "时候", "发货")
NAMES = ("iPhone", "6", "3.5", "OK", "Windows", "10")


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (["小 红 酒 不 断 啊"] * 3, "characters"),
        (["你 现 在 用 iPhone 6 吗 ？"] * 3, "characters"),
        (["什么 时候 发货 啊", "在 的 客官", "亲 ， 今天 会 发货 的 哦"] * 3, "words"),
        (["爸爸  你午饭时喝了多少酒", "你是在教训我么?", "不敢"] * 3, "none"),
        (["我今天去了 Apple Store 买手机", "好的 没问题", "你说的是哪一家店呢"] * 3, "none"),
        (["how are you ?", "fine , thanks"] * 9, "none"),
        (["好 的", "嗯 嗯"] * 9, "none"),  # too short to tell
        (["你 好 吗 呢"] * 2, "none"),
        ([], "none"),
    ],
)
def test_spacing_of(turns: list[str], expected: str) -> None:
    assert spacing_of(turns) == expected


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
def test_joining_undoes_the_cutting(words: list[str]) -> None:
    text = "".join(words)
    assert join_words(" ".join(words)) == text
    assert join_characters(" ".join(text)) == text


@given(st.lists(st.sampled_from(WORDS + NAMES), min_size=1, max_size=12))
def test_only_spaces_between_latin_words_stay(words: list[str]) -> None:
    for join in JOINERS.values():
        joined = join(" ".join(words))
        assert joined.replace(" ", "") == "".join(words)
        for place, character in enumerate(joined):
            if character == " ":
                assert joined[place - 1].isascii()
                assert joined[place + 1].isascii()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我 的 iphone 6 坏 了 ！", "我的iphone 6坏了！"),
        ("how are you ? 好 的", "how are you?好的"),
        ("好  的 ", "好的"),
        ("Привет мир 你好", "Привет мир你好"),
    ],
)
def test_join_words(text: str, expected: str) -> None:
    assert join_words(text) == expected


def test_join_characters_joins_letters_that_stand_apart() -> None:
    assert join_characters("o k ， 我 用 windows 10") == "ok，我用windows 10"
