"""The reference search, over steps of a few lines: it knows neither text nor network."""

import itertools
import math
import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from chatbot.decoding import Beam, Decoding, Greedy, Sample
from chatbot.training.evaluation import generate, score
from chatbot.training.search import BLOCKED, JUMPS, Generator, admit, search, uniform
from chatbot.vocabulary import BOS, EOS, PAD, UNK
from tests.train.conftest import MODES, seeded, small

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


class Noise(Table):
    """A step whose logits are drawn for every path; those of one seed are always the same."""

    def __init__(self, seed: int, spread: float = 2.0) -> None:
        super().__init__({})
        self.seed = seed
        self.spread = spread

    def row(self, path: tuple[int, ...]) -> list[float]:
        source = random.Random(f"{self.seed} {path}")
        return [source.gauss(0.0, self.spread) for _ in range(V)]


def run(step: Table, decoding: Decoding, sources: int = 1):
    return search(step, [[()] * decoding.hypotheses for _ in range(sources)], sources, decoding)


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


def test_a_beam_of_one_is_greedy_search() -> None:
    for seed in range(50):
        narrow = Beam(width=1, length_penalty=0.0, max_length=6)
        assert run(Noise(seed), narrow) == run(Noise(seed), Greedy(max_length=6))


def test_of_equal_tokens_greedy_takes_the_first() -> None:
    step = Table({(): {C: 1.0, B: 1.0, A: 0.5}, (B,): {EOS: 5.0}})
    assert run(step, Greedy())[0][0].ids == (B,)


def normalised(row: list[float], banned: set[int]) -> dict[int, float]:
    """Return the log-probabilities of a row's tokens without the banned ones, in plain Python."""
    left = {token: value for token, value in enumerate(row) if token not in banned}
    total = math.log(sum(math.exp(value) for value in left.values()))
    return {token: value - total for token, value in left.items()}


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_beam_as_wide_as_the_space_finds_all_replies_without_a_word_twice(
    seed: int, penalty: float
) -> None:
    """Against exhaustive search: 1 + 3 + 6 replies with an end, and 6 of 3 words that are cut."""
    step = Noise(seed)
    scored = {}
    for n in range(4):
        for reply in itertools.permutations((A, B, C), n):
            steps = [*reply, EOS][:3]
            total = sum(
                normalised(step.row(reply[:i]), {PAD, BOS, UNK, *reply[:i]})[token]
                for i, token in enumerate(steps)
            )
            scored[reply] = total / ((5 + len(steps)) / 6) ** penalty
    expected = sorted(scored, key=scored.get, reverse=True)
    decoding = Beam(width=64, length_penalty=penalty, min_length=0, max_length=3, no_repeat_ngram=1)
    found = [h for h in run(step, decoding)[0] if h.score > BLOCKED / 10]
    assert [h.ids for h in found] == expected
    assert len(expected) == 16
    assert [h.score for h in found] == pytest.approx([scored[ids] for ids in expected], abs=1e-4)


def greedy_without_repeats(step: Table, decoding: Greedy) -> tuple[int, ...]:
    """Say what greedy search with blocked n-grams gives, by looking each n-gram up."""
    n, reply = decoding.no_repeat_ngram, []
    while len(reply) < decoding.max_length:
        had = {tuple(reply[i : i + n]) for i in range(len(reply) - n + 1)}
        row = step.row(tuple(reply))
        tokens = [A, B, C] if len(reply) < decoding.min_length else [EOS, A, B, C]
        tokens = [t for t in tokens if (*reply, t)[-n:] not in had or len(reply) + 1 < n]
        token = max(tokens, key=lambda t: row[t])
        if token == EOS:
            break
        reply.append(token)
    return tuple(reply)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 3), min_length=st.integers(0, 3))
def test_greedy_with_blocked_ngrams_is_what_plain_python_gives(
    seed: int, n: int, min_length: int
) -> None:
    """Three words: without one twice, replies of 3 are possible, so `min_length` is up to 3."""
    decoding = Greedy(no_repeat_ngram=n, min_length=min_length, max_length=12)
    (found,) = run(Noise(seed), decoding)[0]
    assert found.ids == greedy_without_repeats(Noise(seed), decoding)


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 3),
    decoding=st.sampled_from([Greedy(), Beam(width=3), Sample(samples=3, seed=1, temperature=2)]),
)
def test_no_ngram_occurs_twice(seed: int, n: int, decoding: Decoding) -> None:
    decoding = replace(decoding, no_repeat_ngram=n, max_length=12)
    (found,) = run(Noise(seed), decoding)
    likely = [h for h in found if h.score > BLOCKED / 10]  # a beam keeps what it has to
    assert likely[0] == found[0]
    for hypothesis in likely:
        grams = [hypothesis.ids[i : i + n] for i in range(len(hypothesis.ids) - n + 1)]
        assert len(set(grams)) == len(grams)


def test_where_nothing_else_is_left_a_word_is_repeated_before_a_special_token_is_said() -> None:
    step = Table({})
    (found,) = run(step, Greedy(no_repeat_ngram=1, min_length=5, max_length=5))[0]
    assert found.ids == (A, B, C, A, A)  # blocked once or twice is the same, so the first wins


SAYS_A_AGAIN = Table(
    {
        (): {A: 0.0},
        (A,): {A: math.log(9), EOS: math.log(5), B: math.log(2)},
        (A, A): {A: -math.log(2), EOS: -math.log(3)},
        (A, A, A): {EOS: 0.0},
    }
)


def test_repetition_penalty_by_hand() -> None:
    """Keskar et al. 2019: logits above 0 over theta, others times theta, for what was said.

    After A, with theta = 2, ln 9 becomes ln 3: A has 3, the end 5, B 2 of 10 parts. So greedy ends,
    with ln(5/10). Without, it says A again: 9 of 16 parts. After A A, ln(1/2) becomes ln(1/4), less
    than the ln(1/3) of the end: 1/3 of 1/3 + 1/4 is 4/7. Without, A is the likelier once more.
    """
    (ends,) = run(SAYS_A_AGAIN, Greedy(repetition_penalty=2.0, max_length=4))[0]
    assert ends.ids == (A,)
    assert ends.score == pytest.approx(math.log(5 / 10), abs=1e-4)
    (later,) = run(SAYS_A_AGAIN, Greedy(repetition_penalty=2.0, max_length=4, min_length=2))[0]
    assert later.ids == (A, A)
    assert later.score == pytest.approx(math.log(3 / 5 * 4 / 7), abs=1e-4)
    (without,) = run(SAYS_A_AGAIN, Greedy(max_length=4))[0]
    assert without.ids == (A, A, A)


def test_a_word_said_twice_is_penalised_once() -> None:
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0, 3.0, -3.0, 1.0]])
    decoding = Greedy(repetition_penalty=1.5)
    admitted = admit(logits, torch.tensor([[A, B, A, B, A]]), decoding)
    assert admitted[0, [A, B, C]].tolist() == [2.0, -4.5, 1.0]  # 3 / 1.5, -3 · 1.5, untouched


def numbers(seed: int, stream: int):
    """Give the numbers of a stream (L'Ecuyer 1988), in Python's integers of any size."""
    first, second = 1 + seed % 2147483562, 1 + seed % 2147483398
    for _ in range(2):
        first, second = 1 + first**2 % 2147483562, 1 + second**2 % 2147483398
    first = first * pow(40014, 2**20 * (stream + 1), 2147483563) % 2147483563
    second = second * pow(40692, 2**20 * (stream + 1), 2147483399) % 2147483399
    while True:
        first = 40014 * first % 2147483563
        second = 40692 * second % 2147483399
        difference = first - second
        if difference < 1:
            difference += 2147483562
        yield np.float32(difference) / np.float32(2**31)


@given(seed=st.integers(0, 2**53 - 1), streams=st.integers(1, 64))
def test_the_generator_is_that_of_the_paper(seed: int, streams: int) -> None:
    generator = Generator(seed, streams)
    expected = [numbers(seed, stream) for stream in range(streams)]
    for _ in range(3):
        assert generator.draw().tolist() == [next(stream) for stream in expected]


def test_streams_are_two_to_the_twentieth_steps_apart() -> None:
    """By taking the steps."""
    first, second = 1, 1
    for _ in range(2**20):
        first = 40014 * first % 2147483563
        second = 40692 * second % 2147483399
    assert (first, second) == JUMPS


@pytest.mark.parametrize("neighbours", ["streams", "seeds"])
def test_neighbours_draw_independently(neighbours: str) -> None:
    """Defect: seeding by steps of one size, where a neighbour's number is this one plus as much.

    Pearson's statistic of 2000 pairs in 8 · 8 cells, summed over 8 lots of pairs: chance leaves
    406 to 615 once in 1000 times (chi-square, 8 · 63 degrees of freedom). Pairs too even fail too.
    """
    seeds, streams = {"streams": (2000, 16), "seeds": (4000, 8)}[neighbours]
    draws = torch.stack([Generator(seed, streams).draw() for seed in range(seeds)])
    cells = (8 * draws).long()
    if neighbours == "seeds":
        lots = 8 * cells[::2] + cells[1::2]  # (2000, 8)
    else:
        lots = 8 * cells[:, ::2] + cells[:, 1::2]  # (2000, 8)
    counts = torch.stack([lot.bincount(minlength=64) for lot in lots.T])  # (8, 64)
    expected = 2000 / 64
    assert 406 < ((counts - expected) ** 2 / expected).sum() < 615


def test_a_number_is_below_one_and_a_share_of_a_sum_below_the_sum() -> None:
    """For all integers that round to the greatest floats, and all floats of one binade."""
    greatest = uniform(torch.arange(2147483562 - 2**16, 2147483563)).max()
    assert greatest == 1 - 2**-24
    sums = torch.arange(2**23, 2**24, dtype=torch.int32).float() / 2**24  # 0.5 to below 1
    assert (greatest * sums < sums).all()
    assert uniform(torch.tensor(1)) > 0


def test_a_seed_gives_its_replies_again_and_another_seed_others() -> None:
    decoding = Sample(seed=5, samples=4, temperature=2, max_length=12)
    again = run(Noise(0), decoding)
    assert run(Noise(0), decoding) == again
    others = [run(Noise(0), replace(decoding, seed=seed)) for seed in range(6, 16)]
    assert all(other != again for other in others)
    assert len({h.ids for h in again[0]}) > 1  # the samples differ too
    assert run(Noise(0), replace(decoding, seed=None)) != run(
        Noise(0), replace(decoding, seed=None)
    )


def test_samples_are_ordered_by_score() -> None:
    for seed in range(20):
        (found,) = run(Noise(seed), Sample(seed=seed, samples=8, max_length=6))
        scores = [hypothesis.score for hypothesis in found]
        assert scores == sorted(scores, reverse=True)


def test_a_sample_is_what_its_stream_draws_whatever_the_others_do() -> None:
    """Defect: numbers that depend on the samples beside, on ended ones, or on the batch."""
    decoding = Sample(seed=3, samples=6, temperature=2, min_length=0, max_length=8)
    for seed in range(10):
        step = Noise(seed)
        many, few = run(step, decoding)[0], run(step, replace(decoding, samples=3))[0]
        assert not Counter(few) - Counter(many)
        assert run(step, decoding, sources=3) == [many] * 3


def sampled_by_hand(step: Table, decoding: Sample, stream: int) -> tuple[int, ...]:
    """Draw one reply in plain Python."""
    reply: list[int] = []
    draws = numbers(decoding.seed, stream)
    while len(reply) < decoding.max_length:
        banned = {PAD, BOS, UNK, *([EOS] if len(reply) < decoding.min_length else [])}
        row = {t: x for t, x in enumerate(step.row(tuple(reply))) if t not in banned}
        best = sorted(row, key=row.get, reverse=True)[: decoding.top_k or None]
        weights = [math.exp(row[token] / decoding.temperature) for token in best]
        shares = [weight / sum(weights) for weight in weights]
        kept = [i for i in range(len(best)) if sum(shares[:i]) < max(decoding.top_p, 1e-6)]
        draw = next(draws) * sum(shares[i] for i in kept)
        token = next(best[i] for i in kept if draw < sum(shares[: i + 1]) or i == kept[-1])
        if token == EOS:
            break
        reply.append(token)
    return tuple(reply)


@given(
    decoding=st.builds(
        Sample,
        seed=st.integers(0, 10**6),
        temperature=st.floats(0.3, 3),
        top_k=st.integers(0, 5),
        top_p=st.floats(0.2, 1),
        samples=st.integers(1, 4),
        min_length=st.integers(0, 3),
        max_length=st.just(6),
    )
)
def test_sampling_is_what_plain_python_draws(decoding: Sample) -> None:
    step = Noise(decoding.seed)
    expected = [sampled_by_hand(step, decoding, stream) for stream in range(decoding.samples)]
    assert sorted(h.ids for h in run(step, decoding)[0]) == sorted(expected)


def test_of_equal_tokens_the_first_is_kept() -> None:
    step = Table({(): {C: 1.0, B: 1.0, A: 0.5}})
    assert run(step, Sample(top_k=1, max_length=1))[0][0].ids == (B,)


@pytest.mark.parametrize(
    ("seed", "number", "token"),
    [
        (21367895, 1 - 2**-24, B),  # the greatest: still below what is kept
        (68819392, 0.5, B),  # on the border: A has what is below a half
    ],
)
def test_a_draw_on_a_border(seed: int, number: float, token: int) -> None:
    """The seeds were found by trying one after the other."""
    assert next(numbers(seed, 0)) == number
    step = Table({(): {A: 0.0, B: 0.0, C: -1.0}})
    (found,) = run(step, Sample(seed=seed, temperature=1, top_k=2, top_p=1, max_length=1))[0]
    assert found.ids == (token,)


def misfit(step: Table, decoding: Sample, shares: dict[tuple[int, ...], float]) -> float:
    """Return Pearson's statistic of the replies of 100 seeds; what has no share must not come."""
    found = Counter(
        hypothesis.ids
        for seed in range(100)
        for hypothesis in run(step, replace(decoding, seed=seed, samples=64))[0]
    )
    assert set(found) <= set(shares)
    total = found.total()
    return sum((found[reply] - total * p) ** 2 / (total * p) for reply, p in shares.items())


ONE_WORD = Table({(): {A: math.log(0.5), B: math.log(0.3), C: math.log(0.15), EOS: math.log(0.05)}})
FREE = {"top_k": 0, "top_p": 1.0, "min_length": 0, "max_length": 1}


@pytest.mark.parametrize(
    ("told", "weights"),
    [
        ({"temperature": 1}, {A: 0.5, B: 0.3, C: 0.15, EOS: 0.05}),
        ({"temperature": 0.5}, {A: 0.25, B: 0.09, C: 0.0225, EOS: 0.0025}),  # squares
        ({"temperature": 2}, {A: 0.5**0.5, B: 0.3**0.5, C: 0.15**0.5, EOS: 0.05**0.5}),
        ({"temperature": 1, "top_k": 2}, {A: 0.5, B: 0.3}),
        ({"temperature": 1, "top_p": 0.7}, {A: 0.5, B: 0.3}),  # A alone has less than 0.7
        ({"temperature": 1, "top_k": 3, "top_p": 0.6}, {A: 0.5, B: 0.3}),  # 0.5 of 0.95
        ({"temperature": 1, "min_length": 1}, {A: 0.5, B: 0.3, C: 0.15}),
    ],
)
def test_words_come_as_often_as_they_are_likely(told: dict, weights: dict) -> None:
    """Below 16.3, which chance passes once in 1000 times (chi-square, 3 degrees of freedom)."""
    shares = {
        () if token == EOS else (token,): weight / sum(weights.values())
        for token, weight in weights.items()
    }
    assert misfit(ONE_WORD, Sample(**FREE | told), shares) < 16.3


def test_replies_come_as_often_as_they_are_likely() -> None:
    """Over two steps: 13 replies, below 32.9 (chi-square, 12 degrees of freedom, 1 in 1000)."""
    step = Noise(1)
    shares = {}
    for reply in [
        (),
        *itertools.product((A, B, C), repeat=1),
        *itertools.product((A, B, C), repeat=2),
    ]:
        steps = [*reply, EOS][:2]
        rows = [normalised(step.row(reply[:i]), {PAD, BOS, UNK}) for i in range(len(steps))]
        shares[reply] = math.exp(sum(row[t] for row, t in zip(rows, steps, strict=True)))
    assert len(shares) == 13
    assert misfit(step, Sample(**FREE | {"temperature": 1, "max_length": 2}), shares) < 32.9


@pytest.mark.parametrize("narrow", [{"top_k": 1}, {"top_p": 0.0}, {"temperature": 0.01}])
def test_sampling_of_the_likeliest_alone_is_greedy_search(narrow: dict) -> None:
    """With logits so far apart that 0.01, the least temperature, leaves a second one no chance."""
    for seed in range(50):
        step = Noise(seed, spread=200.0)
        settings = {"max_length": 8, "no_repeat_ngram": 2, "repetition_penalty": 1.3}
        (sampled,) = run(step, Sample(seed=seed, **settings, **narrow))
        assert sampled == run(step, Greedy(**settings))[0]


def test_the_score_of_a_sample_is_its_log_probability_under_the_model() -> None:
    """Temperature, top_k and top_p choose; they do not judge."""
    decoding = Sample(seed=2, temperature=3, top_k=2, top_p=0.9, samples=8, max_length=3)
    step = Noise(4)
    for hypothesis in run(step, decoding)[0]:
        steps = [*hypothesis.ids, EOS][:3]
        banned = [{PAD, BOS, UNK, EOS}, {PAD, BOS, UNK}, {PAD, BOS, UNK}]
        rows = [normalised(step.row(tuple(steps[:i])), banned[i]) for i in range(len(steps))]
        total = sum(row[token] for row, token in zip(rows, steps, strict=True))
        assert hypothesis.score == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "decoding",
    [
        Greedy(max_length=8),
        Beam(width=3, max_length=8, min_length=3),
        Sample(samples=3, seed=1, temperature=2, max_length=8),
    ],
)
def test_a_reply_is_scored_as_the_search_scored_it(mode: str, decoding: Decoding) -> None:
    model = seeded(small(mode=mode), 12)
    decoding = replace(decoding, no_repeat_ngram=1, repetition_penalty=1.7)
    sources = [[5, 6, EOS], [7, EOS], [8, 9, 10, 11, EOS]]
    for source, found in zip(sources, generate(model, sources, decoding), strict=True):
        for hypothesis in found:
            again = score(model, source, hypothesis.ids, decoding)
            assert again == pytest.approx(hypothesis.score, abs=1e-4)
