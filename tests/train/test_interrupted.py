"""A run that is ended from outside goes on as if nothing had been."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from chatbot.training.checkpoint import LAST, RunFolder

CHATBOT = Path(sys.executable).with_name("chatbot")
EPOCHS = 12
SETTINGS = {
    "model.embedding": 8,
    "model.encoder_hidden": 16,
    "model.hidden": 32,
    "train.batch_tokens": 60,
    "train.evaluate_every": 7,
    "train.seed": 3,
}


@pytest.fixture
def store(make_store: Callable) -> Path:
    letters = "甲乙丙丁戊己庚辛"
    rows = [("train", a + b, b * (1 + letters.index(a))) for a in letters for b in letters]
    return make_store([*rows, ("valid", "甲乙", "乙")])


def started(out: Path, *arguments: object) -> subprocess.Popen[str]:
    command = [CHATBOT, "train", *map(str, arguments), "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def begun(out: Path, store: Path) -> subprocess.Popen[str]:
    settings = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    return started(out, store, *settings, "--epochs", EPOCHS)


def wait_for(process: subprocess.Popen[str], text: str, times: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        times -= text in line
        if not times:
            return
    raise AssertionError(process.communicate()[1])


def same(one: Path, other: Path) -> bool:
    expected, found = load_file(one / LAST), load_file(other / LAST)
    assert expected.keys() == found.keys()
    return all(torch.equal(expected[name], found[name]) for name in expected)


def evaluated(out: Path) -> list[tuple[int, float]]:
    return [
        (record["step"], record["validation_loss"])
        for record in RunFolder(out).records()
        if record["event"] == "evaluated"
    ]


def test_a_killed_and_a_stopped_run_end_as_if_they_had_not_been(
    store: Path, tmp_path: Path
) -> None:
    whole, killed, stopped = (tmp_path / name for name in ("whole", "killed", "stopped"))
    assert begun(whole, store).communicate()[1] == ""

    process = begun(killed, store)
    for times in (1, 2):
        wait_for(process, "evaluated", times)
        process.kill()
        process.communicate()
        process = started(killed, "--resume")
    assert process.communicate()[1] == ""
    assert process.returncode == 0
    assert not list(killed.glob(".*"))  # what a kill left half-written is gone

    process = begun(stopped, store)
    wait_for(process, "evaluated", 2)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    assert told == f"Go on with: chatbot train --out {stopped} --resume\n"
    assert started(stopped, "--resume").communicate()[1] == ""

    assert same(whole, killed)
    assert same(whole, stopped)
    assert evaluated(whole) == evaluated(killed)  # no evaluation is lost, none stands twice


def test_a_run_killed_before_it_began_is_begun_again(store: Path, tmp_path: Path) -> None:
    """What a run writes last when it is created is what makes it one."""
    out = tmp_path / "run"
    assert begun(out, store).communicate()[1] == ""
    (out / "run.json").unlink()
    process = started(out, "--resume")
    assert "no run.json. A run is what 'chatbot train' writes." in process.communicate()[1]
    assert process.returncode == 1
    assert begun(out, store).communicate()[1] == ""
