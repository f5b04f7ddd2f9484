"""The graphs bring any setting into its range: as other languages run them, without our engine."""

import math
from collections.abc import Mapping

import numpy as np
import onnxruntime as ort
import pytest

from chatbot import decoding
from chatbot.bundle import IDS, IDS_GRAPH, LENGTHS, REPLY, SCORES, TEXT_GRAPH
from chatbot.decoding import (
    BEAM_SIZE,
    LENGTH_PENALTY,
    MAX_BEAM,
    MAX_LENGTH,
    MAX_REPLY,
    MIN_LENGTH,
    NO_REPEAT_NGRAM,
    REPETITION_PENALTY,
    SEED,
    TEMPERATURE,
    TOP_K,
    TOP_P,
)
from chatbot.vocabulary import EOS, PAD

from .conftest import TINY

NAN, INFINITE = math.nan, math.inf
LEAST, MOST = -(2**63), 2**63 - 1
SEEDS = math.lcm(2147483563 - 1, 2147483399 - 1)
"""How many seeds there are, by the moduli of L'Ecuyer 1988; the rest are these again."""

PLAIN: Mapping[str, int | float] = {
    MAX_LENGTH: 12,
    MIN_LENGTH: 1,
    BEAM_SIZE: 3,
    LENGTH_PENALTY: 0.6,
    TEMPERATURE: 0.0,
    TOP_K: 0,
    TOP_P: 1.0,
    SEED: 7,
    NO_REPEAT_NGRAM: 0,
    REPETITION_PENALTY: 1.0,
}
BEAM = {}
GREEDY = {BEAM_SIZE: 1, MIN_LENGTH: 9}
SAMPLE = {TEMPERATURE: 3.0, MIN_LENGTH: 6}
LONG = GREEDY | {MIN_LENGTH: MAX_REPLY}

OUT_OF_RANGE = [
    *((BEAM, MAX_LENGTH, value, 1) for value in (0, -1, LEAST)),
    *((LONG, MAX_LENGTH, value, MAX_REPLY) for value in (513, 10**9, MOST)),
    *((BEAM, MIN_LENGTH, value, 0) for value in (-1, LEAST)),
    *((BEAM, MIN_LENGTH, value, 12) for value in (13, 10**9, MOST)),
    *((search, BEAM_SIZE, value, 1) for search in (BEAM, SAMPLE) for value in (0, -1, LEAST)),
    *((search, BEAM_SIZE, x, MAX_BEAM) for search in (BEAM, SAMPLE) for x in (65, 10**9, MOST)),
    *((BEAM, LENGTH_PENALTY, value, 0.0) for value in (NAN, -1.0, -INFINITE)),
    *((BEAM, LENGTH_PENALTY, value, 5.0) for value in (5.5, 1e30, INFINITE)),
    *((BEAM, TEMPERATURE, value, 0.0) for value in (NAN, -1.0, -INFINITE, 1e-30, 0.009)),
    *((SAMPLE, TEMPERATURE, value, 100.0) for value in (101.0, 1e30, INFINITE)),
    *((SAMPLE, TOP_K, value, 0) for value in (-1, LEAST, 10**9, MOST)),
    *((SAMPLE, TOP_P, value, 1.0) for value in (NAN, -1.0, -INFINITE, 2.0, 1e30, INFINITE)),
    *((SAMPLE, SEED, value, value % SEEDS) for value in (-1, LEAST, SEEDS, MOST)),
    *((GREEDY, NO_REPEAT_NGRAM, value, 0) for value in (-1, LEAST)),
    *((GREEDY, NO_REPEAT_NGRAM, value, MAX_REPLY) for value in (513, 10**9, MOST)),
    *((GREEDY, REPETITION_PENALTY, x, 1.0) for x in (NAN, 0.0, -1.0, -INFINITE, 0.09)),
    *((GREEDY, REPETITION_PENALTY, value, 10.0) for value in (11.0, 1e30, INFINITE)),
]

IN_RANGE = [
    *((LONG, MAX_LENGTH, value) for value in (1, 2, MAX_REPLY)),
    *((BEAM, MIN_LENGTH, value) for value in (7, 12)),
    *((BEAM, BEAM_SIZE, value) for value in (1, 2, MAX_BEAM)),
    *((BEAM | {MIN_LENGTH: 3}, LENGTH_PENALTY, value) for value in (0.0, 5.0)),
    *((BEAM, TEMPERATURE, value) for value in (3.0, 100.0)),
    *((SAMPLE, TOP_K, value) for value in (1, 3)),
    *((SAMPLE, TOP_P, value) for value in (0.0, 0.5)),
    *((SAMPLE, SEED, value) for value in (0, 8, SEEDS - 1)),
    *((GREEDY, NO_REPEAT_NGRAM, value) for value in (1, 2)),
    *((GREEDY, REPETITION_PENALTY, value) for value in (0.1, 10.0)),
]


@pytest.fixture(scope="module", params=[TEXT_GRAPH, IDS_GRAPH])
def run(request, bot):
    """Return what runs a graph on a text under settings that need not be in their range."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession((TINY / request.param).read_bytes(), options)
    names = [value.name for value in session.get_outputs()]
    real = {value.name for value in session.get_inputs() if value.type == "tensor(float)"}
    source = bot.bundle.source("我很难过")
    if request.param == TEXT_GRAPH:
        read = {"text": np.array(["我很难过"], dtype=object)}
    else:
        read = {"src": np.array([source]), "src_len": np.array([len(source)])}

    def run(changes: Mapping[str, int | float]) -> dict[str, np.ndarray]:
        told = {
            name: np.array(value, dtype=np.float32 if name in real else np.int64)
            for name, value in (PLAIN | changes).items()
        }
        return dict(zip(names, session.run(None, read | told), strict=True))

    return run


def same(one, other) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_the_settings_are_all_tried():
    assert tuple(PLAIN) == decoding.SETTINGS
    assert {name for _, name, *_ in OUT_OF_RANGE} == {*PLAIN}
    assert {name for _, name, *_ in IN_RANGE} == {*PLAIN}


@pytest.mark.parametrize(("search", "name", "value", "instead"), OUT_OF_RANGE)
def test_what_is_out_of_range_is_brought_into_it(run, search, name, value, instead):
    found = run(search | {name: value})
    assert same(found, run(search | {name: instead}))
    check_is_sensible(found)


@pytest.mark.parametrize(("search", "name", "value"), IN_RANGE)
def test_what_is_in_range_is_heard(run, search, name, value):
    found = run(search | {name: value})
    assert not same(found, run(search))
    check_is_sensible(found)


@pytest.mark.parametrize("value", [0, -1, LEAST, MOST])
def test_all_at_once(run, value):
    check_is_sensible(run(dict.fromkeys(PLAIN, value)))


@pytest.mark.parametrize("value", [NAN, INFINITE, -INFINITE, 1e-45, -0.0])
def test_all_numbers_that_are_none_at_once(run, value):
    real = (LENGTH_PENALTY, TEMPERATURE, TOP_P, REPETITION_PENALTY)
    check_is_sensible(run(dict.fromkeys(real, value)))


def check_is_sensible(found: Mapping[str, np.ndarray]) -> None:
    """Check what holds for every reply: ids of tokens, then the end mark, then padding."""
    scores = found[SCORES].reshape(-1)
    assert np.isfinite(scores).all()
    assert (np.diff(scores) <= 0).all()
    steps = found[IDS].shape[-1]
    assert 1 <= steps <= MAX_REPLY
    assert 1 <= len(scores) <= MAX_BEAM
    for ids, length in zip(
        found[IDS].reshape(-1, steps).tolist(), found[LENGTHS].reshape(-1).tolist(), strict=True
    ):
        assert 1 <= length <= steps
        assert set(ids[length:]) <= {PAD}
        assert all(number > EOS for number in ids[: length - 1])
        assert ids[length - 1] >= EOS
    assert all(isinstance(text, str) for text in found.get(REPLY, []))
