"""The reference search, over steps of a few lines: it knows neither text nor network."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from chatbot.decoding import Beam, Greedy
from chatbot.training.search import search
from chatbot.vocabulary import BOS, EOS, PAD, UNK

A, B, C = 4, 5, 6
V = 7
NONE = -20.0


class Table:
    """A step whose logits depend on the previous tokens; its state is the path so far."""

    def __init__(self, logits: dict[tuple[int, ...], dict[int, float]]) -> None:
        self.logits = logits

    def __call__(self, tokens: Tensor, state: list[list[tuple[int, ...]]]):
        state = [
            [(*path, int(token)) for path, token in zip(paths, row, strict=True)]
            for paths, row in zip(state, tokens, strict=True)
        ]
        return torch.tensor([[self.row(path[1:]) for path in paths] for paths in state]), state

    def row(self, path: tuple[int, ...]) -> list[float]:
        known = self.logits.get(path, {})
        return [known.get(token, NONE) for token in range(V)]

    def reorder(self, state: list[list[tuple[int, ...]]], parents: Tensor):
        return [
            [paths[int(parent)] for parent in row]
            for paths, row in zip(state, parents, strict=True)
        ]


def run(step: Table, decoding, sources: int = 1):
    return search(step, [[()] * decoding.width for _ in range(sources)], sources, decoding)


GARDEN_PATH = Table(
    {
        (): {A: math.log(0.6), B: math.log(0.4)},
        (A,): {A: math.log(0.4), B: math.log(0.3), EOS: math.log(0.3)},
        (A, A): {EOS: 0.0},
        (A, B): {EOS: 0.0},
        (B,): {C: math.log(0.9), EOS: math.log(0.1)},
        (B, C): {EOS: 0.0},
    }
)
"""Greedy takes A (0.6) and ends with A A: 0.24; the likeliest reply is B C: 0.36."""


def test_greedy_takes_the_likeliest_token_and_beam_finds_the_likeliest_reply() -> None:
    ((greedy,),) = run(GARDEN_PATH, Greedy(max_length=5))
    assert greedy.ids == (A, A)
    assert greedy.score == pytest.approx(math.log(0.24), abs=1e-4)
    ((best, second),) = run(GARDEN_PATH, Beam(width=2, length_penalty=0.0, max_length=5))
    assert best.ids == (B, C)
    assert best.score == pytest.approx(math.log(0.36), abs=1e-4)
    assert second.score < best.score


def test_a_hypothesis_that_has_ended_keeps_its_score_and_is_not_continued() -> None:
    """Defect: a beam that goes on after EOS, or loses a finished reply to a worse longer one."""
    step = Table(
        {
            (): {A: math.log(0.5), EOS: math.log(0.5)},
            (A,): {A: math.log(0.9), EOS: math.log(0.1)},
            (A, A): {EOS: 0.0},
        }
    )
    ((first, second),) = run(step, Beam(width=2, length_penalty=0.0, min_length=0, max_length=6))
    assert first.ids == ()
    assert first.score == pytest.approx(math.log(0.5), abs=1e-4)
    assert second.ids == (A, A)
    assert second.score == pytest.approx(math.log(0.45), abs=1e-4)


def test_ranking_uses_the_cumulative_score() -> None:
    """Defect: ranking by the last step alone would prefer the sure continuation of a bad start."""
    step = Table(
        {
            (): {A: math.log(0.9), B: math.log(0.1)},
            (A,): {A: math.log(0.5), B: math.log(0.5)},
            (B,): {C: 0.0},
            (A, A): {EOS: 0.0},
            (A, B): {EOS: 0.0},
            (B, C): {EOS: 0.0},
        }
    )
    ((first, second),) = run(step, Beam(width=2, length_penalty=0.0, max_length=4))
    assert {first.ids, second.ids} == {(A, A), (A, B)}


def test_length_penalty_by_hand() -> None:
    """Wu et al. 2016, eq. 14: log-probability over ((5 + n) / 6) ** alpha, n with the end mark."""
    ((best, _),) = run(GARDEN_PATH, Beam(width=2, length_penalty=1.0, max_length=5))
    assert best.score == pytest.approx(math.log(0.36) / (8 / 6), abs=1e-4)


def test_min_length_forbids_an_early_end_and_max_length_cuts() -> None:
    step = Table({(): {EOS: 5.0, A: 0.0}, (A,): {EOS: 5.0, A: 0.0}, (A, A): {EOS: 5.0, A: 0.0}})
    assert run(step, Greedy(min_length=2, max_length=9))[0][0].ids == (A, A)
    assert run(step, Greedy(min_length=1, max_length=1))[0][0].ids == (A,)
    assert run(step, Greedy(min_length=0, max_length=9))[0][0].ids == ()


def test_padding_beginning_and_unknown_are_never_said() -> None:
    step = Table({(): {PAD: 9.0, BOS: 9.0, UNK: 9.0, A: 0.0}, (A,): {UNK: 9.0, EOS: 0.0}})
    assert run(step, Greedy(max_length=4))[0][0].ids == (A,)


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_beam_as_wide_as_the_space_finds_the_best_of_all_replies(
    seed: int, penalty: float
) -> None:
    """Against exhaustive search: every reply of up to 3 tokens over {A, B, C}."""
    generator = torch.Generator().manual_seed(seed)
    paths = [p for n in range(3) for p in itertools.product((A, B, C), repeat=n)]
    table = {
        path: dict(zip((EOS, A, B, C), torch.randn(4, generator=generator).tolist(), strict=True))
        for path in paths
    }
    step = Table(table)
    decoding = Beam(width=64, length_penalty=penalty, min_length=0, max_length=3)
    best = run(step, decoding)[0][0]

    def logp(path: tuple[int, ...], token: int) -> float:
        row = torch.tensor(step.row(path))
        row[[PAD, BOS, UNK]] = -torch.inf
        return row.log_softmax(-1)[token].item()

    scored = {}
    for n in range(4):
        for reply in itertools.product((A, B, C), repeat=n):
            steps = [*reply, EOS][:3]
            total = sum(logp(reply[:i], token) for i, token in enumerate(steps))
            scored[reply] = total / ((5 + len(steps)) / 6) ** penalty
    expected = max(scored, key=scored.get)
    assert best.ids == expected
    assert best.score == pytest.approx(scored[expected], abs=1e-4)


def test_a_batch_of_sources_is_searched_as_each_alone() -> None:
    decoding = Beam(width=3, max_length=5)
    assert run(GARDEN_PATH, decoding, sources=3) == run(GARDEN_PATH, decoding) * 3
