"""Several processes of one run, with gloo: they make the step that one makes with their batches."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

from chatbot.training.checkpoint import BEST, LAST, RunFolder
from chatbot.training.distributed import ALONE

SETTINGS = (
    "model.embedding=8",
    "model.encoder_hidden=8",
    "model.hidden=16",
    "model.dropout=0.0",
    "train.evaluate_every=4",
    "train.precision=fp32",
    "train.device=cpu",
)


def train(out: Path, *arguments: str, processes: int = 1) -> subprocess.CompletedProcess[str]:
    """Run `chatbot train`, under torchrun where there are several processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scripts = Path(sys.executable).parent
    torchrun = [scripts / "torchrun", f"--nproc-per-node={processes}", f"--master-port={port}"]
    launcher = [*torchrun, "--no-python"] if processes > 1 else []
    return subprocess.run(
        [*launcher, scripts / "chatbot", "train", *arguments, "--out", out],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture
def store(make_store: Callable) -> Path:
    letters = "甲乙丙丁戊己"
    rows = [("train", a + b, b * (1 + letters.index(a))) for a in letters for b in letters]
    return make_store([*rows, ("valid", "甲乙", "乙")])


def test_two_processes_learn_what_one_learns_with_twice_the_batch(
    store: Path, tmp_path: Path
) -> None:
    """Batches are of different lengths, and at the end of an epoch one process has none."""
    given = [argument for setting in SETTINGS for argument in ("--set", setting)]
    given += ["--set", "train.batch_tokens=60", "--epochs", "3"]
    two = train(tmp_path / "two", str(store), *given, processes=2)
    train(tmp_path / "one", str(store), *given, "--set", "train.accumulate=2")
    assert "2 processes" in two.stdout
    assert two.stdout.count("pairs to train on") == 1  # one of them tells
    logs = [list(RunFolder(tmp_path / name).records()) for name in ("two", "one")]
    losses = [[r["validation_loss"] for r in log if r["event"] == "evaluated"] for log in logs]
    assert len(losses[0]) >= 3
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    found, expected = (load_file(tmp_path / name / BEST) for name in ("two", "one"))
    for name, weights in expected.items():
        assert_close(found[name], weights, rtol=1e-3, atol=1e-5)


def test_two_processes_resume_exactly(store: Path, tmp_path: Path) -> None:
    """With dropout, each process goes on with its own random numbers."""
    given = [argument for setting in SETTINGS for argument in ("--set", setting)]
    given += ["--set", "train.batch_tokens=60", "--set", "model.dropout=0.4"]
    train(tmp_path / "whole", str(store), *given, "--epochs", "4", processes=2)
    train(tmp_path / "halves", str(store), *given, "--epochs", "2", processes=2)
    train(tmp_path / "halves", "--resume", "--epochs", "4", processes=2)
    expected, found = (load_file(tmp_path / name / LAST) for name in ("whole", "halves"))
    assert expected.keys() == found.keys() >= {"random.0", "random.1"}
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    log = (tmp_path / "halves" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["event"] for line in log].count("ended") == 2


def test_alone_nothing_is_exchanged() -> None:
    assert ALONE.sum(1.5, 2.0) == [1.5, 2.0]
    assert ALONE.told(3.0) == 3.0
    assert ALONE.leads
    ALONE.wait()
