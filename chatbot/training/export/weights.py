"""How a graph stores its weights and multiplies by them: 32-bit, 16-bit or 8-bit.

16-bit weights are widened when the graph is loaded. 8-bit ones are (q - 128) · scale, with q from
1 to 255 and one scale a row of the matrix. What the decoder multiplies at every step (states, means
of states, outputs of tanh) lies in [-1, 1], so it becomes (q - 128) / 127 without any calibration,
and the product is one of integers: the same on every machine, whatever else is in the batch.
Both factors are unsigned: for signed weights x86 without VNNI has an instruction that saturates.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from chatbot.training.export.graph import FLOAT, Array, Graph, Value, cast, op

Storage = Literal["int8", "fp16", "fp32"]
STORAGES: tuple[Storage, ...] = get_args(Storage)

_ZERO = np.array(128, dtype=np.uint8)
_STEPS = 127  # on each side of zero


class Weights:
    """Hold the arrays of one model and put them into its graph."""

    def __init__(self, graph: Graph, arrays: Mapping[str, Array], storage: Storage) -> None:
        self._graph = graph
        self._arrays = arrays
        self._storage = storage
        self._quantised: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def vector(self, name: str) -> Value:
        """Return a vector, always 32-bit."""
        return self._graph.weight(self._arrays[name])

    def matrix(self, array: Array) -> Value:
        """Return a matrix (…, N, K) in floating point, widened when the graph is loaded."""
        if self._storage == "fp32":
            return self._graph.weight(array)
        if self._storage == "fp16":
            return cast(self._graph.weight(array.astype(np.float16)), FLOAT)
        levels, scales = quantise(array)
        return (cast(self._graph.weight(levels), FLOAT) - 128.0) * self._graph.weight(scales)

    def product(self, x: Value, array: Array) -> Value:
        """Return x Wᵀ for any x."""
        return x @ op("Transpose", self.matrix(array), perm=[1, 0])

    def bounded_product(self, x: Value, array: Array) -> Value:
        """Return x Wᵀ for an x in [-1, 1]."""
        if self._storage != "int8":
            return self.product(x, array)
        return self._integer_product(self._levels(x), array, np.float32(1 / _STEPS))

    def embedding(self, ids: Value, table: Array) -> Value:
        """Return the rows of the table in floating point, (…, E)."""
        if self._storage != "int8":
            return op("Gather", self.matrix(table), ids)
        levels, scales = quantise(table)
        rows = op("Gather", self._graph.weight(levels), ids)
        return (cast(rows, FLOAT) - 128.0) * op("Gather", self._graph.weight(scales), ids)

    def embedding_product(self, ids: Value, table: Array, array: Array) -> Value:
        """Return E Wᵀ for the rows E of the table: 8-bit rows are integers as they are."""
        if self._storage != "int8":
            return self.product(self.embedding(ids, table), array)
        levels, scales = quantise(table)
        rows = op("Gather", self._graph.weight(levels), ids)
        scale = op("Gather", self._graph.weight(scales), ids)  # (…, 1)
        return self._integer_product(rows, array, np.float32(1)) * scale

    def _levels(self, x: Value) -> Value:
        if x.name not in self._quantised:
            scale = self._graph.weight(np.array(1 / _STEPS, dtype=np.float32))
            level = op("QuantizeLinear", x, scale, self._graph.weight(_ZERO))
            self._quantised[x.name] = level
        return self._quantised[x.name]

    def _integer_product(self, x: Value, array: Array, scale: np.float32) -> Value:
        """Return (x - 128) · scale times Wᵀ for the levels x."""
        levels, scales = quantise(array)
        zero = self._graph.weight(_ZERO)
        turned = op("Transpose", self._graph.weight(levels), perm=[1, 0])
        product = cast(op("MatMulInteger", x, turned, zero, zero), FLOAT)
        return product * self._graph.weight(scales[:, 0] * scale)


def quantise(array: Array) -> tuple[Array, Array]:
    """Return levels (…, N, K) and scales (…, N, 1): a row is (levels - 128) · scale."""
    largest = np.abs(array).max(axis=-1, keepdims=True)
    scales = (np.maximum(largest, np.float32(1e-30)) / _STEPS).astype(np.float32)
    return (np.rint(array / scales) + 128).astype(np.uint8), scales
