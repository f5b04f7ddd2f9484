"""The four decoders on four Chinese corpora: what they pay for true replies, and what they say.

python -m benchmarks modes --out FOLDER --minutes 10    train and score what is not yet there
python -m benchmarks modes --out FOLDER --table         print what is there

A run stands in FOLDER/CORPUS/MODE; one that was interrupted goes on. What it scored is kept in its
folder. The corpora are described in benchmarks/corpora.py.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from benchmarks.corpora import CORPORA, DATA, Corpus
from benchmarks.timing import table
from chatbot.decoding import Greedy
from chatbot.training.checkpoint import LOG, RunFolder
from chatbot.training.config import Mode, read_recipe
from chatbot.training.evaluating.cases import read_cases
from chatbot.training.evaluating.examination import examine
from chatbot.training.evaluating.measures import EVERYTHING
from chatbot.training.evaluating.subjects import Run
from chatbot.training.events import Evaluated, Event
from chatbot.training.narration import narrate
from chatbot.training.trainer import Trainer

RECIPE = Path(__file__).parent / "recipes" / "modes.toml"
SCORES = "modes.json"
MODES: tuple[str, ...] = get_args(Mode)
CASES = 1000
"""Pairs of a test set, drawn from all."""

MEASURES = {
    "perplexity": "Perplexity, teacher-forced",
    "BLEU-2": "BLEU-2 by character",
    "BLEU-4": "BLEU-4 by character",
    "Distinct-2": "Distinct-2 by character",
}

NOTE = """\
Greedy replies. Perplexity is of the tokens of a run's own vocabulary, so it cannot be compared from
corpus to corpus; BLEU and Distinct are of characters, with one reference a pair. The last columns
count replies. kdconv is trained on its development files and tested on its test files, for the
training files are not to be had: its figures cannot be compared with those of its paper."""


@dataclass(frozen=True)
class Score:
    """Hold what a run scored."""

    minutes: float
    pairs: int
    cases: int
    figures: dict[str, float]  # by the names of `MEASURES`
    different: int  # replies
    generic: int  # replies that are one of the ten which are given most often
    defects: dict[str, int]  # replies that have it


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks modes")
    parser.add_argument("--out", type=Path, required=True, help="the folder of stores and runs")
    parser.add_argument("--minutes", type=float, default=10.0, help="of each training")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.NAME=VALUE")
    parser.add_argument("--corpus", nargs="+", default=list(CORPORA), choices=list(CORPORA))
    parser.add_argument("--mode", nargs="+", default=list(MODES), choices=list(MODES))
    parser.add_argument("--table", action="store_true", help="print only what is there")
    options = parser.parse_args(arguments)
    if not options.table and not DATA.is_dir():
        parser.error(f"{DATA} is not there.")
    for name in () if options.table else options.corpus:
        (options.out / name).mkdir(parents=True, exist_ok=True)
        corpus = CORPORA[name](options.out)
        for mode in options.mode:
            run = options.out / name / mode
            settings = [f"model.mode={mode}", f"train.minutes={options.minutes}"]
            train(corpus, run, options.recipe, [*settings, *corpus.settings, *options.set])
            score(corpus, run)
    print(rendered(options.out), flush=True)


def train(corpus: Corpus, out: Path, recipe: Path, settings: Sequence[str]) -> None:
    """Train a new run, go on with one, or do nothing where it is at its end."""
    run = RunFolder(out)
    if not run.exists:
        trainer = Trainer.start(corpus.store, out, read_recipe(recipe, settings))
    elif ended(out):
        return
    else:
        trainer = Trainer.resume(out)
    print(f"{out}:", flush=True)
    trainer.train(tell)


def ended(run: Path) -> bool:
    lines = (run / LOG).read_text(encoding="utf-8").splitlines() if (run / LOG).is_file() else []
    last = json.loads(lines[-1]) if lines else {}
    return last.get("event") == "ended" and last["reason"] != "interrupted"


def tell(event: Event) -> None:
    if isinstance(event, Evaluated):
        for line in narrate(event):
            print(line, flush=True)


def score(corpus: Corpus, path: Path) -> None:
    """Examine a run, unless it has a score."""
    kept = path / SCORES
    if kept.is_file():
        return
    run = Run(path)
    longest = Greedy(max_length=run.recipe.data.max_reply)
    tests = read_cases(corpus.tests, limit=CASES)
    found = examine(run, tests, protocol=EVERYTHING, decoding=longest).found
    progress = json.loads((path / LOG).read_text(encoding="utf-8").splitlines()[-1])
    scored = Score(
        minutes=progress["seconds"] / 60,
        pairs=RunFolder(path).about()["pairs"]["train"],
        cases=len(tests.cases),
        figures={name: found.figures[key].value for name, key in MEASURES.items()},
        different=found.defects.different,
        generic=found.defects.generic,
        defects=dict(found.defects.counts),
    )
    kept.write_text(json.dumps(asdict(scored), indent=1) + "\n", encoding="utf-8")


def rendered(out: Path) -> str:
    """Return the table of the scores that are there."""
    scores = {
        (name, mode): Score(**json.loads(path.read_text(encoding="utf-8")))
        for name in CORPORA
        for mode in MODES
        if (path := out / name / mode / SCORES).is_file()
    }
    defects = list(dict.fromkeys(name for each in scores.values() for name in each.defects))
    heads = ["", "pairs trained on", "minutes", "pairs tested on", *MEASURES]
    heads += ["different replies", "of the ten most frequent", *defects]
    rows = [[f"{name}, {mode}", *cells(each, defects)] for (name, mode), each in scores.items()]
    return table(heads, rows, NOTE)


def cells(score: Score, defects: Sequence[str]) -> Iterator[str]:
    yield from (f"{score.pairs:,}", f"{score.minutes:.0f}", f"{score.cases:,}")
    for name in MEASURES:
        yield format(score.figures[name], ".3f" if name.startswith("Distinct") else ".2f")
    for number in (score.different, score.generic, *map(score.defects.get, defects)):
        yield "" if number is None else f"{number:,}"
