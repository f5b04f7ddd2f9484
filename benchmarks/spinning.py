"""Threads that wait in the runtime: as the engine has it, and otherwise.

Idle is the processor time that the session's threads take in the 50 ms after a reply.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.large_model import GREEDY, LargeModel
from benchmarks.timing import interleaved, milliseconds, ratios, spread, table
from chatbot import engine
from chatbot.bundle import IDS_GRAPH
from chatbot.engine import IdsEngine

ROUNDS = 9
REPEATS = 5
THREADS = 2
PAUSE = 0.05
OURS = "100 µs at most, and only within a reply (ours)"
WAYS: Mapping[str, Mapping[str, str]] = {
    OURS: engine.THREADS_THAT_WAIT,
    "as onnxruntime does by default": {},
    "never": {"session.intra_op.allow_spinning": "0"},
}


def run(rounds: int) -> str:
    large = LargeModel()
    tasks = {}
    for storage in ("int8", "fp32"):
        graph = large.graph(IDS_GRAPH, storage)
        for name, options in WAYS.items():
            reply = partial(spinning(graph, options).generate, [large.source], GREEDY)
            tasks[storage, name] = partial(reply_and_idle, reply)
    measured, note = interleaved(tasks, rounds)
    rows = []
    for (storage, name), found in measured.items():
        replies = [reply for reply, _ in found]
        base = [reply for reply, _ in measured[storage, OURS]]
        idle = [rest for _, rest in found]
        rows.append(
            [
                f"{storage}, {name}",
                spread(replies),
                spread(ratios(replies, base), ".2f"),
                spread(idle),
            ]
        )
    return table(["threads that wait spin", "ms a reply", "to ours", "idle, ms of 50"], rows, note)


def spinning(graph: bytes, options: Mapping[str, str]) -> IdsEngine:
    """Return an engine whose threads wait in another way."""
    ours, engine.THREADS_THAT_WAIT = engine.THREADS_THAT_WAIT, options
    try:
        return IdsEngine(graph, threads=THREADS)
    finally:
        engine.THREADS_THAT_WAIT = ours


def reply_and_idle(reply: Callable[[], object]) -> tuple[float, float]:
    taken = milliseconds(reply, repeats=REPEATS)
    begun = time.process_time()
    time.sleep(PAUSE)
    return taken, 1000 * (time.process_time() - begun)
