"""What the arguments of a command mean: files, patterns, folders, stdin, pairs of files."""

import io
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.errors import ReadError, UsageError
from corpus_tools.formats import Dialogue, Options, Unread, opened_inputs, sniff
from corpus_tools.formats.joint import partners
from tests.corpus.test_source import TEXT, gzipped, write_zip

LINES = (
    "L1 +++$+++ u0 +++$+++ m0 +++$+++ 小王 +++$+++ 在吗\n"
    "L2 +++$+++ u1 +++$+++ m0 +++$+++ 小李 +++$+++ 在的\n"
)
CONVERSATIONS = "u0 +++$+++ u1 +++$+++ m0 +++$+++ ['L1', 'L2']\n"

Opened = Callable[..., tuple[list[tuple[str, str]], list[Unread]]]


@pytest.fixture
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Open inputs in `folder`; return (path, format) of the sources, and what was not read."""
    monkeypatch.chdir(folder)

    def open_inputs(
        *arguments: str, stdin: bytes = b"", **options: str
    ) -> tuple[list[tuple[str, str]], list[Unread]]:
        sources, unread = [], []
        paths = [Path(argument) for argument in arguments]
        with opened_inputs(paths, Options(**options), io.BytesIO(stdin)) as inputs:
            for each in inputs:
                if isinstance(each, Unread):
                    unread.append(each)
                else:
                    assert any(isinstance(record, Dialogue) for record in each.records())
                    sources.append((each.path, each.format))
        return sources, unread

    return open_inputs


def write(path: str, content: str | bytes) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content.encode() if isinstance(content, str) else content)


def test_a_file_that_is_none_does_not_stop_the_others(opened: Opened) -> None:
    write("a.tsv", TEXT)
    write("README.md", "# 说明\n")
    sources, unread = opened("missing.tsv", "README.md", "a.tsv")
    assert sources == [("a.tsv", "tsv")]
    assert [each.is_error for each in unread] == [True, True]
    assert unread[0].message == "missing.tsv: no such file. Check the path."
    assert unread[1].message.startswith("README.md: no dialogue format recognised. Name it with")


def test_a_folder_is_read_with_all_below_it(opened: Opened) -> None:
    for path in ("data/b/c.tsv", "data/a.tsv", "data/.git/d.tsv", "data/.hidden.tsv"):
        write(path, TEXT)
    write("data/LICENSE", "Permission is granted.\n")
    write("data/empty.tsv", "")
    Path("data/loop").symlink_to(".", target_is_directory=True)
    sources, unread = opened("data")
    assert [Path(path).as_posix() for path, _ in sources] == ["data/a.tsv", "data/b/c.tsv"]
    assert [(each.message, each.is_error) for each in unread] == [
        (f"data{os.sep}LICENSE: no dialogue format recognised", False),
        (f"data{os.sep}empty.tsv: the file is empty", False),
    ]


def test_a_folder_without_dialogues_is_an_error(opened: Opened) -> None:
    write("data/LICENSE", "Permission is granted.\n")
    Path("empty").mkdir()
    _, unread = opened("data", "empty")
    assert [each.message for each in unread if each.is_error] == [
        "data: no dialogues in this folder. Name a file in it.",
        "empty: no dialogues in this folder. Name a file in it.",
    ]


def test_patterns_that_no_shell_has_expanded(opened: Opened) -> None:
    for path in ("a1.tsv", "a2.tsv", "sub/a3.tsv", "[a].tsv"):
        write(path, TEXT)
    assert [path for path, _ in opened("a?.tsv")[0]] == ["a1.tsv", "a2.tsv"]
    assert len(opened("**/*.tsv")[0]) == 4
    assert opened("[a].tsv")[0] == [("[a].tsv", "tsv")]
    assert opened("x*.tsv")[1][0].message == "x*.tsv: no such file. Check the path."


def test_a_stdin_that_is_closed() -> None:
    with (
        pytest.raises(ReadError, match="stdin: closed"),
        opened_inputs([Path("-")], Options(), None),
    ):
        pass


def test_stdin_is_read_from_a_private_file_that_goes_away(
    folder: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    modes: list[int] = []
    original = Path.open

    def watched(self: Path, *arguments: object, **options: object) -> object:
        if self.name == "spooled":
            modes.append(stat.S_IMODE(self.parent.stat().st_mode))
        return original(self, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", watched)
    assert opened("-", stdin=gzipped(TEXT.encode())) == ([("stdin", "tsv")], [])
    assert set(modes) == {0o700}
    assert list(folder.iterdir()) == []
    assert opened("-")[1] == [
        Unread("stdin: the file is empty. Give a file with dialogues.", is_error=True)
    ]


@pytest.mark.parametrize(
    ("asking", "answering"),
    [
        ("xhj_input.txt.gz", "xhj_target.txt.gz"),
        ("in.txt", "out.txt"),
        ("a.q", "a.a"),
        ("Questions.txt", "answers.txt"),
        ("train-source.txt", "train-target.txt"),
        ("1.src", "1.tgt"),
        ("post_1.txt", "response_1.txt"),
        ("ask.txt", "answer.txt"),
        ("train.de", "train.en"),
        ("语料.zh.txt", "语料.en.txt"),
        ("上联.txt", "下联.txt"),
    ],
)
def test_partners(asking: str, answering: str) -> None:
    assert partners([asking, "other.txt", answering]) == [(0, 2)]


@pytest.mark.parametrize(
    "names",
    [
        ["input.txt", "input.txt"],
        ["a_input.txt", "b_target.txt"],
        ["x/in.txt", "y/out.txt"],
        ["train.de", "train.en", "train.fr"],
        ["a.txt", "b.txt"],
        ["en.txt", "de.txt", "input"],
    ],
)
def test_no_partners(names: list[str]) -> None:
    assert partners(names) in ([], [(0, 1)] if names[0] == "en.txt" else [])


@given(st.lists(st.text("aqinout._/ ", max_size=8), max_size=8))
def test_nobody_has_two_partners(names: list[str]) -> None:
    places = [place for pair in partners(names) for place in pair]
    assert len(places) == len(set(places))


def test_files_that_belong_together_are_one_input(opened: Opened) -> None:
    write("q.in", "你好\n再见\n")
    write("q.out", "你好呀\n明天见\n")
    write("train_question.tsv", TEXT)  # a format of its own, whatever the names say
    write("train_answer.tsv", TEXT)
    sources, unread = opened("q.out", "train_question.tsv", "q.in", "train_answer.tsv")
    assert sources == [
        ("q.in + q.out", "parallel"),
        *(("train_question.tsv", "tsv"), ("train_answer.tsv", "tsv")),
    ]
    assert unread == []


def test_the_cornell_layout_is_found_by_content(opened: Opened) -> None:
    write("b.txt", LINES)
    write("a.txt", CONVERSATIONS)
    assert opened("a.txt", "b.txt")[0] == [("b.txt + a.txt", "cornell")]
    assert opened("a.txt", "b.txt", format_name="cornell")[0] == [("a.txt + b.txt", "cornell")]
    write_zip(Path("c.zip"), {"x/a.txt": CONVERSATIONS.encode(), "x/b.txt": LINES.encode()})
    assert opened("c.zip")[0] == [("c.zip", "cornell")]


def test_two_files_by_name_of_the_format(opened: Opened) -> None:
    for name in "abc":
        write(name, "你好\n")
    assert opened("b", "a", format_name="parallel")[0] == [("b + a", "parallel")]
    with pytest.raises(UsageError, match="'parallel' takes two files: questions, then answers"):
        opened("a", "b", "c", format_name="parallel")


def test_sniff_tells_what_is_going_to_be_read(folder: Path) -> None:
    rows = "".join(f"{n},第{n}个问题是什么,第{n}个回答在这里\n" for n in range(9))
    path = write_zip(
        folder / "a.zip",
        {
            "a.csv": f"id,ask,answer\n{rows}".encode("gbk"),
            "b.conv": b"E\nM one\nM two\nM three\n",
        },
    )
    with opened_inputs([path], Options(), None) as inputs:
        (source,) = inputs
        assert not isinstance(source, Unread)
        table, talk = sniff(source)
    assert (table.name, table.format, table.encoding) == (f"{path}!a.csv", "csv", "gb18030")
    assert (table.confidence, table.spacing) == (0.9, "none")
    assert table.columns
    assert table.pairs == tuple((f"第{n}个问题是什么", f"第{n}个回答在这里") for n in range(5))
    assert (talk.format, talk.columns) == ("conv", "")
    assert talk.pairs == (("one", "two"), ("two", "three"))
