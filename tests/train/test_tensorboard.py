"""What a run leaves for TensorBoard, read back with TensorBoard's own reader."""

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from chatbot.training.evaluation import Validation
from chatbot.training.events import Ended, Evaluated, Running, Sample, Started
from chatbot.training.tensorboard import FOLDER, TensorBoard

STARTED = Started(parameters=9, vocabulary=9, pairs=9, held_out=1, left_out=0, step=0, device="cpu")

installed = pytest.mark.skipif(
    find_spec("tensorboard") is None, reason="no tensorboard: pip install tensorboard"
)


def started(step: int) -> Started:
    return Started(**{**vars(STARTED), "step": step})


def running(step: int, loss: float) -> Running:
    return Running(
        step=step,
        epoch=1.0,
        seconds=1.0,
        loss=loss,
        tokens_per_second=2_000.0,
        learning_rate=0.25,
        gradient_norm=0.5,
        padding=1.5,
        loading=0.125,
        seconds_left=0.0,
    )


def evaluated(step: int, loss: float, *samples: Sample) -> Evaluated:
    return Evaluated(step, 1.0, 1.0, Validation(loss, 9), True, samples)


@pytest.fixture
def read() -> Callable[[Path], Any]:
    """Read what is in a run folder, all files of it."""

    def read(run: Path) -> Any:
        from tensorboard.backend.event_processing.event_accumulator import (  # noqa: PLC0415
            EventAccumulator,
        )

        found = EventAccumulator(str(run / FOLDER))
        found.Reload()
        return found

    return read


def curve(found: Any, name: str) -> list[tuple[int, float]]:
    return [(scalar.step, scalar.value) for scalar in found.Scalars(name)]


@installed
def test_what_a_run_tells_is_there_at_its_step(tmp_path: Path, read: Callable) -> None:
    """The perplexity of a loss of 0 is 1; all other values are exact in 32 bits."""
    board = TensorBoard(tmp_path)
    for event in (started(0), running(5, 2.0), evaluated(10, 0.0), running(15, 1.5)):
        board(event)
    board(Ended(15, 1.0, "epochs"))
    found = read(tmp_path)
    assert curve(found, "loss/training") == [(5, 2.0), (15, 1.5)]
    assert curve(found, "loss/held_out") == [(10, 0.0)]
    assert curve(found, "perplexity/held_out") == [(10, 1.0)]
    for name, value in {
        "learning_rate": 0.25,
        "tokens_per_second": 2_000.0,
        "gradient_norm": 0.5,
        "padding": 1.5,
        "loading": 0.125,
    }.items():
        assert curve(found, name) == [(5, value), (15, value)]


@installed
def test_samples_are_text_and_nothing_else(tmp_path: Path, read: Callable) -> None:
    """Markdown takes indented lines as they are (CommonMark 4.4); a blank would end them."""
    board = TensorBoard(tmp_path)
    hostile = Sample("<script>\n\n# a", "**b**", "[c](javascript:d)\r\n- e")
    for event in (started(0), evaluated(3, 1.0, hostile, Sample("你", "好", "吗"))):
        board(event)
    board(Ended(3, 1.0, "epochs"))
    (event,) = read(tmp_path).Tensors("samples/text_summary")
    assert event.step == 3
    assert event.tensor_proto.string_val[0].decode().splitlines() == [
        "    <script> # a → [c](javascript:d) - e [**b**]",
        "    你 → 吗 [好]",
    ]


@installed
def test_a_run_that_goes_on_drops_what_it_makes_anew(tmp_path: Path, read: Callable) -> None:
    """Killed at step 15 and resumed from the checkpoint of step 10, in the same folder."""
    killed = TensorBoard(tmp_path)
    for event in (started(0), running(5, 5.0), evaluated(10, 4.0), running(15, 3.0)):
        killed(event)
    killed._writer.flush()
    resumed = TensorBoard(tmp_path)
    for event in (started(10), running(15, 2.0), Ended(15, 1.0, "minutes")):
        resumed(event)
    found = read(tmp_path)
    assert curve(found, "loss/training") == [(5, 5.0), (15, 2.0)]
    assert curve(found, "loss/held_out") == [(10, 4.0)]
    killed(Ended(15, 1.0, "epochs"))


@installed
def test_its_file_is_closed_at_the_end(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board(started(0))
    (file,) = (tmp_path / FOLDER).iterdir()
    board(running(1, 1.0))
    board(Ended(1, 1.0, "epochs"))
    size = file.stat().st_size
    board(running(2, 1.0))  # after its end
    assert file.stat().st_size == size
    assert board._writer is None


def test_without_the_package_there_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.training.tensorboard.find_spec", lambda name: None)
    board = TensorBoard(tmp_path)
    for event in (started(0), running(1, 1.0), evaluated(2, 1.0), Ended(2, 1.0, "epochs")):
        board(event)
    assert list(tmp_path.iterdir()) == []


def test_it_is_loaded_when_it_is_wanted() -> None:
    code = "import sys, chatbot.training.tensorboard; print('tensorboard' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
