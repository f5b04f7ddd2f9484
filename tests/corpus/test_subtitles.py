"""Subtitles; expected values are read off the files by hand."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.formats import Dialogue, Record, Skipped
from corpus_tools.formats.encoding import detect
from corpus_tools.formats.readers.ass import read_ass
from corpus_tools.formats.readers.cues import LONGEST_PAUSE
from corpus_tools.formats.readers.srt import LONGEST_CUE, read_srt
from corpus_tools.formats.records import LONGEST_DIALOGUE
from corpus_tools.formats.text import Text

Read = Callable[..., tuple[list[list[str]], list[tuple[int, str]]]]
WORDS = st.text(st.sampled_from("你我他好吗在学校 去"), min_size=1, max_size=8).map(str.strip)


def text_of(content: str) -> Text:
    return Text("a", iter([content.encode()]), encoding="utf-8")


def turns(records: list[Record]) -> list[list[str]]:
    return [[turn.text for turn in each.turns] for each in records if isinstance(each, Dialogue)]


def srt(*cues: tuple[float, float, str]) -> str:
    blocks = [
        f"{number}\n{clock(start)} --> {clock(end)}\n{words}\n"
        for number, (start, end, words) in enumerate(cues, 1)
    ]
    return "\n".join(blocks)


def clock(seconds: float) -> str:
    millis = round(seconds * 1000)
    return (
        f"{millis // 3_600_000:02}:{millis // 60_000 % 60:02}:"
        f"{millis // 1000 % 60:02},{millis % 1000:03}"
    )


def shown(*cues: tuple[float, float, str]) -> list[list[str]]:
    return turns(list(read_srt(text_of(srt(*cues)))))


def test_srt(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "film.srt")
    assert dialogues == [
        ["你今天去学校吗", "不去\n今天放假", "那我们去哪儿", "去看电影"],
        ["两张票", "好的", "-5度"],
    ]
    assert skipped == [(2, "a credit of the subtitles"), (20, "a cue without words")]


def test_ass(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "bilingual.ass")
    assert dialogues == [["下雨了 带伞吧", "好的"], ["你好,老师", "坐吧", "谢谢"]]
    assert skipped == [(17, "a cue without words"), (18, "a cue without start, end and text")]


@given(st.lists(st.tuples(WORDS.filter(bool), st.booleans()), min_size=1, max_size=8))
def test_a_written_srt_is_read_back(said: list[tuple[str, bool]]) -> None:
    """A pause before a cue opens a new dialogue, and nothing else does."""
    cues, now = [], 0
    expected: list[list[str]] = [[]]
    for words, is_later in said:
        now += LONGEST_PAUSE if is_later else LONGEST_PAUSE - 1
        if is_later and expected[-1]:
            expected.append([])
        expected[-1].append(words)
        cues.append((now / 1000, now / 1000 + 1, words))
        now += 1000
    assert shown(*cues) == expected


@given(st.text())
def test_any_text_is_subtitles_without_an_error(content: str) -> None:
    for read in (read_srt, read_ass):
        list(read(text_of(content)))
    list(read_srt(text_of(f"00:00:01,000 --> 00:00:02,000\n{content}")))
    list(read_ass(text_of(f"Dialogue: 0,0:00:01.00,0:00:02.00,a,b,0,0,0,,{content}")))


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<i>你好</i>", ["你好"]),
        ('<font color="#fff">你好</font>', ["你好"]),
        (r"{\an8}{\fs20}你好", ["你好"]),
        (r"你\h好\N吗", ["你 好\n吗"]),
        ("我<3你", ["我<3你"]),
        ("a < b > c", ["a < b > c"]),
        ("- 去吗\n- 不去", ["去吗", "不去"]),
        ("-去吗 -不去", ["去吗", "不去"]),
        ("－去吗\n－不去", ["去吗", "不去"]),
        ("- 去吗\n还是不去\n- 不去", ["去吗\n还是不去", "不去"]),
        ("- 去吗", ["去吗"]),
        ("-5度", ["-5度"]),
        ("——然后呢", ["——然后呢"]),
        ("他说 - 不去", ["他说 - 不去"]),
        ("（关门声）\n谁", ["谁"]),
        ("3", ["3"]),
    ],
)
def test_the_text_of_a_cue(markup: str, expected: list[str]) -> None:
    assert shown((1, 2, markup), (2, 3, "完")) == [[*expected, "完"]]


@pytest.mark.parametrize(
    "words", ["■", "♪ ♪", "（门铃响）", "『 上集 』", r"{\p1}m 0 0 l 1 1{\p0}", "……", ""]
)
def test_a_cue_without_words(words: str) -> None:
    records = list(read_srt(text_of(srt((1, 2, "甲"), (2, 3, words), (3, 4, "乙")))))
    assert Skipped(6, "a cue without words", words) in records
    assert turns(records) == [["甲", "乙"]]


@pytest.mark.parametrize(
    "words",
    ["本字幕由甲制作", "翻译：甲", "校对: 乙", "更多请登录 www.example.com", "http://example.org"],
)
def test_a_credit_is_kept_aside(words: str) -> None:
    records = list(read_srt(text_of(srt((1, 2, words), (2, 3, "乙")))))
    assert Skipped(2, "a credit of the subtitles", words) in records
    assert turns(records) == [["乙"]]


@pytest.mark.parametrize("words", ["他在做翻译", "后期怎么办", "字幕看不清", "翻译一下：你好"])
def test_speech_is_no_credit(words: str) -> None:
    assert shown((1, 2, words)) == [[words]]


def test_the_other_language_is_left_out_of_a_bilingual_file() -> None:
    both = ((1, 2, "你好\nHello"), (2, 3, "Goodbye.\n再见"), (3, 4, "さようなら\n再见"))
    assert shown(*both, (4, 5, "OK")) == [["你好", "再见", "再见", "OK"]]


def test_a_latin_line_among_chinese_ones_stays() -> None:
    cues = [(n, n + 1, "你好") for n in range(1, 9)]
    assert shown(*cues, (9, 10, "OK\n走吧"))[0][-1] == "OK\n走吧"


def test_an_english_file_stays_english() -> None:
    assert shown((1, 2, "Hello."), (2, 3, "Hello\nto you.")) == [["Hello.", "Hello\nto you."]]


def test_cues_at_the_same_time_are_one() -> None:
    cues = [(1, 2, "你好"), (2, 3, "再见"), (1, 2, "Hello"), (2, 3, "再见")]
    assert shown(*cues) == [["你好", "再见"]]


def test_cues_out_of_order_and_overlapping_ones() -> None:
    # The pause counts from the latest end: the long cue covers the time between the others.
    assert shown((9, 10, "丙"), (1, 8, "甲"), (2, 3, "乙")) == [["甲", "乙", "丙"]]
    assert shown((9, 10, "丙"), (2, 3, "乙")) == [["乙"], ["丙"]]


def test_a_file_without_numbers_and_blank_lines() -> None:
    content = "00:01 --> 00:02\n你好\n0:00:02.5 --> 0:00:03 position:10%\n\n再见\n\n呀\n"
    assert turns(list(read_srt(text_of(content)))) == [["你好", "再见\n呀"]]


def test_webvtt() -> None:
    content = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v 甲>你好\n"
    records = list(read_srt(text_of(content)))
    assert records[0] == Skipped(1, "no time before it", "WEBVTT")
    assert turns(records) == [["你好"]]


def test_a_cue_without_end() -> None:
    content = srt((1, 2, "你好")) + "\n好\n" * LONGEST_CUE
    records = list(read_srt(text_of(content)))
    reasons = {record.reason for record in records if isinstance(record, Skipped)}
    assert reasons == {f"more than {LONGEST_CUE} lines in a cue"}


def test_many_cues_are_read_in_blocks() -> None:
    cues = [(n, n + 1.0, "好") for n in range(1, LONGEST_DIALOGUE + 2)]
    assert [len(each) for each in shown(*cues)] == [LONGEST_DIALOGUE, 1]


def test_ass_with_columns_of_its_own() -> None:
    content = (
        "[Events]\nFormat: Start, End, Text\n"
        "Dialogue: 0:00:01.00,0:00:02.00,好,的\nDialogue: x,0:00:02.00,坏\n"
    )
    records = list(read_ass(text_of(content)))
    assert turns(records) == [["好,的"]]
    assert records[0] == Skipped(4, "a cue without start, end and text", " x,0:00:02.00,坏")


def test_real_subtitles(shared: Path) -> None:
    """34 episodes, as the collection's README says; every one has hundreds of cues."""
    episodes = read_episodes(shared / "dgk_raw_subs.zip")
    assert len(episodes) == 34
    assert all(sum(map(len, turns(records))) > 300 for records in episodes.values())
    # One episode is there in both formats: its dialogue must be nearly the same.
    twins = [turns(each) for name, each in episodes.items() if "S03E01.720p.BluRay" in name]
    first, second = ({turn for dialogue in twin for turn in dialogue} for twin in twins)
    assert len(first & second) > 0.95 * max(len(first), len(second))


def read_episodes(path: Path) -> dict[str, list[Record]]:
    """Read every member by the ending of its name, in the encoding that its bytes show."""
    episodes = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            text = Text(name, iter([content]), encoding=str(detect(content)))
            episodes[name] = list((read_ass if name.endswith(".ass") else read_srt)(text))
    return episodes
