"""A dry run: what a run would take."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot.training import estimate as module
from chatbot.training.config import Recipe
from chatbot.training.estimate import Estimate, estimate
from chatbot.training.trainer import Trainer

SIZES = {"model": {"embedding": 8, "encoder_hidden": 8, "hidden": 16}}


@pytest.fixture
def trainer(make_store: Callable, tmp_path: Path) -> Trainer:
    letters = "甲乙丙丁戊"
    rows = [("train", a * (1 + len(b)), b + a) for a in letters for b in letters]
    recipe = Recipe.from_dict({**SIZES, "train": {"batch_tokens": 30}})
    return Trainer.start(make_store([*rows, ("valid", "甲", "乙")]), tmp_path / "run", recipe)


def test_a_few_steps_tell_what_an_epoch_takes(trainer: Trainer) -> None:
    found = estimate(trainer)
    assert (found.pairs, found.held_out, found.steps) == (25, 1, len(trainer.steps()))
    assert found.seconds > 0
    assert trainer.meter.report(1, 0.0).step <= 1 + module.STEPS
    if found.memory is not None:  # PyTorch alone takes more, and this machine has not all of it
        assert 50 * 2**20 < found.memory < 2**40


def test_the_time_is_that_of_all_tokens(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that takes 2 s a token makes an epoch of 2 s for each token, padding included."""
    clock = [0.0]

    def step(groups: list, done: float) -> None:
        clock[0] += 2.0 * sum(trainer.pairs.batch(g).src.numel() for g in groups)
        clock[0] += 2.0 * sum(trainer.pairs.batch(g).reply.numel() for g in groups)

    monkeypatch.setattr(trainer, "step", step)
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    tokens = sum(
        batch.src.numel() + batch.reply.numel()
        for groups in trainer.steps()
        for batch in map(trainer.pairs.batch, groups)
    )
    assert estimate(trainer).seconds == pytest.approx(2.0 * tokens)


def test_too_much_memory_is_said() -> None:
    def lines(memory: int | None) -> str:
        return " ".join(Estimate(1, 1, 1, 1, 1, 60.0, memory, 2**30).lines())

    assert "about 1.0 minutes" in lines(None)
    assert "too much" not in lines(2**29)
    assert "2.0 GiB at the largest batch; 1.0 GiB are free. That is too much" in lines(2**31)
