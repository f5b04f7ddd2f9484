"""Whole runs on a small store: they learn, they log, they resume exactly, they refuse."""

import dataclasses
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from chatbot.errors import TrainingError, UsageError
from chatbot.training.checkpoint import BEST, LAST, LOG, RUN, RunFolder, load_run
from chatbot.training.config import Recipe, read_recipe
from chatbot.training.narration import narrate
from chatbot.training.trainer import Evaluated, Event, Started, Trainer

ROWS = [("train", a + b, b + a) for a, b in itertools.product("甲乙丙丁戊", repeat=2)]
HELD_OUT = [("valid", "甲丁", "丁甲"), ("valid", "乙戊", "戊乙")]


def recipe(**train: object) -> Recipe:
    return Recipe.from_dict(
        {
            "model": {"embedding": 8, "encoder_hidden": 8, "hidden": 16, "dropout": 0.3},
            "train": {"epochs": 4, "batch_tokens": 60, "evaluate_every": 3, **train},
        }
    )


@pytest.fixture
def store(make_store: Callable) -> Path:
    return make_store(ROWS + HELD_OUT)


def run(trainer: Trainer) -> list[Event]:
    events: list[Event] = []
    trainer.train(events.append)
    return events


def test_a_run_learns_logs_and_can_be_loaded(store: Path, tmp_path: Path) -> None:
    events = run(Trainer.start(store, tmp_path / "run", recipe(epochs=30, learning_rate=0.01)))
    started = events[0]
    assert isinstance(started, Started)
    assert (started.pairs, started.held_out) == (25, 2)
    evaluated = [event for event in events if isinstance(event, Evaluated)]
    assert evaluated[-1].validation.perplexity < evaluated[0].validation.perplexity / 2
    prompt, reply, said = evaluated[-1].samples[0]
    assert (prompt, reply) == ("甲丁", "丁甲")
    assert isinstance(said, str)
    log = [json.loads(line) for line in (tmp_path / "run" / LOG).read_text().splitlines()]
    assert len(log) == len(evaluated)
    model, loaded, vocabulary, best = load_run(tmp_path / "run")
    assert loaded == recipe(epochs=30, learning_rate=0.01)
    assert best["validation_loss"] == min(e.validation.loss for e in evaluated)
    assert model.embedding.num_embeddings == len(vocabulary)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_resuming_equals_never_having_stopped(store: Path, tmp_path: Path, optimizer: str) -> None:
    """2 + 2 epochs give the weights of 4, bit for bit, dropout and order included."""
    whole = recipe(optimizer=optimizer)
    run(Trainer.start(store, tmp_path / "whole", whole))
    half = dataclasses.replace(whole, train=dataclasses.replace(whole.train, epochs=2))
    run(Trainer.start(store, tmp_path / "halves", half))
    torch.manual_seed(99)  # whatever happened in between
    run(Trainer.resume(store, tmp_path / "halves", epochs=4))
    expected, found = (load_file(tmp_path / name / LAST) for name in ("whole", "halves"))
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_run_killed_between_checkpoints_goes_on_from_the_last(
    store: Path, tmp_path: Path
) -> None:
    run(Trainer.start(store, tmp_path / "whole", recipe()))

    def stop(event: Event) -> None:
        if isinstance(event, Evaluated) and event.step >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trainer.start(store, tmp_path / "cut", recipe()).train(stop)
    run(Trainer.resume(store, tmp_path / "cut"))
    expected, found = (load_file(tmp_path / name / LAST) for name in ("whole", "cut"))
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_run_at_its_end_says_so(store: Path, tmp_path: Path) -> None:
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=2)))
    with pytest.raises(TrainingError, match=r"at its end: 2 of 2 epochs, .* of any minutes"):
        run(Trainer.resume(store, tmp_path / "run"))
    assert len(run(Trainer.resume(store, tmp_path / "run", epochs=3))) > 0


def test_scheduled_sampling_trains_too(store: Path, tmp_path: Path) -> None:
    events = run(Trainer.start(store, tmp_path / "run", recipe(teacher_forcing=0.5, epochs=1)))
    assert isinstance(events[-1], Evaluated)


def test_minutes_end_a_run_with_a_checkpoint(store: Path, tmp_path: Path) -> None:
    trainer = Trainer.start(store, tmp_path / "run", recipe(epochs=1_000_000, minutes=1e-4))
    assert trainer.train(lambda event: None).step >= 1
    assert (tmp_path / "run" / BEST).is_file()


def test_a_run_is_not_overwritten(store: Path, tmp_path: Path) -> None:
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))
    with pytest.raises(TrainingError, match=r"holds a run. Add --resume"):
        Trainer.start(store, tmp_path / "run", recipe())


def test_another_corpus_is_refused_on_resume(
    store: Path, tmp_path: Path, make_store: Callable
) -> None:
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))
    store.unlink()
    other = make_store([*ROWS, *HELD_OUT, ("train", "甲", "乙")])
    with pytest.raises(TrainingError, match=r"is not what .* was trained on"):
        Trainer.resume(other, tmp_path / "run")


def test_a_store_without_held_out_pairs_is_evaluated_on_its_own(
    make_store: Callable, tmp_path: Path
) -> None:
    started, *_, evaluated = run(
        Trainer.start(make_store(ROWS), tmp_path / "run", recipe(epochs=1))
    )
    assert started.held_out == 0
    assert "Nothing is held out" in " ".join(narrate(started))
    assert evaluated.validation.tokens == 3 * len(ROWS)


def test_a_store_without_pairs_is_refused(make_store: Callable, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no pairs to train on"):
        Trainer.start(make_store(HELD_OUT), tmp_path / "run", recipe())


def test_a_loss_that_is_no_number_stops_the_run(store: Path, tmp_path: Path) -> None:
    trainer = Trainer.start(store, tmp_path / "run", recipe())
    with torch.no_grad():
        trainer.model.output.bias.fill_(torch.nan)
    with pytest.raises(TrainingError, match="the loss at step 1 is nan"):
        trainer.train(lambda event: None)


def test_damaged_runs_are_refused(store: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=f"no {RUN}"):
        RunFolder(tmp_path).open()
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))
    weights = tmp_path / "run" / BEST
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(TrainingError, match="damaged"):
        load_run(tmp_path / "run")
    (tmp_path / "run" / RUN).write_text("{}")
    with pytest.raises(TrainingError, match="damaged run"):
        load_run(tmp_path / "run")


def test_settings_are_checked_and_unknown_ones_named() -> None:
    with pytest.raises(UsageError, match=r"unknown setting 'hiden'. Did you mean 'hidden'"):
        Recipe.from_dict({"model": {"hiden": 5}})
    with pytest.raises(UsageError, match="unknown section 'modell'"):
        Recipe.from_dict({"modell": {}})
    with pytest.raises(UsageError, match="cell='gur': expected one of rnn, lstm, gru"):
        Recipe.from_dict({"model": {"cell": "gur"}})
    with pytest.raises(UsageError, match="hidden='x': expected int"):
        Recipe.from_dict({"model": {"hidden": "x"}})
    with pytest.raises(UsageError, match="dropout=nan"):
        Recipe.from_dict({"model": {"dropout": float("nan")}})
    assert Recipe.from_dict(recipe().to_dict()) == recipe()


@pytest.mark.parametrize(
    "damage",
    [
        lambda tensors, about: tensors.pop("random"),
        lambda tensors, about: tensors.update(random=torch.zeros(5)),
        lambda tensors, about: tensors.update({"optimizer.x": torch.zeros(3)}),
        lambda tensors, about: about.update(unknown=1),
    ],
)
def test_a_checkpoint_of_another_shape_is_refused(
    store: Path, tmp_path: Path, damage: Callable
) -> None:
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))
    path = tmp_path / "run" / LAST
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
    tensors = load_file(path)
    damage(tensors, about)
    save_file(tensors, path, {"about": json.dumps(about)})
    with pytest.raises(TrainingError, match="damaged"):
        Trainer.resume(store, tmp_path / "run")


@pytest.mark.parametrize(
    "values", [[], {"recipe": []}, {"recipe": {"model": {"hiden": 3}}}, {"recipe": {"model": []}}]
)
def test_a_recipe_of_another_shape_is_refused(store: Path, tmp_path: Path, values: object) -> None:
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))
    path = tmp_path / "run" / RUN
    about = values if isinstance(values, list) else json.loads(path.read_bytes()) | values
    path.write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(TrainingError, match="damaged run"):
        Trainer.resume(store, tmp_path / "run")


def test_a_folder_that_cannot_be_made(store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    with pytest.raises(TrainingError, match="no folder can be made here"):
        Trainer.start(store, tmp_path / "file", recipe(epochs=1))
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize("error", [OSError(28, "full"), SafetensorError("full")])
def test_a_full_disk_leaves_the_last_checkpoint(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}

    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr("chatbot.training.checkpoint.save_file", full)
    with pytest.raises(TrainingError, match=r"cannot be written: .*full"):
        run(Trainer.resume(store, tmp_path / "run", epochs=3))
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


@pytest.mark.parametrize(
    "setting",
    [
        "train.seed=-1",
        "train.seed=99999999999",
        f"train.seed={'9' * 5000}",
        "model.tied=" + "[" * 5000,
    ],
)
def test_settings_out_of_this_world(setting: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        read_recipe(None, [setting])


def test_a_recipe_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    deep = tmp_path / "deep.toml"
    deep.write_text("[model]\nx = " + "[" * 5000)
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none", deep):
        with pytest.raises(UsageError, match="no recipe"):
            read_recipe(path)
