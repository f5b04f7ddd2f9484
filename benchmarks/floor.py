"""How near to the memory: a step of the reply, and the bare reading of its matrices.

A step of the reply is a nineteenth of what 20 tokens take longer than one. It multiplies by each of
the matrices below once; scales, biases, states and attention, under 5 % of the bytes, are left out
of the floor. The floor is the fastest of these ways to read as much, again and again like the
reply, so that what stays in a cache for it does for them too:

product   the same products in an ONNX Loop, nothing else in it, by onnxruntime, whose threads
          spin as long as it wants
sum       one array of as many bytes, added up as 32-bit floats by torch
vector    each matrix times a vector by torch, in 32 bits only
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from statistics import median

import numpy as np
import torch

from benchmarks.large_model import CONFIG, GREEDY, STEPS, VOCABULARY, LargeModel
from benchmarks.timing import Rounds, interleaved, milliseconds, ratios, spread, table
from chatbot.bundle import IDS_GRAPH
from chatbot.engine import IdsEngine
from chatbot.training.export.graph import FLOAT, INT32, INT64, UINT8, Graph, Value, full, op
from chatbot.training.export.weights import Storage

ROUNDS = 9
REPEATS = 5
THREADS = 2
STORAGES: tuple[Storage, ...] = ("fp32", "int8")
GATES = 3 * CONFIG.hidden
SHAPES = (  # rows, columns
    (GATES, CONFIG.embedding),  # decoder.layers.0.weight_ih_l0, its columns for the token
    (GATES, CONFIG.hidden),  # decoder.layers.0.weight_hh_l0
    (GATES, CONFIG.hidden),  # decoder.layers.1.weight_ih_l0
    (GATES, CONFIG.hidden),  # decoder.layers.1.weight_hh_l0
    (CONFIG.embedding, CONFIG.hidden),  # bottleneck.weight, its columns for the state
    (VOCABULARY, CONFIG.embedding),  # embedding.weight, the output
)
REPLY = "the reply"

Steps = Callable[[int], object]
"""Take so many steps."""


def run(rounds: int) -> str:
    torch.set_num_threads(THREADS)
    large = LargeModel()
    tasks: dict[tuple[Storage, str], Callable[[], float]] = {}
    for storage in STORAGES:
        ways = {REPLY: reply(large, storage), **floors(storage)}
        tasks |= {(storage, name): partial(one_step, steps) for name, steps in ways.items()}
    measured, note = interleaved(tasks, rounds)
    rows, notes = [], [note]
    for storage in STORAGES:
        times = {name: found for (kind, name), found in measured.items() if kind == storage}
        rows += [line(storage, name, found, times[REPLY]) for name, found in times.items()]
        best = min(times.keys() - {REPLY}, key=lambda name: median(times[name]))
        figure = spread(ratios(times[REPLY], times[best]), ".2f")
        notes.append(f"{storage}: the floor is the {best}, and the reply takes {figure} of it.")
    return table(["", "ms a step", "GB/s", f"{REPLY} / this"], rows, *notes)


def line(storage: Storage, name: str, times: Rounds, own: Rounds) -> list[str]:
    megabytes = bytes_read(storage) / 1e6
    return [
        f"{storage}, {megabytes:.1f} MB, {name}",
        spread(times, ".3f"),
        spread([megabytes / time for time in times]),
        spread(ratios(own, times), ".2f"),
    ]


def bytes_read(storage: Storage) -> int:
    weights = sum(rows * columns for rows, columns in SHAPES)
    return weights * (1 if storage == "int8" else 4)


def one_step(steps: Steps) -> float:
    """Return the milliseconds of a step, without what is done once."""
    most, least = (milliseconds(partial(steps, number), repeats=REPEATS) for number in (STEPS, 1))
    return (most - least) / (STEPS - 1)


def reply(large: LargeModel, storage: Storage) -> Steps:
    engine = IdsEngine(large.graph(IDS_GRAPH, storage), threads=THREADS)
    return lambda number: engine.generate([large.source], replace(GREEDY, max_length=number))


def floors(storage: Storage) -> Mapping[str, Steps]:
    ways = {"product": products(storage), "sum": sums(storage)}
    return ways if storage == "int8" else {**ways, "vector": vectors()}


def sums(storage: Storage) -> Steps:
    array = torch.ones(bytes_read(storage) // 4)
    return lambda number: [array.sum() for _ in range(number)]


def vectors() -> Steps:
    pairs = [(torch.randn(shape), torch.randn(shape[1])) for shape in SHAPES]
    return lambda number: [torch.mv(*pair) for _ in range(number) for pair in pairs]


def products(storage: Storage) -> Steps:
    # Late: chatbot.engine, behind it in the alphabet, must first switch its telemetry off.
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.add_session_config_entry("session.force_spinning_stop", "1")  # torch comes next
    graph = product_graph(storage)
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    kind = np.uint8 if storage == "int8" else np.float32
    given = {f"x{columns}": np.full((1, columns), 3, dtype=kind) for _, columns in SHAPES}
    return lambda number: session.run(None, {"steps": np.array(number), **given})


def product_graph(storage: Storage) -> bytes:
    """Return a graph whose Loop multiplies vectors, which are inputs, by all matrices."""
    graph, draw, integers = Graph(), np.random.default_rng(0), storage == "int8"
    given, made = (UINT8, INT32) if integers else (FLOAT, FLOAT)
    widths = dict.fromkeys(columns for _, columns in SHAPES)
    steps = graph.input("steps", INT64, [])
    x = {columns: graph.input(f"x{columns}", given, [1, columns]) for columns in widths}

    def turned(shape: tuple[int, int]) -> Value:
        """Return a random matrix, stored as the exporter does it: turned when it is loaded."""
        array = draw.integers(-64, 65, shape).astype(np.int8 if integers else np.float32)
        return op("Transpose", graph.weight(array), perm=[1, 0])

    matrices = {f"product{i}": (turned(shape), x[shape[1]]) for i, shape in enumerate(SHAPES)}
    kind = "MatMulInteger" if integers else "MatMul"
    zero = [graph.weight(np.array(128, dtype=np.uint8))] if integers else []

    def turn(number: Value, _: dict[str, Value]) -> tuple[dict[str, Value], Value]:
        inside = number.graph  # no input of the products is of the loop: it must be said
        return {
            name: op(kind, vector, matrix, *zero, graph=inside)
            for name, (matrix, vector) in matrices.items()
        }, graph.weight(np.array(True))

    nothing = full(graph, np.int32(0) if integers else np.float32(0), 1, 1)
    last = graph.loop(steps, dict.fromkeys(matrices, (nothing, made)), turn)
    model = graph.model({name: (value, made, ["B", "N"]) for name, value in last.items()})
    return bytes(model.SerializeToString())
