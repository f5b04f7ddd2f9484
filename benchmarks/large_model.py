"""The model whose replies are measured: 12 million parameters, 20,000 tokens, tied."""

import tempfile
from functools import cached_property
from pathlib import Path

from benchmarks.random_model import random_model
from benchmarks.words import vocabulary
from chatbot.bot import ChatBot
from chatbot.bundle import IDS_GRAPH, TEXT_GRAPH, write_bundle
from chatbot.decoding import Greedy
from chatbot.text import Tokenizer
from chatbot.training.config import DataConfig, ModelConfig
from chatbot.training.export.flavours import ids_graph, text_graph
from chatbot.training.export.weights import Storage

TEXT = "你今天晚上想不想和我一起去吃火锅"
SOURCE, STEPS = 12, 20  # tokens of the text and its end, tokens of a reply
VOCABULARY = 20_000
CONFIG = ModelConfig(
    embedding=256,
    encoder_hidden=256,
    encoder_layers=2,
    hidden=512,
    decoder_layers=2,
    dropout=0.0,
)
GREEDY = Greedy(max_length=STEPS)
MAX_SOURCE = DataConfig().max_source


class LargeModel:
    """Hold the model, and export it."""

    def __init__(self) -> None:
        self.model = random_model(CONFIG, VOCABULARY)
        self.tokenizer = Tokenizer(vocabulary(VOCABULARY))
        self._weights = {name: tensor.numpy() for name, tensor in self.model.state_dict().items()}

    @cached_property
    def source(self) -> list[int]:
        """Return the ids of the text."""
        source = self.tokenizer.source(TEXT, MAX_SOURCE)
        if len(source) != SOURCE:
            raise AssertionError(f"{TEXT} has {len(source)} ids, not {SOURCE}.")
        return source

    def graph(self, name: str, storage: Storage) -> bytes:
        """Return `text.onnx` or `ids.onnx`."""
        model = (
            ids_graph(CONFIG, self._weights, storage)
            if name == IDS_GRAPH
            else text_graph(
                CONFIG, self._weights, storage, tokenizer=self.tokenizer, max_source=MAX_SOURCE
            )
        )
        return bytes(model.SerializeToString())

    def bot(self, *, threads: int) -> ChatBot:
        """Return a bot with 8-bit weights, unproven: the export's proofs take minutes."""
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / "bundle"
            write_bundle(
                folder,
                graphs={TEXT_GRAPH: self.graph(TEXT_GRAPH, "int8")},
                tokenizer=self.tokenizer,
                decoding=GREEDY,
                max_source=MAX_SOURCE,
                context=0,
                golden=(),
                about={},
            )
            return ChatBot.load(folder, threads=threads)
