"""Rebuild what is committed for the tests: `make golden`."""

from pathlib import Path

import torch

from chatbot.decoding import Greedy
from chatbot.text import Tokenizer
from chatbot.training.config import DataConfig, ModelConfig
from chatbot.training.dataset import Pairs
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
    tokenizer = Tokenizer(Vocabulary.learn({**dict.fromkeys(text, 2), **TINY_WORDS}))
    data = DataConfig(max_source=24, max_reply=16)
    (batch,) = Pairs(TINY_PAIRS, tokenizer, data).batches(10_000, seed=None)
    torch.set_num_threads(1)  # the same sums on every machine, and no waiting for each other
    torch.manual_seed(0)
    config = ModelConfig(embedding=16, encoder_hidden=12, hidden=24, dropout=0.0)
    model = Seq2Seq(config, len(tokenizer.vocabulary))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        loss, tokens = model.loss(*batch)
        optimizer.zero_grad()
        torch.autograd.backward(loss / tokens)
        optimizer.step()
    about = {"name": "tiny", "license": "CC0-1.0"}
    export_model(
        model,
        tokenizer,
        folder,
        data=data,
        decoding=Greedy(),
        form=Form("int8", batches=True),
        about=about,
    )


if __name__ == "__main__":
    tiny_bundle(TINY_BUNDLE)
    cli_reference.write()
