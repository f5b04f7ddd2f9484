"""The scores of replies: equal to sacrebleu, to the book's own formula, to counting by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF

from chatbot.training import metrics
from chatbot.training.evaluating.bootstrap import (
    Column,
    differences,
    figures,
    interval,
    p_value,
    resampled,
)
from chatbot.training.evaluating.measures import MEASURES, PROTOCOLS, columns

SENTENCE = st.text(alphabet="我你好的吃饭a", max_size=9)
SPOKEN = SENTENCE.filter(bool)
CORPUS = st.integers(1, 3).flatmap(
    lambda many: st.lists(
        st.tuples(SENTENCE, st.lists(SPOKEN, min_size=many, max_size=many)), min_size=1, max_size=8
    )
)

SAID = ["我很好", "今天天气不错", "不知道", "不知道"]
TRUE = [
    ["我很好。", "还行"],
    ["今天天气很不错", "下雨了"],
    ["我也不知道啊", "你猜"],
    ["哈哈", "嗯"],
]


def of_sacrebleu(metric: BLEU | CHRF, corpus: list[tuple[str, list[str]]]) -> float:
    """Return a score of sacrebleu, which wants the first reference of all sentences, then …"""
    replies = [reply for reply, _ in corpus]
    streams = list(zip(*(references for _, references in corpus), strict=True))
    return metric.corpus_score(replies, streams).score


def rows(name: str, corpus: list[tuple[str, list[str]]]) -> np.ndarray:
    return np.array([MEASURES[name].row(*case) for case in corpus])


class TestBleu:
    @settings(deadline=None)
    @given(CORPUS, st.integers(1, 4))
    def test_by_character_it_is_sacrebleu_with_tokenize_char(self, corpus, order) -> None:
        """Not smoothed, no effective order: Papineni et al. 2002 as it stands."""
        reference = BLEU(tokenize="char", smooth_method="none", max_ngram_order=order)
        found = metrics.bleu(rows("BLEU-4", corpus).sum(axis=0), order)
        assert found == pytest.approx(of_sacrebleu(reference, corpus), abs=1e-9)

    @settings(deadline=None)
    @given(
        st.lists(st.lists(st.sampled_from(["我", "喜欢", "吃", "火锅"]), min_size=1), min_size=2)
    )
    def test_by_word_it_is_sacrebleu_on_words_between_spaces(self, sentences) -> None:
        said, true = sentences, [sentences[-1], *sentences[:-1]]
        reference = BLEU(tokenize="none", force=True, smooth_method="none")
        expected = reference.corpus_score(
            [" ".join(s) for s in said], [[" ".join(t) for t in true]]
        )
        found = columns(said, [[each] for each in true], ["BLEU-4"])["BLEU-4"]
        assert found.score(found.rows.sum(axis=0)) == pytest.approx(expected.score, abs=1e-9)

    def test_an_example_by_hand(self) -> None:
        """ "the the the" against "the cat sat": one of three matches, and no pair of words does."""
        sums = metrics.bleu_statistics(["the"] * 3, [["the", "cat", "sat"]])
        assert sums == (3, 3, 1, 0, 0, 0, 3, 2, 1, 0)
        assert metrics.bleu(sums, 1) == pytest.approx(100 / 3)
        assert metrics.bleu(sums, 2) == 0

    def test_the_reference_that_is_nearest_in_length_counts(self) -> None:
        """Of equally near ones the shorter, as mteval and sacrebleu have it."""
        assert metrics.bleu_statistics("aaa", ["a" * 2, "a" * 4, "a" * 9])[:2] == (3, 2)
        assert metrics.bleu_statistics("aaa", ["a" * 9, "a" * 4])[:2] == (3, 4)

    @pytest.mark.parametrize("reply", ["", "x"])
    def test_a_reply_without_a_match_has_none(self, reply) -> None:
        assert metrics.bleu(metrics.bleu_statistics(reply, ["我很好"]), 1) == 0

    def test_many_sums_at_once_are_the_same_as_one_after_another(self) -> None:
        many = rows("BLEU-4", list(zip(SAID, TRUE, strict=True)))
        together = metrics.bleu(many, 2)
        assert together.tolist() == [float(metrics.bleu(row, 2)) for row in many]


class TestChrf:
    @settings(deadline=None)
    @given(CORPUS)
    def test_it_is_sacrebleus(self, corpus) -> None:
        found = metrics.chrf(rows("chrF2", corpus).sum(axis=0))
        assert found == pytest.approx(of_sacrebleu(CHRF(), corpus), abs=1e-9)

    def test_the_same_text_has_100(self) -> None:
        assert metrics.chrf(metrics.chrf_statistics("你好呀", ["再见", "你好呀"])) == pytest.approx(
            100
        )


class TestD2l:
    """Dive into Deep Learning, 9.7.6: exp(min(0, 1 - |label| / |pred|)) · Π p_n^(1/2^n)."""

    def test_the_examples_of_the_book(self) -> None:
        """To A B C D E F, A B B C D has p1 = 4/5 and p2 = 3/4, and A B is e^(1 - 6/2) too short."""
        label = list("ABCDEF")
        expected = math.exp(1 - 6 / 5) * (4 / 5) ** (1 / 2) * (3 / 4) ** (1 / 4)
        assert metrics.d2l_bleu(list("ABBCD"), label, 2) == pytest.approx(expected)
        assert metrics.d2l_bleu(list("AB"), label, 2) == pytest.approx(math.exp(1 - 6 / 2))

    @given(SPOKEN, SPOKEN, st.integers(1, 4))
    def test_the_formula(self, reply, label, k) -> None:
        expected = math.exp(min(0, 1 - len(label) / len(reply)))
        for n in range(1, k + 1):
            grams = [reply[i : i + n] for i in range(len(reply) - n + 1)]
            left = [label[i : i + n] for i in range(len(label) - n + 1)]
            right = 0
            for gram in grams:
                if gram in left:
                    left.remove(gram)
                    right += 1
            expected *= (right / len(grams)) ** (1 / 2**n) if grams else 1
        assert metrics.d2l_bleu(reply, label, k) == pytest.approx(expected)

    def test_an_empty_reply_has_0_and_the_best_reference_counts(self) -> None:
        assert metrics.d2l_bleu("", "好") == 0
        assert metrics.d2l_statistics("好的", ["不", "好的"]) == (1.0, 1)
        assert metrics.mean([3.0, 4]) == 0.75


class TestDistinct:
    def test_an_example_by_hand(self) -> None:
        """我很好 and 我很饿: 4 of 6 characters are different ones, 3 of 4 pairs of them."""
        assert metrics.distinct(["我很好", "我很饿"], 1) == pytest.approx(4 / 6)
        assert metrics.distinct(["我很好", "我很饿"], 2) == pytest.approx(3 / 4)

    def test_nothing_said_is_not_varied(self) -> None:
        assert metrics.distinct(["", "好"], 2) == 0

    @given(st.lists(SENTENCE, min_size=1), st.integers(1, 3))
    def test_saying_everything_twice_halves_it(self, replies, n) -> None:
        once = metrics.distinct(replies, n)
        assert metrics.distinct(replies * 2, n) == pytest.approx(once / 2)


def test_perplexity_is_e_to_the_loss_a_token() -> None:
    assert metrics.perplexity([10 * math.log(7), 10]) == pytest.approx(7)
    assert np.isfinite(metrics.perplexity([1e9, 1]))


def column(name: str, said: list[str], true: list[list[str]]) -> Column:
    return columns(said, true, [name])[name]


class TestBootstrap:
    def test_a_resample_is_a_sum_of_as_many_rows(self) -> None:
        drawn = resampled(np.array([[1.0, 0], [1, 5]]), resamples=40)
        assert drawn.shape == (40, 2)
        assert set(drawn[:, 0]) == {2}
        assert set(drawn[:, 1]) == {0, 5, 10}

    def test_the_same_seed_gives_the_same_and_another_does_not(self) -> None:
        numbers = np.arange(12.0).reshape(6, 2)
        assert (resampled(numbers) == resampled(numbers)).all()
        assert (resampled(numbers) != resampled(numbers, seed=1)).any()

    def test_the_interval_of_a_mean_is_the_one_of_theory(self) -> None:
        """Mean ± 1.96 σ / √N for 400 normal values: percentile and normal theory agree."""
        values = np.random.default_rng(3).normal(5, 2, size=400)
        drawn = resampled(np.stack([values, np.ones(400)], axis=1))
        low, high = interval(metrics.mean(drawn))
        half = 1.96 * values.std() / math.sqrt(400)
        assert low == pytest.approx(values.mean() - half, abs=0.05)
        assert high == pytest.approx(values.mean() + half, abs=0.05)

    def test_it_agrees_with_sacrebleus(self) -> None:
        """1,000 resamples each, by another generator: mean and half width of the same 95 %."""
        said = [text * 3 for text in SAID] * 25
        true = [[text * 3 for text in texts] for texts in TRUE] * 25
        metric = BLEU(tokenize="char", smooth_method="none", max_ngram_order=2)
        streams = list(zip(*true, strict=True))
        theirs = metric.corpus_score(said, streams, n_bootstrap=1000)
        ours = figures({"BLEU-2": column("BLEU-2", said, true)})["BLEU-2"]
        assert ours.value == pytest.approx(theirs.score)
        assert (ours.low, ours.high) == pytest.approx(
            (theirs._mean - theirs._ci, theirs._mean + theirs._ci), abs=0.8
        )

    def test_a_model_is_no_better_than_itself(self) -> None:
        ours = {"BLEU-1": column("BLEU-1", SAID, TRUE)}
        found = differences(ours, ours)["BLEU-1"]
        assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)

    def test_a_model_that_is_better_everywhere_is_better_than_chance(self) -> None:
        true = TRUE * 10
        good = {"BLEU-1": column("BLEU-1", [texts[0] for texts in true], true)}
        bad = {"BLEU-1": column("BLEU-1", SAID * 10, true)}
        found = differences(good, bad)["BLEU-1"]
        assert found.low > 0
        assert found.p < 0.01
        other = differences(bad, good)["BLEU-1"]
        assert (other.value, other.low) == pytest.approx((-found.value, -found.high))

    def test_pairing_sees_what_two_intervals_do_not(self) -> None:
        """A tiny gain in every case is certain though both scores vary far more than it."""
        scores = np.random.default_rng(0).uniform(0, 1, size=60)
        ones = np.ones(60)
        a, b = (
            {"m": Column(np.stack([values, ones], axis=1), metrics.mean)}
            for values in (scores + 0.01, scores)
        )
        assert figures(a)["m"].low < figures(b)["m"].value
        assert differences(a, b)["m"].low == pytest.approx(0.01)

    def test_p_is_the_share_of_resamples_as_far_from_their_mean(self) -> None:
        """The mean is 1; two of five are 2 away or more: (2 + 1) / (5 + 1)."""
        assert p_value(np.array([-1.0, 0, 1, 2, 3]), 2.0) == pytest.approx(3 / 6)


def test_protocols_name_measures_that_exist() -> None:
    for protocol in PROTOCOLS.values():
        assert {name for _, name in protocol.measures} <= MEASURES.keys()
