"""German to English on Multi30k: our decoders, and three well-known tutorials at their sizes.

python -m benchmarks multi30k --recipe ours-attention --out RUN    train, or go on with a run
python -m benchmarks multi30k --score RUN...                       measure, and print a table

The recipes stand in benchmarks/recipes/multi30k. What a run scored is kept in the run folder.
"""

import argparse
import dataclasses
import json
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import eq
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from benchmarks.parallel import Pair, Sentence, Words
from benchmarks.timing import table
from chatbot.bundle import Hypothesis
from chatbot.decoding import Beam, Decoding, Greedy
from chatbot.training.checkpoint import RunFolder, load_run
from chatbot.training.config import Recipe, read_recipe
from chatbot.training.dataset import Pairs
from chatbot.training.evaluation import generate, perplexity, validate
from chatbot.training.events import Event
from chatbot.training.metrics import bleu, bleu_statistics
from chatbot.training.model import Seq2Seq
from chatbot.training.narration import narrate
from chatbot.training.trainer import Trainer
from chatbot.vocabulary import PAD

DATA = Path("../shared/data/multi30k_de_en.zip")
RECIPES = Path(__file__).parent / "recipes" / "multi30k"
SCORES = "multi30k.json"

BATCH = 128
"""Sentences of a batch, as in the tutorials: what they call perplexity depends on it."""

TOKENS = 8192
"""Tokens of a batch where their number changes nothing."""

LONGEST = 50
DECODINGS: dict[str, Decoding] = {
    "greedy": Greedy(max_length=LONGEST),
    "beam 5": Beam(width=5, max_length=LONGEST),
}


Generate = Callable[[Sequence[Sequence[int]], Decoding], list[list[Hypothesis]]]
"""Answer a batch of sources."""


@dataclass(frozen=True)
class Published:
    """Hold what a tutorial tells of itself."""

    name: str
    parameters: int
    free_perplexity: float


TUTORIALS = {  # bentrevett/pytorch-seq2seq, the notebooks for torchtext 0.9
    "feedback": Published("tutorial 1, as published", 13_898_501, 52.001),
    "peek": Published("tutorial 2, as published", 14_219_781, 34.662),
    "attention": Published("tutorial 3, as published", 20_518_405, 24.027),
}


@dataclass(frozen=True)
class Score:
    """Hold what a run scored on the 1,000 test sentences."""

    mode: str
    parameters: int
    forced_perplexity: float  # fed the true words, over all tokens
    free_perplexity: float  # fed its own likeliest words, mean of the batches' losses: theirs
    bleu: dict[str, float]  # of what ONNX says, by decoding
    equal: dict[str, int]  # sentences that ONNX and PyTorch say alike, by decoding


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks multi30k")
    parser.add_argument("--data", type=Path, default=DATA, help="the archive of the sentences")
    known = ", ".join(sorted(path.stem for path in RECIPES.glob("*.toml")))
    parser.add_argument("--recipe", help=f"{known}, or a file")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.NAME=VALUE")
    parser.add_argument("--out", type=Path, help="the run folder; one that is there goes on")
    parser.add_argument("--first", type=int, help="train on so many pairs only")
    parser.add_argument("--score", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--again", action="store_true", help="score what has a score, too")
    options = parser.parse_args(arguments)
    corpus = Corpus(options.data)
    if options.out:
        recipe = partial(recipe_named, options.recipe, options.set)
        train(corpus, options.out, recipe, first=options.first)
    if options.score:
        print(scores(options.score, corpus, again=options.again), flush=True)
    if not options.out and not options.score:
        parser.error("expected --out or --score.")


def recipe_named(name: str, settings: Sequence[str]) -> Recipe:
    path = RECIPES / f"{name}.toml"
    return read_recipe(path if path.is_file() else name, settings)


class Corpus:
    """Hold the sentences, and their words."""

    def __init__(self, archive: Path) -> None:
        self.train = read(archive, "train")
        self.valid = read(archive, "val")
        self.test = read(archive, "test_2016_flickr")
        self.words = Words(self.train)


def read(archive: Path, split: str) -> list[Pair]:
    """Return pairs of a German and an English sentence, lower-cased and cut by Moses."""
    with zipfile.ZipFile(archive) as files:
        german, english = (
            [line.split() for line in files.read(f"{split}.lc.norm.tok.{end}").splitlines()]
            for end in ("de", "en")
        )
    return [
        ([word.decode() for word in source], [word.decode() for word in reply])
        for source, reply in zip(german, english, strict=True)
    ]


def train(corpus: Corpus, out: Path, recipe: Callable[[], Recipe], *, first: int | None) -> None:
    """Train a new run, on the first so many pairs or on all, or go on with a run."""
    run, words = RunFolder(out), corpus.words
    if not run.exists:
        run.write_pairs("train", words.encoded(corpus.train[:first]))
        run.write_pairs("valid", words.encoded(corpus.valid))
        run.create(words.fitted(recipe()), words.vocabulary)
    Trainer.resume(out).train(tell)


def tell(event: Event) -> None:
    for line in narrate(event):
        print(line, flush=True)


def scores(runs: Sequence[Path], corpus: Corpus, *, again: bool) -> str:
    """Return the table of all runs, after those without a score got one."""
    found = {run.name: score_of(run, corpus, again=again) for run in runs}
    rows = [line(name, score) for name, score in found.items()]
    rows += [
        [published.name, f"{published.parameters:,}", "", f"{published.free_perplexity:.2f}"]
        + [""] * 2 * len(DECODINGS)
        for mode, published in TUTORIALS.items()
        if mode in {score.mode for score in found.values()}
    ]
    heads = ["", "parameters", "perplexity, fed the truth", "fed itself"]
    heads += [f"BLEU, {name}" for name in DECODINGS]
    heads += [f"ONNX = PyTorch, {name}" for name in DECODINGS]
    return table(heads, rows)


def line(name: str, score: Score) -> list[str]:
    return [
        name,
        f"{score.parameters:,}",
        f"{score.forced_perplexity:.2f}",
        f"{score.free_perplexity:.2f}",
        *(f"{score.bleu[decoding]:.2f}" for decoding in DECODINGS),
        *(f"{score.equal[decoding]:,}" for decoding in DECODINGS),
    ]


def score_of(run: Path, corpus: Corpus, *, again: bool) -> Score:
    path = run / SCORES
    if again or not path.is_file():
        score = measure(run, corpus)
        path.write_text(json.dumps(dataclasses.asdict(score), indent=1) + "\n", encoding="utf-8")
    return Score(**json.loads(path.read_text(encoding="utf-8")))


def measure(run: Path, corpus: Corpus) -> Score:
    """Score the best weights of a run."""
    model, recipe, vocabulary, _ = load_run(run)
    if vocabulary.tokens != corpus.words.vocabulary.tokens:
        raise AssertionError(f"{run} was trained on other sentences.")
    test = Pairs.write(run / "test", corpus.words.encoded(corpus.test))
    ways: dict[str, Generate] = {"PyTorch": partial(generate, model), "ONNX": onnx(model)}
    said = {
        (way, name): in_batches(say, test, decoding)
        for way, say in ways.items()
        for name, decoding in DECODINGS.items()
    }
    true = [reply for _, reply in corpus.test]
    return Score(
        mode=recipe.model.mode,
        parameters=sum(weights.numel() for weights in model.parameters()),
        forced_perplexity=validate(model, test, batch_tokens=TOKENS).perplexity,
        free_perplexity=free_perplexity(model, test),
        bleu={
            name: corpus_bleu(map(corpus.words.decoded, said["ONNX", name]), true)
            for name in DECODINGS
        },
        equal={name: sum(map(eq, said["ONNX", name], said["PyTorch", name])) for name in DECODINGS},
    )


def onnx(model: Seq2Seq) -> Generate:
    """Return the exported model's way to answer a batch."""
    # Late: training needs none of it.
    from chatbot.engine import IdsEngine  # noqa: PLC0415
    from chatbot.training.export.flavours import ids_graph  # noqa: PLC0415

    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return IdsEngine(ids_graph(model.config, weights, "fp32").SerializeToString()).generate


def in_batches(say: Generate, pairs: Pairs, decoding: Decoding) -> list[tuple[int, ...]]:
    """Return the ids of the best reply to each source."""
    sources = [pairs[number][0] for number in range(len(pairs))]
    return [
        best.ids
        for start in range(0, len(sources), BATCH)
        for best, *_ in say(sources[start : start + BATCH], decoding)
    ]


def corpus_bleu(said: Iterable[Sentence], true: Iterable[Sentence]) -> float:
    rows = [bleu_statistics(one, [other]) for one, other in zip(said, true, strict=True)]
    return float(bleu(np.sum(rows, axis=0)))


@torch.inference_mode()
def free_perplexity(model: Seq2Seq, pairs: Pairs) -> float:
    """Return e to the mean of the losses of batches, each step fed the likeliest word before it.

    That is what the tutorials print: pairs sorted by length, losses a token, a mean of means.
    """
    order = sorted(range(len(pairs)), key=lambda number: [*map(len, pairs[number])])
    losses = []
    for start in range(0, len(order), BATCH):
        batch = pairs.batch(order[start : start + BATCH])
        logits = model.free_running(*batch, teacher_forcing=0.0)  # (B, T, V)
        losses.append(cross_entropy(logits.transpose(1, 2), batch.reply, ignore_index=PAD).item())
    return perplexity(fmean(losses))
