"""Which tokens a vocabulary learns, and what they cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import BundleError, UsageError
from chatbot.text import Tokenizer, units
from chatbot.vocabulary import SPECIALS, Vocabulary

COUNTS = {"今天": 4, "天": 2, "好": 3, "很好": 1}


def test_learn_by_hand():
    """Every value worked out from the docstring.

    Characters: 天 4 + 2 = 6, 今 4, 好 3 + 1 = 4, 很 1 (too few); 今 U+4ECA stands before 好 U+597D.
    Words of several characters: 今天 4; 很好 1 is too few.
    Counts as words: 天 2, 今 never, so 1, 好 3, 今天 4; total 10, ln 10 = 2.302585.
    Costs: 天 2.302585 - 0.693147 = 1.609; 今 2.303; 好 2.302585 - 1.098612 = 1.204;
    今天 2.302585 - 1.386294 = 0.916.
    """
    learnt = Vocabulary.learn(COUNTS, min_count=2)
    assert learnt.tokens == (*SPECIALS, "天", "今", "好", "今天")
    assert learnt.costs == (0, 0, 0, 0, 1609, 2303, 1204, 916)
    assert learnt.unknown_cost == 3303


def test_learn_takes_everything_when_one_is_enough():
    learnt = Vocabulary.learn(COUNTS, min_count=1)
    assert learnt.tokens[4:] == ("天", "今", "好", "很", "今天", "很好")


@pytest.mark.parametrize("size", [5, 6, 8])
def test_learn_stops_at_size_characters_first(size):
    learnt = Vocabulary.learn(COUNTS, size=size, min_count=1)
    assert learnt.tokens == (*SPECIALS, *("天", "今", "好", "很")[: size - 4])


@pytest.mark.parametrize("size", [-1, 0, 4])
def test_learn_refuses_a_size_without_room_for_words(size):
    with pytest.raises(UsageError, match=f"size={size}: expected more than the 4 special tokens"):
        Vocabulary.learn(COUNTS, size=size)


def test_learn_leaves_out_very_long_words_and_words_with_spaces():
    learnt = Vocabulary.learn({"a b": 9, "八个字的词语可以": 2, "九个字的词语不可以": 2})
    assert "八个字的词语可以" in learnt.id_of
    assert not {"a b", "九个字的词语不可以"} & set(learnt.tokens)


def test_learn_takes_the_space_between_latin_words_as_a_character():
    learnt = Vocabulary.learn({" ": 9, "hello": 2, "world": 2})
    tokenizer = Tokenizer(learnt)
    assert tokenizer.decode(tokenizer.encode("Hello  World")) == "hello world"


def test_learn_of_nothing():
    assert Vocabulary.learn({}).tokens == SPECIALS


@given(st.dictionaries(st.text("天气好很", min_size=1, max_size=3), st.integers(1, 5)), st.data())
def test_learn_does_not_depend_on_the_order_of_its_input(counts, data):
    shuffled = dict(data.draw(st.permutations(list(counts.items()))))
    assert Vocabulary.learn(counts) == Vocabulary.learn(shuffled)


@given(st.dictionaries(st.text("天气好很", min_size=1, max_size=3), st.integers(1, 5), min_size=1))
def test_an_unknown_character_costs_more_than_anything_known(counts):
    learnt = Vocabulary.learn(counts, min_count=1)
    assert learnt.unknown_cost > max(learnt.costs)
    assert len(learnt) == len(learnt.id_of) + 4


@pytest.mark.parametrize(
    ("tokens", "costs", "message"),
    [
        (("你",), (1,), "starts with"),
        ((*SPECIALS, "你"), (0,) * 4, "5 tokens but 4 costs"),
        ((*SPECIALS, "你", "你"), (0,) * 6, "twice"),
        ((*SPECIALS, ""), (0,) * 5, "empty"),
        ((*SPECIALS, 7), (0,) * 5, "no text"),
        ((*SPECIALS, "你"), (0, 0, 0, 0, "1"), "no whole number"),
        ((*SPECIALS, "你"), (0, 0, 0, 0, -1), "no whole number"),
        ((*SPECIALS, "你"), (0, 0, 0, 0, float("nan")), "no whole number"),
    ],
)
def test_a_damaged_vocabulary_is_refused(tokens, costs, message):
    with pytest.raises(BundleError, match=message):
        Vocabulary(tokens, costs)


@given(
    st.dictionaries(st.text("天气好a1b2", min_size=1, max_size=4), st.integers(1, 99)),
    st.text("天气好a1b2 ？"),
)
def test_in_characters_no_word_is_ever_found(counts, text):
    learnt = Vocabulary.learn(counts, min_count=1)
    spelt = learnt.in_characters()
    assert spelt.tokens == learnt.tokens
    words = Tokenizer(spelt).words(text)
    assert "".join(words) == "".join(Tokenizer(learnt).words(text))
    assert all(len(units(word)) == 1 for word in words)
