"""Shares of train, valid and test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus_tools.keys import Shares
from corpus_tools.store import Store, pairs, split_store

Corpus = Callable[..., Any]


@pytest.fixture
def filled(corpus: Corpus) -> Corpus:
    lines = [f"第{number}个问题\t第{number}个回答\n" for number in range(400)]
    Path("a.tsv").write_text("".join(lines), encoding="utf-8")
    assert corpus("import", "a.tsv").code == 0
    return corpus


def splits() -> dict[str, str]:
    with Store("corpus.db") as opened:
        return {pair.prompt: pair.split for pair in pairs(opened)}


def test_shares(filled: Corpus) -> None:
    before = splits()
    outcome = filled("split", "--valid", 20, "--test", 30)
    after = splits()
    sizes = [list(after.values()).count(name) for name in ("train", "valid", "test")]
    assert outcome.out == "Dialogues: train {:,}, valid {:,}, test {:,}.\n".format(*sizes)
    # A hash shares out evenly: five standard deviations of a binomial of 400.
    for size, share in zip(sizes, (0.5, 0.2, 0.3), strict=True):
        assert abs(size - 400 * share) < 5 * (400 * share * (1 - share)) ** 0.5
    # A larger share takes in what the smaller one had.
    assert all(after[text] == "test" for text, split in before.items() if split == "test")
    filled("split")
    assert splits() == before


def test_imports_to_come_go_the_same_way(filled: Corpus) -> None:
    filled("split", "--valid", 20, "--test", 30)
    before = splits()
    filled("undo", 1)
    filled("import", "a.tsv")
    assert splits() == before


def test_an_import_with_a_split_of_its_own_keeps_it(filled: Corpus) -> None:
    Path("b.tsv").write_text("你好\t早啊\n再见\t回见\n", encoding="utf-8")
    before = splits()
    assert filled("import", "b.tsv", "--split", "valid").code == 0
    assert splits() == before | {"你好": "valid", "再见": "valid"}
    outcome = filled("split", "--valid", 0, "--test", 0)
    assert outcome.out == "Dialogues: train 400, valid 2, test 0.\n"
    assert splits() == dict.fromkeys(before, "train") | {"你好": "valid", "再见": "valid"}


def test_a_dry_run(filled: Corpus) -> None:
    before = splits()
    outcome = filled("split", "--valid", 40, "--test", 40, "--dry-run")
    assert "Dry run: the store stays as it is." in outcome.err
    assert splits() == before


def test_nothing_left_to_train_with(filled: Corpus) -> None:
    assert filled("split", "--valid", 50, "--test", 50).code == 2


def test_dialogues_that_are_nearly_the_same_go_together(filled: Corpus) -> None:
    with Store("corpus.db") as opened:
        together = dict.fromkeys(range(1, 101), 1)
        split_store(opened, Shares(20, 20), clusters=together)
        first = {pair.split for pair in pairs(opened) if pair.dialogue_id <= 100}
        rest = {pair.split for pair in pairs(opened) if pair.dialogue_id > 100}
    assert len(first) == 1
    assert len(rest) == 3
