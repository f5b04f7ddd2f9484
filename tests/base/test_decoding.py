"""What a caller may ask of the search."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.decoding import (
    MAX_BEAM,
    MAX_REPLY,
    MAX_SEED,
    MAX_TOP_K,
    Beam,
    Greedy,
    Sample,
    from_dict,
    settings,
    to_dict,
)
from chatbot.errors import UsageError

SHARED = st.integers(1, MAX_REPLY).flatmap(
    lambda longest: st.fixed_dictionaries(
        {
            "max_length": st.just(longest),
            "min_length": st.integers(0, longest),
            "no_repeat_ngram": st.integers(0, MAX_REPLY),
            "repetition_penalty": st.floats(0.1, 10),
        }
    )
)
OWN = {
    Greedy: {},
    Beam: {"width": st.integers(1, MAX_BEAM), "length_penalty": st.floats(0, 5)},
    Sample: {
        "temperature": st.floats(0.01, 100),
        "top_k": st.integers(0, MAX_TOP_K),
        "top_p": st.floats(0, 1),
        "seed": st.none() | st.integers(0, MAX_SEED),
        "samples": st.integers(1, MAX_BEAM),
    },
}
DECODINGS = st.one_of(
    st.builds(
        lambda own, shared, kind=kind: kind(**own, **shared), st.fixed_dictionaries(own), SHARED
    )
    for kind, own in OWN.items()
)


@given(DECODINGS)
def test_a_decoding_survives_the_bundle(decoding):
    assert from_dict(json.loads(json.dumps(to_dict(decoding)))) == decoding


@pytest.mark.parametrize(
    ("decoding", "own"),
    [
        (Greedy(), {"kind": "greedy"}),
        (Beam(), {"kind": "beam", "width": 4, "length_penalty": 0.6}),
        (
            Sample(),
            {"kind": "sample", "temperature": 0.8, "top_k": 40, "top_p": 0.95}
            | {"seed": None, "samples": 1},
        ),
    ],
)
def test_the_shared_settings_stand_last(decoding, own):
    """The order and the defaults of the bundle's specification."""
    shared = {"max_length": 30, "min_length": 1, "no_repeat_ngram": 0, "repetition_penalty": 1.0}
    assert list(to_dict(decoding).items()) == [*own.items(), *shared.items()]


def test_settings_that_an_older_bundle_does_not_name_take_their_defaults():
    assert from_dict({"kind": "greedy", "max_length": 9}) == Greedy(max_length=9)
    assert from_dict({"kind": "sample"}) == Sample()


@pytest.mark.parametrize(
    ("kind", "given", "named"),
    [
        (Greedy, {"max_length": 0}, "max_length=0"),
        (Greedy, {"max_length": MAX_REPLY + 1}, "max_length=513"),
        (Greedy, {"max_length": 2.5}, "max_length=2.5: expected a whole number"),
        (Greedy, {"max_length": None}, "max_length=None: expected a whole number"),
        (Greedy, {"min_length": -1}, "min_length=-1"),
        (Greedy, {"min_length": 6, "max_length": 5}, "min_length=6: .* from 0 to 5"),
        (Greedy, {"no_repeat_ngram": -1}, "no_repeat_ngram=-1"),
        (Greedy, {"no_repeat_ngram": MAX_REPLY + 1}, "no_repeat_ngram=513"),
        (Greedy, {"repetition_penalty": 0.09}, "repetition_penalty=0.09: expected a number"),
        (Greedy, {"repetition_penalty": 10.1}, "repetition_penalty=10.1"),
        (Greedy, {"repetition_penalty": math.nan}, "repetition_penalty=nan"),
        (Beam, {"width": 0}, "width=0"),
        (Beam, {"width": MAX_BEAM + 1}, "width=65"),
        (Beam, {"width": math.nan}, "width=nan"),
        (Beam, {"length_penalty": -0.1}, "length_penalty=-0.1: expected a number"),
        (Beam, {"length_penalty": math.nan}, "length_penalty=nan"),
        (Beam, {"length_penalty": math.inf}, "length_penalty=inf"),
        (Beam, {"max_length": 0}, "max_length=0"),
        (Beam, {"no_repeat_ngram": 0.5}, "no_repeat_ngram=0.5: expected a whole number"),
        (Sample, {"temperature": 0}, "temperature=0: expected a number"),
        (Sample, {"temperature": 100.5}, "temperature=100.5"),
        (Sample, {"temperature": math.nan}, "temperature=nan"),
        (Sample, {"top_k": -1}, "top_k=-1"),
        (Sample, {"top_k": MAX_TOP_K + 1}, "top_k=1000001"),
        (Sample, {"top_p": -0.1}, "top_p=-0.1"),
        (Sample, {"top_p": 1.1}, "top_p=1.1"),
        (Sample, {"top_p": math.nan}, "top_p=nan"),
        (Sample, {"seed": -1}, "seed=-1"),
        (Sample, {"seed": 2**53}, "seed=9007199254740992"),
        (Sample, {"seed": 0.5}, "seed=0.5: expected a whole number"),
        (Sample, {"samples": 0}, "samples=0"),
        (Sample, {"samples": MAX_BEAM + 1}, "samples=65"),
        (Sample, {"samples": None}, "samples=None"),
        (Sample, {"min_length": 31}, "min_length=31: .* from 0 to 30"),
    ],
)
def test_out_of_range(kind, given, named):
    with pytest.raises(UsageError, match=named):
        kind(**given)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in OWN for name in list(to_dict(kind()))[1:]]
)
@pytest.mark.parametrize("value", [True, False, "1", [1]])
def test_what_is_no_number_is_refused(kind, name, value):
    """Defect: JSON's true would pass for 1."""
    with pytest.raises(UsageError, match=f"^{name}=.*: expected a (whole )?number from"):
        kind(**{name: value})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "oracle"}, "'oracle': known are greedy, beam, sample"),
        ({}, "None: known are greedy, beam, sample"),
        ({"kind": "beam", "widht": 4}, "widht"),
        ({"kind": "greedy", "temperature": 0.5}, "temperature"),
        ({"kind": "beam", "width": "4"}, "width='4': expected a whole number"),
    ],
)
def test_a_decoding_that_nobody_wrote_is_refused(values, message):
    with pytest.raises(UsageError, match=message):
        from_dict(values)


def test_how_many_hypotheses_a_source_has():
    assert [d.hypotheses for d in (Greedy(), Beam(width=7), Sample(samples=5))] == [1, 7, 5]


SEARCH = {"temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 0}
SHARED_DEFAULTS = {
    "max_len": 30,
    "min_len": 1,
    "no_repeat_ngram": 0,
    "repetition_penalty": 1.0,
}


@pytest.mark.parametrize(
    ("decoding", "told"),
    [
        (Greedy(), {"beam_size": 1, "length_penalty": 0.0, **SEARCH, **SHARED_DEFAULTS}),
        (
            Beam(width=3, length_penalty=1, no_repeat_ngram=2),
            {"beam_size": 3, "length_penalty": 1.0, **SEARCH, **SHARED_DEFAULTS}
            | {"no_repeat_ngram": 2},
        ),
        (
            Sample(temperature=1, top_k=5, top_p=0.5, seed=7, samples=2, repetition_penalty=2),
            {"beam_size": 2, "length_penalty": 0.0, **SHARED_DEFAULTS, "repetition_penalty": 2.0}
            | {"temperature": 1.0, "top_k": 5, "top_p": 0.5, "seed": 7},
        ),
    ],
)
def test_what_the_graph_is_told(decoding, told):
    """The table of the bundle's specification."""
    assert settings(decoding) == told


@given(DECODINGS)
def test_the_graph_is_told_ints_and_floats_as_its_inputs_have_them(decoding):
    """Defect: an int where the graph takes a float is an array of another type."""
    assert [(name, type(value)) for name, value in settings(decoding).items()] == [
        ("max_len", int),
        ("min_len", int),
        ("beam_size", int),
        ("length_penalty", float),
        ("temperature", float),
        ("top_k", int),
        ("top_p", float),
        ("seed", int),
        ("no_repeat_ngram", int),
        ("repetition_penalty", float),
    ]


def test_a_setting_has_its_type_however_it_was_written():
    decoding = Sample(temperature=1, top_k=3.0, seed=7.0)
    written = json.dumps(to_dict(decoding))
    assert '"temperature": 1.0, "top_k": 3, ' in written
    assert '"seed": 7, ' in written


def test_no_seed_is_another_seed_every_time():
    """Of 20 draws out of 2^31 two are equal once in ten million runs."""
    seeds = [settings(Sample())["seed"] for _ in range(20)]
    assert len(set(seeds)) == 20
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert settings(Sample(seed=0))["seed"] == 0
