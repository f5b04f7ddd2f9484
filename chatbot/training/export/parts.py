"""The parts of the network as ONNX, one function a part.

Each mirrors its namesake in `chatbot.training.model`; the legend of the shapes stands there. What
the decoder needs of a source at every step is multiplied once a source: W Σ α_j h_j = Σ α_j W h_j,
and as the α_j sum to 1, a bias may stand on the W h_j too.
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
    reduced,
    reshape,
    size,
    split,
    unsqueeze,
)
from chatbot.training.export.weights import Weights
from chatbot.training.model import PROTOTYPE_SCALE

_ONNX_GATES = {"rnn": [0], "lstm": [0, 3, 1, 2], "gru": [1, 0, 2]}
"""PyTorch's gates (i f g o; r z n) in the order of ONNX's operators (i o f c; z r h)."""

TABLE = "embedding.weight"
OUTPUT_BIAS = "output_bias"


class Attended(NamedTuple):
    """Hold what the attention compares and what it takes means of."""

    keys: Value  # (B, H, S); additive: (B, 1, S, H)
    mask: Value  # (B, 1, S), False on padding
    values: Value  # (B, S, ·): one behind the other what `value_sizes` tells of


class Memory(NamedTuple):
    """Hold what the decoder may look at, computed once a source before the loop."""

    summary: Value  # (B, M), with prototypes (B, P)
    attended: Attended | None


class Given(NamedTuple):
    """Hold what a step gets from C or c_t, the biases included."""

    gates: Mapping[int, Value]  # of the layers that read it: (R, gates · H)
    output: Value | None  # (R, E); where the output is not tied it is c_t, (R, M)
    alpha: Value  # (R, 1, S), without attention (R, 1, 0)


def encoder(
    config: ModelConfig, weights: Weights, src: Value, src_len: Value
) -> tuple[Value, Value]:
    """Map ids (B, S) and lengths (B,) to states (B, S, M) and what the decoder gets as C."""
    embedded = weights.embedding(src, weights[TABLE])  # (B, S, E)
    x = op("Transpose", embedded, perm=[1, 0, 2])  # (S, B, E)
    lengths = cast(src_len, INT32)
    for layer in range(config.encoder_layers):
        y, final = _recurrent_layer(config, weights, layer, x, lengths)
        # (S, directions, B, ·) → (S, B, M)
        x = reshape(op("Transpose", y, perm=[0, 2, 1, 3]), 0, 0, config.memory)
    states = op("Transpose", x, perm=[1, 0, 2])  # (B, S, M)
    if config.summary == "last":
        # (directions, B, ·) → (B, M)
        summary = reshape(op("Transpose", final, perm=[1, 0, 2]), -1, config.memory)
    elif config.summary == "weighted":
        scores = weights.product(states, weights["encoder.weigh.weight"])  # (B, S, 1)
        tokens = unsqueeze(_valid(states, src_len), 2)  # (B, S, 1)
        shares = op("Softmax", op("Where", tokens, scores, float("-inf")), axis=1)
        summary = reduced("ReduceSum", shares * states, 1)  # (B, M)
    else:
        summary = reduced("ReduceSum", states, 1)  # (B, M): padding is 0
        if config.summary == "mean":
            summary = summary / unsqueeze(cast(src_len, FLOAT), 1)
    return states, recalled(weights, summary) if config.prototypes else summary


def _valid(states: Value, src_len: Value) -> Value:
    """Return a mask (B, S), True on the tokens of the states (B, S, M), False on padding."""
    positions = op("Range", 0, size(states, 1), 1)  # (S,)
    return op("Less", positions, unsqueeze(src_len, 1))


def recalled(weights: Weights, summary: Value) -> Value:
    """Map summaries C (B, M) to the means (B, P) of the prototypes that they ask for."""
    query = weights.product(summary, weights["prototypes.query.weight"])  # (B, P)
    prototypes = weights.matrix(weights["prototypes.weight"])  # (N, P)
    logits = query @ op("Transpose", prototypes, perm=[1, 0])  # (B, N)
    shares = op("Softmax", logits + weights.vector("prototypes.bias"), axis=-1)
    return shares @ prototypes * PROTOTYPE_SCALE


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
        weights.matrix(gathered("weight_ih")),
        weights.matrix(gathered("weight_hh")),
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
    config: ModelConfig, weights: Weights, states: Value, summary: Value, src_len: Value
) -> Memory:
    """Compute once a source what every step of the decoder needs of it."""
    if config.mode != "attention":
        return Memory(summary, None)
    mask = unsqueeze(_valid(states, src_len), 1)  # (B, 1, S)
    # One product for all: for the gates, for the output where it is narrow, and the keys.
    columns = {str(layer): input_columns(config, weights, layer)[1] for layer in readers(config)}
    if config.tied:
        columns["output"] = readout_columns(config, weights)[1]
    if config.attention != "dot":
        columns["keys"] = weights["decoder.attention.key.weight"]
    parts: dict[str, Value] = {}  # (B, S, ·) each
    if columns:
        product = weights.bounded_product(states, np.concatenate([*columns.values()]))
        found = split(product, *(len(array) for array in columns.values()))
        parts = dict(zip(columns, found, strict=True))

    values = [parts[str(layer)] + input_bias(weights, layer) for layer in readers(config)]
    values += [parts["output"] + weights.vector("bottleneck.bias") if config.tied else states]
    keys = parts.get("keys", states)  # (B, S, H)
    if config.attention == "additive":
        keys = unsqueeze(keys, 1)  # (B, 1, S, H)
    else:
        keys = op("Transpose", keys, perm=[0, 2, 1])  # (B, H, S)
    return Memory(summary, Attended(keys, mask, op("Concat", *values, axis=2)))


def readers(config: ModelConfig) -> range:
    """Return the layers of the decoder whose gates read C or c_t."""
    if config.asks_first:
        return range(1, config.decoder_layers)
    return range(0 if config.mode == "feedback" else 1)


def value_sizes(config: ModelConfig, weights: Weights) -> list[int]:
    """Return the sizes of the attended values: of each reader's gates, then of the output's."""
    gates = [len(weights[f"decoder.layers.{layer}.bias_ih_l0"]) for layer in readers(config)]
    return [*gates, config.embedding if config.tied else config.memory]


def input_columns(config: ModelConfig, weights: Weights, layer: int) -> tuple[Array, Array]:
    """Split a layer's matrix into its columns for what is below and for C or c_t.

    Below the first layer is E y_{t-1}, in context mode nothing.
    """
    matrix = weights[f"decoder.layers.{layer}.weight_ih_l0"]
    first = 0 if config.mode == "context" else config.embedding
    below = config.hidden if layer else first
    return matrix[:, :below], matrix[:, below:]


def input_bias(weights: Weights, layer: int) -> Value:
    """Return the bias of what a layer reads, (gates · H,)."""
    return weights.vector(f"decoder.layers.{layer}.bias_ih_l0")


def readout_columns(config: ModelConfig, weights: Weights) -> tuple[Array, Array]:
    """Split the bottleneck's matrix into its columns for s_t and for c_t."""
    matrix = weights["bottleneck.weight"]
    return matrix[:, : config.hidden], matrix[:, config.hidden :]


def attention(
    config: ModelConfig, weights: Weights, query: Value, attended: Attended
) -> tuple[Value, Value]:
    """Map queries (B, K, H) to the means of the values (B, K, ·) and the weights (B, K, S)."""
    if config.attention == "additive":
        projected = weights.bounded_product(query, weights["decoder.attention.query.weight"])
        projected = projected + weights.vector("decoder.attention.query.bias")  # (B, K, H)
        features = op("Tanh", unsqueeze(projected, 2) + attended.keys)  # (B, K, S, H)
        scored = weights.bounded_product(features, weights["decoder.attention.score.weight"])
        scores = op("Squeeze", scored, query.graph.integers(3))  # (B, K, S)
    else:
        scores = query @ attended.keys  # (B, K, S)
    masked = op("Where", attended.mask, scores, float("-inf"))
    alpha = op("Softmax", masked, axis=-1)
    return alpha @ attended.values, alpha


def first_state(
    config: ModelConfig, weights: Weights, summary: Value, beam_size: Value
) -> list[Value]:
    """Return s_0: for each tensor of the state, then each layer, a value (R, H)."""
    number = config.state_tensors * config.decoder_layers
    if config.mode == "context":
        rows = size(summary, 0) * beam_size
        return [full(rows.graph, np.float32(0), rows, config.hidden)] * number
    product = summarised(config, weights, summary, weights["decoder.bridge.weight"])
    started = op("Tanh", product + weights.vector("decoder.bridge.bias"))
    return [repeat(part, beam_size) for part in split(started, *[config.hidden] * number)]


def summarised(config: ModelConfig, weights: Weights, summary: Value, array: Array) -> Value:
    """Return W C: a sum of states or a prototype, unlike a mean or the last, may leave [-1, 1]."""
    bounded = config.summary != "sum" and not config.prototypes
    return (weights.bounded_product if bounded else weights.product)(summary, array)


def repeat(x: Value, times: Value) -> Value:
    """Return each row of x (B, ·) `times` times in a row: (B · times, ·)."""
    rows = op("Range", 0, size(x, 0) * times, 1)
    return op("Gather", x, rows // times, axis=0)


def cell(
    config: ModelConfig, inputs: Value, recurrent: Value, state: Sequence[Value]
) -> list[Value]:
    """Join what the gates (R, gates · H) get from below and from s_{t-1} to the next state."""
    hidden = config.hidden
    match config.cell:
        case "rnn":
            return [op("Tanh", inputs + recurrent)]
        case "gru":
            both, new = split(inputs, 2 * hidden, hidden)
            both_recurrent, new_recurrent = split(recurrent, 2 * hidden, hidden)
            r, z = split(op("Sigmoid", both + both_recurrent), hidden, hidden)
            n = op("Tanh", new + r * new_recurrent)
            return [n + z * (state[0] - n)]  # (1 - z) n + z s_{t-1}
        case "lstm":
            both, new, out = split(inputs + recurrent, 2 * hidden, hidden, hidden)
            i, f = split(op("Sigmoid", both), hidden, hidden)
            c = f * state[1] + i * op("Tanh", new)
            return [op("Sigmoid", out) * op("Tanh", c), c]


def first_inputs(
    config: ModelConfig, weights: Weights, tokens: Value, given: Value | None
) -> Value:
    """Return what the first layer's gates get from below, (R, gates · H).

    `given` is what they get from C or c_t, the bias included; None where they read neither.
    """
    if config.mode == "context":
        assert given is not None  # noqa: S101 - for the type checker
        return given
    columns, _ = input_columns(config, weights, 0)
    product = weights.embedding_product(tokens, weights[TABLE], columns)
    return product + (input_bias(weights, 0) if given is None else given)


def inputs_above(
    config: ModelConfig, weights: Weights, layer: int, below: Value, given: Value | None
) -> Value:
    """Return what the gates of a layer above the first get from below, (R, gates · H)."""
    columns, _ = input_columns(config, weights, layer)
    product = weights.bounded_product(below, columns)
    return product + (input_bias(weights, layer) if given is None else given)


def recurrent(weights: Weights, layer: int, state: Value) -> Value:
    """Return what a layer's gates get from its own s_{t-1}, (R, gates · H)."""
    product = weights.bounded_product(state, weights[f"decoder.layers.{layer}.weight_hh_l0"])
    return product + weights.vector(f"decoder.layers.{layer}.bias_hh_l0")


def readout(
    config: ModelConfig, weights: Weights, state: Value, given: Value | None, bias: Value
) -> Value:
    """Map s_t (R, H) and what the output gets from c_t to logits (R, V)."""
    if not config.tied:
        features = state if given is None else op("Concat", state, given, axis=1)
        return weights.bounded_product(features, weights["output.weight"]) + bias
    columns, _ = readout_columns(config, weights)
    narrow = weights.bounded_product(state, columns)  # (R, E)
    narrow = narrow + (weights.vector("bottleneck.bias") if given is None else given)
    known = len(weights[OUTPUT_BIAS])  # V: a reply may use only the first tokens
    return weights.bounded_product(op("Tanh", narrow), weights[TABLE], rows=known) + bias
