"""`chatbot train` as it is called."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatbot.cli import cli
from chatbot.errors import UsageError
from chatbot.training.checkpoint import RunFolder

SMALL = ("model.embedding=8", "model.encoder_hidden=8", "model.hidden=16", "train.device=cpu")


@pytest.fixture
def store(make_store: Callable) -> Path:
    rows = [("train", a + b, b + a) for a in "甲乙丙丁戊" for b in "甲乙丙丁戊"]
    return make_store([*rows, ("valid", "甲乙", "乙甲")])


def train(*arguments: object, code: int = 0) -> Result:
    settings = [part for setting in SMALL for part in ("--set", setting)]
    given = [str(argument) for argument in arguments]
    result = CliRunner().invoke(cli, ["train", *given, *([] if "--resume" in given else settings)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code
    return result


def test_a_run_is_told_and_says_what_comes_next(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    told = train(store, "--out", out, "--epochs", 2, "--context", 1).output
    assert RunFolder(out).open()[0].data.context == 1
    assert "25 pairs to train on, 1 held out" in told
    assert "The epochs of the recipe are over." in told
    assert told.endswith(f"Done. Next: chatbot export {out} exports/run\n")
    assert "Going on at step" in train("--out", out, "--resume", "--epochs", 3).output


def test_a_dry_run_tells_and_leaves_nothing(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    told = train(store, "--dry-run").output
    assert "An epoch: 1 steps, about 0.0 minutes." in told
    train(store, "--dry-run", "--out", tmp_path / "run")
    assert sorted(tmp_path.rglob("*")) == before


def test_overfitting_learns_and_evaluates_the_same_pairs(store: Path, tmp_path: Path) -> None:
    told = train(store, "--out", tmp_path / "run", "--overfit", 3, "--epochs", 1).output
    assert "3 pairs to train on, 0 held out" in told
    assert "the figures below are of the training pairs themselves" in told
    run = RunFolder(tmp_path / "run")
    assert run.about()["pairs"] == {"train": 3, "valid": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "run"], "name the STORE to train on"),
        (["store.db"], "with --out RUN the folder of the run"),
        (["--resume", "--out", "run", "--overfit", "3"], "--resume keeps the run's settings"),
        (["--resume", "--out", "run", "--dry-run"], "--resume keeps the run's settings"),
        (["--resume", "--out", "run", "--device", "cpu"], "--resume keeps the run's settings"),
        (["--resume", "--out", "run", "--context", "0"], "--resume keeps the run's settings"),
        (["--resume"], "with --out RUN the folder of the run"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train(*arguments)
