"""Models that learn what they must: to copy, and a tiny corpus by heart."""

import random
from pathlib import Path

import pytest
import torch

from chatbot.decoding import Greedy
from chatbot.text import Tokenizer
from chatbot.training.config import ModelConfig, Recipe
from chatbot.training.dataset import Codec, Pairs
from chatbot.training.evaluation import generate
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import EOS, Vocabulary
from tests.golden import TINY_PAIRS
from tests.train.conftest import CELLS, MODES


def train(model: Seq2Seq, pairs: Pairs, *, epochs: int, learning_rate: float = 0.01) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    model.train()
    for epoch in range(epochs):
        for batch in pairs.batches(2000, seed=epoch):
            optimizer.zero_grad()
            (model.loss(*batch) / batch.tokens).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    model.eval()


@pytest.mark.parametrize("query", ["first", "previous"])
def test_attention_learns_to_copy(query: str, tmp_path: Path) -> None:
    """Sequences never seen in training are copied in at least 99 of 100 tokens."""
    letters = "abcdefghijklmnop"
    source = random.Random(0)
    words = ["".join(source.choices(letters, k=source.randint(2, 7))) for _ in range(3400)]
    words = list(dict.fromkeys(words))
    tokenizer = Tokenizer(Vocabulary.learn(dict.fromkeys(letters, 9)))
    codec = Codec(Recipe(), tokenizer.vocabulary)
    trained = Pairs.write(tmp_path / "train", codec.encoded((word, word) for word in words[200:]))
    torch.manual_seed(0)
    sizes = {"embedding": 24, "encoder_hidden": 32, "hidden": 64, "dropout": 0.0}
    config = ModelConfig.from_dict({**sizes, "attention": "general", "query": query})
    model = Seq2Seq(config, len(tokenizer.vocabulary))
    train(model, trained, epochs=10, learning_rate=0.005)
    train(model, trained, epochs=5, learning_rate=0.001)
    held_out = [tokenizer.encode(word) for word in words[:200]]
    found = generate(model, [[*ids, EOS] for ids in held_out], Greedy(max_length=10))
    right = total = 0
    for ids, (best,) in zip(held_out, found, strict=True):
        total += len(ids)
        right += sum(a == b for a, b in zip(ids, best.ids, strict=False))
    assert right / total >= 0.99


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cell", CELLS)
def test_every_mode_and_cell_learns_a_tiny_corpus_by_heart(
    mode: str, cell: str, tmp_path: Path
) -> None:
    text = "".join(prompt + reply for prompt, reply in TINY_PAIRS)
    tokenizer = Tokenizer(Vocabulary.learn(dict.fromkeys(text, 2)))
    codec = Codec(Recipe(), tokenizer.vocabulary)
    pairs = Pairs.write(tmp_path / "train", codec.encoded(TINY_PAIRS))
    torch.manual_seed(0)
    config = ModelConfig.from_dict(
        {
            "mode": mode,
            "cell": cell,
            "embedding": 24,
            "encoder_hidden": 24,
            "hidden": 48,
            "dropout": 0.0,
        }
    )
    model = Seq2Seq(config, len(tokenizer.vocabulary))
    train(model, pairs, epochs=200)
    found = generate(model, [pairs[i][0] for i in range(len(pairs))], Greedy())
    said = [tokenizer.decode(best.ids) for (best,) in found]
    assert said == [reply for _, reply in TINY_PAIRS]
