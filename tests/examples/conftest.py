"""What the tests of the examples share: the bundles, and what each promises."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatbot import ChatBot, Greedy

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "data" / "tiny_bundle"
BUNDLES = (TINY, ROOT / "exports" / "xiaoyan")


@pytest.fixture
def examples() -> Path:
    return ROOT / "examples"


@pytest.fixture(params=BUNDLES, ids=lambda folder: folder.name)
def bundle(request: pytest.FixtureRequest) -> Path:
    """Each bundle that is committed, in turn."""
    return request.param


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the small bundle under an awkward path, free to be damaged."""
    return Path(shutil.copytree(TINY, tmp_path / "模型 1"))


@pytest.fixture
def golden() -> Callable[[Path], list[dict[str, Any]]]:
    """Read what a bundle promises."""
    return read_golden


def read_golden(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "golden.jsonl").read_text("utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


@pytest.fixture
def honest(copied: Path) -> Callable[[str], str]:
    """Have the copy be sure of no reply that a search finds; return what it says."""
    replies = ["嗯？", "没听懂。", "再说一遍？", "换个说法？", "我还小。"]
    manifest = json.loads((copied / "manifest.json").read_text("utf-8"))
    manifest |= {"context": 1, "fallback": {"below": 1, "replies": replies}}
    (copied / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return lambda turn: replies[len(turn) % len(replies)]


@pytest.fixture
def says_so_itself(copied: Path) -> str:
    """Have the copy's reply to 😀 be an honest one in other words; return those to be said."""
    replies = ["嗯？", "没听懂。", ChatBot.load(copied).reply("😀", Greedy()).text]
    manifest = json.loads((copied / "manifest.json").read_text("utf-8"))
    manifest |= {"fallback": {"below": -1e9, "replies": replies}}
    (copied / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return replies[1]


@pytest.fixture
def promise_another_score(copied: Path) -> int:
    """Change a score of the copy's golden file, checksum and all; return the number of the line."""
    cases = read_golden(copied)
    cases[1]["replies"][0]["score"] += 0.02
    text = "".join(json.dumps(case) + "\n" for case in cases)
    (copied / "golden.jsonl").write_text(text, "utf-8")
    manifest = json.loads((copied / "manifest.json").read_text("utf-8"))
    checksum = hashlib.sha256(text.encode()).hexdigest()
    manifest["files"]["golden.jsonl"] = {"bytes": len(text.encode()), "sha256": checksum}
    (copied / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return 2
