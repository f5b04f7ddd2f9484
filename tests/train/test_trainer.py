"""Whole runs on a small store: they learn, they log, they resume exactly, they refuse."""

import dataclasses
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from chatbot.errors import TrainingError, UsageError
from chatbot.training.checkpoint import BEST, LAST, LOG, RUN, RunFolder, load_run
from chatbot.training.config import Recipe, read_recipe
from chatbot.training.dataset import Pairs
from chatbot.training.events import Ended, Evaluated, Event, Running, Started, record
from chatbot.training.narration import narrate
from chatbot.training.trainer import Trainer
from chatbot.vocabulary import EOS

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
    sample = evaluated[-1].samples[0]
    assert (sample.prompt, sample.reply) == ("甲丁", "丁甲")
    assert isinstance(events[-1], Ended)
    assert events[-1].reason == "epochs"
    log = [json.loads(line) for line in (tmp_path / "run" / LOG).read_text().splitlines()]
    assert log == [record(event) for event in events]
    about = RunFolder(tmp_path / "run").about()
    assert about["pairs"] == {"train": 25, "valid": 2}
    assert about["sources"] == {"chat.tsv": 25}
    assert read_recipe(tmp_path / "run" / "recipe.toml") == recipe(epochs=30, learning_rate=0.01)
    model, loaded, vocabulary, best = load_run(tmp_path / "run")
    assert loaded == recipe(epochs=30, learning_rate=0.01)
    assert best["validation_loss"] == min(e.validation.loss for e in evaluated)
    assert model.embedding.num_embeddings == len(vocabulary)


def test_prototypes_learn_what_each_source_asks_for(make_store: Callable, tmp_path: Path) -> None:
    """Three groups of questions with two answers each, which differ in how many questions ask."""
    groups = {"红蓝": "甲乙丙", "黄绿": "丁戊", "黑白": "己"}
    rows = [
        ("train", question * times, answer)
        for answers, questions in groups.items()
        for question in questions
        for times in (1, 2)
        for answer in answers
    ]
    settings = recipe(epochs=20, learning_rate=0.01).to_dict()
    settings["model"] |= {"prototypes": 3, "prototype_size": 6, "dropout": 0.0}
    trainer = Trainer.start(make_store(rows), tmp_path / "run", Recipe.from_dict(settings))
    run(trainer)
    batch = trainer.pairs.batch(range(len(rows)))
    _, logits = trainer.model._read(batch.src, batch.src_len)
    assert logits.argmax(dim=-1).tolist() == [0] * 12 + [1] * 8 + [2] * 4


def same_checkpoints(*folders: Path) -> bool:
    """Return whether weights, optimizer, average and random numbers are the same, bit for bit."""
    expected, found = (load_file(folder / LAST) for folder in folders)
    assert expected.keys() == found.keys()
    return all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adam"},
        {"optimizer": "adamw", "precision": "bf16"},
        {"optimizer": "sgd", "accumulate": 3},
        {"ema": 0.9, "schedule": "plateau", "label_smoothing": 0.1},
        {"teacher_forcing": 0.5, "schedule": "inverse_sqrt", "warmup": 3},
    ],
)
def test_resuming_equals_never_having_stopped(
    store: Path, tmp_path: Path, settings: dict[str, object]
) -> None:
    """2 + 2 epochs give the weights of 4, bit for bit, dropout and order included."""
    whole = recipe(**settings)
    run(Trainer.start(store, tmp_path / "whole", whole))
    half = dataclasses.replace(whole, train=dataclasses.replace(whole.train, epochs=2))
    run(Trainer.start(store, tmp_path / "halves", half))
    torch.manual_seed(99)  # whatever happened in between
    run(Trainer.resume(tmp_path / "halves", epochs=4))
    assert same_checkpoints(tmp_path / "whole", tmp_path / "halves")


def test_a_run_goes_on_with_its_own_pairs(
    store: Path, tmp_path: Path, make_store: Callable
) -> None:
    """A store that changes, or goes, changes nothing of a run that has begun."""
    run(Trainer.start(store, tmp_path / "whole", recipe()))
    run(Trainer.start(store, tmp_path / "halves", recipe(epochs=2)))
    store.unlink()
    make_store([("train", "全部", "不同")])
    run(Trainer.resume(tmp_path / "halves", epochs=4))
    assert same_checkpoints(tmp_path / "whole", tmp_path / "halves")


@pytest.mark.parametrize("step", [4, 5, 6])
def test_a_stopped_run_keeps_the_step_it_was_in(store: Path, tmp_path: Path, step: int) -> None:
    """Ctrl-C between two evaluations, or right at one, loses nothing."""
    run(Trainer.start(store, tmp_path / "whole", recipe()))
    trainer = Trainer.start(store, tmp_path / "cut", recipe())
    make_step = trainer.step

    def counted(*arguments: Any) -> None:
        make_step(*arguments)
        if trainer.progress.step == step:
            trainer.stop()

    trainer.step = counted
    events = run(trainer)
    assert events[-1] == Ended(step, events[-1].seconds, "interrupted")
    assert json.loads((tmp_path / "cut" / LOG).read_text().splitlines()[-1])["step"] == step
    run(Trainer.resume(tmp_path / "cut"))
    assert same_checkpoints(tmp_path / "whole", tmp_path / "cut")


def test_a_resumed_run_writes_no_record_twice(store: Path, tmp_path: Path) -> None:
    """What a killed run logged behind its last checkpoint is logged again when it is made again."""
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))
    with (tmp_path / "run" / LOG).open("a") as log:
        log.write('{"event": "train", "step": 999}\n{"event": "tra')  # as kill -9 leaves it
    run(Trainer.resume(tmp_path / "run", epochs=2))
    found = list(RunFolder(tmp_path / "run").records())
    assert 999 not in [one["step"] for one in found]
    evaluated = [one["step"] for one in found if one["event"] == "evaluated"]
    assert evaluated == sorted(set(evaluated))


def test_checkpoints_are_kept_between_evaluations(store: Path, tmp_path: Path) -> None:
    """With any time at all gone, save_minutes has passed."""
    seen = []
    trainer = Trainer.start(store, tmp_path / "run", recipe(evaluate_every=1000, save_minutes=1e-9))
    save = trainer._save
    trainer._save = lambda: (save(), seen.append(trainer.progress.step))
    run(trainer)
    assert seen == list(range(1, trainer.progress.step + 1))


def test_patience_ends_a_run(store: Path, tmp_path: Path) -> None:
    """At a learning rate of 0 only the first evaluation is a better one."""
    events = run(
        Trainer.start(store, tmp_path / "run", recipe(epochs=99, learning_rate=0.0, patience=2))
    )
    assert [event.best for event in events if isinstance(event, Evaluated)] == [True, False, False]
    assert events[-1].reason == "patience"


def test_a_plateau_halves_the_learning_rate(store: Path, tmp_path: Path) -> None:
    trainer = Trainer.start(
        store,
        tmp_path / "run",
        recipe(epochs=99, learning_rate=0.0, patience=3, schedule="plateau"),
    )
    run(trainer)
    assert trainer.progress.reduced == 0.5**3


def test_accumulated_batches_make_the_step_of_one(store: Path, tmp_path: Path) -> None:
    """All pairs are alike in length: two batches of 5 pairs have the gradient of one of 10."""
    found = []
    for name, settings in (("two", {"accumulate": 2, "batch_pairs": 5}), ("one", {})):
        given = recipe(epochs=1, optimizer="sgd", batch_tokens=10**6, **settings)
        given = dataclasses.replace(given, model=dataclasses.replace(given.model, dropout=0.0))
        trainer = Trainer.start(store, tmp_path / name, given)
        trainer.step([np.arange(0, 5), np.arange(5, 10)] if settings else [np.arange(10)], 0.0)
        found.append(trainer.model.state_dict())
    for weights, expected in zip(*(one.values() for one in found), strict=True):
        assert_close(weights, expected)


def test_the_average_is_what_is_evaluated_and_kept(store: Path, tmp_path: Path) -> None:
    trainer = Trainer.start(store, tmp_path / "run", recipe(ema=0.99))
    run(trainer)
    average, last = trainer.average.weights, dict(trainer.model.named_parameters())
    best = load_file(tmp_path / "run" / BEST)
    assert all(torch.equal(best[name], average[name]) for name in average)
    assert not torch.equal(average["output_bias"], last["output_bias"])


def test_a_batch_too_large_for_the_memory(store: Path, tmp_path: Path) -> None:
    trainer = Trainer.start(store, tmp_path / "run", recipe())

    def no_room(*_: object, **__: object) -> None:
        torch.empty(2**60)

    trainer.model.loss = no_room
    with pytest.raises(TrainingError, match=r"does not fit into the memory.*train.batch_tokens"):
        run(trainer)


def test_a_missing_gpu_is_named(store: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match="this PyTorch sees no GPU"):
        Trainer.start(store, tmp_path / "run", recipe(device="cuda"))


def test_a_run_tells_how_it_goes(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.training.meter.REPORT_SECONDS", 0.0)
    events = run(Trainer.start(store, tmp_path / "run", recipe(schedule="cosine", epochs=2)))
    told = [event for event in events if isinstance(event, Running)]
    assert [event.step for event in told] == list(range(1, told[-1].step + 1))
    rates = [event.learning_rate for event in told]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == recipe().train.learning_rate
    assert all(event.padding == 1.0 for event in told)  # all pairs are alike in length
    assert all(0 <= event.loading <= 1 and event.gradient_norm > 0 for event in told)


def test_context_of_the_turns_before_is_learnt(make_store: Callable, tmp_path: Path) -> None:
    """再 is answered by what was said two turns before: without context nobody can know."""
    store = make_store([("train", a, "嗯", "再", a) for a in "甲乙丙丁"])
    found = {}
    for context in (0, 2):
        settings = recipe(epochs=200, learning_rate=0.02, evaluate_every=1000).to_dict()
        settings["data"]["context"] = context
        settings["model"]["dropout"] = 0.0
        folder = tmp_path / str(context)
        *_, evaluated, _ = run(Trainer.start(store, folder, Recipe.from_dict(settings)))
        found[context] = evaluated.validation.perplexity
    assert found[2] < 1.15
    assert found[0] > 1.25  # without context e ** (ln 4 / 6) at best


def test_a_run_at_its_end_says_so(store: Path, tmp_path: Path) -> None:
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=2)))
    with pytest.raises(
        TrainingError, match=r"at its end \(epochs\): 2 of 2 epochs, .* of any minutes"
    ):
        run(Trainer.resume(tmp_path / "run"))
    assert len(run(Trainer.resume(tmp_path / "run", epochs=3))) > 0


def test_scheduled_sampling_trains_too(store: Path, tmp_path: Path) -> None:
    events = run(Trainer.start(store, tmp_path / "run", recipe(teacher_forcing=0.5, epochs=1)))
    assert events[-1].reason == "epochs"


def test_minutes_end_a_run_with_a_checkpoint(store: Path, tmp_path: Path) -> None:
    trainer = Trainer.start(store, tmp_path / "run", recipe(epochs=1_000_000, minutes=1e-4))
    assert trainer.train(lambda event: None).step >= 1
    assert (tmp_path / "run" / BEST).is_file()


def test_a_run_is_not_overwritten(store: Path, tmp_path: Path) -> None:
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))
    with pytest.raises(TrainingError, match=r"holds a run. Add --resume"):
        Trainer.start(store, tmp_path / "run", recipe())


def test_other_pairs_are_refused_on_resume(store: Path, tmp_path: Path) -> None:
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))
    Pairs.write(tmp_path / "run" / "train", [([5, EOS], [6, EOS])])
    with pytest.raises(TrainingError, match="not the ids that the run began with"):
        Trainer.resume(tmp_path / "run")


def test_a_store_without_held_out_pairs_is_evaluated_on_its_own(
    make_store: Callable, tmp_path: Path
) -> None:
    started, *_, evaluated, _ = run(
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
        trainer.model.output_bias.fill_(torch.nan)
    with pytest.raises(TrainingError, match="the loss at step 1 is nan"):
        trainer.train(lambda event: None)


def test_a_gradient_that_is_no_number_spares_the_checkpoints(store: Path, tmp_path: Path) -> None:
    trainer = Trainer.start(store, tmp_path / "run", recipe(evaluate_every=1))
    trainer.model.output_bias.register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(TrainingError, match="the norm of the gradient at step 1 is"):
        run(trainer)
    assert not (tmp_path / "run" / LAST).exists()


def test_ctrl_c_in_the_last_step_ends_the_run(store: Path, tmp_path: Path) -> None:
    trainer = Trainer.start(store, tmp_path / "run", recipe(epochs=1, evaluate_every=1000))
    steps, make_step = len(trainer.steps()), trainer.step

    def counted(*arguments: Any) -> None:
        make_step(*arguments)
        if trainer.progress.step == steps:
            trainer.stop()

    trainer.step = counted
    assert run(trainer)[-1].reason == "epochs"
    assert not trainer.interrupted
    assert (tmp_path / "run" / BEST).is_file()


@pytest.mark.parametrize(
    "settings",
    [
        {"data": {"embeddings": "nowhere.txt"}},
        {"train": {"device": "cuda"}},
        {"data": {"max_reply": 2}},
    ],
)
def test_what_is_refused_has_not_begun(
    store: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises((UsageError, TrainingError)):
        Trainer.start(store, tmp_path / "run", Recipe.from_dict(settings))
    assert len(run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))) > 0


def test_another_device_or_another_number_of_processes_goes_on(store: Path, tmp_path: Path) -> None:
    """A GPU's random state has another size; with half the processes twice the steps are left."""
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))
    path = tmp_path / "run" / LAST
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["about"]) | {"epoch": 0, "batch": 2}
    tensors = load_file(path) | {f"random.{rank}": torch.zeros(16).byte() for rank in (0, 1)}
    save_file(tensors, path, {"about": json.dumps(about)})
    assert Trainer.resume(tmp_path / "run", epochs=2).progress.batch == 4
    del tensors["random.1"]
    save_file(tensors, path, {"about": json.dumps(about)})
    assert len(run(Trainer.resume(tmp_path / "run", epochs=2))) > 0


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
        lambda tensors, about: tensors.update({"random.0": torch.zeros(5)}),
        lambda tensors, about: tensors.update({"random.x": torch.zeros(5)}),
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
        Trainer.resume(tmp_path / "run")


@pytest.mark.parametrize(
    "values", [[], {"recipe": []}, {"recipe": {"model": {"hiden": 3}}}, {"recipe": {"model": []}}]
)
def test_a_recipe_of_another_shape_is_refused(store: Path, tmp_path: Path, values: object) -> None:
    run(Trainer.start(store, tmp_path / "run", recipe(epochs=1)))
    path = tmp_path / "run" / RUN
    about = values if isinstance(values, list) else json.loads(path.read_bytes()) | values
    path.write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(TrainingError, match="damaged run"):
        Trainer.resume(tmp_path / "run")


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

    def kept() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (tmp_path / "run").glob("*.[!j]*")}

    before = kept()

    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr("chatbot.training.checkpoint.save_file", full)
    with pytest.raises(TrainingError, match=r"cannot be written: .*full"):
        run(Trainer.resume(tmp_path / "run", epochs=3))
    assert kept() == before
    assert before.keys() >= {BEST, LAST}


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


def test_a_recipe_is_what_its_file_says(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    settings = {"data": {"embeddings": '词 "向量" \\ 😀.txt'}, "train": {"learning_rate": 1e-5}}
    given = Recipe.from_dict(settings)
    file.write_text(given.to_toml(), encoding="utf-8")
    assert read_recipe(file) == given


def test_a_recipe_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    deep = tmp_path / "deep.toml"
    deep.write_text("[model]\nx = " + "[" * 5000)
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none", deep):
        with pytest.raises(UsageError, match="no recipe"):
            read_recipe(path)
