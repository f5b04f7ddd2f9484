"""Tables: what is a row, which columns are the pair, and what else a row can be."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.errors import ReadError, UsageError
from corpus_tools.formats import Dialogue, Record, Skipped, Source
from corpus_tools.formats.catalogue import READERS
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.readers.columns import LEAST_ROWS
from corpus_tools.formats.readers.rows import LONGEST_ROW
from corpus_tools.formats.records import LONGEST_DIALOGUE
from corpus_tools.formats.sample import MOST_LINES, Sample
from corpus_tools.formats.text import Text

Read = Callable[..., tuple[list[list[str]], list[tuple[int, str]]]]
TABLES = ["tsv", "csv", "delimited"]


def records(kind: str, content: str, layout: Layout = Layout()) -> list[Record]:  # noqa: B008
    text = Text("a", iter([content.encode("utf-8", "replace")]), encoding="utf-8")
    return list(READERS[kind].read(text, layout))


def texts(kind: str, content: str, layout: Layout = Layout()) -> list[list[str]]:  # noqa: B008
    found = records(kind, content, layout)
    assert not any(isinstance(record, Skipped) for record in found)
    return [[turn.text for turn in record.turns] for record in found]


def describe(kind: str, content: str, layout: Layout = Layout()) -> str:  # noqa: B008
    tell = READERS[kind].describe
    assert tell
    return tell(Sample("a", content), layout)


def numbered(row: str, count: int = 20) -> str:
    return "".join(row.format(n) + "\n" for n in range(count))


def test_tsv(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "pairs.tsv")
    assert dialogues == [
        ["你好", "你好呀"],
        ["今天天气怎么样", "不错，适合出门"],
        ["你是谁", "我是𠮷野家的店员"],
    ]
    assert skipped == [(3, "1 fields instead of 2"), (5, "3 fields instead of 2")]


def test_csv_in_gbk_with_a_header_and_line_breaks(read: Read, data: Path) -> None:
    dialogues, skipped = read(data / "pairs_gbk.csv")
    assert Source([data / "pairs_gbk.csv"]).encoding == "gb18030"
    assert dialogues == [
        ["我头疼怎么办", '多休息。\n多喝水，"别熬夜"。'],
        ["感冒了能吃药吗", "可以,遵医嘱"],
    ]
    assert skipped == []


def test_a_stray_quote_costs_its_own_line(read: Read, folder: Path) -> None:
    path = folder / "a.csv"
    rows = [f"问{n},答{n}\n" for n in range(LONGEST_ROW + 10)]
    path.write_text('你"好,正常\n"没有关上,坏行\n' + "".join(rows), encoding="utf-8")
    dialogues, skipped = read(path)
    assert skipped == [(2, "a quote that is not closed, or text behind one")]
    assert dialogues[0] == ['你"好', "正常"]
    assert len(dialogues) == len(rows) + 1


@pytest.mark.parametrize("header", ["问,答", "question,answer", "id,Prompt,Response", "post,reply"])
def test_known_headers(read: Read, folder: Path, header: str) -> None:
    path = folder / "a.csv"
    row = "7,你好,你好呀" if header.startswith("id") else "你好,你好呀"
    path.write_text(f"{header}\n{row}\n", encoding="utf-8")
    assert read(path) == ([["你好", "你好呀"]], [])


@pytest.mark.parametrize(
    "header", ['"问题","回答"', "user,assistant", "TITLE, Answer", "问题;答案"]
)
def test_further_headers(header: str) -> None:
    delimiter = ";" if ";" in header else ","
    content = f"{header}\n你好{delimiter}你好呀\n"
    assert texts("csv", content) == [["你好", "你好呀"]]
    assert READERS["csv"].recognise(Sample("a", content)) == 0.9


def test_a_semicolon_is_a_delimiter_only_where_the_header_shows_it() -> None:
    assert texts("csv", "你;好,好;吗\n") == [["你;好", "好;吗"]]


def test_an_instruction_takes_its_input_along() -> None:
    content = "instruction,input,output\n翻译,你好,hello\n讲个笑话,,好的\n"
    assert texts("csv", content) == [["翻译\n你好", "hello"], ["讲个笑话", "好的"]]


def test_a_field_too_long_for_csv_costs_its_own_line() -> None:
    content = '"' + "a" * (csv.field_size_limit() + 1) + '",b\n你好,好\n'
    skipped, dialogue = records("csv", content)
    assert isinstance(skipped, Skipped)
    assert skipped.reason == "a quoted field of more than 131,072 characters"
    assert isinstance(dialogue, Dialogue)


@pytest.mark.parametrize("delimiter", ["@@", "|||", "||", " ", "。", r"\t"])
def test_a_delimiter(delimiter: str) -> None:
    between = "\t" if delimiter == r"\t" else delimiter
    content = f"你好{between}你好呀\n几点了{between}三点\n"
    layout = Layout(delimiter=delimiter)
    assert texts("delimited", content, layout) == [["你好", "你好呀"], ["几点了", "三点"]]


def test_csv_with_another_delimiter() -> None:
    content = '"你|好"|好\n'
    assert texts("csv", content, Layout(delimiter="|")) == [["你|好", "好"]]


@pytest.mark.parametrize(
    ("kind", "layout", "message"),
    [
        ("delimited", Layout(), "needs --delimiter"),
        ("tsv", Layout(delimiter="@@"), "'tsv' is split at tabs, not at '@@'"),
        ("csv", Layout(delimiter="@@"), "'csv' is split at one character, not at '@@'"),
        ("csv", Layout(delimiter='"'), "'csv' is split at one character"),
        ("tsv", Layout(None, "猫", "b"), "a: no column '猫'. Its columns: id, frage, antwort."),
        ("tsv", Layout(None, "4", "1"), "a: no column 4; there are 3, counted from 1."),
        ("tsv", Layout(None, "0", "1"), "a: no column 0; there are 3"),
        ("tsv", Layout(None, "9" * 5_000, "1"), "a: no column '999"),
        ("tsv", Layout(None, "2", "2"), "the prompt and the reply are one column"),
        ("tsv", Layout(None, "frage"), "only one of two columns is named"),
    ],
)
def test_what_cannot_be_meant(kind: str, layout: Layout, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        records(kind, "id\tfrage\tantwort\n1\t你好\t好\n", layout)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("layout", "expected", "described"),
    [
        (
            Layout(None, "frage", "Antwort"),
            ["你好", "好"],
            "Frage → prompt, Antwort → reply, header",
        ),
        (Layout(None, "Antwort", "1"), ["好", "7"], "Antwort → prompt, ID → reply, header"),
    ],
)
def test_columns_by_name(layout: Layout, expected: list[str], described: str) -> None:
    content = "ID,Frage,Antwort\n7,你好,好\n"
    assert texts("csv", content, layout) == [expected]
    assert describe("csv", content, layout) == described


def test_names_of_columns_do_not_steer_the_terminal() -> None:
    content = "\x1b[2Jid\tquestion\tanswer\n"
    assert describe("tsv", content) == "question → prompt, answer → reply, header"
    assert describe("tsv", content, Layout(None, "1", "3")).startswith("\ufffd[2Jid → prompt")
    with pytest.raises(UsageError, match=r"Its columns: \ufffd\[2Jid, question, answer\."):
        records("tsv", content, Layout(None, "x", "answer"))


def test_columns_by_number() -> None:
    content = "好\t你好\n好的\t再见\n"
    layout = Layout(None, "2", "1")
    assert texts("tsv", content, layout) == [["你好", "好"], ["再见", "好的"]]
    assert describe("tsv", content, layout) == "2 → prompt, 1 → reply"
    assert texts("tsv", content, Layout(None, "2")) == [["你好", "好"], ["再见", "好的"]]
    assert texts("tsv", "问\t答\t题\n" + "a\tb\tc\n", Layout(None, "3", "2")) == [["c", "b"]]


def test_the_attribution_of_a_translation_is_no_turn() -> None:
    content = numbered("Hi {0}.\t嗨{0}。\tCC-BY 2.0 (France) Attribution: tatoeba.org #{0} (a)")
    assert texts("tsv", content)[0] == ["Hi 0.", "嗨0。"]
    assert describe("tsv", content) == "1 → prompt, 2 → reply"


@pytest.mark.parametrize(
    "row",
    [
        "2024-01-0{0}\t你好{0}\t好\t好评",  # of the last two columns, each has but one value
        "id{0}\t第{0}句\t答{0}",
        "{0}\t第{0}句\t答{0}\thttps://example.org/a",
        "\t第{0}句\t\t答{0}\t",
    ],
)
def test_columns_of_numbers_ids_and_labels_are_passed_over(row: str) -> None:
    row = row.replace("\t好\t", "\t答{0}\t")
    pairs = texts("tsv", numbered(row))
    assert [pair[1] for pair in pairs] == [f"答{n}" for n in range(20)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "甲{0}\t乙{0}\t丙{0}",
            r"3 columns .* could stand in: 1, 2, 3\. Name two with --prompt-co",
        ),
        ("1\t2\t丙{0}", r"could stand in: 3\."),
        ("{0}\t天气{0}", r"2 columns .* could stand in: 2\."),
        ("天气{0}\t2024-01-02", r"2 columns .* could stand in: 1\."),
        ("pos\t天气{0}", r"2 columns .* could stand in: 2\."),
    ],
)
def test_columns_that_nothing_decides_are_asked_for(row: str, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        records("tsv", numbered(row))
    with pytest.raises(ReadError, match=message):
        describe("tsv", numbered(row))


def test_two_columns_of_few_rows_are_a_pair() -> None:
    assert len(texts("tsv", numbered("1+{0}\t{0}", LEAST_ROWS - 1))) == LEAST_ROWS - 1


@pytest.mark.parametrize("few", ["好的", "嗯", "I see.", "哈哈哈", "OK啦"])
def test_two_columns_may_repeat_what_is_said(few: str) -> None:
    for row in (f"问{{0}}\t{few}", f"{few}\t答{{0}}"):
        assert len(texts("tsv", numbered(row, 300))) == 300


def test_a_table_whose_first_rows_are_damaged() -> None:
    content = "坏行\n" * 5 + "你好\t好\n" + "坏\t坏\t坏\n" * 5 + numbered("问{0}\t答{0}", 300)
    found = records("tsv", content)
    assert sum(isinstance(record, Dialogue) for record in found) == 301
    reasons = [record.reason for record in found if isinstance(record, Skipped)]
    assert reasons == ["1 fields instead of 2"] * 5 + ["3 fields instead of 2"] * 5


GROUPED = """TV_ID,Dialogue_ID,Speaker,Utterance
1,a,甲,你好
1,a,乙,"你好呀
朋友"
1,b,甲,在吗
1,b,甲
1,b,,在
1,a,甲,又见面了
"""


def test_rows_of_one_dialogue_after_one_another(folder: Path) -> None:
    path = folder / "a.csv"
    path.write_text(GROUPED, encoding="utf-8-sig")
    source = Source([path])
    found = list(source.records())
    assert source.format == "csv"
    assert [
        [(turn.speaker, turn.text) for turn in record.turns]
        for record in found
        if isinstance(record, Dialogue)
    ] == [
        [("甲", "你好"), ("乙", "你好呀\n朋友")],
        [("甲", "在吗")],  # what came next is damaged, so that nothing follows it
        [(None, "在")],
        [("甲", "又见面了")],
    ]
    assert [record.line for record in found if isinstance(record, Skipped)] == [6]
    expected = "Dialogue_ID → dialogue, Speaker → speaker, Utterance → turn, header"
    assert describe("csv", GROUPED) == expected


def test_a_long_dialogue_is_cut() -> None:
    content = "会话ID\t内容\n" + "1\t你好\n" * (LONGEST_DIALOGUE + 1)
    assert [len(turns) for turns in texts("tsv", content)] == [LONGEST_DIALOGUE, 1]


@pytest.mark.parametrize("kind", TABLES)
def test_an_empty_table(kind: str) -> None:
    layout = Layout(delimiter="@@" if kind == "delimited" else None)
    assert records(kind, "\n\n", layout) == []
    assert describe(kind, "", layout) == "1 → prompt, 2 → reply"


def test_lines_with_tabs_here_and_there_are_no_table() -> None:
    recognise = READERS["tsv"].recognise
    assert recognise(Sample("a", "你好\t好\n" * 10)) == 0.9
    assert recognise(Sample("a", "你好\t好\n" * 7 + "你好\n" * 3)) == 0.6
    assert recognise(Sample("a", "你好\t好\n" + "你好\n" * 9)) == 0.0
    assert recognise(Sample("a", "\t你好\n" * 10)) == 0.0
    assert recognise(Sample("a", "")) == 0.0


# What a cell can hold in each kind; that no column looks like numbers is another matter.
SIGNS = st.characters(codec="utf-8", exclude_characters="\r\n\t\ufeff")
CELLS = st.text(SIGNS, max_size=6).map(lambda words: f"说{words}")
LINES = st.lists(st.tuples(CELLS, CELLS), max_size=30)


@given(LINES)
def test_what_is_written_as_tsv_is_read(pairs: list[tuple[str, str]]) -> None:
    content = "".join(f"{prompt}\t{reply}\n" for prompt, reply in pairs)
    assert texts("tsv", content) == [list(pair) for pair in pairs]


@given(LINES, st.text(st.characters(codec="utf-8", categories=["P", "S"]), min_size=2, max_size=4))
def test_what_is_written_with_a_delimiter_is_read(
    pairs: list[tuple[str, str]], delimiter: str
) -> None:
    free = [tuple(cell.replace(delimiter[0], "") for cell in pair) for pair in pairs]
    content = "".join(f"{prompt}{delimiter}{reply}\n" for prompt, reply in free)
    assert texts("delimited", content, Layout(delimiter)) == [list(pair) for pair in free]


QUOTED = st.text(st.characters(codec="utf-8", exclude_characters="\r\ufeff"), max_size=8)


@given(st.lists(st.tuples(QUOTED, QUOTED), max_size=20), st.sampled_from(",;|\t"))
def test_what_is_written_as_csv_is_read(pairs: list[tuple[str, str]], delimiter: str) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerows([("question", "answer"), *pairs])
    expected = [list(pair) for pair in pairs if any(cell.strip() for cell in pair)]
    assert texts("csv", file.getvalue(), Layout(delimiter)) == expected


def columns() -> Iterator[str]:
    yield from ("1", "3", "0", "question", "x", "")


@given(
    st.lists(st.text('ab1,;"\t\n\r 问', max_size=12), max_size=40),
    st.sampled_from(TABLES),
    st.sampled_from(list(columns())),
)
def test_any_table_is_read_or_refused(rows: list[str], kind: str, column: str) -> None:
    content = "question,answer,conv_id\n"[: 25 * (len(rows) % 2)] + "\n".join(rows)
    layout = Layout("ab" if kind == "delimited" else None, column or None)
    sample = Sample("a", content)
    try:
        READERS[kind].recognise(sample)
        describe(kind, content, layout)
        assert len(records(kind, content, layout)) <= content.count("\n") + 1
    except (ReadError, UsageError):
        pass


def test_the_first_rows_decide_for_all() -> None:
    """A row behind those that decide is put aside, however many of its kind follow."""
    content = numbered("问{0}\t答{0}", MOST_LINES) + numbered("甲\t乙\t丙", 500)
    found = records("tsv", content)
    assert sum(isinstance(record, Dialogue) for record in found) == MOST_LINES
