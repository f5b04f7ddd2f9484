"""Exercises of others that our decoders must solve: pairs learnt by heart, down to the floor."""

import math
from dataclasses import replace

import pytest

from benchmarks import d2l
from benchmarks.parallel import Words
from chatbot.training.config import Recipe, read_recipe
from chatbot.training.metrics import d2l_bleu
from chatbot.vocabulary import EOS, UNK

PAIRS = [
    d2l.cut(source, reply)
    for source, reply in (
        ("Run!", "Cours\u202f!"),
        ("Run!", "Courez\u202f!"),
        ("I see.", "Je vois."),
        ("I run.", "Je cours."),
        ("They see.", "Ils voient."),
        ("They run.", "Ils courent."),
    )
    for _ in range(2)  # so that each word is known
]


def by_heart(epochs: int) -> Recipe:
    recipe = read_recipe(d2l.RECIPE, [f"train.epochs={epochs}"])
    return replace(recipe, model=replace(recipe.model, dropout=0.0))


def test_a_sentence_is_cut_as_the_book_cuts_it() -> None:
    """Section 9.5: no-break spaces become spaces, a mark gets one before it, all is small."""
    assert d2l.cut("Hi, Tom!", "Salut\u202f!\u00a0Ça va?") == (
        ["hi", ",", "tom", "!"],
        ["salut", "!", "ça", "va", "?"],
    )


def test_what_may_be_written_has_the_first_ids() -> None:
    words = Words([(["a", "b", "a"], ["x", "a"]), (["b", "c"], ["x", "a"])])
    assert words.vocabulary.tokens[4:] == ("a", "x", "b")  # c stands there once
    assert words.reply_vocabulary == 6
    ((source, reply),) = words.encoded([(["b", "a", "x"], ["x", "b"])])
    assert source == [6, 4, UNK, EOS]  # x is known, but not as a word that is read
    assert reply == [5, UNK, EOS]
    assert words.decoded([5, 4]) == ["x", "a"]


def test_the_floor_is_the_entropy_of_several_translations() -> None:
    """4 of 12 sentences have one of two equally frequent translations: ln 2 nats each.

    They have 2 words and the end, the other 8 have 3 and the end.
    """
    assert d2l.floor(PAIRS) == pytest.approx(4 * math.log(2) / (4 * 3 + 8 * 4))


def test_pairs_are_learnt_by_heart() -> None:
    found = d2l.learnt(PAIRS, by_heart(epochs=120))
    assert d2l.floor(PAIRS) - 1e-4 <= found.nats <= d2l.floor(PAIRS) + 0.02


def test_the_first_pairs_of_the_book_are_learnt_by_heart() -> None:
    if not d2l.ARCHIVE.is_file():
        pytest.skip(f"{d2l.ARCHIVE} is not there")
    pairs = d2l.read(d2l.ARCHIVE, 150)
    found = d2l.learnt(pairs, by_heart(epochs=300))
    assert d2l.floor(pairs) - 1e-4 <= found.nats <= d2l.floor(pairs) + 0.05
    assert d2l_bleu(found.said["go ."].split(), ["va", "!"]) == 1.0
