"""The command: what it says, where, and with which exit code."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Corpus = Callable[..., Any]


@pytest.fixture
def filled(corpus: Corpus, data: Path) -> Corpus:
    assert corpus("import", data / "pairs.tsv", "--license", "CC0-1.0").code == 0
    return corpus


@pytest.mark.parametrize("command", ["", "import", "stats", "sample", "export", "remove"])
def test_help_has_an_example(corpus: Corpus, command: str) -> None:
    outcome = corpus(*command.split(), "--help")
    assert outcome.code == 0
    assert "Example" in outcome.out
    assert f"corpus {command}" in outcome.out


def test_import(corpus: Corpus, data: Path) -> None:
    outcome = corpus("import", data / "pairs.tsv")
    assert outcome.code == 0
    assert "3 pairs read, 3 accepted, 0 refused, 2 malformed records kept aside" in outcome.out
    assert "pairs.tsv: read as tsv, utf-8" in outcome.err
    assert Path("corpus.db").exists()


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


def test_a_directory(corpus: Corpus, folder: Path) -> None:
    outcome = corpus("import", folder)
    assert (outcome.code, outcome.err.count("a directory. Name the files inside it.")) == (1, 1)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--format", "xml"], 2, "unknown format 'xml'; known formats: chatterbot, conv, csv"),
        (["--encoding", "klingon"], 2, "unknown encoding 'klingon'. Try utf-8, gb18030"),
        (["--encoding", "hex"], 2, "unknown encoding 'hex'"),
        (["--format", "parallel"], 2, "takes two files: questions, then answers"),
        (["--processes", "0"], 2, "0 is not in the range x>=1"),
        (["--nonsense"], 2, "No such option"),
        (["--encoding", "ascii"], 1, "is not ascii. Name the right one with --encoding"),
        (["--format", "json"], 1, "line 1: broken JSON"),
    ],
)
def test_bad_options(
    corpus: Corpus, data: Path, options: list[str], code: int, message: str
) -> None:
    outcome = corpus("import", data / "pairs.tsv", *options)
    assert outcome.code == code
    assert message in outcome.err


@pytest.mark.parametrize("command", ["stats", "sample", "export"])
def test_a_missing_store(corpus: Corpus, command: str) -> None:
    outcome = corpus(command, "--store", "none.db")
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


def test_sample(filled: Corpus) -> None:
    assert filled("sample", "-n", 2, "--seed", 1).out.count("  > ") == 2
    assert json.loads(filled("sample", "-n", 1, "--json").out)["license"] == "CC0-1.0"
    assert filled("sample", "--rejected", "echo").out == ""
    outcome = filled("sample", "--rejected", "nonsense")
    assert outcome.code == 2
    assert "known rules: empty, too_long, not_chinese, echo, duplicate" in outcome.err


def test_export_can_be_imported(filled: Corpus) -> None:
    for name, form in (("语料.tsv", "tsv"), ("语料.jsonl", "jsonl")):
        assert filled("export", "--format", form, "--output", name).code == 0
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


def test_remove(filled: Corpus) -> None:
    assert filled("remove", 1).out == "Import 1 removed.\n"
    outcome = filled("remove", 1)
    assert outcome.code == 2
    assert "no import 1 in corpus.db. 'corpus stats' lists them." in outcome.err


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
        assert filled("remove", number).code == 2


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
