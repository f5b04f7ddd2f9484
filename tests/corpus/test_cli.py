"""The command: what it says, where, and with which exit code."""

import gzip
import io
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest

from corpus_tools.cleaning import CATALOGUE, REFUSALS
from corpus_tools.cli import cli

Corpus = Callable[..., Any]


@pytest.fixture
def filled(corpus: Corpus, data: Path) -> Corpus:
    assert corpus("import", data / "pairs.tsv", "--license", "CC0-1.0").code == 0
    return corpus


def commands(group: click.Group, *before: str) -> Iterator[list[str]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield [*before, name]


COMMANDS = list(commands(cli))


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
def test_help_has_an_example(corpus: Corpus, command: list[str]) -> None:
    outcome = corpus(*command, "--help")
    assert outcome.code == 0
    assert f"Example: corpus {' '.join(command)}" in outcome.out


def test_import(corpus: Corpus, data: Path) -> None:
    outcome = corpus("import", data / "pairs.tsv")
    assert outcome.code == 0
    assert "3 pairs read, 3 accepted, 0 refused, 2 malformed records kept aside" in outcome.out
    assert Path("corpus.db").exists()


def test_an_import_shows_first_what_sniff_says(corpus: Corpus, data: Path) -> None:
    said = corpus("sniff", data / "pairs.tsv").out
    assert corpus("import", data / "pairs.tsv").err == said
    assert said.splitlines()[1:4] == [
        "  tsv (60% sure), utf-8, columns 1 → prompt, 2 → reply",
        "  > 你好",
        "  < 你好呀",
    ]


def test_sniff_writes_nothing(corpus: Corpus, data: Path) -> None:
    outcome = corpus("sniff", data / "turns.conv", "none.tsv", data / "chat_qq.txt", "--json")
    assert (outcome.code, list(Path().iterdir())) == (1, [])
    assert outcome.err == "error: none.tsv: no such file. Check the path.\n"
    first, second = map(json.loads, outcome.out.splitlines())
    assert (first["parts"][0]["format"], second["parts"][0]["format"]) == ("conv", "qq")
    assert first["parts"][0]["pairs"][1] == ["你是在教训我么?", "不敢"]
    assert first["left_out"] == []


def test_members_that_are_no_dialogues_are_named(corpus: Corpus, data: Path) -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.write(data / "pairs.tsv", "pairs.tsv")
        archive.writestr("关于.txt", "what this is about, in one line")
        for name in "dcba":
            archive.writestr(f"{name}.png", b"\x89PNG\0\0\0\0" * 99)
    outcome = corpus("import", "a.zip")
    assert outcome.code == 0
    *_, pictures, about = outcome.err.splitlines()
    assert pictures.startswith("left out: d.png, c.png, b.png and 1 more (no text in UTF-8")
    assert about == "left out: 关于.txt (no dialogue format recognised)"
    assert "7 malformed records kept aside" in outcome.out
    named = json.loads(corpus("sniff", "a.zip", "--json").out)["left_out"]
    assert [each["name"] for each in named] == ["d.png", "c.png", "b.png", "a.png", "关于.txt"]


def test_what_the_user_says_about_a_table(corpus: Corpus) -> None:
    Path("a.txt").write_text("x@@好 的 呀@@可 以 吗\ny@@不 行 的@@为 什 么\n", encoding="utf-8")
    said = ("--delimiter", "@@", "--prompt-column", 3, "--reply-column", 2, "--spacing", "none")
    assert corpus("import", "a.txt", *said, "--origin", "自己写的").code == 0
    pair = json.loads(corpus("export").out.splitlines()[0])
    assert (pair["prompt"], pair["reply"]) == ("可以吗", "好的呀")
    (listed,) = json.loads(corpus("list", "--json").out)
    assert listed["format"] == "delimited '@@' '3' '2' spacing none"
    assert listed["origin"] == "自己写的"


def test_stdin(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.BytesIO(gzip.compress("你好\t你好呀\n在吗\t在的\n".encode()))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
    assert "stdin: 2 pairs read, 2 accepted" in corpus("import", "-", "--format", "tsv").out
    given = io.BytesIO("你好\t你好呀\t是啊\n在吗\t在的\t好的\n".encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
    assert "error: stdin: 3 columns without a known header" in corpus("import", "-").err


def test_import_again(filled: Corpus, data: Path) -> None:
    outcome = filled("import", data / "pairs.tsv")
    assert outcome.code == 0
    assert "already in the store as import 1; nothing to add" in outcome.out


def test_import_two_parallel_files(corpus: Corpus, data: Path) -> None:
    files = data / "questions.txt", data / "answers.txt"
    assert "2 pairs read" in corpus("import", *files, "--format", "parallel").out
    assert json.loads(corpus("export").out.splitlines()[0])["prompt"] == "你叫什么"


def test_one_bad_file_does_not_stop_the_others(corpus: Corpus, data: Path) -> None:
    outcome = corpus("import", "none.tsv", data / "pairs.tsv", data / "turns.conv")
    assert outcome.code == 1
    assert "error: none.tsv: no such file. Check the path." in outcome.err
    assert outcome.out.count("pairs read") == 2


BAD_INPUTS = [
    ("", 1, "a.tsv: the file is empty"),
    (b"\x89PNG\0\0\0\0" * 99, 1, "perhaps a binary file"),
    (b"\x1f\x8b\x08\0\0\0\0\0\0\0", 1, "a.tsv: damaged or cut short"),
]


@pytest.mark.parametrize(("content", "code", "message"), BAD_INPUTS)
def test_bad_inputs(corpus: Corpus, content: bytes | str, code: int, message: str) -> None:
    Path("a.tsv").write_bytes(content or b"")
    outcome = corpus("import", "a.tsv")
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_folder(corpus: Corpus, data: Path) -> None:
    Path("sub").mkdir()
    Path("sub", "b.tsv").write_bytes((data / "pairs.tsv").read_bytes())
    Path("sub", "README").write_text("what the files are about\n", encoding="utf-8")
    Path("sub", ".hidden.tsv").write_text("你好\t你好呀\n", encoding="utf-8")
    outcome = corpus("import", "sub")
    assert outcome.code == 0
    assert outcome.out.count("pairs read") == 1
    assert "sub/README: no dialogue format recognised\n" in outcome.err
    assert "error" not in outcome.err


def test_a_folder_with_the_store_in_it(filled: Corpus) -> None:
    Path("a.tsv").write_text("晚安\t好梦\n再见\t再见啦\n", encoding="utf-8")
    outcome = filled("import", ".")
    assert outcome.code == 0
    assert "corpus.db: a corpus store already\n" in outcome.err
    assert "error: corpus.db: a corpus store already. Name" in filled("import", "corpus.db").err


def test_a_folder_without_dialogues(corpus: Corpus) -> None:
    Path("empty").mkdir()
    outcome = corpus("import", "empty")
    assert outcome.code == 1
    assert outcome.err == "error: empty: no dialogues in this folder. Name a file in it.\n"


def test_a_few_bad_bytes_are_kept_aside(corpus: Corpus) -> None:
    lines = ["你好吗\t我很好\n", "在吗\t在\n"]
    first, second = (line.encode() for line in lines)
    Path("a.tsv").write_bytes(first + b"\xff" + second + first)
    outcome = corpus("import", "a.tsv")
    assert outcome.code == 0
    assert "3 pairs read, 1 accepted, 2 refused, 1 malformed records kept aside" in outcome.out
    refused = json.loads(corpus("rejects", "--rule", "undecodable", "--json").out)
    assert (refused["prompt"], refused["reply"]) == ("\ufffd在吗", "在")
    with closing(sqlite3.connect("corpus.db")) as connection:
        (kept,) = connection.execute("SELECT line, reason, text FROM skipped")
    # 20 bytes stand before it: six Han of three, a tab and a line break.
    assert kept == (2, "byte 20 (0xFF) is not utf-8", "\ufffd在吗\t在")


def test_too_many_bad_bytes_end_the_import(corpus: Corpus) -> None:
    Path("a.tsv").write_bytes(("你好\t你好呀\n" * 99).encode() + b"\xff" * 99)
    outcome = corpus("import", "a.tsv", "--encoding", "utf-8")
    assert outcome.code == 1
    assert "byte 1,683 is not utf-8, nor are 98 more. Name the right one with" in outcome.err
    assert corpus("list").out == "no import\n"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--format", "xml"], 2, "unknown format 'xml'; known formats: ass, candidates, chat"),
        (["--encoding", "klingon"], 2, "unknown encoding 'klingon'. Try utf-8, gb18030"),
        (["--encoding", "hex"], 2, "unknown encoding 'hex'"),
        (["--format", "parallel"], 2, "takes two files: questions, then answers"),
        (["--processes", "0"], 2, "0 is not in the range x>=1"),
        (["--nonsense"], 2, "No such option"),
        (["--encoding", "ascii"], 1, "byte 0 is not ascii, nor are 126 more. Name"),
        (["--format", "json"], 1, "line 1: broken JSON"),
    ],
)
def test_bad_options(
    corpus: Corpus, data: Path, options: list[str], code: int, message: str
) -> None:
    outcome = corpus("import", data / "pairs.tsv", *options)
    assert outcome.code == code
    assert message in outcome.err


NEEDS_A_STORE = [
    *(["list"], ["clean"], ["rejects"], ["restore", "1"], ["undo", "1"], ["undo", "--cleaning"]),
    *(["gc"], ["search", "你好"], ["split"], ["words", "list"], ["words", "remove", "你好"]),
    *(["segment"], ["stats"], ["sample"], ["export"]),
]


@pytest.mark.parametrize("command", NEEDS_A_STORE, ids=" ".join)
def test_a_missing_store(corpus: Corpus, command: list[str]) -> None:
    outcome = corpus(*command, "--store", "none.db")
    assert list(Path().iterdir()) == []
    assert outcome.code == 4
    assert "none.db: no such store. 'corpus import FILE --store none.db' makes one." in outcome.err


def test_a_file_that_is_no_store(corpus: Corpus, data: Path) -> None:
    Path("a.db").write_text("kein Datenbank" * 100)
    outcome = corpus("import", data / "pairs.tsv", "--store", "a.db")
    assert outcome.code == 4
    assert "a.db: not a corpus store, nor any SQLite file" in outcome.err


def test_stats(filled: Corpus) -> None:
    outcome = filled("stats", "--top", "1")
    assert outcome.code == 0
    for expected in ("tsv, utf-8, licence CC0-1.0, complete", "3  accepted", "median"):
        assert expected in outcome.out


def test_stats_as_json(filled: Corpus) -> None:
    figures = json.loads(filled("stats", "--json").out)
    assert figures["accepted"] == 3
    assert figures["imports"][0]["license"] == "CC0-1.0"
    assert sum(size["dialogues"] for size in figures["splits"].values()) == 3


def test_stats_as_a_page(filled: Corpus) -> None:
    outcome = filled("stats", "--html", "报告.html")
    assert outcome.err == "报告.html: written\n"
    assert outcome.out == filled("stats").out
    page = Path("报告.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "pairs.tsv" in page
    assert filled("stats", "--html", "corpus.db").code == 1  # a store is no page to be replaced


def test_sample(filled: Corpus) -> None:
    assert filled("sample", "-n", 2, "--seed", 1).out.count("  > ") == 2
    assert json.loads(filled("sample", "-n", 1, "--json").out)["license"] == "CC0-1.0"


def test_rejects(corpus: Corpus) -> None:
    Path("a.tsv").write_text("你好\t你好\n你好\t好\nhello\tworld\n", encoding="utf-8")
    corpus("import", "a.tsv")
    assert corpus("rejects", "--rule", "echo").out.endswith(
        ", a.tsv, refused: echo\n  > 你好\n  < 你好\n"
    )
    rules = [json.loads(line)["rejected"] for line in corpus("rejects", "--json").out.splitlines()]
    assert sorted(rules) == ["echo", "not_chinese"]
    assert corpus("rejects", "--sample", 1).out.count("  > ") == 1
    assert corpus("rejects", "--rule", "too_long").out == ""
    outcome = corpus("rejects", "--rule", "nonsense")
    assert outcome.code == 2
    assert f"unknown rule 'nonsense'; known rules: {', '.join(REFUSALS)}" in outcome.err


def test_a_restored_pair_is_never_refused_again(corpus: Corpus) -> None:
    Path("a.tsv").write_text("你好\t你好\n你好\t好\n", encoding="utf-8")
    corpus("import", "a.tsv")
    assert corpus("restore", 2).out == "1 pairs restored; no rule refuses them again.\n"
    outcome = corpus("restore", 2, 4)
    assert outcome.code == 2
    assert "no refused pair #2, #4 in corpus.db. 'corpus rejects' shows some." in outcome.err
    assert "0 pairs newly refused" in corpus("clean").out
    assert corpus("rejects").out == ""


def test_rules(corpus: Corpus) -> None:
    listed = json.loads(corpus("rules", "--json").out)
    assert [rule["id"] for rule in listed] == [rule.id for rule in CATALOGUE]
    said = corpus("rules").out
    assert "on  squeeze_repeats (most 3)\n" in said
    assert "'哈哈哈哈哈哈' becomes '哈哈哈'\n" in said
    assert "'888888' stays\n" in said
    assert "'呵呵' → '呵呵' is refused\n" in said
    Path("profile.toml").write_text(corpus("rules", "--toml").out, encoding="utf-8")
    assert corpus("rules", "--profile", "profile.toml").out == said
    Path("profile.toml").write_text("[echo]\non = false\n", encoding="utf-8")
    assert "off echo" in corpus("rules", "--profile", "profile.toml").out
    assert list(Path().iterdir()) == [Path("profile.toml")]


def test_clean_by_a_profile_that_later_imports_keep(corpus: Corpus) -> None:
    Path("a.tsv").write_text("你好\t你好\n你好\t好\n", encoding="utf-8")
    corpus("import", "a.tsv")
    Path("profile.toml").write_text("[echo]\non = false\n", encoding="utf-8")
    lines = corpus("clean", "--profile", "profile.toml").out.splitlines()
    assert lines[0].endswith("0 pairs newly refused, 1 newly accepted")
    assert [line.split() for line in lines[1:]] == [["2", "+1", "accepted"], ["0", "-1", "echo"]]
    Path("b.tsv").write_text("是\t是\n", encoding="utf-8")
    assert "1 accepted" in corpus("import", "b.tsv").out
    report = json.loads(corpus("clean", "--json").out)
    assert (report["after"], report["newly_refused"]) == ({"accepted": 3}, 0)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ("[ecko]\non = false\n", "profile.toml"),
        ("[echo]\non = 3\n", "profile.toml"),
        ("[echo\n", "profile.toml"),
        (None, "profile.toml"),
    ],
)
def test_a_bad_profile(filled: Corpus, profile: str | None, message: str) -> None:
    if profile:
        Path("profile.toml").write_text(profile, encoding="utf-8")
    for command in (["clean"], ["rules"], ["import", "a.tsv"]):
        outcome = filled(*command, "--profile", "profile.toml")
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        assert message in outcome.err


def test_list(filled: Corpus, data: Path) -> None:
    filled("import", data / "turns.conv", "--origin", "a film")
    (first, second) = json.loads(filled("list", "--json").out)
    assert (first["license"], first["pairs_accepted"], first["skipped_done"]) == ("CC0-1.0", 3, 2)
    assert (second["origin"], second["pairs_done"]) == ("a film", 3)
    said = filled("list").out
    assert "licence CC0-1.0; " in said
    assert "licence not given, from a film; " in said


def test_search(filled: Corpus) -> None:
    assert "  < 不错，适合【出门】\n" in filled("search", "出门").out
    assert filled("search", "火锅").out == "0 turns\n"
    found = json.loads(filled("search", "天气", "--side", "prompt", "--json").out)
    assert (found["total"], found["hits"][0]["text"]) == (1, "今天天气怎么样")
    assert found["hits"][0]["spans"] == [[2, 4]]
    assert filled("search", "，").code == 0
    outcome = filled("search", " ")
    assert outcome.code == 2
    assert "nothing to search for" in outcome.err


def test_split(filled: Corpus) -> None:
    assert (
        filled("split", "--valid", 0, "--test", 0).out == "Dialogues: train 3, valid 0, test 0.\n"
    )
    assert filled("split", "--valid", 50, "--test", 50).code == 2


@pytest.mark.parametrize("form", ["parallel", "parquet"])
def test_formats_that_are_files(filled: Corpus, form: str) -> None:
    outcome = filled("export", "--format", form)
    assert (outcome.code, outcome.out) == (2, "")
    assert "Name a file with --output." in outcome.err


def test_export_of_one_split(filled: Corpus) -> None:
    lines = {name: filled("export", "--split", name).out for name in ("train", "valid", "test")}
    assert sum(text.count("\n") for text in lines.values()) == 3
    for name, text in lines.items():
        assert text.count(f'"split": "{name}"') == text.count("\n")


def test_export_can_be_imported(filled: Corpus) -> None:
    for name, form in (
        ("语料.tsv", "tsv"),
        ("语料.jsonl", "jsonl"),
        ("语料.m.jsonl", "messages"),
        ("语料.yml", "chatterbot"),
    ):
        assert filled("export", "--format", form, "--output", name).err == f"{name}: written\n"
        assert "3 pairs read, 3 accepted" in filled("import", name, "--store", f"{form}.db").out
    assert filled("export").out == filled("export", "--store", "corpus.db").out
    assert sorted(path.name for path in Path().glob(".*")) == []


def test_export_of_refused_pairs(corpus: Corpus) -> None:
    Path("a.tsv").write_text("你好\t你好\n你好\t好\n", encoding="utf-8")
    corpus("import", "a.tsv")
    assert corpus("export", "--format", "tsv").out == "prompt\treply\n你好\t好\n"
    verdicts = [json.loads(line)["rejected"] for line in corpus("export", "--all").out.splitlines()]
    assert verdicts == ["echo", None]


def test_export_to_a_place_that_is_none(filled: Corpus) -> None:
    outcome = filled("export", "--output", "none/pairs.jsonl")
    assert outcome.code == 1
    assert "none/pairs.jsonl: cannot be written" in outcome.err


def test_undo(filled: Corpus) -> None:
    assert filled("undo", 1).out == (
        "Import 1 undone. 'corpus gc' gives its room back to the disk.\n"
    )
    outcome = filled("undo", 1)
    assert outcome.code == 2
    assert "no import 1 in corpus.db. 'corpus list' shows them." in outcome.err
    assert filled("list").out == "no import\n"
    assert filled("undo").code == filled("undo", 1, "--cleaning").code == 2
    assert "no cleaning run to undo" in filled("undo", "--cleaning").err
    assert filled("gc").out.endswith(" now.\n")


@pytest.fixture
def busy(corpus: Corpus, data: Path) -> Corpus:
    """Have a store in which every command finds something to write."""
    Path("a.tsv").write_text("你好\t你好\n小智在吗\t小智在\n你好\t你好呀\n" * 2, encoding="utf-8")
    Path("profile.toml").write_text("[echo]\non = false\n", encoding="utf-8")
    Path("other.toml").write_text("[too_long]\nprompt = 4\nreply = 2\n", encoding="utf-8")
    for command in (
        ["import", data / "turns.conv", "a.tsv"],
        ["clean", "--profile", "profile.toml"],
        ["words", "add", "小智"],
    ):
        assert corpus(*command).code == 0
    return corpus


WRITING = [
    ["import", "b.tsv"],
    ["clean"],
    ["clean", "--profile", "other.toml"],
    ["restore", "6"],
    ["undo", "1"],
    ["undo", "--cleaning"],
    ["gc"],
    ["split", "--valid", "30", "--test", "30"],
    ["words", "add", "怎么样啊"],
    ["words", "remove", "小智"],
    ["segment"],
]


def contents() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path().iterdir()}


def stored() -> list[str]:
    with closing(sqlite3.connect("corpus.db")) as connection:
        return list(connection.iterdump())


def lasting(said: str) -> str:
    """Return what a command says, without times and sizes."""
    return re.sub(r"; [\d.]+ s, .*|[\d.]+ MiB", "", said)


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_a_dry_run_writes_nothing_and_says_the_same(busy: Corpus, command: list[str]) -> None:
    Path("b.tsv").write_text("晚安\t晚安，好梦\n晚安\t晚安\n", encoding="utf-8")
    files, rows = contents(), stored()
    dry = busy(*command, "--dry-run")
    assert (contents(), stored()) == (files, rows)
    assert dry.err.startswith("Dry run: the store stays as it is.\n")
    real = busy(*command)
    assert (dry.code, lasting(dry.out)) == (real.code, lasting(real.out)) == (0, lasting(real.out))
    if command != ["clean"]:  # it finds all as it left it, but for its own row
        assert stored() != rows


def test_every_command_that_writes_can_be_tried(busy: Corpus) -> None:
    tried = {command.split()[0] for command in map(" ".join, WRITING)}
    offered = {command[0] for command in COMMANDS if "--dry-run" in busy(*command, "--help").out}
    assert offered == tried
    only_look = {"sniff", "list", "rules", "rejects", "search", "stats", "sample", "export"}
    assert {command[0] for command in COMMANDS} - offered == only_look


def test_a_dry_run_without_a_store(corpus: Corpus, data: Path) -> None:
    outcome = corpus("import", data / "pairs.tsv", "--dry-run")
    assert "3 pairs read, 3 accepted" in outcome.out
    assert corpus("words", "add", "小智", "--dry-run").code == 0
    assert list(Path().iterdir()) == []


def test_a_missing_extra(folder: Path) -> None:
    code = "import sys; sys.modules['jieba'] = None; from corpus_tools.cli import main; "
    run = subprocess.run(
        [sys.executable, "-c", code + "sys.exit(main(['stats']))"],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr == (
        "error: 'corpus' needs jieba, which the base install leaves out. "
        "Run: pip install 'duihua[corpus]'\n"
    )


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from corpus_tools.cli import main; main(['--help']); "
        "sys.exit(bool({'sqlalchemy', 'jieba', 'chatbot', 'numpy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_no_command_shows_the_help(corpus: Corpus) -> None:
    outcome = corpus()
    assert outcome.code == 0
    assert outcome.out.startswith("Usage: corpus")


@pytest.mark.parametrize("output", [".", "pipe", "no folder/a.jsonl", "corpus.db/a.jsonl"])
def test_an_output_that_is_no_file(filled: Corpus, output: str) -> None:
    os.mkfifo("pipe")
    outcome = filled("export", "--output", output)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)  # neither written nor replaced


def test_a_number_that_no_import_has(filled: Corpus) -> None:
    for number in ("9" * 30, "0", "x"):
        assert filled("undo", number).code == filled("restore", number).code == 2


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams(filled: Corpus, redirection: str) -> None:
    main = "from corpus_tools.cli import main; raise SystemExit(main(['stats']))"
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -c "$1" {redirection}', sys.executable, main],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout(filled: Corpus) -> None:
    main = "from corpus_tools.cli import main; raise SystemExit(main(['stats']))"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", main], check=False, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: [Errno 28] No space left on device.")


def test_half_characters_beside_the_text(corpus: Corpus) -> None:
    record = [{"role": "\ud800", "content": "你好"}, {"role": "b\0", "content": "好"}]
    Path("a.json").write_text(json.dumps([record]), encoding="utf-8")
    assert corpus("import", "a.json", "--license", "\udcff").code == 0
    assert json.loads(corpus("export").out)["license"] == "\ufffd"
