"""Every small file is taken for what it is, by its content alone, and for nothing else."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.errors import ReadError
from corpus_tools.formats.catalogue import LEAST_CONFIDENCE, READERS
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

FORMATS = {
    "answers.txt": None,
    "bilingual.ass": "ass",
    "chat_lines.txt": "wechat",
    "chat_qq.txt": "qq",
    "chat_tool.txt": "wechat",
    "chat_wechat.txt": "wechat",
    "chinese.yml": "chatterbot",
    "dialogues.json": "json",
    "faq.yml": "faq",
    "film.srt": "srt",
    "messages.jsonl": "jsonl",
    "one_dialogue.json": "json",
    "pairs.tsv": "tsv",
    "play.txt": "script",
    "questions.md": "qa",
    "questions.txt": None,
    "shapes.jsonl": "jsonl",
    "splits.json": "json",
    "turns.conv": "conv",
}
# First lines behind which a long line belongs to a cue, a message or an answer.
HEADS = ("00:00:01,000 --> 00:00:02,000", "2024-01-02 12:34:56 小明(12345)", "问：甲", "答：乙")
# Formats that others look like, less surely: JSON lines begin like JSON.
ALSO = {"jsonl": {"json"}, "ass": {"script"}, "faq": {"qa"}}


def claims(sample: Sample) -> dict[str, float]:
    """Return the formats that `sample` may have, and how sure they are."""
    sure = {each.name: each.confidence(sample) for each in READERS.values() if not each.magic}
    return {name: level for name, level in sure.items() if level >= LEAST_CONFIDENCE}


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_taken_for_what_it_is(data: Path, name: str) -> None:
    expected = FORMATS[name]
    sample = Sample("corpus.txt", (data / name).read_text(encoding="utf-8"))
    sure = claims(sample)
    assert max(sure, key=sure.__getitem__, default=None) == expected
    assert set(sure) - {expected} <= ALSO.get(expected or "", set())


@pytest.mark.parametrize(
    "content",
    [
        "很久很久以前，有一座山。\n山里有座庙。\n他说：走吧。\n于是他们走了。\n",
        "2024-01-02 12:34:56 INFO started\n2024-01-02 12:34:57 INFO stopped\n" * 9,
        "标题：春\n作者：无名\n日期：今天\n正文在下面，有很多行。\n第二行。\n第三行。\n",
        "12:30 出发\n13:40 到达\n",
        "A. 苹果\nB. 香蕉\nC. 西瓜\n",
        "https://example.org/a\nhttps://example.org/b\n",
        "",
    ],
)
def test_what_is_none_of_the_formats(content: str) -> None:
    assert claims(Sample("novel.txt", content)) == {}


@pytest.mark.parametrize(
    "unit", ["A-", "{\\", "<i", "[图", "「", "a  12:34", "撤回了一条消息", " ", "- q: "]
)
def test_a_long_line_takes_linear_time(unit: str) -> None:
    """With a pattern of quadratic cost this would take many minutes."""
    content = "\n".join((*HEADS, unit * (200_000 // len(unit))))
    for each in READERS.values():
        if not each.magic and not each.takes_layout:
            each.confidence(Sample("a.txt", content))
            with suppress(ReadError):
                list(each.read(Text("a", iter([content.encode()]), encoding="utf-8")))


@given(st.text())
def test_any_text_can_be_judged(content: str) -> None:
    sample = Sample("corpus.txt", content)
    assert all(0.0 <= each.confidence(sample) <= 1.0 for each in READERS.values())
