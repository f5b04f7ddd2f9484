"""Chats exported from QQ and WeChat; expected values are read off the files by hand."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.formats import Dialogue, Record, Skipped, Source
from corpus_tools.formats.readers.chat import LONGEST_SILENCE
from corpus_tools.formats.readers.chat_header import Clock
from corpus_tools.formats.readers.qq import read_qq
from corpus_tools.formats.readers.wechat import read_wechat
from corpus_tools.formats.records import LARGEST_DIALOGUE, LONGEST_DIALOGUE
from corpus_tools.formats.text import LONGEST_LINE, Text

Read = Callable[..., tuple[list[list[str]], list[tuple[int, str]]]]
NOTICE, NO_WORDS = "a notice of the program", "a message without words"
NAMES = st.text(st.sampled_from("小明红A -·"), min_size=1, max_size=6).map(str.strip).filter(bool)
WORDS = st.lists(st.text(st.sampled_from("你我他好吗？ 。"), min_size=1), min_size=1, max_size=3)


def records_of(content: str) -> list[Record]:
    return list(read_wechat(Text("a", iter([content.encode()]), encoding="utf-8")))


def turns(records: list[Record]) -> list[list[str]]:
    return [[turn.text for turn in each.turns] for each in records if isinstance(each, Dialogue)]


def test_qq(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "chat_qq.txt")
    assert dialogues == [
        ["在吗\n晚上一起吃饭\n带上你的书", "好啊"],
        ["到了吗", "马上"],
        ["明天考试吗"],
    ]
    assert skipped == [(16, NO_WORDS), (28, NOTICE), (29, NOTICE)]


def test_a_number_is_neither_text_nor_speaker(data: Path) -> None:
    records = Source([data / "chat_qq.txt"]).records()
    turns = [turn for each in records if isinstance(each, Dialogue) for turn in each.turns]
    assert {turn.speaker for turn in turns} == {"小李", "阿 华", "小王"}
    assert not any("1001" in turn.text or "@" in turn.text for turn in turns)


def test_wechat_shared(read: Read, data: Path) -> None:
    """A day is a border, and the message that another one answers is no part of it."""
    dialogues, skipped = read(data / "chat_wechat.txt")
    assert dialogues == [["有点事，一会儿回", "好的"], ["早"]]
    assert skipped == [(16, NO_WORDS)]


def test_wechat_of_a_tool(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "chat_tool.txt")
    assert (dialogues, skipped) == ([["周末去爬山吗？", "去\n几点集合？"], ["七点"]], [])


def test_wechat_in_lines(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "chat_lines.txt")
    assert dialogues == [["周末去爬山吗？", "去，几点 12:30 行吗", "七点\n第一班车"]]
    assert skipped == [(5, NOTICE)]


@pytest.mark.parametrize(
    ("line", "moment", "name"),
    [
        ("2024-01-02 12:34:56 小明", "2024-01-02 12:34:56", "小明"),
        ("2024-01-02 12:34:56 小 明(123456)", "2024-01-02 12:34:56", "小 明"),
        ("2024-01-02 12:34:56 小明<a@b.cn>", "2024-01-02 12:34:56", "小明"),
        ("2024-01-02 12:34:56 小明（班长）(123456)", "2024-01-02 12:34:56", "小明（班长）"),
        ("2024-01-02 12:34:56 (123456)", "2024-01-02 12:34:56", ""),
        ("2024-1-2 8:43:38 PM 小明(123456)", "2024-01-02 20:43:38", "小明"),
        ("2024-1-2 12:43:38 AM 小明(123456)", "2024-01-02 00:43:38", "小明"),
        ("小明 2024-01-02 12:34", "2024-01-02 12:34:00", "小明"),
        ("小明(123456) 2024-01-02 12:34:56", "2024-01-02 12:34:56", "小明"),
        ("小明 (2024/1/2 12:34)", "2024-01-02 12:34:00", "小明"),
        ("小明 1/2/2024 9:16:13 PM", "2024-01-02 21:16:13", "小明"),
        ("小明 2024年1月2日 12:34", "2024-01-02 12:34:00", "小明"),
        ("2024年1月2日 星期二 下午3:04 小明", "2024-01-02 15:04:00", "小明"),
        ("小明 9:16:13 PM", "0001-01-01 21:16:13", "小明"),
    ],
)
def test_headers(line: str, moment: str, name: str) -> None:
    header = Clock().header(line)
    assert header is not None
    assert (str(header.moment), header.name, header.words) == (moment, name, None)


@pytest.mark.parametrize(
    "line",
    [
        "[2024-01-02 12:34:56] 小明: 好: 的",
        "[2024/1/2 12:34:56] 小明：好: 的",
        "2024/01/02 12:34 - 小明: 好: 的",
        "2024-01-02 12:34:56 小明: 好: 的",
    ],
)
def test_headers_with_the_words_in_the_line(line: str) -> None:
    header = Clock().header(line)
    assert header is not None
    assert (header.name, header.words) == ("小明", "好: 的")


@pytest.mark.parametrize(
    "line",
    [
        "我们12:30见",
        "我们  12:30",  # without a date above
        "比分3:2",
        "2024-13-02 12:34:56 小明",
        "2024-01-02 25:34:56 小明",
        "2024-01-02 12:34:56",
        "https://example.org/2024-01-02",
        "x" * LONGEST_LINE + ":",
    ],
)
def test_what_is_no_header(line: str) -> None:
    assert Clock().header(line) is None


@pytest.mark.parametrize(
    "line",
    ["—————  2024-01-02  —————", "— —  2024-1-2  — —", "日期: 2024-1-2", "2024年1月2日 12:34"],
)
def test_a_time_holds_below_a_line_with_a_date(line: str) -> None:
    clock = Clock()
    assert clock.is_date(line)
    header = clock.header("小明  19:39")
    assert header is not None
    assert (str(header.moment), header.name) == ("2024-01-02 19:39:00", "小明")


def test_a_time_in_a_message_is_no_header() -> None:
    clock = Clock()
    assert clock.is_date("—————  2024-01-02  —————")
    assert clock.header("我们约 12:30") is None


@given(st.lists(st.tuples(NAMES, WORDS, st.booleans()), min_size=1, max_size=8))
def test_a_written_chat_is_read_back(messages: list[tuple[str, list[str], bool]]) -> None:
    """Messages of one name in a row are one turn, and a silence opens a dialogue."""
    now, content = datetime(2024, 1, 2), ""
    expected: list[list[tuple[str, str]]] = [[]]
    for name, lines, is_later in messages:
        now += LONGEST_SILENCE if is_later else LONGEST_SILENCE - timedelta(seconds=1)
        content += f"{now:%Y-%m-%d %H:%M:%S} {name}\n" + "\n".join(lines) + "\n\n"
        words = "\n".join(line.strip() for line in lines if line.strip())
        if is_later and expected[-1]:
            expected.append([])
        if words and expected[-1] and expected[-1][-1][0] == name:
            words = f"{expected[-1].pop()[1]}\n{words}"
        if words:
            expected[-1].append((name, words))
    dialogues = [each for each in records_of(content) if isinstance(each, Dialogue)]
    said = [[(str(turn.speaker), turn.text) for turn in each.turns] for each in dialogues]
    assert said == [dialogue for dialogue in expected if dialogue]


@given(st.text())
def test_any_text_is_a_chat_without_an_error(content: str) -> None:
    for read in (read_wechat, read_qq):
        for text in (content, f"2024-01-02 12:34:56 小明(12345)\n{content}"):
            list(read(Text("a", iter([text.encode()]), encoding="utf-8")))


@pytest.mark.parametrize(
    "line",
    [
        "你撤回了一条消息",
        '"小明"撤回了一条消息 重新编辑',
        "小明邀请小红加入了群聊",
        "小明加入本群。",
        "小明退出了群聊",
        "小红拍了拍我",
        "小明修改群名为“读书”",
        "以上是打招呼的内容",
        "通话时长 01:20",
    ],
)
def test_notices_are_kept_aside(line: str) -> None:
    alone = records_of(f"2024-01-02 12:34:56 小明\n{line}\n")
    assert next(record.reason for record in alone if isinstance(record, Skipped)) == NOTICE
    between = records_of(f"2024-01-02 12:34:56 小明\n你好\n\n{line}\n")
    assert between == [Skipped(4, NOTICE, line), *between[1:]]
    assert turns(between) == [["你好"]]


@pytest.mark.parametrize(
    "words",
    [
        *("[图片]", "[语音]", "[捂脸][捂脸]", "[图片: a.jpg(请在附件中查看)]", '<img src="a.png">'),
        *("<msg><emoji/></msg>", "[表情]\n[图片]", ""),
    ],
)
def test_messages_without_words_are_kept_aside(words: str) -> None:
    records = records_of(f"2024-01-02 12:34:56 小明\n{words}\n")
    assert [record.reason for record in records if isinstance(record, Skipped)] == [NO_WORDS]
    assert turns(records) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("[图片]看这个", "看这个"),
        ("好[捂脸]", "好[捂脸]"),
        ("[2024] 计划", "[2024] 计划"),
        ("我加入了", "我加入了"),
        ("他说a<b", "他说a<b"),
        ("？", "？"),
    ],
)
def test_words_beside_pictures_stay(words: str, expected: str) -> None:
    assert turns(records_of(f"2024-01-02 12:34:56 小明\n{words}\n")) == [[expected]]


def test_a_large_message_ends_where_it_would_fill_the_memory() -> None:
    lines = ("好" * (LONGEST_LINE - 1) + "\n") * (LARGEST_DIALOGUE // LONGEST_LINE + 1)
    records = records_of(f"2024-01-02 12:34:56 小明\n{lines}")
    assert isinstance(records[0], Skipped)
    assert records[0].reason == f"a message of over {LARGEST_DIALOGUE:,} characters"


def test_a_long_talk_is_cut() -> None:
    content = "".join(f"2024-01-02 12:34:56 {n}号\n好\n" for n in range(LONGEST_DIALOGUE + 1))
    assert list(map(len, turns(records_of(content)))) == [LONGEST_DIALOGUE, 1]
