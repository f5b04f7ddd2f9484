"""Parquet files, written by the library that reads them."""

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_tools.errors import MissingExtraError, ReadError, UsageError
from corpus_tools.formats import Dialogue, Record, Skipped, Turn
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.readers import parquet
from corpus_tools.formats.readers.parquet import MAGIC, describe_parquet, read_parquet
from corpus_tools.formats.text import LONGEST_LINE, Binary

Made = Callable[[str], Binary]


def write(path: Path, query: str, *parameters: object) -> None:
    with duckdb.connect(config=parquet.BOUNDS) as connection:
        connection.execute(f"CREATE TABLE t AS {query}", parameters)
        connection.execute("COPY t TO $path (FORMAT parquet)", {"path": str(path)})


@pytest.fixture
def made(folder: Path) -> Made:
    def make(query: str) -> Binary:
        path = folder / "answer=7" / "a[0-9]*.parquet"
        path.parent.mkdir()
        (path.parent / "a0.parquet").write_bytes(b"no table")  # neither name means anything
        write(path, query)
        return Binary("a.parquet", path)

    return make


def read(binary: Binary, layout: Layout = Layout()) -> list[Record]:  # noqa: B008
    return list(read_parquet(binary, layout))


def test_pairs(made: Made) -> None:
    binary = made("FROM (VALUES (1, '你好', '好'), (2, NULL, 'x')) AS v(id, \"Question\", answer)")
    assert binary.path.read_bytes().startswith(MAGIC)
    assert read(binary) == [
        Dialogue((Turn("你好"), Turn("好"))),
        Skipped(2, "nothing under 'Question'", "x"),
    ]
    assert describe_parquet(binary, Layout()) == "Question → prompt, answer → reply, header"


def test_many_pairs_in_their_order(made: Made) -> None:
    binary = made("SELECT '问' || i AS q, '答' || i AS a FROM range(30000) AS r(i)")
    assert [record.turns[1].text for record in read(binary)] == [f"答{n}" for n in range(30_000)]


def test_columns_of_other_names(made: Made) -> None:
    binary = made("SELECT '你好' AS \"fra\"\"ge\", '好' AS antwort, 3 AS n")
    expected = [Dialogue((Turn("你好"), Turn("好")))]
    assert read(binary, Layout(None, 'fra"ge', "antwort")) == expected
    assert read(binary, Layout(None, "1", "2")) == expected
    assert read(binary, Layout(None, "1", "3")) == [
        Skipped(1, "no text under 'n'", "你好"),
    ]
    with pytest.raises(ReadError, match='no columns of known names; there are fra"ge, antwort, n'):
        read(binary)
    with pytest.raises(UsageError, match="no column 'x'"):
        read(binary, Layout(None, "x", "antwort"))


def test_turns_of_named_dialogues(made: Made) -> None:
    binary = made(
        "FROM (VALUES (1, '你好', '甲'), (1, '在', NULL), (2, '谢谢', '乙')) "
        "AS v(conversation_id, content, role)"
    )
    assert read(binary) == [
        Dialogue((Turn("你好", "甲"), Turn("在"))),
        Dialogue((Turn("谢谢", "乙"),)),
    ]


def test_messages(made: Made) -> None:
    binary = made(
        "SELECT [{'role': 'system', 'content': '说', 'name': NULL}, {'role': 'user', "
        "'content': '你好', 'name': NULL}, {'role': 'assistant', 'content': '好', 'name': NULL}] "
        "AS messages, 'x'::BLOB AS picture UNION ALL SELECT [], NULL"
    )
    dialogue, skipped = read(binary)
    assert dialogue == Dialogue((Turn("你好", "user"), Turn("好", "assistant")))
    assert skipped == Skipped(2, "no dialogue in this value", '{"messages":[]}')
    assert describe_parquet(binary, Layout()) == "messages → dialogue"


def test_what_a_row_lacks_is_as_if_it_had_no_such_column(made: Made) -> None:
    binary = made("SELECT NULL::VARCHAR[] AS messages, NULL AS prompt, '问' AS question, '答' AS a")
    assert read(binary) == [Dialogue((Turn("问"), Turn("答")))]


def test_a_prompt_with_its_history(made: Made) -> None:
    binary = made("SELECT '三' AS prompt, '四' AS response, ['一', '二'] AS history")
    (dialogue,) = read(binary)
    assert isinstance(dialogue, Dialogue)
    assert [turn.text for turn in dialogue.turns] == ["一", "二", "三", "四"]
    assert dialogue.context == 3


def test_a_text_too_long_for_a_turn(made: Made) -> None:
    binary = made(f"SELECT repeat('好', {LONGEST_LINE + 1}) AS q, '好' AS a")
    (skipped,) = read(binary)
    assert isinstance(skipped, Skipped)
    assert skipped.reason == "over 1,048,576 characters under 'q'"


def test_a_small_file_that_unpacks_to_much(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = made("SELECT repeat('好', 1000) AS q, '好' AS a FROM range(3000)")
    assert len(read(binary)) == 3_000
    monkeypatch.setattr(parquet, "FREE_EXPANSION", 0)
    assert 100 * binary.path.stat().st_size < 3_000 * 1_000
    with pytest.raises(ReadError, match="unpacks to more than 100 times its size"):
        read(binary)


def test_rows_that_need_too_much_memory(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = made("SELECT list('好') AS messages FROM range(1000000)")
    monkeypatch.setitem(parquet.BOUNDS, "memory_limit", "10MB")
    with pytest.raises(ReadError, match="needs more than 10MB of memory for a few rows"):
        read(binary)


def test_a_file_that_is_none(folder: Path) -> None:
    path = folder / "a.parquet"
    path.write_bytes(MAGIC + b"\0" * 100 + MAGIC)
    with pytest.raises(ReadError, match="a: damaged or encrypted Parquet"):
        read(Binary("a", path))


def test_without_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'duihua\[parquet\]'"):
        read(Binary("a", folder / "a.parquet"))


ROWS = st.lists(
    st.tuples(*[st.text(st.characters(codec="utf-8"), max_size=20)] * 2), min_size=1, max_size=30
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
@given(ROWS)
def test_what_is_written_is_read(folder: Path, rows: list[tuple[str, str]]) -> None:
    path = folder / "a.parquet"
    write(
        path,
        "SELECT unnest(?::VARCHAR[]) AS q, unnest(?::VARCHAR[]) AS a",
        *zip(*rows, strict=True),
    )
    found = read(Binary("a", path))
    assert [tuple(turn.text for turn in record.turns) for record in found] == rows


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=9))
def test_a_damaged_file_is_read_or_refused(folder: Path, changes: list[tuple[int, int]]) -> None:
    path = folder / "a.parquet"
    if not path.exists():
        write(path, "SELECT ['问' || i, '答'] AS messages, i AS label FROM range(50) AS r(i)")
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    damaged = folder / "b.parquet"
    damaged.write_bytes(content)
    with contextlib.suppress(ReadError, UsageError):
        read(Binary("b", damaged))
