"""Reply speed: text or ids in, the search inside the graph; and PyTorch, which steps it.

The eager search is `chatbot.training.evaluation.generate`, the same features in PyTorch. The
plainest loop is the barest that one would write, greedy and nothing else.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import get_args

import torch

from benchmarks.large_model import GREEDY, STEPS, TEXT, LargeModel
from benchmarks.timing import Rounds, interleaved, milliseconds, ratios, spread, table
from chatbot.bundle import IDS_GRAPH, TEXT_GRAPH
from chatbot.decoding import Beam, Decoding, Sample
from chatbot.engine import IdsEngine, TextEngine
from chatbot.training.evaluation import generate
from chatbot.training.export.weights import Storage
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import BOS, EOS

ROUNDS = 9
REPEATS = 5
THREADS = (2, 1)
DECODINGS: Mapping[str, Decoding] = {
    "greedy": GREEDY,
    "beam 4": Beam(width=4, max_length=STEPS),
    "sampling": Sample(seed=7, max_length=STEPS),
}
EAGER, PLAINEST = "eager search", "plainest loop"
SMALL_TEXT = "text, int8"

Calls = dict[tuple[str, str], Callable[[], object]]
"""What is measured, by decoding and engine."""


def run(rounds: int) -> str:
    large = LargeModel()
    rows, notes = [], []
    for threads in THREADS:
        torch.set_num_threads(threads)
        tasks = {
            key: partial(milliseconds, call, repeats=REPEATS)
            for key, call in compared(large, threads).items()
        }
        measured, note = interleaved(tasks, rounds)
        notes.append(f"threads: {threads}: {note}")
        rows += [
            [f"{decoding}, {engine}, threads: {threads}", *figures(measured, decoding, engine)]
            for decoding, engine in measured
        ]
    return table(["", "ms", f"{EAGER} / this", f"{PLAINEST} / this"], rows, *notes)


def figures(
    measured: Mapping[tuple[str, str], Rounds], decoding: str, engine: str
) -> tuple[str, str, str]:
    own, plainest = measured[decoding, engine], measured.get((decoding, PLAINEST))
    return (
        spread(own),
        spread(ratios(measured[decoding, EAGER], own), ".2f"),
        spread(ratios(plainest, own), ".2f") if plainest else "",
    )


def compared(large: LargeModel, threads: int) -> Calls:
    """Return the calls, after a check that their replies are comparable."""
    text = TextEngine(large.graph(TEXT_GRAPH, "int8"), threads=threads)
    engines = {
        storage: IdsEngine(large.graph(IDS_GRAPH, storage), threads=threads)
        for storage in get_args(Storage)
    }
    calls: Calls = {}
    for name, decoding in DECODINGS.items():
        check(large, text, engines, decoding)
        calls[name, EAGER] = partial(generate, large.model, [large.source], decoding)
        if decoding == GREEDY:
            calls[name, PLAINEST] = partial(plainest_loop, large.model, large.source)
        calls[name, SMALL_TEXT] = partial(text.replies, TEXT, decoding)
        if not isinstance(decoding, Sample):
            for storage, engine in engines.items():
                calls[name, f"ids, {storage}"] = partial(engine.generate, [large.source], decoding)
    return calls


@torch.inference_mode()
def plainest_loop(model: Seq2Seq, source: list[int]) -> list[int]:
    memory = model.encode(torch.tensor([source]), torch.tensor([len(source)]))
    state = model.decoder.start(memory.summary)
    ids = torch.tensor([BOS])
    for _ in range(STEPS):
        logits, state = model.step(ids[-1:], state, memory)  # (1, V)
        ids = torch.cat([ids, logits.argmax(dim=-1)])
        if ids[-1] == EOS:
            break
    return ids[1:].tolist()


def check(
    large: LargeModel, text: TextEngine, engines: Mapping[Storage, IdsEngine], decoding: Decoding
) -> None:
    """Raise unless the same search finds the same, and all find replies of the same length."""
    source = [large.source]
    (expected,) = generate(large.model, source, decoding)
    found = {storage: engine.generate(source, decoding)[0] for storage, engine in engines.items()}
    _, from_text, read = text.answer(TEXT, decoding)
    pairs = {"the fp32 graph and PyTorch": (found["fp32"], expected)}
    pairs["the int8 graphs of text and of ids"] = (from_text, found["int8"])
    for name, (ours, theirs) in pairs.items():
        if [reply.ids for reply in ours] != [reply.ids for reply in theirs]:
            raise AssertionError(f"{decoding}: {name} give different replies.")
    if list(read) != large.source:
        raise AssertionError(f"{TEXT} is read as {read}.")
    if decoding == GREEDY and plainest_loop(large.model, large.source) != [*expected[0].ids]:
        raise AssertionError("the plainest loop gives another reply.")
    if {len(reply.ids) for replies in found.values() for reply in replies} != {STEPS}:
        raise AssertionError(f"{decoding}: not {STEPS} tokens.")
