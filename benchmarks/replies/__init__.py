"""What the shipped bundle says: to questions it never saw, to nonsense, and over several turns.

python -m benchmarks replies                     print the tables
python -m benchmarks replies --unjudged FILE     write what nobody has judged yet, a JSON line each
python -m benchmarks replies --judged A B        add two readings of such a file to judgements.jsonl

`paraphrases.txt` was written without sight of the corpus, so were `nonsense.txt` and `probes.txt`
(the person's turns of a talk, with `|` between; the last reply counts). A reply fits if two readers
who did not know what gave it said so, each without knowing of the other. A held-out question is
answered right by an answer of its group; of every fourth, what is none of them is judged as well.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import fmean

from benchmarks.replies.retrieval import Retrieval
from benchmarks.timing import table
from chatbot import Beam, ChatBot, Conversation, Decoding, Greedy
from corpora.examples import held_out
from corpora.starter import Starter, read_starter

HERE = Path(__file__).parent
JUDGEMENTS = HERE / "judgements.jsonl"

HELD_OUT, READ = "held-out questions", "every fourth of them"
STEP = 4

LONGEST = 40
DECODINGS: dict[str, Decoding] = {
    "greedy": Greedy(max_length=LONGEST),
    "beam 4": Beam(width=4, length_penalty=0.0, max_length=LONGEST),
    "beam 4, length norm, no repeat": Beam(
        width=4, length_penalty=0.6, no_repeat_ngram=3, max_length=LONGEST
    ),
}
RETRIEVAL = "nearest question"

Answer = Callable[[Sequence[str]], list[str]]
"""Give the reply to each turn of a person, the ones before it known."""


@dataclass(frozen=True)
class Case:
    """What a person says, and which replies are right without anybody reading them."""

    turns: tuple[str, ...]
    right: frozenset[str] = frozenset()


@dataclass
class Judgements:
    """What was read: which replies fit, after which turns."""

    verdicts: dict[tuple[str, ...], list[bool]] = field(default_factory=dict)

    @classmethod
    def load(cls) -> "Judgements":
        """Read the published ones."""
        lines = JUDGEMENTS.read_text(encoding="utf-8").splitlines() if JUDGEMENTS.exists() else []
        records = map(json.loads, lines)
        return cls({tuple(one["said"]): one["fits"] for one in records})

    def save(self) -> None:
        """Write them in order, one a line."""
        records = ({"said": said, "fits": fits} for said, fits in sorted(self.verdicts.items()))
        lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
        JUDGEMENTS.write_text("".join(lines), encoding="utf-8")

    def fits(self, said: tuple[str, ...]) -> bool | None:
        """Return whether both readers found that the last reply fits; None: not read."""
        verdicts = self.verdicts.get(said)
        return None if verdicts is None else all(verdicts)


def sets(starter: Starter) -> dict[str, list[Case]]:
    """Return the cases of each set, by its name."""
    return {
        HELD_OUT: [
            Case((question,), frozenset(group.answers))
            for group in starter.groups
            for question in held_out(group)
        ],
        "paraphrases": [Case((line,)) for line in _lines("paraphrases.txt")],
        "nonsense": [
            Case((line,), frozenset(starter.not_understood)) for line in _lines("nonsense.txt")
        ],
        "several turns": [Case(tuple(line.split("|"))) for line in _lines("probes.txt")],
    }


def _lines(name: str) -> list[str]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


def answering(bot: ChatBot, decoding: Decoding) -> Answer:
    """Return what talks with a bundle."""

    def answer(turns: Sequence[str]) -> list[str]:
        conversation = Conversation(bot, decoding)
        return [conversation.reply(turn).text for turn in turns]

    return answer


@dataclass
class Talk:
    """What was said in a case, and whether the last reply fits."""

    case: Case
    replies: list[str]
    fits: bool | None
    exact: bool

    @property
    def said(self) -> tuple[str, ...]:
        """Return the turns of both, the person's first."""
        return _said(self.case, self.replies)


def _said(case: Case, replies: Sequence[str]) -> tuple[str, ...]:
    return tuple(turn for both in zip(case.turns, replies, strict=True) for turn in both)


def talks(cases: Iterable[Case], answer: Answer, judgements: Judgements) -> Iterator[Talk]:
    """Have every case answered."""
    for case in cases:
        replies = answer(case.turns)
        exact = replies[-1] in case.right
        fits = exact or judgements.fits(_said(case, replies))
        yield Talk(case, replies, fits, exact)


def run(bundle: Path | None, unjudged: Path | None) -> str:
    """Return the table, and write what nobody has judged."""
    starter, judgements, bot = read_starter(), Judgements.load(), ChatBot.load(bundle, threads=1)
    systems = {name: answering(bot, decoding) for name, decoding in DECODINGS.items()}
    systems[RETRIEVAL] = Retrieval(starter).replies
    done = {
        name: [list(talks(cases, answer, judgements)) for answer in systems.values()]
        for name, cases in sets(starter).items()
    }
    exact = [f"{fmean(talk.exact for talk in column):.1%} exact" for column in done[HELD_OUT]]
    rows = [[HELD_OUT, f"{len(done[HELD_OUT][0]):,}", *exact]]
    done = {READ: [column[::STEP] for column in done.pop(HELD_OUT)], **done}
    rows += [[name, str(len(columns[0])), *map(_cell, columns)] for name, columns in done.items()]
    if unjudged:
        columns = chain.from_iterable(done.values())
        open_ones = {talk.said for talk in chain.from_iterable(columns) if talk.fits is None}
        lines = [json.dumps(said, ensure_ascii=False) + "\n" for said in sorted(open_ones)]
        unjudged.write_text("".join(lines), encoding="utf-8")
    return table(["set", "cases", *systems], rows)


def _cell(done: Sequence[Talk]) -> str:
    share = fmean(bool(talk.fits) for talk in done)
    exact = fmean(talk.exact for talk in done)
    unread = sum(talk.fits is None for talk in done)
    notes = [f"{exact:.1%} exact"] if exact else []
    notes += [f"{unread} not judged"] if unread else []
    return f"{share:.1%}" + (f" ({', '.join(notes)})" if notes else "")


def add(readings: Sequence[Path]) -> None:
    """Add readings of the same talks: JSON lines `[[turn, …], fits]`."""
    judgements = Judgements.load()
    read = [
        {tuple(said): fits for said, fits in map(json.loads, path.read_text("utf-8").splitlines())}
        for path in readings
    ]
    if any(one.keys() != read[0].keys() for one in read):
        raise SystemExit("The readers have not judged the same talks.")
    judgements.verdicts |= {said: [one[said] for one in read] for said in read[0]}
    judgements.save()


def main(arguments: Sequence[str]) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks replies",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bundle", type=Path, help="instead of the one that ships")
    parser.add_argument("--unjudged", type=Path, metavar="FILE")
    parser.add_argument("--judged", type=Path, nargs=2, metavar=("A", "B"))
    options = parser.parse_args(arguments)
    if options.judged:
        add(options.judged)
    print(run(options.bundle, options.unjudged))
