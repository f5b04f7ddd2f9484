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


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        check=False,
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
    )
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
    }


def test_a_run_goes_on_and_an_export_replaces_a_bundle(folder: Path) -> None:
    run(
        "chatbot", "train", "corpus.db", "--out", "runs/a", "--resume", "--epochs", "41", cwd=folder
    )
    run("chatbot", "export", "runs/a", "exports/a", cwd=folder)
    facts = json.loads(run("chatbot", "inspect", "exports/a", "--json", cwd=folder))
    assert facts["decoding"]["kind"] == "greedy"
    assert [path.name for path in (folder / "exports").iterdir()] == ["a"]


def test_a_second_import_adds_nothing(folder: Path) -> None:
    before = run("corpus", "stats", cwd=folder)
    assert "nothing to add" in run("corpus", "import", "对话.tsv", cwd=folder)
    assert run("corpus", "stats", cwd=folder) == before
