"""A batch of 64 sources: the graph of ids, and the eager search with the same batch."""

from collections.abc import Callable
from functools import partial

import torch

from benchmarks.large_model import GREEDY, SOURCE, STEPS, VOCABULARY, LargeModel
from benchmarks.timing import interleaved, ratios, seconds, spread, table
from chatbot.bundle import IDS_GRAPH, Hypothesis
from chatbot.engine import IdsEngine
from chatbot.training.evaluation import generate
from chatbot.training.export.weights import Storage
from chatbot.vocabulary import EOS, SPECIALS

ROUNDS = 9
REPEATS = 3
THREADS = 2
SOURCES = 64
STORAGES: tuple[Storage, ...] = ("int8", "fp32")
EAGER = "eager search"

Replies = list[list[Hypothesis]]


def run(rounds: int) -> str:
    torch.set_num_threads(THREADS)
    large = LargeModel()
    batch = random_sources()
    calls: dict[str, Callable[[], Replies]] = {EAGER: partial(generate, large.model, batch, GREEDY)}
    for storage in STORAGES:
        engine = IdsEngine(large.graph(IDS_GRAPH, storage), threads=THREADS)
        calls[f"ids, {storage}"] = partial(engine.generate, batch, GREEDY)
    check(calls)
    tasks = {name: partial(tokens_per_second, call) for name, call in calls.items()}
    measured, note = interleaved(tasks, rounds)
    rows = [
        [name, spread(speed, ",.0f"), spread(ratios(speed, measured[EAGER]), ".2f")]
        for name, speed in measured.items()
    ]
    return table(["", "tokens/s", f"to the {EAGER}"], rows, note)


def random_sources() -> list[list[int]]:
    torch.manual_seed(0)
    sources: list[list[int]] = torch.randint(
        len(SPECIALS), VOCABULARY, (SOURCES, SOURCE - 1)
    ).tolist()
    return [[*source, EOS] for source in sources]


def tokens_per_second(call: Callable[[], object]) -> float:
    return SOURCES * STEPS / seconds(call, repeats=REPEATS)


def check(calls: dict[str, Callable[[], Replies]]) -> None:
    """Raise unless the 32-bit graph gives PyTorch's replies, and the 8-bit one as many tokens."""
    replies = {name: [best.ids for (best,) in call()] for name, call in calls.items()}
    if replies["ids, fp32"] != replies[EAGER]:
        raise AssertionError("the fp32 graph and PyTorch give different replies.")
    if {len(ids) for ids in replies["ids, int8"]} != {STEPS}:
        raise AssertionError(f"a reply has not {STEPS} tokens.")
