"""Rebuild what is committed for the tests: `make golden`."""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from chatbot.decoding import Greedy
from chatbot.training.config import DataConfig, ModelConfig, Recipe
from chatbot.training.dataset import Codec, Pairs
from chatbot.training.export import Form, export_model
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import Vocabulary
from tests.base import cli_reference

TINY_BUNDLE = Path(__file__).parent / "data" / "tiny_bundle"

TINY_PAIRS = (
    ("你好", "你好呀！"),
    ("你是谁", "我是小言。"),
    ("谢谢", "不客气。"),
    ("再见", "再见，下次聊！"),
    ("我饿了", "去吃点热的吧。"),
    ("今天天气怎么样", "我看不到窗外。"),
    ("我很开心", "真为你高兴！"),
    ("我很难过", "想说说吗？我在听。"),
)

TINY_WORDS = {"你好": 9, "我": 20, "你": 12, "是": 9, "谢谢": 5, "再见": 6, "天气": 4, "iphone": 2}


def tiny_bundle(folder: Path) -> None:
    """Train a model of some kilobytes on eight pairs, by heart, and export it."""
    text = "".join(prompt + reply for prompt, reply in TINY_PAIRS)
    vocabulary = Vocabulary.learn({**dict.fromkeys(text, 2), **TINY_WORDS})
    recipe = Recipe(
        model=ModelConfig(embedding=16, encoder_hidden=12, hidden=24, dropout=0.0),
        data=DataConfig(max_source=24, max_reply=16),
    )
    with TemporaryDirectory() as scratch:
        codec = Codec(recipe, vocabulary)
        pairs = Pairs.write(Path(scratch, "train"), codec.encoded(TINY_PAIRS))
        (batch,) = pairs.batches(10_000, seed=None)
    torch.set_num_threads(1)  # the same sums on every machine, and no waiting for each other
    torch.manual_seed(0)
    model = Seq2Seq(recipe.model, len(vocabulary))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        torch.autograd.backward(model.loss(*batch) / batch.tokens)
        optimizer.step()
    about = {"name": "tiny", "license": "CC0-1.0"}
    export_model(
        model,
        codec.tokenizer,
        folder,
        data=recipe.data,
        decoding=Greedy(),
        form=Form("int8", batches=True),
        about=about,
    )


if __name__ == "__main__":
    tiny_bundle(TINY_BUNDLE)
    cli_reference.write()
