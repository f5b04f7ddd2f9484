"""The graphs: text in, replies out; a batch of ids in, ids out; and one that only measures."""

from collections.abc import Mapping

import numpy as np
import onnx

from chatbot import bundle, engine
from chatbot.text import Tokenizer
from chatbot.training.config import ModelConfig
from chatbot.training.export import segmentation
from chatbot.training.export.graph import (
    FLOAT,
    INT64,
    MINIMAL,
    STRING,
    Array,
    Graph,
    Value,
    full,
    op,
    size,
    unsqueeze,
)
from chatbot.training.export.parts import OUTPUT_BIAS
from chatbot.training.export.search import Decoder, decode
from chatbot.training.export.weights import Storage, Weights
from chatbot.vocabulary import BOS, PAD

WITH_TEXT = {"": 20, **segmentation.DOMAINS}
"""The operator sets of a graph that reads text: strings are joined from operator set 20 on."""


def text_graph(
    config: ModelConfig,
    arrays: Mapping[str, Array],
    storage: Storage,
    *,
    tokenizer: Tokenizer,
    max_source: int,
) -> onnx.ModelProto:
    """Return the graph that maps a text to the texts of its replies."""
    graph = Graph(opsets=WITH_TEXT)
    vocabulary = tokenizer.vocabulary
    read = segmentation.source(graph.input(bundle.TEXT, STRING, [1]), tokenizer, max_source)
    source = unsqueeze(read, 0), unsqueeze(size(read, 0), 0)  # (1, S), (1,)
    found = decode(graph, config, arrays, storage, source)
    ids, lengths, scores, attention = (op("Squeeze", x, graph.integers(0)) for x in found)
    reply, tokens = segmentation.reply_text(ids, vocabulary)
    return graph.model(
        {
            bundle.REPLY: (reply, STRING, ["K"]),
            bundle.SCORES: (scores, FLOAT, ["K"]),
            bundle.IDS: (ids, INT64, ["K", "T"]),
            bundle.LENGTHS: (lengths, INT64, ["K"]),
            bundle.ATTENTION: (attention, FLOAT, ["K", "T", "A"]),
            bundle.TOKENS: (tokens, STRING, ["K", "T"]),
            bundle.READ: (read, INT64, ["S"]),
            bundle.READ_TOKENS: (segmentation.names(read, vocabulary), STRING, ["S"]),
        }
    )


def ids_graph(
    config: ModelConfig, arrays: Mapping[str, Array], storage: Storage
) -> onnx.ModelProto:
    """Return the graph that maps a batch of source ids to the ids of their replies."""
    graph = Graph(opsets=MINIMAL)
    src = graph.input(bundle.SOURCE, INT64, ["B", "S"])
    src_len = graph.input(bundle.SOURCE_LENGTH, INT64, ["B"])
    found = decode(graph, config, arrays, storage, (src, src_len))
    return graph.model(
        {
            bundle.IDS: (found.ids, INT64, ["B", "K", "T"]),
            bundle.LENGTHS: (found.lengths, INT64, ["B", "K"]),
            bundle.SCORES: (found.scores, FLOAT, ["B", "K"]),
            bundle.ATTENTION: (found.attention, FLOAT, ["B", "K", "T", "A"]),
        }
    )


def segmentation_graph(tokenizer: Tokenizer, max_source: int) -> onnx.ModelProto:
    """Return the graph that maps a text to what the encoder reads."""
    graph = Graph(opsets=WITH_TEXT)
    read = segmentation.source(graph.input(bundle.TEXT, STRING, [1]), tokenizer, max_source)
    return graph.model({bundle.READ: (read, INT64, ["S"])})


def measuring_graph(
    config: ModelConfig, arrays: Mapping[str, Array], storage: Storage
) -> onnx.ModelProto:
    """Return the graph that maps sources and true replies (B, T) to the losses and best tokens.

    Each step is fed the true token before it. A loss is in nats.
    """
    graph = Graph(opsets=MINIMAL)
    src = graph.input(bundle.SOURCE, INT64, ["B", "S"])
    src_len = graph.input(bundle.SOURCE_LENGTH, INT64, ["B"])
    true = graph.input(engine.TRUE_REPLY, INT64, ["B", "T"])
    weights = Weights(graph, arrays, storage)
    decoder = Decoder.reading(config, weights, (src, src_len), graph.weight(np.array(1)))
    sources = size(src, 0)
    bias = weights.vector(OUTPUT_BIAS)

    def turn(number: Value, now: dict[str, Value]) -> tuple[dict[str, Value], Value]:
        state = [value for name, value in now.items() if name.startswith("state")]
        logits, state, _ = decoder.step(now["tokens"], state, bias)
        tokens = op("Gather", true, number, axis=1)  # (B,)
        column = unsqueeze(tokens, 1)
        gain = op("GatherElements", op("LogSoftmax", logits, axis=-1), column, axis=1)
        loss = op("Where", op("Equal", column, PAD), 0.0, op("Neg", gain))  # (B, 1)
        best = op("ArgMax", logits, axis=1)  # (B, 1)
        return {
            "tokens": tokens,
            "losses": op("Concat", now["losses"], loss, axis=1),
            "best": op("Concat", now["best"], best, axis=1),
            **{f"state{i}": value for i, value in enumerate(state)},
        }, graph.weight(np.array(True))

    initial = {
        "tokens": (full(graph, np.int64(BOS), sources), INT64),
        "losses": (full(graph, np.float32(0), sources, 0), FLOAT),
        "best": (full(graph, np.int64(PAD), sources, 0), INT64),
        **{f"state{i}": (value, FLOAT) for i, value in enumerate(decoder.start())},
    }
    last = graph.loop(size(true, 1), initial, turn)
    return graph.model(
        {
            engine.LOSSES: (last["losses"], FLOAT, ["B", "T"]),
            engine.BEST: (last["best"], INT64, ["B", "T"]),
        }
    )
