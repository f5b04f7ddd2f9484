"""Dive into Deep Learning, section 9.7: its loss after 300 epochs, and two of its translations.

Its loss is the cross-entropy of a sentence over 10 steps, padding included, summed over sentences
and divided by all tokens without padding: a tenth of the nats a token. It is read off while
dropout is on, which the book has between the layers, and ours before and behind them too. A source
with several translations makes 0 impossible: the floor is the entropy of the translations, where
every sentence is known by heart.
"""

import math
import re
import tempfile
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch

from benchmarks.parallel import Pair, Words
from benchmarks.timing import spread, table
from chatbot.decoding import Greedy
from chatbot.training.checkpoint import RunFolder
from chatbot.training.config import Recipe, read_recipe
from chatbot.training.dataset import Pairs
from chatbot.training.evaluation import generate
from chatbot.training.metrics import d2l_bleu
from chatbot.training.model import Seq2Seq
from chatbot.training.trainer import Trainer

ROUNDS = 3
ARCHIVE = Path("../shared/data/fra-eng.zip")
RECIPE = Path(__file__).parent / "recipes" / "d2l.toml"
PAIRS = 601  # "600 examples": the book's loop stops one line late
STEPS = 10
PUBLISHED = 0.019
SPACES = "\u202f\u00a0"
SHOWN = (("go .", "va !"), ("i lost .", "j'ai perdu ."))


@dataclass(frozen=True)
class Learnt:
    """Hold how well a model knows the pairs that it was trained on."""

    nats: float  # a token, as the model is used
    training_nats: float  # a token, while dropout is on
    said: Mapping[str, str]  # to the sources of `SHOWN`
    seconds: float


def run(rounds: int) -> str:
    if not ARCHIVE.is_file():
        return f"Skipped: {ARCHIVE} is not there."
    pairs, theirs = read(ARCHIVE, PAIRS), read_recipe(RECIPE)
    recipes = {
        f"dropout {theirs.model.dropout}": theirs,
        "no dropout": replace(theirs, model=replace(theirs.model, dropout=0.0)),
    }
    found = {
        name: [learnt(pairs, seeded(recipe, seed)) for seed in range(rounds)]
        for name, recipe in recipes.items()
    }
    nats = {"the floor": [floor(pairs)], "published, dropout 0.1, in training": [PUBLISHED * STEPS]}
    for name, runs in found.items():
        nats[f"ours, {name}, in training"] = [one.training_nats for one in runs]
        nats[f"ours, {name}, mean of the weights"] = [one.nats for one in runs]
    rows = [
        [name, spread([each / STEPS for each in values], ".4f"), spread(values, ".3f")]
        for name, values in nats.items()
    ]
    notes = [
        f"{name}: {translation(source, true, [one.said[source] for one in runs])}"
        for name, runs in found.items()
        for source, true in SHOWN
    ]
    seconds = spread([one.seconds for runs in found.values() for one in runs], ".0f")
    return table(["", "loss, the book's", "nats a token"], rows, *notes, f"Training: {seconds} s.")


def seeded(recipe: Recipe, seed: int) -> Recipe:
    return replace(recipe, train=replace(recipe.train, seed=seed))


def translation(source: str, true: str, said: Sequence[str]) -> str:
    scores = [d2l_bleu(one.split(), true.split()) for one in said]
    shown = ", ".join(f"`{one}` ({score:.3f})" for one, score in zip(said, scores, strict=True))
    return f"`{source}` → {shown}; the book's BLEU of 2 words in brackets."


def read(archive: Path, number: int) -> list[Pair]:
    """Return the first pairs of the archive as the book cuts them."""
    with zipfile.ZipFile(archive) as files, files.open("fra-eng/fra.txt") as lines:
        return [cut(*line.decode().rstrip("\n").split("\t")) for line in islice(lines, number)]


def cut(source: str, reply: str) -> Pair:
    """Return the words of both sentences in small letters, with a space before each mark."""
    return spaced(source).split(" "), spaced(reply).split(" ")


def spaced(text: str) -> str:
    text = text.translate(dict.fromkeys(map(ord, SPACES), " ")).lower()
    return re.sub(r"(?<=[^ ])([,.!?])", r" \1", text)


def learnt(pairs: Sequence[Pair], recipe: Recipe) -> Learnt:
    """Train a model on pairs, and tell how well it knows them."""
    begun = time.perf_counter()
    words = Words(pairs)
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(folder)
        examples = list(words.encoded(pairs))
        run.write_pairs("train", examples)
        run.write_pairs("valid", [])
        run.create(words.fitted(recipe), words.vocabulary)
        trainer = Trainer.resume(folder)
        trainer.train(lambda _: None)
        seconds = time.perf_counter() - begun
        model = trainer.model
        training_nats = nats_a_token(model.train(), trainer.pairs)
        assert trainer.average
        with trainer.average.in_place():
            return Learnt(
                nats=nats_a_token(model.eval(), trainer.pairs),
                training_nats=training_nats,
                said={source: translated(model, words, source) for source, _ in SHOWN},
                seconds=seconds,
            )


@torch.inference_mode()
def nats_a_token(model: Seq2Seq, pairs: Pairs) -> float:
    batch = pairs.batch(range(len(pairs)))
    return float(model.loss(*batch)) / batch.tokens


def translated(model: Seq2Seq, words: Words, source: str) -> str:
    ((ids, _),) = words.encoded([(source.split(" "), [])])
    ((best,),) = generate(model, [ids], Greedy(max_length=STEPS))
    return " ".join(words.decoded(best.ids))


def floor(pairs: Iterable[Pair]) -> float:
    """Return the entropy of the replies to each source, in nats a token, as ids tell them apart."""
    pairs = list(pairs)
    replies: defaultdict[tuple[int, ...], Counter[tuple[int, ...]]] = defaultdict(Counter)
    tokens = 0
    for source, reply in Words(pairs).encoded(pairs):
        replies[tuple(source)][tuple(reply)] += 1
        tokens += len(reply)
    nats = (
        -count * math.log(count / answers.total())
        for answers in replies.values()
        for count in answers.values()
    )
    return math.fsum(nats) / tokens
