"""How the learning rate and the teacher forcing go."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.training import schedule
from chatbot.training.config import TrainConfig

shares = st.floats(0.0, 1.0)


def rate(step: int, done: float = 0.0, reduced: float = 1.0, **settings: object) -> float:
    config = TrainConfig.from_dict({"learning_rate": 2.0, **settings})
    return schedule.learning_rate(config, step, done, reduced=reduced)


def test_a_warm_up_rises_in_a_straight_line() -> None:
    assert [rate(step, warmup=4) for step in (1, 2, 4, 5, 99)] == [0.5, 1.0, 2.0, 2.0, 2.0]


def test_the_inverse_square_root_meets_the_warm_up() -> None:
    """Behind 100 steps of warm-up, four times the steps have half the rate."""
    found = [rate(step, schedule="inverse_sqrt", warmup=100) for step in (50, 100, 400, 900)]
    assert found == pytest.approx([1.0, 2.0, 1.0, 2 / 3])
    assert rate(4, schedule="inverse_sqrt") == pytest.approx(1.0)  # without one, from step 1


def test_the_cosine_goes_to_zero() -> None:
    """cos 0 = 1, cos π/3 = 1/2, cos π/2 = 0, cos π = -1."""
    found = [rate(9, done, schedule="cosine") for done in (0.0, 1 / 3, 0.5, 1.0, 1.5)]
    assert found == pytest.approx([2.0, 1.5, 1.0, 0.0, 0.0])


def test_a_plateau_reduces_only_where_it_is_asked_for() -> None:
    assert rate(9, reduced=0.25, schedule="plateau") == 0.5
    assert rate(9, reduced=0.25) == 2.0


def forcing(done: float, kind: str) -> float:
    settings = {"teacher_forcing": 1.0, "teacher_forcing_end": 0.2}
    config = TrainConfig.from_dict({**settings, "teacher_forcing_schedule": kind})
    return schedule.teacher_forcing(config, done)


def test_teacher_forcing_falls_along_its_schedule() -> None:
    assert [forcing(done, "linear") for done in (0.0, 0.5, 1.0, 2.0)] == pytest.approx(
        [1.0, 0.6, 0.2, 0.2]
    )
    assert forcing(0.5, "sigmoid") == pytest.approx(0.6)
    expected = (math.exp(-2.5) - math.exp(-5)) / (1 - math.exp(-5))
    assert forcing(0.5, "exponential") == pytest.approx(0.2 + 0.8 * expected)
    assert {forcing(done, "constant") for done in (0.0, 0.5, 1.0)} == {1.0}


@given(shares, shares, st.sampled_from(["linear", "exponential", "sigmoid"]))
def test_teacher_forcing_only_falls(one: float, other: float, kind: str) -> None:
    early, late = sorted((one, other))
    assert 0.2 <= forcing(late, kind) <= forcing(early, kind) + 1e-12 <= 1.0 + 1e-12
