"""From a dialogue file to a reply through the real commands, as a user runs them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
TOPICS = {
    "你好": "你好呀！",
    "谢谢": "不客气。",
    "再见": "再见，下次聊！",
    "我饿了": "去吃点热的吧。",
    "讲个笑话": "今天我没有笑话，只有笑。",
}
ENDINGS = ("", "啊", "呀", "哦", "呢", "嘛", "。", "！", "…", "哈", "啦", "咯")


def tried(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / command[0], *command[1:]],
        check=False,
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
    )


def run(*command: str, cwd: Path) -> str:
    done = tried(*command, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which everything has been run once."""
    folder = tmp_path_factory.mktemp("全程 1")
    lines = [f"{ask}{end}\t{reply}\n" for ask, reply in TOPICS.items() for end in ENDINGS]
    (folder / "对话.tsv").write_text("".join(lines), encoding="gb18030")
    run("corpus", "import", "对话.tsv", "--license", "CC0-1.0", cwd=folder)
    sizes = ("model.embedding=24", "model.encoder_hidden=24", "model.hidden=48")
    settings = (*sizes, "model.dropout=0.0", "train.learning_rate=0.01", "train.batch_tokens=400")
    flags = [flag for setting in settings for flag in ("--set", setting)]
    run("chatbot", "train", "corpus.db", "--out", "runs/a", "--epochs", "40", *flags, cwd=folder)
    run("chatbot", "export", "runs/a", "exports/a", "--beam", "3", cwd=folder)
    return folder


def test_the_import_found_the_encoding_and_kept_every_pair(folder: Path) -> None:
    stats = json.loads(run("corpus", "stats", "--json", cwd=folder))
    (imported,) = stats["imports"]
    assert imported["encoding"] == "gb18030"
    assert imported["pairs_done"] == len(TOPICS) * len(ENDINGS)


def test_the_bundle_replies_as_it_was_taught(folder: Path) -> None:
    replies = run("chatbot", "reply", *TOPICS, "--bundle", "exports/a", cwd=folder)
    assert replies.splitlines() == list(TOPICS.values())


def test_the_bundle_keeps_its_promises(folder: Path) -> None:
    facts = json.loads(run("chatbot", "inspect", "exports/a", "--verify", "--json", cwd=folder))
    assert facts["differences"] == []
    assert facts["checked"] > 0
    assert facts["decoding"] == {
        "kind": "beam",
        "width": 3,
        "length_penalty": 0.6,
        "max_length": 30,
        "min_length": 1,
        "no_repeat_ngram": 0,
        "repetition_penalty": 1.0,
    }


def test_smaller_weights_are_written_only_if_nobody_would_notice(folder: Path) -> None:
    """The quality is in the manifest."""
    facts = json.loads(run("chatbot", "inspect", "exports/a", "--json", cwd=folder))
    quality = facts["quality"]
    passes = quality["perplexity_ratio"] <= 1.002 and quality["agreement"] >= 0.985
    assert facts["weights"] in (("int8", "int8-weights") if passes else ("fp32",))
    assert quality["tokens"] > 0


@pytest.mark.parametrize("storage", ["fp16", "fp32"])
def test_other_weights_and_a_graph_for_batches(folder: Path, storage: str) -> None:
    name = f"exports/{storage}"
    said = run("chatbot", "export", "runs/a", name, "--quantize", storage, "--batches", cwd=folder)
    assert "agree with PyTorch" in said
    facts = json.loads(run("chatbot", "inspect", name, "--verify", "--json", cwd=folder))
    assert facts["weights"] == storage
    assert {"text.onnx", "ids.onnx"} <= facts["files"].keys()
    assert facts["differences"] == []


def test_a_run_is_exported_without_its_store(folder: Path) -> None:
    """Smaller weights are measured on the pairs that the run kept."""
    moved = (folder / "corpus.db").rename(folder / "moved.db")
    try:
        run("chatbot", "export", "runs/a", "exports/b", cwd=folder)
    finally:
        moved.rename(folder / "corpus.db")
    assert (folder / "exports" / "b" / "text.onnx").is_file()


def test_a_store_that_is_not_there_is_refused(folder: Path) -> None:
    done = tried("chatbot", "export", "runs/a", "exports/c", "--store", "gone.db", cwd=folder)
    assert done.returncode == 4
    assert "gone.db: no such store" in done.stderr
    assert not (folder / "exports" / "c").exists()


def test_a_run_goes_on_and_an_export_replaces_a_bundle(folder: Path) -> None:
    run(
        "chatbot", "train", "corpus.db", "--out", "runs/a", "--resume", "--epochs", "41", cwd=folder
    )
    run("chatbot", "export", "runs/a", "exports/a", cwd=folder)
    facts = json.loads(run("chatbot", "inspect", "exports/a", "--json", cwd=folder))
    assert facts["decoding"]["kind"] == "greedy"
    assert not [path.name for path in (folder / "exports").iterdir() if path.name.startswith(".")]


def test_a_second_import_adds_nothing(folder: Path) -> None:
    before = run("corpus", "stats", cwd=folder)
    assert "nothing to add" in run("corpus", "import", "对话.tsv", cwd=folder)
    assert run("corpus", "stats", cwd=folder) == before


def test_a_bundle_says_so_where_it_is_not_sure(folder: Path) -> None:
    (folder / "honest.txt").write_text("没听懂。\n\n  换个说法？\n", encoding="utf-8")
    options = ("--fallback", "honest.txt", "--unsure", "100", "--no-repeat-ngram", "2")
    said = run("chatbot", "export", "runs/a", "exports/honest", *options, cwd=folder)
    assert "gives way to one of 2 that say so" in said
    facts = json.loads(run("chatbot", "inspect", "exports/honest", "--json", cwd=folder))
    assert facts["fallback"]["replies"] == ["没听懂。", "换个说法？"]
    assert facts["decoding"]["no_repeat_ngram"] == 2
    line = run("chatbot", "reply", "--json", "--bundle", "exports/honest", "嘎嘣脆", cwd=folder)
    record = json.loads(line)
    assert record["understood"] is False
    assert record["reply"] == "换个说法？"  # three characters, two replies
    assert record["candidates"][0]["reply"] != record["reply"]


def test_a_file_without_replies_is_refused(folder: Path) -> None:
    (folder / "blank.txt").write_text("\n \n", encoding="utf-8")
    done = tried("chatbot", "export", "runs/a", "exports/d", "--fallback", "blank.txt", cwd=folder)
    assert done.returncode == 2
    assert "blank.txt: holds no reply. Write one a line." in done.stderr
    assert not (folder / "exports" / "d").exists()
