"""Chinese corpora that are not part of the project: a store to train on, pairs to be tested on.

xhj        small talk, 71,264 pairs; tested on the split `test` of its store
smilechat  counselling, client to counselor: the pairs of every 10th dialogue to train, those of
           each dialogue that follows a 100th to be tested on
couplets   the upper line of a couplet to the lower; tested on another collection without the upper
           lines that the first has too
kdconv     film, music and travel: the development files to train, film's and music's test files
           to be tested on, for the training files are not to be had; each turn to the next
"""

import gzip
import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import zstandard

from benchmarks.importing import CORPUS
from benchmarks.processes import measure

DATA = Path("../shared/data")

Pair = tuple[str, str]


@dataclass(frozen=True)
class Corpus:
    """Hold where the pairs are, and what a recipe has to say of their lengths."""

    store: Path
    tests: Path  # a store, whose split `test` counts, or a file of prompt<TAB>reply
    settings: tuple[str, ...] = ()


def xhj(folder: Path) -> Corpus:
    store = imported(folder / "xhj.db", DATA / "xhj_input.txt.gz", DATA / "xhj_target.txt.gz")
    return Corpus(store, store)


def smilechat(folder: Path) -> Corpus:
    def to_counselor(chosen: Callable[[int], bool]) -> Iterator[Pair]:
        for number, turns in enumerate(_dialogues(DATA / "smilechat_messages.jsonl.zst")):
            if chosen(number):
                yield from (
                    (one["content"], other["content"])
                    for one, other in pairwise(turns)
                    if (one["role"], other["role"]) == ("client", "counselor")
                )

    train = written(folder / "smilechat.tsv", to_counselor(lambda number: number % 10 == 0))
    tests = written(folder / "smilechat.test.tsv", to_counselor(lambda number: number % 100 == 1))
    longer = ("data.max_source=80", "data.max_reply=80")
    return Corpus(imported(folder / "smilechat.db", train), tests, longer)


def couplets(folder: Path) -> Corpus:
    train = DATA / "zh_couplet_train.tsv.gz"
    known = {line.partition("\t")[0] for line in _lines(train)}
    upper, lower = (
        ["".join(line.split()) for line in _lines(DATA / f"couplet_test_{side}.txt.gz")]
        for side in ("in", "out")
    )
    unknown = (pair for pair in zip(upper, lower, strict=True) if pair[0] not in known)
    tests = written(folder / "couplets.test.tsv", unknown)
    return Corpus(imported(folder / "couplets.db", train), tests)


def kdconv(folder: Path) -> Corpus:
    archive = DATA / "kdconv_dev_test.zip"
    for topic in ("film", "music", "travel"):
        with zipfile.ZipFile(archive) as files:
            (folder / f"kdconv_{topic}_dev.json").write_bytes(files.read(f"data/{topic}/dev.json"))
    train = sorted(folder.glob("kdconv_*_dev.json"))
    tests = written(folder / "kdconv.test.tsv", _kdconv_tests(archive))
    return Corpus(imported(folder / "kdconv.db", *train), tests)


CORPORA: Mapping[str, Callable[[Path], Corpus]] = MappingProxyType(
    {"xhj": xhj, "smilechat": smilechat, "couplets": couplets, "kdconv": kdconv}
)


def imported(store: Path, *files: Path) -> Path:
    """Return the store after `corpus import`, which leaves alone what it has already."""
    measure([sys.executable, "-c", CORPUS, "import", *files, "--store", store])
    return store


def written(path: Path, pairs: Iterable[Pair]) -> Path:
    """Return a file of prompt<TAB>reply lines, with spaces for tabs and line breaks."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines("\t".join(" ".join(text.split()) for text in pair) + "\n" for pair in pairs)
    return path


def _kdconv_tests(archive: Path) -> Iterator[Pair]:
    with zipfile.ZipFile(archive) as files:
        for topic in ("film", "music"):
            for dialogue in json.loads(files.read(f"data/{topic}/test.json")):
                yield from pairwise(turn["message"] for turn in dialogue["messages"])


def _dialogues(path: Path) -> Iterator[list[dict[str, str]]]:
    with zstandard.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["messages"]


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield line.rstrip("\n")
