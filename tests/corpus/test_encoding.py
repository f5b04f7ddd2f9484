"""Which encoding a text is found to have, and what becomes of bytes that are not of it."""

import codecs

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from corpus_tools.formats.decoding import decoded
from corpus_tools.formats.encoding import detect
from corpus_tools.formats.text import WHOLE_LINES, Text

SIMPLIFIED = (
    *("你好", "今天天气怎么样", "我不知道", "明天一起去吃火锅吧", "手机坏了", "谢谢", "没问题"),
    *("他说他不来了", "为什么", "什么时候发货", "这个多少钱", "晚安", "真的吗", "学习中文很难"),
)
TRADITIONAL = (
    *("你好", "今天天氣怎麼樣", "我不知道", "明天一起去吃火鍋吧", "手機壞了", "謝謝", "沒問題"),
    *("他說他不來了", "為什麼", "什麼時候發貨", "這個多少錢", "晚安", "真的嗎", "學習中文很難"),
)
MARKS = st.sampled_from(["，", "。", "？", "！", " ", "\n", "\t", "OK", "3", "\r\n"])
ENCODINGS = ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "big5"]


def sentences(phrases: tuple[str, ...]) -> st.SearchStrategy[str]:
    phrase = st.tuples(st.sampled_from(phrases), MARKS).map("".join)
    return st.lists(phrase, min_size=3, max_size=30).map("".join).map("{}\n".format)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(data=st.data())
def test_chinese_sentences_come_back(encoding: str, data: st.DataObject) -> None:
    text = data.draw(sentences(TRADITIONAL if encoding == "big5" else SIMPLIFIED))
    encoded = text.encode(encoding)
    found = detect(encoded)
    assert found is not None
    assert encoded.decode(found).removeprefix("\ufeff") == text


@given(text=sentences(SIMPLIFIED), places=st.lists(st.integers(0), min_size=1, max_size=3))
def test_utf8_with_few_bad_bytes_is_found_as_utf8(text: str, places: list[int]) -> None:
    encoded = bytearray((text * 8).encode())
    for place in places:
        encoded[place % len(encoded)] = 0xFF
    assert detect(bytes(encoded)) == "utf-8"


@pytest.mark.parametrize("encoding", ["gb18030", "big5"])
def test_few_bad_bytes_do_not_hide_a_chinese_encoding(encoding: str) -> None:
    encoded = "今天天氣很好，我們去吃飯吧。\n".encode(encoding) * 50
    assert detect(encoded[:100] + b"\xff\xff" + encoded[100:]) == encoding


def test_ascii_with_few_odd_bytes_is_utf8() -> None:
    assert detect(b"a cup of tea in the caf\xe9\n" + b"hello, how are you?\n" * 50) == "utf-8"


@pytest.mark.parametrize(
    "content", [bytes(4_000), bytes(range(256)) * 16, b"\x00\x01\x02\x03" * 99]
)
def test_what_is_no_text(content: bytes) -> None:
    assert detect(content) is None


@given(
    st.binary(max_size=600),
    st.sampled_from(["utf-8", "gb18030", "big5", "utf-16-le", "shift_jis", "iso2022_jp"]),
    st.integers(1, 300),
)
def test_decoding_goes_on_behind_bad_bytes(data: bytes, encoding: str, size: int) -> None:
    """Cut anywhere, the bytes give one text: what the codec gives that replaces what is bad."""
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    found = list(decoded(iter(chunks), encoding))
    text = "".join(piece for piece, _ in found)
    assume(encoding != "iso2022_jp" or text.isascii())  # its state behind an error is open
    assert text == data.decode(encoding, "replace")
    base = 0
    for piece, bad in found:
        for each in bad:
            assert text[base + each.index] == "\ufffd"
            assert data[each.offset] == each.byte
        base += len(piece)


@given(
    st.lists(st.sampled_from(["你好", "a", "\n", "\r\n", "\r", "é", "\ufeff"]), max_size=40),
    st.integers(1, 30),
)
def test_lines_are_those_of_the_whole_text(pieces: list[str], size: int) -> None:
    content = "x" + "".join(pieces)
    data = content.encode()
    chunks = (data[start : start + size] for start in range(0, len(data), size))
    lines = list(Text("a", chunks, encoding="utf-8").lines())
    expected = [line.removesuffix("\r") for line in content.split("\n")]
    assert [line for _, line in lines] == expected[
        : None if expected[-1] or content[-1] == "\r" else -1
    ]
    assert [number for number, _ in lines] == [*range(1, len(lines) + 1)]


def test_a_long_line_is_not_cut_between_the_two_characters_of_its_end() -> None:
    content = "a" * (WHOLE_LINES - 1) + "\r\nb"
    chunks = iter([content[:WHOLE_LINES].encode(), content[WHOLE_LINES:].encode()])
    lines = list(Text("a", chunks, encoding="utf-8").lines())
    assert lines == [(1, "a" * (WHOLE_LINES - 1)), (2, "b")]


def test_a_mark_at_the_start_is_no_text() -> None:
    data = codecs.BOM_UTF8 + "你好\n".encode()
    assert list(Text("a", iter([data]), encoding="utf-8").lines()) == [(1, "你好")]


@pytest.mark.parametrize("text", ["où êtes-vous? déjà là", "привет, как дела", "καλημέρα", "señor"])
def test_languages_whose_letters_have_two_bytes_stay_utf8(text: str) -> None:
    assert detect(f"{text}\n".encode()) == "utf-8"


def test_a_word_whose_bytes_are_utf8_too() -> None:
    encoded = "为什么\n".encode("gbk")
    assert encoded.decode("utf-8") != "为什么\n"
    assert detect(encoded) == "gb18030"
