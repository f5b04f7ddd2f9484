"""The encoder, and a loop that decodes and searches, equal to `training.search`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chatbot import decoding
from chatbot.decoding import MAX_BEAM, MAX_REPLY
from chatbot.training.config import ModelConfig
from chatbot.training.export import parts
from chatbot.training.export.graph import (
    BOOL,
    FLOAT,
    INT64,
    Array,
    Graph,
    Value,
    cast,
    full,
    op,
    ops,
    reshape,
    size,
    split,
    unsqueeze,
)
from chatbot.training.export.selection import Selection, Settings, lengths, penalty
from chatbot.training.export.weights import Storage, Weights
from chatbot.training.search import NEVER
from chatbot.vocabulary import BOS, EOS, PAD, UNK


class Replies(NamedTuple):
    """Hold the replies of B sources, best first; T is the number of steps that were made."""

    ids: Value  # (B, K, T)
    lengths: Value  # (B, K)
    scores: Value  # (B, K)
    attention: Value  # (B, K, T, S), without attention (B, K, T, 0)


def settings(graph: Graph, vocabulary: int) -> Settings:
    """Declare the inputs that say how to decode, and bring them into their range."""

    def whole(name: str, low: int, high: Value | int) -> Value:
        return op("Max", op("Min", graph.input(name, INT64, []), high), low)

    def real(name: str, low: float, high: float, otherwise: float) -> Value:
        value = graph.input(name, FLOAT, [])
        return op("Where", op("GreaterOrEqual", value, low), op("Min", value, high), otherwise)

    max_len = whole(decoding.MAX_LENGTH, 1, MAX_REPLY)
    min_len = whole(decoding.MIN_LENGTH, 0, max_len)
    beam_size = whole(decoding.BEAM_SIZE, 1, MAX_BEAM)
    length_penalty = real(decoding.LENGTH_PENALTY, 0.0, 5.0, 0.0)
    temperature = real(decoding.TEMPERATURE, 0.01, 100.0, 0.0)
    top_k = whole(decoding.TOP_K, 0, vocabulary)
    top_k = op("Where", op("Equal", top_k, 0), vocabulary, top_k)
    return Settings(
        max_len,
        min_len,
        beam_size,
        length_penalty,
        temperature,
        top_k,
        real(decoding.TOP_P, 0.0, 1.0, 1.0),
        graph.input(decoding.SEED, INT64, []),
        whole(decoding.NO_REPEAT_NGRAM, 0, MAX_REPLY),
        real(decoding.REPETITION_PENALTY, 0.1, 10.0, 1.0),
    )


@dataclass(frozen=True)
class Decoder:
    """Take one step of the decoder for R = B · K rows."""

    config: ModelConfig
    weights: Weights
    memory: parts.Memory
    beam_size: Value

    @classmethod
    def reading(
        cls, config: ModelConfig, weights: Weights, source: tuple[Value, Value], beam_size: Value
    ) -> "Decoder":
        """Return the decoder that looks at the sources (B, S) of lengths (B,)."""
        states, summary = parts.encoder(config, weights, *source)
        memory = parts.remember(config, weights, states, summary, source[1])
        return cls(config, weights, memory, beam_size)

    def start(self) -> list[Value]:
        """Return s_0."""
        return parts.first_state(self.config, self.weights, self.memory.summary, self.beam_size)

    def step(
        self, tokens: Value, state: Sequence[Value], bias: Value
    ) -> tuple[Value, list[Value], Value]:
        """Map tokens (R,) and the state to logits (R, V), the next state and α_t (R, 1, S)."""
        config, weights, layers = self.config, self.weights, self.config.decoder_layers
        if config.asks_first:
            first = self._layer(0, parts.first_inputs(config, weights, tokens, None), state)
            given = self._given(first[0])
        else:
            given = self._given(state[layers - 1])  # the top layer's h asks
            inputs = parts.first_inputs(config, weights, tokens, given.gates.get(0))
            first = self._layer(0, inputs, state)
        after = [first]
        for layer in range(1, layers):
            below, attended = after[-1][0], given.gates.get(layer)
            inputs = parts.inputs_above(config, weights, layer, below, attended)
            after.append(self._layer(layer, inputs, state))
        logits = parts.readout(config, weights, after[-1][0], given.output, bias)
        # Layer by layer to tensor by tensor: h of all layers, then c of all layers.
        state = [value for tensor in zip(*after, strict=True) for value in tensor]
        return logits, state, given.alpha

    def _layer(self, layer: int, inputs: Value, state: Sequence[Value]) -> list[Value]:
        """Return the next state of one layer, whose gates get `inputs` from below."""
        recurrent = parts.recurrent(self.weights, layer, state[layer])
        own = state[layer :: self.config.decoder_layers]
        return parts.cell(self.config, inputs, recurrent, own)

    def _given(self, query: Value) -> parts.Given:
        """Return what the gates and the output get from C or c_t, which answers the query."""
        config, weights, memory = self.config, self.weights, self.memory
        layers = parts.readers(config)
        if memory.attended:
            beams = reshape(query, size(memory.summary, 0), self.beam_size, config.hidden)
            means, alpha = parts.attention(config, weights, beams, memory.attended)
            sizes = parts.value_sizes(config, weights)
            *gates, output = split(reshape(means, -1, sum(sizes)), *sizes)  # (R, ·) each
            alpha = reshape(alpha, -1, 1, size(memory.attended.mask, 2))
            return parts.Given(dict(zip(layers, gates, strict=True)), output, alpha)
        gates = []
        for layer in layers:
            _, columns = parts.input_columns(config, weights, layer)
            product = parts.summarised(config, weights, memory.summary, columns)
            product = product + parts.input_bias(weights, layer)  # (B, gates · H)
            gates.append(parts.repeat(product, self.beam_size))
        nothing = full(query.graph, np.float32(0), size(query, 0), 1, 0)
        return parts.Given(dict(zip(layers, gates, strict=True)), None, nothing)


def decode(
    graph: Graph,
    config: ModelConfig,
    arrays: Mapping[str, Array],
    storage: Storage,
    source: tuple[Value, Value],
) -> Replies:
    """Return the replies to sources (B, S) of lengths (B,), under the settings it declares."""
    weights = Weights(graph, arrays, storage)
    vocabulary = len(arrays[parts.OUTPUT_BIAS])
    asked = settings(graph, vocabulary)
    decoder = Decoder.reading(config, weights, source, asked.beam_size)
    sources = size(source[0], 0)
    rows = sources * asked.beam_size
    selection = Selection(asked, sources, rows, vocabulary)
    bias = graph.weight(_bias(weights))

    def turn(number: Value, now: dict[str, Value]) -> tuple[dict[str, Value], Value]:
        """Take one step: every row gets its next token."""
        state = [value for name, value in now.items() if name.startswith("state")]
        logits, state, alpha = decoder.step(now["tokens"], state, bias)
        tokens, total, parents = selection.choose(
            logits, number, now["ids"], now["ended"], now["total"]
        )

        looks = op("Concat", now["attention"], alpha, axis=1)
        ended = op("Or", op("Gather", now["ended"], parents), op("Equal", tokens, EOS))
        after = {
            "tokens": tokens,
            "total": total,
            "ended": ended,
            "ids": op("Concat", op("Gather", now["ids"], parents), unsqueeze(tokens, 1), axis=1),
            "attention": op("Gather", looks, parents),
            **{f"state{i}": op("Gather", value, parents) for i, value in enumerate(state)},
        }
        return after, op("Less", op("ReduceMin", cast(ended, INT64), keepdims=0), 1)

    columns = size(source[0], 1) if config.mode == "attention" else 0
    initial = {
        "tokens": (full(graph, np.int64(BOS), rows), INT64),
        "total": (selection.initial_total(), FLOAT),
        "ended": (full(graph, np.bool_(False), rows), BOOL),
        "ids": (full(graph, np.int64(PAD), rows, 0), INT64),
        "attention": (full(graph, np.float32(0), rows, 0, columns), FLOAT),
        **{f"state{i}": (value, FLOAT) for i, value in enumerate(decoder.start())},
    }
    last = graph.loop(asked.max_len, initial, turn)
    return _best_first(asked, sources, last)


def _best_first(asked: Settings, sources: Value, last: dict[str, Value]) -> Replies:
    width = asked.beam_size
    number = lengths(last["ids"])  # (R,)
    score = last["total"] / penalty(cast(number, FLOAT), asked.length_penalty)
    score = reshape(score, sources, width)
    scores, order = ops("TopK", score, unsqueeze(width, 0), outputs=2)  # (B, K)
    rows = order + unsqueeze(op("Range", 0, sources, 1) * width, 1)  # (B, K)
    return Replies(
        op("Gather", last["ids"], rows),
        op("Gather", number, rows),
        scores,
        op("Gather", last["attention"], rows),
    )


def _bias(weights: Weights) -> Array:
    """Return the output bias (V,) with the tokens that are no reply ruled out."""
    bias = weights[parts.OUTPUT_BIAS].astype(np.float32)
    bias[[PAD, BOS, UNK]] += NEVER
    return bias
