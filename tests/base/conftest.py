"""What the tests of the base install share: one small real bundle, under an awkward path."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot import ChatBot

TINY = Path(__file__).parents[1] / "data" / "tiny_bundle"

# -P: the installed package, not the one that happens to lie in the working directory.
CHATBOT = [sys.executable, "-P", "-W", "error", "-c", "from chatbot.cli import main; main()"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the small bundle, free to be damaged."""
    return Path(shutil.copytree(TINY, tmp_path / "模型 1"))


@pytest.fixture(scope="session")
def bot(tmp_path_factory: pytest.TempPathFactory) -> ChatBot:
    """The small bundle, opened once."""
    return ChatBot.load(shutil.copytree(TINY, tmp_path_factory.mktemp("bot") / "模型 1"))


@pytest.fixture(scope="session")
def texts(bot: ChatBot) -> list[str]:
    """The texts of the conformance vectors: what the small model has something to say to."""
    return list(dict.fromkeys(case.text for case in bot.bundle.golden()))


@pytest.fixture
def rewrite() -> Callable[[Path, str, bytes], None]:
    """Replace a file of a bundle so that its checksum is right again."""

    def rewrite(folder: Path, name: str, data: bytes) -> None:
        (folder / name).write_bytes(data)
        path = folder / "manifest.json"
        manifest = json.loads(path.read_bytes())
        checksum = hashlib.sha256(data).hexdigest()
        manifest["files"][name] = {"bytes": len(data), "sha256": checksum}
        path.write_text(json.dumps(manifest), encoding="utf-8")

    return rewrite


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a program that speaks English and keeps its state in `tmp_path`."""
    state = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    return os.environ | {"LC_ALL": "C.UTF-8", "PROMPT_TOOLKIT_NO_CPR": "1"} | state


@pytest.fixture
def chatbot(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run the `chatbot` command as a program of its own, to its end."""

    def chatbot(
        *arguments: object, stdin: bytes = b"", **variables: str
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*CHATBOT, *map(str, arguments)],
            check=False,
            input=stdin,
            capture_output=True,
            env=environment | variables,
            timeout=60,
        )

    return chatbot


@pytest.fixture
def spawn(environment: dict[str, str]) -> Callable[..., subprocess.Popen[bytes]]:
    """Start the `chatbot` command with three open pipes."""

    def spawn(*arguments: object) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        command = [*CHATBOT, *map(str, arguments)]
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)

    return spawn
