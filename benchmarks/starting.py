"""A whole process that answers 你好: `chatbot reply`, and a script that does it with PyTorch."""

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.processes import measure
from benchmarks.timing import interleaved, ratios, spread, table

ROUNDS = 9
TEXT = "你好"
CHATBOT = "from chatbot.cli import main; main()"


def run(rounds: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        model, bundles = Path(folder) / "run", Path(folder) / "bundles"
        torch_reply = [sys.executable, "-m", "benchmarks.torch_reply"]
        subprocess.run([*torch_reply, "prepare", model, bundles], check=True)
        chatbot_reply = [sys.executable, "-c", CHATBOT, "reply", TEXT, "--bundle"]
        commands: dict[str, list[str | Path]] = {
            "`chatbot reply`, int8": [*chatbot_reply, bundles / "int8"],
            "`chatbot reply`, fp32": [*chatbot_reply, bundles / "fp32"],
            "PyTorch script": [*torch_reply, "reply", model, TEXT],
            "`import torch` alone": [sys.executable, "-c", "import torch"],
        }
        _, exact, expected, _ = (
            subprocess.run(command, check=True, capture_output=True, text=True).stdout
            for command in commands.values()
        )
        if exact != expected:
            raise AssertionError(f"different replies: {exact}, {expected}")
        measured, note = interleaved(
            {name: partial(measure, command) for name, command in commands.items()},
            rounds,
        )
    wall = {name: [usage.seconds for usage in usages] for name, usages in measured.items()}
    peak = {name: [usage.peak_mib for usage in usages] for name, usages in measured.items()}
    rows = [
        [
            name,
            spread(wall[name], ".2f"),
            spread(ratios(wall[name], wall["PyTorch script"]), ".2f"),
            spread(peak[name], ".0f"),
            spread(ratios(peak[name], peak["PyTorch script"]), ".2f"),
        ]
        for name in commands
    ]
    return table(["", "wall, s", "to PyTorch", "peak RSS, MiB", "to PyTorch"], rows, note)
