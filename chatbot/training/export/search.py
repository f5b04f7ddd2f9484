"""The whole graph: encoder, then a loop that decodes and searches, equal to `training.search`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from chatbot import bundle
from chatbot.training.config import ModelConfig
from chatbot.training.export import parts
from chatbot.training.export.graph import (
    BOOL,
    FLOAT,
    INT64,
    Graph,
    Value,
    cast,
    flat,
    full,
    op,
    ops,
    reshape,
    size,
    unsqueeze,
)
from chatbot.training.export.parts import Memory, Weights
from chatbot.training.search import NEVER
from chatbot.vocabulary import BOS, EOS, PAD, UNK


def build(config: ModelConfig, weights: Weights) -> onnx.ModelProto:
    """Return the graph that maps source ids to the ids, lengths and scores of replies."""
    graph = Graph()
    src = graph.input(bundle.SOURCE, INT64, ["B", "S"])
    src_len = graph.input(bundle.SOURCE_LENGTH, INT64, ["B"])
    max_len = graph.input(bundle.MAX_LENGTH, INT64, [])
    min_len = graph.input(bundle.MIN_LENGTH, INT64, [])
    beam_size = graph.input(bundle.BEAM_SIZE, INT64, [])
    length_penalty = graph.input(bundle.LENGTH_PENALTY, FLOAT, [])

    states, summary = parts.encoder(config, weights, src, src_len)
    memory = parts.remember(config, weights, states, summary, src_len)
    decoder = _Decoder(config, weights, memory, beam_size)
    search = _Search(decoder, size(src, 0), beam_size, min_len, length_penalty)
    ids, lengths, scores = search.run(op("Max", max_len, 1))
    return graph.model(
        {
            bundle.IDS: (ids, INT64, ["B", "K", "T"]),
            bundle.LENGTHS: (lengths, INT64, ["B", "K"]),
            bundle.SCORES: (scores, FLOAT, ["B", "K"]),
        }
    )


@dataclass(frozen=True)
class _Decoder:
    """Take one step of the decoder for R = B · K rows."""

    config: ModelConfig
    weights: Weights
    memory: Memory
    beam_size: Value

    def start(self) -> list[Value]:
        return parts.first_state(self.config, self.weights, self.memory, self.beam_size)

    def step(self, tokens: Value, state: Sequence[Value], bias: Value) -> tuple[Value, list[Value]]:
        """Map tokens (R,) and the state to logits (R, V) and the next state."""
        config, weights = self.config, self.weights
        layers = config.decoder_layers
        context = self._context(state[layers - 1])  # (R, M), the top layer's h asks
        x = self._input(tokens, context)
        after: list[list[Value]] = []
        for layer in range(layers):
            after.append(parts.cell(config, weights, layer, x, state[layer::layers]))
            x = after[-1][0]  # (R, H)
        attends = config.mode == "attention"
        features = op("Concat", x, context, axis=1) if attends else x
        logits = parts.readout(config, weights, features, bias)
        # Layer by layer to tensor by tensor: h of all layers, then c of all layers.
        return logits, [value for tensor in zip(*after, strict=True) for value in tensor]

    def _context(self, query: Value) -> Value:
        """Return c_t, or the same summary C at every step, (R, M)."""
        config = self.config
        if config.mode != "attention":
            return parts.repeat(self.memory.summary, self.beam_size)
        beams = reshape(query, size(self.memory.states, 0), self.beam_size, config.hidden)
        context = parts.attention(config, self.weights, beams, self.memory)  # (B, K, M)
        return reshape(context, -1, config.memory)

    def _input(self, tokens: Value, context: Value) -> Value:
        table = tokens.graph.weight(self.weights["embedding.weight"])
        match self.config.mode:
            case "context":
                return context
            case "feedback":
                return op("Gather", table, tokens)  # (R, E)
            case _:
                return op("Concat", op("Gather", table, tokens), context, axis=1)  # (R, E + M)


@dataclass(frozen=True)
class _Search:
    """Search with a beam of K; K = 1 is greedy search."""

    decoder: _Decoder
    sources: Value
    beam_size: Value
    min_len: Value
    length_penalty: Value

    def run(self, max_len: Value) -> tuple[Value, Value, Value]:
        """Return ids (B, K, T), lengths (B, K) and scores (B, K), best first."""
        graph, beams = self.sources.graph, (self.sources, self.beam_size)
        rows = self.sources * self.beam_size
        # All hypotheses of a source start alike: only the first of them counts.
        first = op("Equal", op("Range", 0, self.beam_size, 1), 0)  # (K,)
        total = op("Where", first, 0.0, NEVER) + full(graph, np.float32(0), *beams)  # (B, K)
        initial = {
            "tokens": (full(graph, np.int64(BOS), rows), INT64),
            "total": (total, FLOAT),
            "scores": (full(graph, np.float32(0), *beams), FLOAT),
            "lengths": (full(graph, np.int64(0), *beams), INT64),
            "ended": (full(graph, np.bool_(False), *beams), BOOL),
            "ids": (full(graph, np.int64(PAD), rows, 0), INT64),
        }
        for number, value in enumerate(self.decoder.start()):
            initial[f"state{number}"] = (value, FLOAT)
        last = graph.loop(max_len, initial, self._turn)
        ids = reshape(last["ids"], self.sources, self.beam_size, -1)
        return ids, last["lengths"], last["scores"]

    def _turn(self, turn: Value, now: dict[str, Value]) -> tuple[dict[str, Value], Value]:
        """Rank all continuations of all hypotheses and keep the best K of each source."""
        state = [value for name, value in now.items() if name.startswith("state")]
        logits, state = self.decoder.step(now["tokens"], state, self._bias(turn))
        vocabulary = size(logits, 1)
        log_probs = self._log_probs(logits, now["ended"])  # (B, K, V)
        candidates = unsqueeze(now["total"], 2) + log_probs  # (B, K, V)
        lengths = now["lengths"] + cast(op("Not", now["ended"]), INT64)  # (B, K)
        penalty = ((5.0 + cast(lengths, FLOAT)) / 6.0) ** self.length_penalty
        ranked = flat(candidates / unsqueeze(penalty, 2))  # (B, K · V)
        scores, best = ops("TopK", ranked, unsqueeze(self.beam_size, 0), outputs=2)  # (B, K)
        parents, tokens = best // vocabulary, best % vocabulary
        ended = op("GatherElements", now["ended"], parents, axis=1)
        ended = op("Or", ended, op("Equal", tokens, EOS))
        rows = reshape(parents + self._first_rows(), -1)  # (R,)
        tokens = reshape(tokens, -1)
        after = {
            "tokens": tokens,
            "total": op("GatherElements", flat(candidates), best, axis=1),
            "scores": scores,
            "lengths": op("GatherElements", lengths, parents, axis=1),
            "ended": ended,
            "ids": op("Concat", op("Gather", now["ids"], rows), unsqueeze(tokens, 1), axis=1),
        }
        for number, value in enumerate(state):
            after[f"state{number}"] = op("Gather", value, rows)
        all_ended = op("ReduceMin", cast(ended, INT64), keepdims=0)
        return after, op("Equal", all_ended, 0)

    def _bias(self, turn: Value) -> Value:
        """Return the output bias (V,) with the tokens that are no reply ruled out."""
        bias = self.decoder.weights["output.bias"].astype(np.float32)
        banned = np.zeros((2, len(bias)), dtype=np.float32)
        banned[:, [PAD, BOS, UNK]] = NEVER
        banned[0, EOS] = NEVER  # before min_len
        end_allowed = cast(op("GreaterOrEqual", turn, self.min_len), INT64)
        return op("Gather", turn.graph.weight(bias + banned), end_allowed)

    def _log_probs(self, logits: Value, ended: Value) -> Value:
        """Normalise; after its end a hypothesis only pads."""
        vocabulary = size(logits, 1)
        log_probs = reshape(op("LogSoftmax", logits), self.sources, self.beam_size, vocabulary)
        pads = op("Equal", op("Range", 0, vocabulary, 1), PAD)  # (V,)
        return op("Where", unsqueeze(ended, 2), op("Where", pads, 0.0, NEVER), log_probs)

    def _first_rows(self) -> Value:
        """Return the row of the first hypothesis of each source, (B, 1)."""
        return unsqueeze(op("Range", 0, self.sources, 1) * self.beam_size, 1)
