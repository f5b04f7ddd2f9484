"""German to English on Multi30k: our decoders, and three well-known tutorials at their sizes.

python -m benchmarks multi30k --recipe ours-attention --out RUN    train, or go on with a run
python -m benchmarks multi30k --score RUN...                       measure, and print a table

The recipes stand in benchmarks/recipes/multi30k. What a run scored is kept in the run folder.
"""

import argparse
import dataclasses
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import eq
from pathlib import Path

import numpy as np

from benchmarks.parallel import Pair, Words
from benchmarks.timing import table
from chatbot.bundle import Hypothesis
from chatbot.decoding import Beam, Decoding, Greedy
from chatbot.training.checkpoint import RunFolder, load_run
from chatbot.training.config import Recipe, read_recipe
from chatbot.training.evaluation import generate
from chatbot.training.events import Event
from chatbot.training.model import Seq2Seq
from chatbot.training.narration import narrate
from chatbot.training.trainer import Trainer

DATA = Path("../shared/data/multi30k_de_en.zip")
RECIPES = Path(__file__).parent / "recipes" / "multi30k"
SCORES = "multi30k.json"

BATCH = 100
"""Sentences that are translated at once."""

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


DIFFERENCES = """\
Not as in the tutorials, in the runs `theirs-*`: the decoder starts at tanh(W C + b), C being the
state behind the last word; theirs at C itself, in tutorial 1 each layer at that of its own. The
output reads the state and what was attended to; theirs in tutorials 2 and 3 the embedding too, and
in tutorial 2 C. Whether a step is fed the truth is drawn for each sentence, theirs for the whole
batch. Padding is neither read nor attended to; theirs is. The weights kept are the best fed the
truth; theirs the best fed themselves. Weights start as PyTorch's modules do; theirs from N(0, 0.01)
or, in tutorial 1, U(-0.08, 0.08). The words are cut by Moses; theirs by spaCy, and tutorial 1 reads
them backwards."""


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
    return table(heads, rows, DIFFERENCES)


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
    # Late: training needs neither the exporter nor the measures.
    from chatbot.training import metrics  # noqa: PLC0415
    from chatbot.training.evaluating import losses  # noqa: PLC0415

    model, recipe, vocabulary, _ = load_run(run)
    words = corpus.words
    if vocabulary.tokens != words.vocabulary.tokens:
        raise AssertionError(f"{run} was trained on other sentences.")
    pairs = list(words.encoded(corpus.test))
    ways: dict[str, Generate] = {"PyTorch": partial(generate, model), "ONNX": onnx(model)}
    said = {
        (way, name): in_batches(say, [source for source, _ in pairs], decoding)
        for way, say in ways.items()
        for name, decoding in DECODINGS.items()
    }
    rows = {
        name: [
            metrics.bleu_statistics(words.decoded(ids), [reply])
            for ids, (_, reply) in zip(said["ONNX", name], corpus.test, strict=True)
        ]
        for name in DECODINGS
    }
    by_length = sorted(pairs, key=lambda pair: [*map(len, pair)])  # as the tutorials' batches are
    forced = losses.teacher_forced(model, pairs, _nobody)
    return Score(
        mode=recipe.model.mode,
        parameters=sum(weights.numel() for weights in model.parameters()),
        forced_perplexity=float(metrics.perplexity(forced.sum(axis=0))),
        free_perplexity=losses.mean_of_batches(losses.free_running(model, by_length, _nobody)),
        bleu={name: float(metrics.bleu(np.sum(rows[name], axis=0))) for name in DECODINGS},
        equal={name: sum(map(eq, said["ONNX", name], said["PyTorch", name])) for name in DECODINGS},
    )


def _nobody(_: int) -> None:
    """Hear how far a measurement is."""


def onnx(model: Seq2Seq) -> Generate:
    """Return the exported model's way to answer a batch."""
    from chatbot.engine import IdsEngine  # noqa: PLC0415
    from chatbot.training.export.flavours import ids_graph  # noqa: PLC0415

    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return IdsEngine(ids_graph(model.config, weights, "fp32").SerializeToString()).generate


def in_batches(
    say: Generate, sources: Sequence[Sequence[int]], decoding: Decoding
) -> list[tuple[int, ...]]:
    """Return the ids of the best reply to each source."""
    return [
        best.ids
        for start in range(0, len(sources), BATCH)
        for best, *_ in say(sources[start : start + BATCH], decoding)
    ]
