"""Text to tokens and back."""

from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbot.text import (
    NORMALISATION,
    SOURCE_CHARACTERS,
    Tokenizer,
    normalise,
    translation,
    well_formed,
)
from chatbot.vocabulary import BOS, EOS, PAD, SEPARATOR, SPECIALS, UNK, Vocabulary

ANY_TEXT = st.text(st.characters(codec=None, categories=None))  # lone surrogates included
ALPHABET = "天气好ab1 "
WORDS = st.dictionaries(st.text(ALPHABET, min_size=1, max_size=4), st.integers(0, 9), max_size=12)


def tokenizer(costs: dict[str, int]) -> Tokenizer:
    return Tokenizer(Vocabulary((*SPECIALS, *costs), (0, 0, 0, 0, *costs.values())))


CUTTER = tokenizer({"你": 5, "好": 5, "你好": 6, "吗": 4, "a": 7, "b": 7, "hello": 3, "1": 2})


@given(ANY_TEXT)
@example("a  b")
@example("你 \u200b A")
@example("\ud83d\ude00\udc80")
def test_normalise_is_idempotent(text):
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [  # expected values: the docstring of normalise, applied by hand
        ("ＨＥＬＬＯ", "hello"),
        ("１２３", "123"),
        ("Hello   World", "hello world"),
        ("hello\u3000\tworld", "hello world"),
        ("你 好", "你好"),
        ("用 python 写", "用python写"),
        (" a ", "a"),
        ("好?对!嗯,", "好？对！嗯，"),
        ("3.14", "3.14"),
        ("零\u200b宽\ufe0f\ufeff", "零宽"),
        ("\x00a\x7f", "a"),
        ("\ud800", "\ufffd"),
        ("𠮷", "𠮷"),
        ("", ""),
    ],
)
def test_normalise(text, expected):
    assert normalise(text) == expected


@given(st.one_of(ANY_TEXT, st.text("你好，？?Ａa 1")))
def test_the_short_way_gives_the_same(text):
    assert normalise(text) == normalise(text, translation(NORMALISATION))


def test_what_the_table_gives_is_a_fixed_point_of_it():
    for replacement in NORMALISATION.values():
        assert all(
            NORMALISATION.get(character, character) == character for character in replacement
        )


def test_no_replacement_is_longer_than_a_character():
    assert {len(replacement) for replacement in NORMALISATION.values()} == {0, 1}


@given(ANY_TEXT)
@example("\ud83d\ude00")  # two halves are no character until they are joined
def test_well_formed_text_is_what_utf_8_can_say(text):
    repaired = well_formed(text)
    assert repaired.encode().decode() == repaired
    assert all(ours in (theirs, "\ufffd") for ours, theirs in zip(repaired, text, strict=True))
    assert normalise(repaired) == normalise(text)


@given(ANY_TEXT)
def test_words_joined_are_the_normalised_text(text):
    assert "".join(CUTTER.words(text)) == normalise(text)


@given(ANY_TEXT)
@example("\x00\ud800😀\u202eالعربية")
def test_unknown_only_where_the_vocabulary_has_no_such_character(text):
    for word, number in zip(CUTTER.words(text), CUTTER.encode(text), strict=True):
        assert (number == UNK) == (word not in CUTTER.vocabulary.id_of)
        assert number != UNK or len(word) == 1


@given(WORDS, st.text(ALPHABET, max_size=9))
@example({"天": 1, "天气": 2, "气": 1}, "天气")  # a tie
@example({"ab1": 1, "a": 1}, "ab1ab")
def test_the_path_is_the_cheapest_of_all_and_the_longest_first_on_a_tie(costs, text):
    cutter = tokenizer(costs)
    assert cutter.words(text) == cheapest_of_all(costs, normalise(text))


def cheapest_of_all(costs: dict[str, int], text: str) -> list[str]:
    """Try every way to cut: the rule of the docstring of Tokenizer, without its algorithm."""
    unknown = 1000 + max(costs.values(), default=0)
    paths = []
    units = units_of(text)
    for cuts in product([True, False], repeat=max(0, len(units) - 1)):
        pieces = [units[:1]]
        for unit, cut in zip(units[1:], cuts, strict=True):
            pieces = [*pieces, [unit]] if cut else [*pieces[:-1], [*pieces[-1], unit]]
        words = ["".join(piece) for piece in pieces]
        if all(len(p) < 2 or w in costs for p, w in zip(pieces, words, strict=True)):
            cost = sum(costs.get(w, sum(costs.get(c, unknown) for c in w)) for w in words)
            tokens = [t for w in words for t in ([w] if w in costs else w)]
            paths.append((cost, [-len(piece) for piece in pieces], tokens))
    return min(paths)[2]


def units_of(text: str) -> list[str]:
    """Runs of letters, runs of digits, and every other character alone."""
    units: list[str] = []
    for character in text:
        if units and kind_of(character) == kind_of(units[-1]) != "other":
            units[-1] += character
        else:
            units.append(character)
    return units


def kind_of(unit: str) -> str:
    return "letters" if "a" <= unit[0] <= "z" else "digits" if "0" <= unit[0] <= "9" else "other"


@pytest.mark.parametrize(
    ("text", "words"),
    [  # costs of CUTTER: 你 5 + 好 5 > 你好 6; an unknown character 1007
        ("你好吗", ["你好", "吗"]),
        ("好你", ["好", "你"]),
        ("Hello!", ["hello", "！"]),
        ("ab", ["a", "b"]),  # a run of letters that is no word falls into characters
        ("hellob", ["h", "e", "l", "l", "o", "b"]),  # not "hello", "b": the run is one unit
        ("hello1", ["hello", "1"]),  # letters and digits are two runs
        ("11", ["1", "1"]),
        ("hello hello", ["hello", " ", "hello"]),
    ],
)
def test_words(text, words):
    assert CUTTER.words(text) == words


def test_a_word_that_was_too_rare_falls_into_its_characters():
    learnt = Vocabulary.learn({"天气": 9, "气象": 1, "象": 2})
    assert Tokenizer(learnt).words("天气气象") == ["天气", "气", "象"]


@pytest.mark.parametrize("text", ["<pad>", "<bos>", "<eos>", "<unk>", "<eos>你好<pad>"])
def test_text_never_becomes_a_special_token(text):
    learnt = Vocabulary.learn({text: 5, "<": 5, **dict.fromkeys("padbosunke>你好", 5)})
    assert not {PAD, BOS, EOS, UNK} & set(Tokenizer(learnt).encode(text))
    assert not {PAD, BOS, EOS} & set(CUTTER.encode(text))


@given(st.text("你好吗ab1"))
def test_decode_gives_back_what_encode_knew(text):
    assert CUTTER.decode(CUTTER.encode(text)) == normalise(text)


def test_decode_stops_at_the_end_mark_and_shows_the_unknown():
    known = CUTTER.vocabulary.id_of
    ids = [BOS, known["你好"], UNK, PAD, known["吗"], EOS, known["好"]]
    assert CUTTER.decode(ids) == "你好\ufffd吗"


@given(ANY_TEXT, st.integers(1, 9))
@example("你好" * 9, 2)
def test_a_source_is_the_first_ids_and_an_end_mark(text, max_source):
    source = CUTTER.source(text, max_source)
    read = normalise(text)[: SOURCE_CHARACTERS * max_source]
    assert len(source) <= max_source
    assert source[-1] == EOS
    assert source[:-1] == CUTTER.encode(read)[: max_source - 1]


def test_only_sixteen_characters_an_id_are_read():
    letters = tokenizer({"a" * 32: 1, "a" * 33: 2, "a" * 47: 3, " ": 4})
    thirty_two, thirty_three, forty_seven, space = letters.vocabulary.id_of.values()
    assert letters.source("a" * 33, 2) == [thirty_two, EOS]
    assert letters.source("a" * 33, 3) == [thirty_three, EOS]
    assert letters.source("\u200b" * 9 + "A" * 32, 2) == [thirty_two, EOS]  # of normalised text
    # The space stood between two letters when it was looked at.
    assert letters.source("a" * 47 + " a", 3) == [forty_seven, space, EOS]
    assert letters.source("", 1) == letters.source("aa", 1) == [EOS]


def test_a_separator_stays_where_the_table_leaves_it_alone():
    assert normalise(f"你好{SEPARATOR}吗") == "你好吗"
    table = {key: text for key, text in NORMALISATION.items() if key != SEPARATOR}
    costs = {"你好": 1, SEPARATOR: 1}
    turns = Tokenizer(Vocabulary((*SPECIALS, *costs), (0, 0, 0, 0, *costs.values())), table)
    assert turns.words(f"你好{SEPARATOR} 你好") == ["你好", SEPARATOR, "你好"]


def test_ten_thousand_characters():
    assert CUTTER.encode("你好" * 5000) == [CUTTER.vocabulary.id_of["你好"]] * 5000
    assert len(CUTTER.encode("b" * 10_000)) == 10_000
