"""Word vectors from a file of word2vec's text format."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from chatbot.errors import UsageError
from chatbot.training.config import Recipe
from chatbot.training.trainer import Trainer
from chatbot.training.vectors import start_from
from chatbot.vocabulary import SPECIALS, Vocabulary

VOCABULARY = Vocabulary.learn({"你好": 3, "你": 2, "好": 2, "我": 2})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "词向量 1.txt"
    path.write_text("3 2\n你好 3 4\n天气 9 9\n我 0 5\n我 7 7\n", encoding="utf-8")
    return path


def started(path: Path) -> tuple[int, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    embedding = nn.Embedding(len(VOCABULARY), 2)
    before = embedding.weight.detach().clone()
    return start_from(embedding, VOCABULARY, path), before, embedding.weight.detach()


def test_known_tokens_get_their_vectors_at_the_usual_length(file: Path) -> None:
    found, before, after = started(file)
    assert found == 2  # 天气 is not in the vocabulary, and of 我 the first counts
    usual = before[len(SPECIALS) :].norm(dim=1).mean()
    hello, me = VOCABULARY.id_of["你好"], VOCABULARY.id_of["我"]
    assert_close(after[hello], torch.tensor([0.6, 0.8]) * usual)
    assert_close(after[me], torch.tensor([0.0, 1.0]) * usual)
    others = [number for number in range(len(VOCABULARY)) if number not in (hello, me)]
    assert torch.equal(after[others], before[others])


def test_the_line_with_the_count_may_be_missing(file: Path) -> None:
    file.write_text(file.read_text(encoding="utf-8").partition("\n")[2], encoding="utf-8")
    assert started(file)[0] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("你好 1 2 3\n", "line 1: 3 numbers, but model.embedding is 2"),
        ("1 2\n你好 1 x\n", "line 2: expected a word and numbers"),
        ("你好 1 nan\n", "line 1: a number that is none"),
        ("天气 1 2\n", "no vector of a token of the vocabulary"),
        ("", "no vector of a token of the vocabulary"),
    ],
)
def test_a_file_of_another_kind_is_refused(file: Path, text: str, message: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        started(file)
    with pytest.raises(UsageError, match="no word vectors"):
        started(file.parent)


def test_a_recipe_names_them(file: Path, make_store: object, tmp_path: Path) -> None:
    """The run starts from the vectors, and goes on without the file."""
    store = make_store([("train", "你好", "我"), ("train", "我", "你")] * 3)
    settings = {
        "model": {"embedding": 2, "encoder_hidden": 4, "hidden": 4},
        "data": {"embeddings": str(file)},
        "train": {"epochs": 1},
    }
    trainer = Trainer.start(store, tmp_path / "run", Recipe.from_dict(settings))
    assert trainer.vectors == 1
    again = Trainer.resume(tmp_path / "run")  # as after a kill before the first checkpoint
    assert torch.equal(again.model.embedding.weight, trainer.model.embedding.weight)
    trainer.train(lambda event: None)
    file.unlink()
    assert Trainer.resume(tmp_path / "run", epochs=2).vectors == 0
