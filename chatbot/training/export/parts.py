"""The parts of the network as ONNX, one function a part, from the weights alone.

Each mirrors its namesake in `chatbot.training.model`; the legend of the shapes stands there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chatbot.training.config import ModelConfig
from chatbot.training.export.graph import (
    FLOAT,
    INT32,
    Array,
    Value,
    cast,
    full,
    op,
    ops,
    reshape,
    size,
    unsqueeze,
)

Weights = Mapping[str, Array]

_ONNX_GATES = {"rnn": [0], "lstm": [0, 3, 1, 2], "gru": [1, 0, 2]}
"""PyTorch's gates (i f g o; r z n) in the order of ONNX's operators (i o f c; z r h)."""


class Memory(NamedTuple):
    """Hold what the decoder may look at, computed once before the loop."""

    states: Value  # (B, S, M)
    keys: Value  # (B, H, S); additive: (B, 1, S, H)
    mask: Value  # (B, 1, S)
    summary: Value  # (B, M)


def affine(x: Value, weight: Array, bias: Array | None = None) -> Value:
    """Return x Wᵀ + b, or x Wᵀ where there is no b."""
    product = x @ x.graph.weight(np.ascontiguousarray(weight.T))
    return product if bias is None else product + x.graph.weight(bias)


def linear(x: Value, weights: Weights, name: str) -> Value:
    """Apply the layer of that name."""
    return affine(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"))


def encoder(
    config: ModelConfig, weights: Weights, src: Value, src_len: Value
) -> tuple[Value, Value]:
    """Map ids (B, S) and lengths (B,) to states (B, S, M) and their summary (B, M)."""
    embedded = op("Gather", src.graph.weight(weights["embedding.weight"]), src)  # (B, S, E)
    x = op("Transpose", embedded, perm=[1, 0, 2])  # (S, B, E)
    lengths = cast(src_len, INT32)
    for layer in range(config.encoder_layers):
        y, final = _recurrent_layer(config, weights, layer, x, lengths)
        # (S, directions, B, ·) → (S, B, M)
        x = reshape(op("Transpose", y, perm=[0, 2, 1, 3]), 0, 0, config.memory)
    states = op("Transpose", x, perm=[1, 0, 2])  # (B, S, M)
    if config.summary == "last":
        # (directions, B, ·) → (B, M)
        return states, reshape(op("Transpose", final, perm=[1, 0, 2]), -1, config.memory)
    total = op("ReduceSum", states, states.graph.integers(1), keepdims=0)  # (B, M): padding is 0
    mean = config.summary == "mean"
    return states, total / unsqueeze(cast(src_len, FLOAT), 1) if mean else total


def _recurrent_layer(  # one ONNX operator
    config: ModelConfig, weights: Weights, layer: int, x: Value, lengths: Value
) -> list[Value]:
    suffixes = ["", "_reverse"] if config.bidirectional else [""]

    def gathered(kind: str) -> Array:
        arrays = [weights[f"encoder.rnn.{kind}_l{layer}{suffix}"] for suffix in suffixes]
        return np.stack([_in_onnx_order(array, config.cell) for array in arrays])

    biases = np.concatenate([gathered("bias_ih"), gathered("bias_hh")], axis=1)
    attributes: dict[str, Any] = {"linear_before_reset": 1} if config.cell == "gru" else {}
    return ops(
        config.cell.upper(),
        x,
        x.graph.weight(gathered("weight_ih")),
        x.graph.weight(gathered("weight_hh")),
        x.graph.weight(biases),
        lengths,
        outputs=2,
        hidden_size=config.encoder_hidden,
        direction="bidirectional" if config.bidirectional else "forward",
        **attributes,
    )


def _in_onnx_order(array: Array, cell: str) -> Array:
    order = _ONNX_GATES[cell]
    gates = np.split(array, len(order))
    return np.concatenate([gates[gate] for gate in order])


def remember(
    config: ModelConfig,
    weights: Weights,
    states: Value,
    summary: Value,
    src_len: Value,
) -> Memory:
    """Compute once a source what every step of the decoder needs of it."""
    positions = op("Range", 0, size(states, 1), 1)  # (S,)
    mask = unsqueeze(op("Less", positions, unsqueeze(src_len, 1)), 1)  # (B, 1, S)
    if config.mode != "attention" or config.attention == "dot":
        keys = states
    else:
        keys = linear(states, weights, "decoder.attention.key")  # (B, S, H)
    if config.attention == "additive":
        keys = unsqueeze(keys, 1)  # (B, 1, S, H)
    else:
        keys = op("Transpose", keys, perm=[0, 2, 1])  # (B, H, S)
    return Memory(states, keys, mask, summary)


def attention(config: ModelConfig, weights: Weights, query: Value, memory: Memory) -> Value:
    """Map queries (B, K, H) to contexts (B, K, M)."""
    if config.attention == "additive":
        projected = linear(query, weights, "decoder.attention.query")  # (B, K, H)
        features = op("Tanh", unsqueeze(projected, 2) + memory.keys)  # (B, K, S, H)
        scored = linear(features, weights, "decoder.attention.score")  # (B, K, S, 1)
        scores = op("Squeeze", scored, query.graph.integers(3))  # (B, K, S)
    else:
        scores = query @ memory.keys  # (B, K, S)
    masked = op("Where", memory.mask, scores, float("-inf"))
    return op("Softmax", masked, axis=-1) @ memory.states


def first_state(
    config: ModelConfig, weights: Weights, memory: Memory, beam_size: Value
) -> list[Value]:
    """Return s_0: for each tensor of the state, then each layer, a value (R, H)."""
    number = config.state_tensors * config.decoder_layers
    if config.mode == "context":
        rows = size(memory.summary, 0) * beam_size
        return [full(rows.graph, np.float32(0), rows, config.hidden)] * number
    started = op("Tanh", linear(memory.summary, weights, "decoder.bridge"))
    parts = ops("Split", started, outputs=number, axis=1) if number > 1 else [started]
    return [repeat(part, beam_size) for part in parts]


def repeat(x: Value, times: Value) -> Value:
    """Return each row of x (B, ·) `times` times in a row: (B · times, ·)."""
    rows = op("Range", 0, size(x, 0) * times, 1)
    return op("Gather", x, rows // times, axis=0)


def cell(
    config: ModelConfig,
    weights: Weights,
    layer: int,
    x: Value,
    state: Sequence[Value],
) -> list[Value]:
    """Take one step of one decoder layer: x (R, ·) and its state (R, H) to the next state."""
    inputs = _gates(config, weights, f"ih_l{layer}", x)
    recurrent = _gates(config, weights, f"hh_l{layer}", state[0])
    match config.cell:
        case "rnn":
            return [op("Tanh", inputs[0] + recurrent[0])]
        case "gru":
            r, z = (op("Sigmoid", inputs[gate] + recurrent[gate]) for gate in (0, 1))
            n = op("Tanh", inputs[2] + r * recurrent[2])
            return [(1.0 - z) * n + z * state[0]]
        case "lstm":
            i, f, g, o = (a + b for a, b in zip(inputs, recurrent, strict=True))
            c = op("Sigmoid", f) * state[1] + op("Sigmoid", i) * op("Tanh", g)
            return [op("Sigmoid", o) * op("Tanh", c), c]


def _gates(config: ModelConfig, weights: Weights, name: str, x: Value) -> list[Value]:
    weight, bias = weights[f"decoder.rnn.weight_{name}"], weights[f"decoder.rnn.bias_{name}"]
    number = len(_ONNX_GATES[config.cell])
    product = affine(x, weight, bias)  # (R, gates · H)
    return ops("Split", product, outputs=number, axis=1) if number > 1 else [product]


def readout(config: ModelConfig, weights: Weights, features: Value, bias: Value) -> Value:
    """Map features (R, H or H + M) to logits (R, V)."""
    if not config.tied:
        return affine(features, weights["output.weight"]) + bias
    narrow = op("Tanh", linear(features, weights, "bottleneck"))  # (R, E)
    # The table (V, E) is stored once and turned when the graph is loaded.
    table = features.graph.weight(weights["embedding.weight"])
    return narrow @ op("Transpose", table, perm=[1, 0]) + bias
