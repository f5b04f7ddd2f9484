"""Which pairs are of one class: worked examples, and what holds for any pairs."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.training.classes import classes
from chatbot.training.dataset import Pairs
from chatbot.training.model import NO_CLASS
from tests.train.conftest import ids


def classed(tmp_path: Path, pairs: list[tuple[str, str]], most: int = 100) -> list[int]:
    written = Pairs.write(tmp_path / "train", ((ids(a), ids(b)) for a, b in pairs))
    return classes(written, most).tolist()


def test_replies_to_one_source_are_of_one_class(tmp_path: Path) -> None:
    """d and e both answer a, e and f both b; g answers only c. The larger class comes first."""
    pairs = [("c", "g"), ("a", "d"), ("a", "e"), ("b", "e"), ("b", "f")]
    assert classed(tmp_path, pairs) == [1, 0, 0, 0, 0]


def test_a_source_and_a_reply_of_the_same_words_are_not_linked(tmp_path: Path) -> None:
    assert classed(tmp_path, [("a", "b"), ("b", "a")]) == [0, 1]


def test_only_the_most_frequent_have_a_prototype(tmp_path: Path) -> None:
    pairs = [("a", "x"), ("b", "y"), ("c", "y"), ("d", "z"), ("e", "z"), ("f", "z")]
    assert classed(tmp_path, pairs, most=2) == [NO_CLASS, 1, 1, 0, 0, 0]
    assert classed(tmp_path, pairs, most=0) == [NO_CLASS] * 6


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=30))
def test_a_class_is_all_that_can_be_reached(
    tmp_path_factory: pytest.TempPathFactory, edges: list[tuple[int, int]]
) -> None:
    """Against a search from pair to pair over shared sources and replies."""
    letters = [(chr(ord("a") + source), chr(ord("a") + reply)) for source, reply in edges]
    found = classed(tmp_path_factory.mktemp("pairs"), letters)
    for place, start in enumerate(edges):
        reached, waiting = {start}, [start]
        while waiting:
            source, reply = waiting.pop()
            near = {edge for edge in edges if edge[0] == source or edge[1] == reply} - reached
            reached |= near
            waiting += near
        together = {edge for edge, one in zip(edges, found, strict=True) if one == found[place]}
        assert together == reached
    counts = [found.count(one) for one in range(max(found) + 1)]
    assert counts == sorted(counts, reverse=True)
    assert 0 not in counts
