"""A small builder of ONNX graphs, so that the parts read like their equations.

A `Value` is the output of a node; arithmetic on values appends nodes. A node stands in the
innermost graph among those of its inputs: what a loop body computes from outer values alone is
computed once, before the loop. Only a branch keeps its nodes to itself: what it computes from the
values of the graph around it is computed when it is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

INT64, INT32, INT8, UINT8, FLOAT, BOOL, STRING = (
    TensorProto.INT64,
    TensorProto.INT32,
    TensorProto.INT8,
    TensorProto.UINT8,
    TensorProto.FLOAT,
    TensorProto.BOOL,
    TensorProto.STRING,
)

IR_VERSIONS = {17: 8, 20: 9}
"""The IR version that came with each operator set: what is newer, older runtimes refuse."""

MINIMAL: Mapping[str, int] = {"": 17}
"""The operator sets of a graph that asks for nothing else: standard, and old enough for all."""

Array = npt.NDArray[Any]


class Value:
    """Name one tensor of a graph."""

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph = graph
        self.name = name

    def __add__(self, other: Value | int | float) -> Value:
        return op("Add", self, other)

    def __radd__(self, other: Value | int | float) -> Value:
        return op("Add", other, self)

    def __sub__(self, other: Value | int | float) -> Value:
        return op("Sub", self, other)

    def __rsub__(self, other: Value | int | float) -> Value:
        return op("Sub", other, self)

    def __mul__(self, other: Value | int | float) -> Value:
        return op("Mul", self, other)

    def __truediv__(self, other: Value | int | float) -> Value:
        return op("Div", self, other)

    def __floordiv__(self, other: Value | int | float) -> Value:
        return op("Div", self, other)  # of integers ONNX keeps the whole part

    def __mod__(self, other: Value | int | float) -> Value:
        return op("Mod", self, other)

    def __pow__(self, other: Value | int | float) -> Value:
        return op("Pow", self, other)

    def __matmul__(self, other: Value) -> Value:
        return op("MatMul", self, other)


class Graph:
    """Collect nodes; weights and constants all stand in the outermost graph."""

    def __init__(self, outer: Graph | None = None, *, opsets: Mapping[str, int] = MINIMAL) -> None:
        self.outer = outer
        self.opsets: Mapping[str, int] = outer.opsets if outer else opsets
        self.root: Graph = outer.root if outer else self
        self.depth: int = outer.depth + 1 if outer else 0
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.declared: list[onnx.ValueInfoProto] = []
        self.weights: dict[tuple[str, bytes, tuple[int, ...]], onnx.TensorProto] = {}
        self.open_branch: Graph | None = None
        self._numbers = count()

    def name(self, kind: str) -> str:
        """Return a name that no other value of the model has."""
        return f"{kind}_{next(self.root._numbers)}"

    def input(self, name: str, kind: int, shape: Sequence[int | str] | None) -> Value:
        """Declare an input."""
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return Value(self, name)

    def declare(self, value: Value, kind: int, shape: Sequence[int | str]) -> Value:
        """Say what an operator gives that onnx does not know; its checker would crash behind it."""
        self.declared.append(helper.make_tensor_value_info(value.name, kind, shape))
        return value

    def weight(self, array: Array) -> Value:
        """Store an array once, however often it is asked for."""
        root = self.root
        content = array.tobytes() if array.dtype != object else "\0".join(array.flat).encode()
        key = (array.dtype.str, content, array.shape)
        if key not in root.weights:
            root.weights[key] = numpy_helper.from_array(array, self.name("weight"))
        return Value(root, root.weights[key].name)

    def integers(self, *values: int) -> Value:
        """Return a constant vector of int64: a shape, axes, indices."""
        return self.weight(np.array(values, dtype=np.int64))

    def strings(self, *values: str) -> Value:
        """Return a constant vector of text."""
        return self.weight(np.array(values, dtype=object))

    def loop(
        self,
        trips: Value,
        initial: Mapping[str, tuple[Value, int]],
        body: Callable[[Value, dict[str, Value]], tuple[dict[str, Value], Value]],
    ) -> dict[str, Value]:
        """Run `body` up to `trips` times and return what it carried last.

        `initial` gives each carried name its first value and its element type. The body gets
        the number of the turn and the carried values, and returns the next values and whether to
        go on.
        """
        inside = Graph(outer=self)
        turn = inside.input(self.name("turn"), INT64, ())
        inside.input(self.name("go_on"), BOOL, ())
        carried = {
            name: inside.input(self.name(name), kind, None) for name, (_, kind) in initial.items()
        }
        after, go_on = body(turn, carried)
        proto = inside.proto("body", [(go_on, BOOL)] + [(after[n], initial[n][1]) for n in initial])
        always = self.weight(np.array(True))
        first = [value for value, _ in initial.values()]
        names = [self.name(f"last_{name}") for name in initial]
        inputs = [trips.name, always.name, *(value.name for value in first)]
        self.nodes.append(helper.make_node("Loop", inputs, names, body=proto))
        return {name: Value(self, last) for name, last in zip(initial, names, strict=True)}

    def branch(
        self,
        condition: Value,
        then: Callable[[], Sequence[Value]],
        otherwise: Callable[[], Sequence[Value]],
        kinds: Sequence[int],
    ) -> list[Value]:
        """Return what `then` gives where `condition` holds, else what `otherwise` gives."""
        place = _open(self)
        bodies = []
        for part in (then, otherwise):
            place.open_branch = inside = Graph(outer=place)
            results = part()
            place.open_branch = None
            bodies.append(inside.proto("branch", list(zip(results, kinds, strict=True))))
        names = [self.name("chosen") for _ in kinds]
        attributes = dict(zip(("then_branch", "else_branch"), bodies, strict=True))
        place.nodes.append(helper.make_node("If", [condition.name], names, **attributes))
        return [Value(place, name) for name in names]

    def scan(
        self,
        state: Value,
        rows: Value,
        body: Callable[[Value, Value], tuple[Value, Value]],
        kinds: tuple[int, int, int],
        *,
        reverse: bool = False,
    ) -> Value:
        """Carry `state` along the rows, from the last where `reverse`, and return what each gave.

        The body gets the state and a row, and returns the next state and what it gives; `kinds`
        are the element types of state, row and what is given.
        """
        inside = Graph(outer=self)
        now, row = (inside.input(self.name("carried"), kind, None) for kind in kinds[:2])
        after, given = body(now, row)
        proto = inside.proto("body", [(after, kinds[0]), (given, kinds[2])])
        names = [self.name("last"), self.name("given")]
        direction = [int(reverse)]
        node = helper.make_node(
            "Scan",
            [state.name, rows.name],
            names,
            body=proto,
            num_scan_inputs=1,
            scan_input_directions=direction,
            scan_output_directions=direction,
        )
        self.nodes.append(node)
        return Value(self, names[1])

    def proto(self, name: str, outputs: Sequence[tuple[Value, int]]) -> onnx.GraphProto:
        """Return the body of an operator that has one."""
        made, results = {output for node in self.nodes for output in node.output}, []
        for value, kind in outputs:
            # An output must be a node's of this very graph, and of one output only.
            if value.name not in made:
                value = op("Identity", value, graph=self)  # noqa: PLW2901
            made.discard(value.name)
            results.append(helper.make_tensor_value_info(value.name, kind, None))
        return helper.make_graph(self.nodes, self.root.name(name), self.inputs, results)

    def model(self, outputs: dict[str, tuple[Value, int, Sequence[int | str]]]) -> onnx.ModelProto:
        """Return the checked model whose outputs carry the given names."""
        for name, (value, _, _) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [value.name], [name]))
        graph = helper.make_graph(
            self.nodes,
            "seq2seq",
            self.inputs,
            [helper.make_tensor_value_info(n, kind, s) for n, (_, kind, s) in outputs.items()],
            initializer=list(self.weights.values()),
            value_info=self.declared,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(*opset) for opset in self.opsets.items()],
            producer_name="duihua",
        )
        model.ir_version = IR_VERSIONS[self.opsets[""]]
        onnx.checker.check_model(model, full_check=True)
        return model


def op(
    kind: str, *inputs: Value | int | float | None, graph: Graph | None = None, **attributes: Any
) -> Value:
    """Append a node with one output."""
    (value,) = ops(kind, *inputs, outputs=1, graph=graph, **attributes)
    return value


def ops(
    kind: str,
    *inputs: Value | int | float | None,
    outputs: int,
    graph: Graph | None = None,
    **attributes: Any,
) -> list[Value]:
    """Append a node; Python numbers become constants, None an input that is left out."""
    given = [value.graph for value in inputs if isinstance(value, Value)]
    place = graph or _open(max(given, key=lambda candidate: candidate.depth))
    names = ["" if value is None else _value(place, value).name for value in inputs]
    results = [place.name(kind) for _ in range(outputs)]
    place.nodes.append(helper.make_node(kind, names, results, **attributes))
    return [Value(place, result) for result in results]


def cast(value: Value, kind: int) -> Value:
    """Change the element type."""
    return op("Cast", value, to=kind)


def reshape(value: Value, *shape: Value | int) -> Value:
    """Change the shape; a dimension may be a number or a scalar value."""
    return op("Reshape", value, _shape(value.graph, shape))


def flat(value: Value) -> Value:
    """Join all dimensions but the first."""
    return op("Flatten", value, axis=1)


def reduced(kind: str, value: Value, axis: int, *, keep: bool = False) -> Value:
    """Reduce one dimension; operator set 18 made the axis of most reductions an input."""
    keepdims = int(keep)
    if kind == "ReduceSum" or value.graph.opsets[""] >= 18:
        return op(kind, value, value.graph.integers(axis), keepdims=keepdims)
    return op(kind, value, axes=[axis], keepdims=keepdims)


def split(value: Value, *sizes: int) -> list[Value]:
    """Cut the last dimension into pieces of the given sizes."""
    if len(sizes) == 1:
        return [value]
    widths = value.graph.integers(*sizes)
    return ops("Split", value, widths, outputs=len(sizes), axis=-1)


def full(graph: Graph, value: np.generic, *shape: Value | int) -> Value:
    """Return a tensor of the given shape filled with one value."""
    tensor = numpy_helper.from_array(np.array([value]))
    return op("ConstantOfShape", _shape(graph, shape), value=tensor)


def unsqueeze(value: Value, axis: int) -> Value:
    """Insert a dimension of 1."""
    return op("Unsqueeze", value, value.graph.integers(axis))


def size(value: Value, axis: int) -> Value:
    """Return one dimension of the shape, a scalar."""
    return op("Gather", op("Shape", value), axis, axis=0)


def _open(graph: Graph) -> Graph:
    """Return the branch of `graph` that is being written, if there is one."""
    return _open(graph.open_branch) if graph.open_branch else graph


def _shape(graph: Graph, sizes: Sequence[Value | int]) -> Value:
    numbers = [size for size in sizes if isinstance(size, int)]
    if len(numbers) == len(sizes):
        return graph.integers(*numbers)
    return op("Concat", *(unsqueeze(_value(graph, size), 0) for size in sizes), axis=0)


def _value(graph: Graph, value: Value | int | float) -> Value:
    if isinstance(value, Value):
        return value
    return graph.weight(np.array(value, dtype=np.int64 if isinstance(value, int) else np.float32))
