"""Size: bytes of the graphs with 32, 16 and 8 bits a weight."""

from typing import get_args

from benchmarks.large_model import LargeModel
from benchmarks.timing import table
from chatbot.bundle import IDS_GRAPH, TEXT_GRAPH
from chatbot.training.export.weights import Storage

ROUNDS = 1


def run(_: int) -> str:
    large = LargeModel()
    sizes = {
        storage: {name: len(large.graph(name, storage)) for name in (TEXT_GRAPH, IDS_GRAPH)}
        for storage in get_args(Storage)
    }
    rows = [
        [
            storage,
            *(
                cell
                for name in (TEXT_GRAPH, IDS_GRAPH)
                for cell in (f"{own[name]:,}", f"{own[name] / sizes['fp32'][name]:.3f}")
            ),
            f"{own[TEXT_GRAPH] - own[IDS_GRAPH]:,}",
        ]
        for storage, own in sizes.items()
    ]
    heads = ["", f"`{TEXT_GRAPH}`, bytes", "to fp32", f"`{IDS_GRAPH}`, bytes", "to fp32"]
    return table([*heads, "text - ids, bytes"], rows)
