"""What a caller may ask of the search."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.decoding import MAX_BEAM, MAX_REPLY, Beam, Greedy, from_dict, to_dict
from chatbot.errors import UsageError

LENGTHS = st.integers(1, MAX_REPLY).flatmap(
    lambda longest: st.fixed_dictionaries(
        {"max_length": st.just(longest), "min_length": st.integers(0, longest)}
    )
)
GREEDY = LENGTHS.map(lambda lengths: Greedy(**lengths))
BEAM = st.builds(
    lambda width, penalty, lengths: Beam(width=width, length_penalty=penalty, **lengths),
    st.integers(1, MAX_BEAM),
    st.floats(0, 5),
    LENGTHS,
)


@given(GREEDY | BEAM)
def test_a_decoding_survives_the_bundle(decoding):
    assert from_dict(to_dict(decoding)) == decoding


@pytest.mark.parametrize(
    ("kind", "settings", "named"),
    [
        (Greedy, {"max_length": 0}, "max_length=0"),
        (Greedy, {"max_length": MAX_REPLY + 1}, "max_length=513"),
        (Greedy, {"max_length": 2.5}, "max_length=2.5: expected a whole number"),
        (Greedy, {"min_length": -1}, "min_length=-1"),
        (Greedy, {"min_length": 6, "max_length": 5}, "min_length=6"),
        (Beam, {"width": 0}, "width=0"),
        (Beam, {"width": MAX_BEAM + 1}, "width=65"),
        (Beam, {"width": math.nan}, "width=nan"),
        (Beam, {"length_penalty": -0.1}, "length_penalty=-0.1: expected a number"),
        (Beam, {"length_penalty": math.nan}, "length_penalty=nan"),
        (Beam, {"length_penalty": math.inf}, "length_penalty=inf"),
        (Beam, {"max_length": 0}, "max_length=0"),
    ],
)
def test_out_of_range(kind, settings, named):
    with pytest.raises(UsageError, match=named):
        kind(**settings)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "oracle"}, "'oracle': known are greedy, beam"),
        ({}, "None: known are greedy, beam"),
        ({"kind": "beam", "widht": 4}, "widht"),
        ({"kind": "beam", "width": "4"}, "not supported"),
    ],
)
def test_a_decoding_that_nobody_wrote_is_refused(values, message):
    with pytest.raises(UsageError, match=message):
        from_dict(values)


def test_greedy_search_is_a_beam_of_one():
    assert (Greedy().width, Greedy().length_penalty) == (1, 0)
