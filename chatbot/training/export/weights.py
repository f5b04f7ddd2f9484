"""How a graph stores its weights and multiplies by them: in 32, 16 or 8 bits.

16-bit weights are widened when the graph is loaded. 8-bit ones are q · scale, with one scale a row
of the matrix; "int8-weights" are widened too. With "int8" what the decoder multiplies at every step
(states, means of states, outputs of tanh) lies in [-1, 1], so it becomes (p - 128) / 127 without
any calibration, and the product is one of integers: the same on every machine, whatever else is in
the batch.

Where q is multiplied so, it stays within ±64. x86 without VNNI adds two products p · q in 16 bits,
and 2 · 255 · 64 is the most that fits; with larger q those processors would give other replies.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from chatbot.training.export.graph import FLOAT, Array, Graph, Value, cast, op

Storage = Literal["int8", "int8-weights", "fp16", "fp32"]
STORAGES: tuple[Storage, ...] = get_args(Storage)

_STORED = 127  # the greatest q of a matrix that is widened when it is loaded
_MULTIPLIED = 64
_BOUNDED = 127  # levels of [-1, 1] on each side of the zero, which is level 128
_ZERO = np.array(128, dtype=np.uint8)


class Weights:
    """Hold the arrays of one model and put them into its graph."""

    def __init__(self, graph: Graph, arrays: Mapping[str, Array], storage: Storage) -> None:
        self._graph = graph
        self._arrays = arrays
        self._eight_bits = storage in ("int8", "int8-weights")
        self._integers = storage == "int8"
        self._half = storage == "fp16"
        self._levels: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def vector(self, name: str) -> Value:
        """Return a vector, always 32-bit."""
        return self._graph.weight(self._arrays[name])

    def matrix(self, array: Array) -> Value:
        """Return a matrix (…, N, K) in floating point, widened when the graph is loaded."""
        if self._half:
            return cast(self._graph.weight(array.astype(np.float16)), FLOAT)
        if self._eight_bits:
            q, scales = quantise(array, _STORED)
            return cast(self._graph.weight(q), FLOAT) * self._graph.weight(scales)
        return self._graph.weight(array)

    def product(self, x: Value, array: Array, *, rows: int | None = None) -> Value:
        """Return x Wᵀ for any x, with all rows of W or with the first ones."""
        return x @ _turned(self.matrix(array), len(array), rows)

    def bounded_product(self, x: Value, array: Array, *, rows: int | None = None) -> Value:
        """Return x Wᵀ for an x in [-1, 1], with all rows of W or with the first ones."""
        if not self._integers:
            return self.product(x, array, rows=rows)
        if x.name not in self._levels:
            self._levels[x.name] = self._quantised(x, 1 / _BOUNDED)
        return self._integer_product(self._levels[x.name], array, 1 / _BOUNDED, rows)

    def embedding(self, ids: Value, table: Array) -> Value:
        """Return the rows of the table in floating point, (…, E)."""
        if not self._integers:
            return op("Gather", self.matrix(table), ids)
        q, scale = self._rows(ids, table)
        return q * scale

    def embedding_product(self, ids: Value, table: Array, array: Array) -> Value:
        """Return E Wᵀ for the rows E of the table: 8-bit rows are integers as they are."""
        if not self._integers:
            return self.product(self.embedding(ids, table), array)
        q, scale = self._rows(ids, table)
        return self._integer_product(self._quantised(q, 1.0), array, 1.0) * scale

    def _rows(self, ids: Value, table: Array) -> tuple[Value, Value]:
        """Return the rows of the table as whole numbers, (…, E), and their scales, (…, 1)."""
        q, scales = quantise(table, _MULTIPLIED)
        rows = op("Gather", self._graph.weight(q), ids)
        return cast(rows, FLOAT), op("Gather", self._graph.weight(scales), ids)

    def _quantised(self, x: Value, scale: float) -> Value:
        scalar = self._graph.weight(np.array(scale, dtype=np.float32))
        return op("QuantizeLinear", x, scalar, self._graph.weight(_ZERO))

    def _integer_product(
        self, p: Value, array: Array, scale: float, rows: int | None = None
    ) -> Value:
        """Return (p - 128) · scale times Wᵀ."""
        q, scales = quantise(array, _MULTIPLIED)
        turned = _turned(self._graph.weight(q), len(array), rows)
        product = cast(op("MatMulInteger", p, turned, self._graph.weight(_ZERO)), FLOAT)
        return product * self._graph.weight(scales[:rows, 0] * np.float32(scale))


def _turned(matrix: Value, stored: int, rows: int | None) -> Value:
    """Return Wᵀ, of the first rows only: stored once, and cut and turned when it is loaded."""
    integers = matrix.graph.integers
    if rows is not None and rows < stored:
        matrix = op("Slice", matrix, integers(0), integers(rows))
    return op("Transpose", matrix, perm=[1, 0])


def quantise(array: Array, greatest: int) -> tuple[Array, Array]:
    """Return whole numbers q (…, N, K) within ±`greatest`, and scales (…, N, 1) of the rows."""
    largest = np.abs(array).max(axis=-1, keepdims=True)
    scales = (np.maximum(largest, np.float32(1e-30)) / greatest).astype(np.float32)
    return np.rint(array / scales).astype(np.int8), scales
