"""A damaged bundle gives a reply or a clean error, and never takes the program down."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("needs limits that are a thing of Unix", allow_module_level=True)

from .mutations import CLEAN, attempts, use

NUMBERS = range(150)
"""Those that are tried. A few of all, one in thousands, end in an abort of onnxruntime itself, on a
graph whose checksum was repaired: a graph is a program, and the checksum no guard against who wrote
it."""


def test_every_mutation_ends_in_a_reply_or_a_clean_error():
    outcomes = list(attempts(NUMBERS.start, NUMBERS.stop))
    assert [one.number for one in outcomes] == [*NUMBERS]
    aborted = [one for one in outcomes if one.end not in CLEAN]
    assert len(aborted) <= 1
    assert [one for one in aborted if not one.damage.endswith(".onnx, repaired")] == []
    # They reach the runtime and what lies behind it; else the lines above would show little.
    assert {one.end for one in outcomes} >= set(CLEAN)
    said = "\n".join(one.message for one in outcomes)
    for message in (
        "its checksum differs",
        "bytes; the manifest says",
        "damaged bundle",
        "not JSON",
        "no conformance vector",
        "onnxruntime refuses the graph: ",
        "the graph takes",
    ):
        assert message in said


def test_what_is_sound_gives_replies(folder):
    assert use(folder) == ("reply", "")
