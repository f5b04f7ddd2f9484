"""Reply speed: the search inside the ONNX graph, and the same search stepped by PyTorch."""

from collections.abc import Callable
from functools import partial
from itertools import product

import torch

from benchmarks.random_model import random_model
from benchmarks.timing import interleaved, ratios, seconds, spread, table
from chatbot.decoding import Beam, Decoding, Greedy
from chatbot.engine import IdsEngine
from chatbot.training.config import ModelConfig
from chatbot.training.evaluation import generate
from chatbot.training.export.flavours import ids_graph
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import EOS, SPECIALS

ROUNDS = 9
REPEATS = 5
THREADS = (2, 1)
VOCABULARY, SOURCE, STEPS = 20_000, 12, 20
CONFIG = ModelConfig(
    embedding=256,
    encoder_hidden=256,
    encoder_layers=2,
    hidden=512,
    decoder_layers=2,
    dropout=0.0,
)
DECODINGS: dict[str, Decoding] = {
    "greedy": Greedy(max_length=STEPS, min_length=STEPS),
    "beam 4": Beam(width=4, max_length=STEPS, min_length=STEPS),
}


def run(rounds: int) -> str:
    model = random_model(CONFIG, VOCABULARY)
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    graph = ids_graph(CONFIG, weights, "fp32").SerializeToString()
    source = [*torch.randint(len(SPECIALS), VOCABULARY, (SOURCE - 1,)).tolist(), EOS]
    rows, notes = [], []
    for threads, (name, decoding) in product(THREADS, DECODINGS.items()):
        torch.set_num_threads(threads)
        engine = IdsEngine(graph, threads=threads)
        same(model, engine, source, decoding)
        calls = {
            "torch": partial(generate, model, [source], decoding),
            "onnx": partial(engine.generate, [source], decoding),
        }
        tasks = {kind: partial(milliseconds, call) for kind, call in calls.items()}
        measured, note = interleaved(tasks, rounds)
        faster = ratios(measured["torch"], measured["onnx"])
        label = f"{name}, threads: {threads}"
        notes.append(f"{label}: {note}")
        rows.append(
            [label, spread(measured["torch"]), spread(measured["onnx"]), spread(faster, ".2f")]
        )
    return table(["", "PyTorch, ms", "ONNX graph, ms", "PyTorch / ONNX"], rows, *notes)


def milliseconds(call: Callable[[], object]) -> float:
    return 1000 * seconds(call, repeats=REPEATS)


def same(model: Seq2Seq, engine: IdsEngine, source: list[int], decoding: Decoding) -> None:
    """Raise unless both give the same replies: only then is their speed comparable."""
    (first,) = generate(model, [source], decoding)
    (second,) = engine.generate([source], decoding)
    if [reply.ids for reply in first] != [reply.ids for reply in second]:
        raise AssertionError(f"{decoding}: PyTorch and ONNX give different replies.")
