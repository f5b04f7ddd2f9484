"""Every format that pairs are written in: what stands in it, and that an import reads it back."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from glob import escape
from io import BytesIO
from pathlib import Path

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_tools.errors import CorpusError, MissingExtraError, UsageError
from corpus_tools.exporting import (
    EXPORT_FORMATS,
    Selection,
    export_file,
    export_lines,
    write_lines,
)
from corpus_tools.exporting.files import ROW_GROUP
from corpus_tools.formats import Dialogue, Options, Source, opened_inputs
from corpus_tools.importing import Plan, import_source
from corpus_tools.store import (
    ImportKey,
    Pair,
    Provenance,
    Store,
    pairs,
)
from tests.corpus.batches import NewTurn, add_batch

ENDINGS = {
    "jsonl": ".jsonl",
    "tsv": ".tsv",
    "messages": ".jsonl",
    "chatterbot": ".yml",
    "parallel": ".txt",
    "parquet": ".parquet",
}
Said = list[tuple[str, str]]


def add(store: Store, *dialogues: Sequence[str | tuple[str, str]], split: str = "train") -> None:
    """Import dialogues; a turn with a rule is one that the rule refused as a reply."""
    rows = []
    for number, dialogue in enumerate(dialogues):
        said = [(turn, None) if isinstance(turn, str) else turn for turn in dialogue]
        turns = [
            NewTurn(None, text, text, text, rule, place or None)
            for place, (text, rule) in enumerate(said)
        ]
        rows.append((number, split, turns))
    key = ImportKey(f"{split} {len(store.imports())}", "tsv", "utf-8")
    row = store.begin_import(key, Provenance("来源.tsv", "CC0-1.0", None, "jieba", {}))
    store.complete_import(add_batch(store, row, rows).id)


@pytest.fixture
def filled(store: Store) -> Store:
    add(
        store,
        ["你吃了吗", "吃了", "吃的什么"],
        ["在吗", ("在吗", "echo"), "怎么了", "没事"],
        ["独白"],
    )
    add(store, ["下雨了", "带伞"], split="test")
    return store


PAIRS = [
    ("你吃了吗", "吃了"),
    ("吃了", "吃的什么"),
    ("在吗", "怎么了"),
    ("怎么了", "没事"),
    ("下雨了", "带伞"),
]


def lines(store: Store, name: str, **selection: object) -> list[str]:
    return list(export_lines(store, name, Selection(**selection)))  # type: ignore[arg-type]


def said(given: Iterator[Pair]) -> Said:
    return [(pair.prompt, pair.reply) for pair in given]


def pairs_of(*paths: Path) -> Said:
    """Return the pairs that files hold, their format found out."""
    with opened_inputs(paths, Options(), BytesIO()) as inputs:
        sources = list(inputs)
    assert len(sources) == 1
    assert isinstance(sources[0], Source)
    records = list(sources[0].records())
    assert all(isinstance(record, Dialogue) for record in records)
    return [
        (prompt.text, reply.text)
        for record in records
        if isinstance(record, Dialogue)
        for prompt, reply in zip(record.turns, record.turns[1:], strict=False)
    ]


@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_an_export_can_be_imported(
    store: Store, plan: Plan, folder: Path, data: Path, name: str
) -> None:
    """Through the whole way: the accepted pairs of the second store are those of the first."""
    for source in ("pairs.tsv", "turns.conv", "questions.txt"):
        other = [data / "answers.txt"] if source == "questions.txt" else []
        with opened_inputs([data / source, *other], Options(), BytesIO()) as inputs:
            for each in inputs:
                assert isinstance(each, Source)
                import_source(store, each, plan)
    paths = export_file(store, name, Selection(), folder / f"导出{ENDINGS[name]}")
    with Store(str(folder / "again.db"), create=True) as again:
        with opened_inputs(paths, Options(), BytesIO()) as inputs:
            for each in inputs:
                assert isinstance(each, Source)
                import_source(again, each, plan)
        assert said(pairs(again)) == said(pairs(store))
        assert len(list(pairs(again))) > 5


_ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_LINES = _ANY.map(lambda text: " ".join(text.split()))


@pytest.mark.parametrize("name", EXPORT_FORMATS)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(dialogues=st.lists(st.lists(_ANY, min_size=2, max_size=4), min_size=1, max_size=3))
def test_any_text_comes_back(folder: Path, name: str, dialogues: list[list[str]]) -> None:
    """As it stands; in tables of lines every run of white space has become one space."""
    with Store(str(folder / "no.db"), create=True, dry_run=True) as store:
        add(store, *dialogues)
        paths = export_file(store, name, Selection(), folder / f"a{ENDINGS[name]}")
        expected = said(pairs(store))
    if name in {"tsv", "parallel"}:
        expected = [(" ".join(asked.split()), " ".join(told.split())) for asked, told in expected]
    options = {"format_name": "jsonl" if name == "messages" else name, "spacing": "none"}
    source = Source(paths, encoding="utf-8", **options)
    records = [record for record in source.records() if isinstance(record, Dialogue)]
    found = [
        (prompt.text, reply.text)
        for record in records
        for prompt, reply in zip(record.turns, record.turns[1:], strict=False)
    ]
    assert found == expected


def test_jsonl(filled: Store) -> None:
    assert [json.loads(line) for line in lines(filled, "jsonl", split="test")] == [
        {
            "prompt": "下雨了",
            "reply": "带伞",
            "split": "test",
            "source": "来源.tsv",
            "license": "CC0-1.0",
        }
    ]


def test_tsv(store: Store) -> None:
    add(store, ["一\t二", "三\r\n四\u2028五"])
    assert lines(store, "tsv") == ["prompt\treply", "一 二\t三 四 五"]


def test_messages_end_with_the_assistant(filled: Store) -> None:
    """A conversation ends where a reply was refused; of three turns the last two stand alone."""
    found = [json.loads(line)["messages"] for line in lines(filled, "messages")]
    assert [[message["content"] for message in each] for each in found] == [
        ["你吃了吗", "吃了"],
        ["吃了", "吃的什么"],
        ["在吗", "怎么了"],
        ["怎么了", "没事"],
        ["下雨了", "带伞"],
    ]
    for each in found:
        assert [message["role"] for message in each] == ["user", "assistant"] * (len(each) // 2)


def test_messages_keep_a_conversation_together(store: Store) -> None:
    add(store, ["一", "二", "三", "四"])
    (line,) = lines(store, "messages")
    assert [message["content"] for message in json.loads(line)["messages"]] == list("一二三四")


def test_chatterbot(store: Store) -> None:
    """ChatterBot loads the file with PyYAML and trains on `conversations`, lists of strings."""
    add(store, ["yes", "1.5", "- 是: #不是"], ["好", "的"])
    loaded = yaml.safe_load("\n".join(lines(store, "chatterbot")))
    assert loaded == {
        "categories": ["dialogue"],
        "conversations": [["yes", "1.5", "- 是: #不是"], ["好", "的"]],
    }


def test_parallel_names(filled: Store, folder: Path) -> None:
    paths = export_file(filled, "parallel", Selection(), folder / "对话.txt")
    assert [path.name for path in paths] == ["对话.prompt.txt", "对话.reply.txt"]
    assert pairs_of(*paths) == PAIRS
    bare = export_file(filled, "parallel", Selection(), folder / "对话")
    assert bare == paths


def test_parquet_comes_in_row_groups(store: Store, folder: Path) -> None:
    add(store, *(["你好", str(number)] for number in range(ROW_GROUP + 1)))
    add(store, ["在吗", ("在吗", "echo")])
    (path,) = export_file(store, "parquet", Selection(refused=True), folder / "a [1].parquet")
    with duckdb.connect() as connection:
        name = {"name": escape(str(path))}
        groups = "SELECT DISTINCT row_group_num_rows FROM parquet_metadata($name) ORDER BY 1"
        assert connection.execute(groups, name).fetchall() == [(2,), (ROW_GROUP,)]
        rows = connection.execute("FROM read_parquet($name)", name)
        assert [column[0] for column in rows.description] == [
            *("prompt", "reply", "split", "source", "license", "rejected")
        ]
        found = rows.fetchall()
    assert [row[1] for row in found] == [*map(str, range(ROW_GROUP + 1)), "在吗"]
    assert [row[5] for row in found[-2:]] == [None, "echo"]
    assert list(folder.glob(".*")) == []


@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_an_empty_store_is_exported(store: Store, folder: Path, name: str) -> None:
    for path in export_file(store, name, Selection(), folder / f"a{ENDINGS[name]}"):
        assert path.exists()
    if name == "chatterbot":
        assert yaml.safe_load("\n".join(lines(store, name)))["conversations"] == []


def test_refused_pairs_come_with_their_rule(filled: Store) -> None:
    verdicts = [json.loads(line)["rejected"] for line in lines(filled, "jsonl", refused=True)]
    assert verdicts == [None, None, "echo", None, None, None]
    assert lines(filled, "tsv", refused=True)[3] == "在吗\t在吗\techo"


@pytest.mark.parametrize("name", ["messages", "chatterbot", "parallel"])
def test_formats_without_room_for_a_rule(filled: Store, folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"no place for the rule .* jsonl, tsv, parquet"):
        export_file(filled, name, Selection(refused=True), folder / "a")


@pytest.mark.parametrize("name", ["parallel", "parquet"])
def test_formats_that_are_not_for_the_terminal(filled: Store, name: str) -> None:
    with pytest.raises(UsageError, match="Name a file with --output"):
        export_lines(filled, name, Selection())


def test_an_unknown_format(filled: Store) -> None:
    with pytest.raises(UsageError, match="unknown format 'xml'; known formats: jsonl, tsv"):
        export_lines(filled, "xml", Selection())


def test_parquet_without_its_extra(
    filled: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'duihua\[parquet\]'"):
        export_file(filled, "parquet", Selection(), folder / "a.parquet")


def broken() -> Iterator[str]:
    yield "一"
    raise KeyboardInterrupt


def test_an_interrupted_export_leaves_the_old_file(folder: Path) -> None:
    path = folder / "a.tsv"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        write_lines(broken(), path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize("name", ["parallel", "parquet"])
def test_interrupted_files_leave_the_old_ones(
    filled: Store, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = export_file(filled, name, Selection(), folder / f"a{ENDINGS[name]}")
    before = [path.read_bytes() for path in paths]

    def stopped(_: Selection, store: Store) -> Iterator[Pair]:
        yield next(pairs(store))
        raise KeyboardInterrupt

    monkeypatch.setattr(Selection, "pairs", stopped)
    with pytest.raises(KeyboardInterrupt):
        export_file(filled, name, Selection(), folder / f"a{ENDINGS[name]}")
    assert [path.read_bytes() for path in paths] == before
    assert not list(folder.glob(".*"))


def test_a_store_is_not_overwritten(filled: Store) -> None:
    for write in (
        lambda: write_lines(["a"], Path(filled.name)),
        lambda: export_file(filled, "jsonl", Selection(), Path(filled.name)),
    ):
        with pytest.raises(CorpusError, match=r"a database, perhaps the store\. Name another"):
            write()
    assert len(list(pairs(filled))) == len(PAIRS)


@pytest.mark.parametrize("name", ["jsonl", "parallel", "parquet"])
def test_a_folder_that_is_not_there(filled: Store, folder: Path, name: str) -> None:
    with pytest.raises(CorpusError, match="cannot be written"):
        export_file(filled, name, Selection(), folder / "none" / "a.txt")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("name", ["jsonl", "parallel", "parquet"])
def test_a_full_disk(
    filled: Store, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: Callable[..., object] = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, mode="r", **more: opened(Path("/dev/full") if mode == "xb" else path, "wb"),
    )
    with pytest.raises(CorpusError, match=r"cannot be written.*No space left on device"):
        export_file(filled, name, Selection(), folder / "a.txt")
