"""What an import loads: nothing that the install or the moment need not pay for."""

import subprocess
import sys
from pathlib import Path

EXTRAS = {"torch", "onnx", "safetensors", "sqlalchemy", "jieba", "corpus_tools"}


def loaded_by(code: str, *arguments: Path) -> set[str]:
    """Return the packages that a fresh interpreter has loaded after `code`."""
    report = "\nprint(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", f"import sys\n{code}{report}", *arguments],
        capture_output=True,
        check=True,
        text=True,
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_neither_the_extras_nor_the_runtime():
    assert not loaded_by("import chatbot") & (EXTRAS | {"onnxruntime", "click", "prompt_toolkit"})


def test_importing_the_command_line_loads_neither_the_extras_nor_the_runtime():
    assert not loaded_by("import chatbot.cli") & (EXTRAS | {"onnxruntime", "prompt_toolkit"})


def test_a_reply_needs_none_of_the_extras(folder):
    code = "from chatbot import ChatBot\nChatBot.load(sys.argv[1]).reply('你好')"
    loaded = loaded_by(code, folder)
    assert "onnxruntime" in loaded
    assert not loaded & (EXTRAS | {"click", "prompt_toolkit"})
