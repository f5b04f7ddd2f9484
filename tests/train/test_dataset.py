"""From text to ids on disk, and to batches."""

import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import TrainingError
from chatbot.training.config import Recipe
from chatbot.training.dataset import Codec, Pairs
from chatbot.vocabulary import EOS, PAD, SEPARATOR, UNK, Vocabulary
from tests.train.conftest import ids

LETTERS = Vocabulary.learn(dict.fromkeys("abcdefg", 2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("对 1")


def written(folder: Path, rows: list[tuple[str, str]]) -> Pairs:
    return Pairs.write(folder / "train", [(ids(prompt), ids(reply)) for prompt, reply in rows])


def test_pairs_end_with_eos_and_are_cut_or_left_out_as_the_settings_say() -> None:
    codec = Codec(Recipe.from_dict({"data": {"max_source": 4, "max_reply": 4}}), LETTERS)
    assert list(codec.encoded([("abcdef", "abc"), ("ab", "abcd")])) == [(ids("abc"), ids("abc"))]
    assert codec.left_out == 1


def test_a_reply_is_cut_into_the_tokens_that_it_may_use() -> None:
    """Of 天 气 天气 only the characters are among the first 6 tokens."""
    vocabulary = Vocabulary.learn({"天气": 5, "天": 1, "气": 1})
    assert vocabulary.tokens[4:] == ("天", "气", "天气")
    codec = Codec(Recipe.from_dict({"model": {"reply_vocabulary": 6}}), vocabulary)
    assert list(codec.encoded([("天气", "天气")])) == [([6, EOS], [4, 5, EOS])]
    codec = Codec(Recipe.from_dict({"model": {"reply_vocabulary": 5}}), vocabulary)
    assert list(codec.encoded([("气", "天气")])) == [([5, EOS], [4, UNK, EOS])]


def test_a_source_may_be_cut_into_characters_and_a_reply_into_words() -> None:
    vocabulary = Vocabulary.learn({"天气": 5, "天": 1, "气": 1, "ok": 3})
    recipe = Recipe.from_dict({"data": {"source": "characters"}})
    ((source, reply),) = Codec(recipe, vocabulary).encoded([("天气ok", "天气")])
    assert source == [*(vocabulary.id_of[token] for token in ("天", "气", "ok")), EOS]
    assert reply == [vocabulary.id_of["天气"], EOS]


@pytest.mark.parametrize(("context", "between"), [(0, ""), (2, SEPARATOR)])
def test_only_with_context_a_separator_is_read(context: int, between: str) -> None:
    vocabulary = Vocabulary.learn({"甲": 5, SEPARATOR: 4})
    codec = Codec(Recipe.from_dict({"data": {"context": context}}), vocabulary)
    ((source, _),) = codec.encoded([(f"甲{SEPARATOR}甲", "甲")])
    assert source == [*(vocabulary.id_of[token] for token in f"甲{between}甲"), EOS]


def test_pairs_are_what_was_written(folder: Path) -> None:
    rows = [("ab", "c"), ("", "defg")]
    pairs = written(folder, rows)
    for found in (pairs, Pairs(folder / "train")):
        assert [found[i] for i in range(len(found))] == [(ids(a), ids(b)) for a, b in rows]
    before = pairs.fingerprint()
    assert written(folder, rows).fingerprint() == before
    assert written(folder, rows[:1]).fingerprint() != before


def test_no_pairs_are_pairs_too(folder: Path) -> None:
    assert len(Pairs.write(folder / "none", [])) == 0
    assert Pairs(folder / "none").plan(100, seed=0) == []


def test_damaged_ids_are_refused(folder: Path) -> None:
    written(folder, [("ab", "c")])
    path = folder / "train.ids"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(TrainingError, match="damaged"):
        Pairs(folder / "train")
    path.unlink()
    with pytest.raises(TrainingError, match="no ids of pairs"):
        Pairs(folder / "train")


def test_what_breaks_off_leaves_what_was_there(folder: Path) -> None:
    def broken() -> object:
        yield ids("a"), ids("b")
        raise KeyboardInterrupt

    before = written(folder, [("ab", "c")]).fingerprint()
    names = {path.name for path in folder.iterdir()}
    with pytest.raises(KeyboardInterrupt):
        Pairs.write(folder / "train", broken())
    assert Pairs(folder / "train").fingerprint() == before
    assert {path.name for path in folder.iterdir()} == names


texts = st.text("abcdefg", min_size=1, max_size=20)


@given(
    st.lists(st.tuples(texts, texts), min_size=1, max_size=60),
    st.integers(1, 200),
    st.integers(0, 7),
)
def test_batches_hold_every_pair_once_within_the_budget(
    folder: Path, rows: list[tuple[str, str]], budget: int, most: int
) -> None:
    pairs = written(folder, rows)
    for seed in (None, 3):
        seen = []
        for batch in map(pairs.batch, pairs.plan(budget, most=most, seed=seed)):
            src, src_len, reply = batch
            assert len(src) == 1 or src.numel() + reply.numel() <= budget
            assert not most or len(src) <= most
            assert batch.tokens == (reply != PAD).sum()
            for source, length, answer in zip(src, src_len, reply, strict=True):
                assert (source[length:] == PAD).all()
                seen.append((source[:length].tolist(), [t for t in answer.tolist() if t != PAD]))
        assert sorted(seen) == sorted(pairs[i] for i in range(len(pairs)))


def test_the_order_depends_on_the_seed_alone(folder: Path) -> None:
    rows = [(a + b, b) for a, b in itertools.product("abcdefg", repeat=2)]
    pairs = written(folder, rows)

    def order(seed: int) -> list[list[int]]:
        return [batch.src.tolist() for batch in pairs.batches(40, seed=seed)]

    assert order(1) == order(1) != order(2)


def as_in_chat(count: int) -> list[tuple[str, str]]:
    """Return pairs of lengths as in chat: most short and some long."""
    source = random.Random(0)
    return [
        (
            "a" * min(40, 1 + int(source.expovariate(0.15))),
            "b" * min(28, 1 + int(source.expovariate(0.12))),
        )
        for _ in range(count)
    ]


def test_batches_that_go_together_are_alike(folder: Path) -> None:
    """Two processes that take one each make about as many steps through time."""
    pairs = written(folder, as_in_chat(5001))

    def apart(together: int) -> float:
        plan = pairs.plan(500, seed=0, together=together)
        assert sorted(i for group in plan for i in group) == list(range(5001))
        longest = [int(pairs.lengths()[group].max(axis=0).sum()) for group in plan]
        steps = list(zip(longest[::2], longest[1::2], strict=False))
        return sum(abs(a - b) for a, b in steps) / len(steps)

    assert apart(2) < apart(1) / 4


def test_pairs_of_like_length_stand_together(folder: Path) -> None:
    real = computed = 0
    for src, src_len, reply in written(folder, as_in_chat(5000)).batches(2000, seed=0):
        computed += src.numel() + reply.numel()
        real += int(src_len.sum()) + int((reply != PAD).sum())
    assert computed / real < 1.3  # in random order: 3.2
