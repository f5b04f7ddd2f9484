"""All that is measured over one test set, of one model or of two."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from chatbot.bundle import Hypothesis
from chatbot.decoding import Decoding, fixed
from chatbot.engine import IdsEngine
from chatbot.text import Tokenizer, normalise, translation
from chatbot.training.evaluating import bootstrap, losses
from chatbot.training.evaluating.bootstrap import Column, Difference, Figure
from chatbot.training.evaluating.cases import HeldOut
from chatbot.training.evaluating.defects import (
    Defects,
    Lengths,
    count,
    defects_of,
    learnt,
    lengths,
)
from chatbot.training.evaluating.measures import PROTOCOLS, Perplexity, columns
from chatbot.training.evaluating.subjects import Answer, Run, Subject, generate_in_batches
from chatbot.training.evaluating.units import NAMES, Unit, cutter
from chatbot.training.metrics import Array, distinct, perplexity
from chatbot.training.store import Store
from chatbot.vocabulary import UNK

Tell = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is."""

ONLY_ANSWERS = "a bundle's graph only answers; evaluate the run that it was exported from"
OTHER_TOKENS = "the vocabularies differ: a token of the one is no token of the other"


@dataclass(frozen=True)
class Task:
    """Hold what every model that takes part is asked."""

    tests: HeldOut
    protocol: str
    perplexities: Sequence[Perplexity]
    decoding: Decoding
    cut_by: Tokenizer  # the words of all texts are the words of this


@dataclass(frozen=True)
class Findings:
    """Hold what was found of one model."""

    subject: Subject
    answers: Sequence[Answer]
    figures: Mapping[str, Figure]
    columns: Mapping[str, Column] = field(repr=False)  # of the figures that have an interval
    not_measured: Mapping[str, str]  # with the reason
    flaws: Sequence[Sequence[str]]  # the defects of each answer
    defects: Defects
    training: str | None  # where the training replies stand that the answers were compared with
    lengths: Mapping[str, Lengths]
    unknown_in_questions: tuple[int, int]  # unknown tokens, tokens


@dataclass(frozen=True)
class Examination:
    """Hold what was found of a model, and how much it is above another one on the same cases."""

    task: Task
    found: Findings
    against: Findings | None = None
    differences: Mapping[str, Difference] = field(default_factory=dict)
    not_compared: Mapping[str, str] = field(default_factory=dict)  # with the reason


def examine(
    subject: Subject,
    tests: HeldOut,
    *,
    protocol: str,
    decoding: Decoding | None = None,
    free_running: bool = False,
    against: Subject | None = None,
    tell: Tell = lambda *_: None,
) -> Examination:
    """Measure what a protocol asks for, of both models under the same search.

    `decoding` None is the protocol's, else the first model's own. `free_running` adds that
    perplexity. Texts are cut by the words of the first model.
    """
    asked = PROTOCOLS[protocol]
    kinds = dict.fromkeys(asked.perplexities)
    if free_running:
        kinds["free-running"] = None
    search = fixed(decoding or asked.decoding or subject.decoding)
    task = Task(tests, protocol, tuple(kinds), search, subject.tokenizer)
    found = _find(subject, task, tell)
    if against is None:
        return Examination(task, found)
    other = _find(against, task, tell)
    refused = {} if _same_tokens(subject, against) else _refused(found, other)
    return Examination(task, found, other, _differences(found, other, refused), refused)


def evaluate_ids(
    engine: IdsEngine,
    sources: Sequence[Sequence[int]],
    references: Sequence[Sequence[Sequence[int]]],
    decoding: Decoding,
    *,
    names: Iterable[str] = ("BLEU-4",),
    orders: Iterable[int] = (1, 2),
) -> tuple[list[Hypothesis], dict[str, Figure]]:
    """Return the reply to each source and the named measures, the ids being the tokens.

    Sources have EOS; the references, one or more a source, have none. `orders` are those of
    Distinct.
    """
    found = generate_in_batches(engine, sources, decoding)
    replies = [one.ids for one in found]
    scores = bootstrap.figures(columns(replies, references, names))
    return found, scores | {f"Distinct-{n}": Figure(distinct(replies, n)) for n in orders}


def _find(subject: Subject, task: Task, tell: Tell) -> Findings:
    cases = task.tests.cases
    answers = subject.answers(
        [case.question for case in cases],
        task.decoding,
        partial(_tell, tell, f"Answering with {subject.path}", len(cases)),
    )
    scored, singles = _compared(task, answers)
    paid, single_losses, not_measured = _perplexities(subject, task, tell)
    training, known = _training(subject, task, answers)
    words = [*map(cutter("word", task.cut_by), (answer.text for answer in answers))]
    flaws = [
        tuple(defects_of(case.turn, answer, of_answer, known))
        for case, answer, of_answer in zip(cases, answers, words, strict=True)
    ]
    texts = [answer.text for answer in answers]
    figures = {**bootstrap.figures(scored | paid), **singles, **single_losses}
    order = [*scored, *map(_perplexity, task.perplexities), *singles]
    return Findings(
        subject=subject,
        answers=answers,
        figures={name: figures[name] for name in order if name in figures},
        columns=scored | paid,
        not_measured=not_measured,
        flaws=flaws,
        defects=count(flaws, texts, training_known=known is not None),
        training=training,
        lengths=_lengths(task, texts),
        unknown_in_questions=_unknown(subject.source(case.question) for case in cases),
    )


def _tell(tell: Tell, what: str, total: int, done: int) -> None:
    tell(what, done, total)


def _compared(task: Task, answers: Sequence[Answer]) -> tuple[dict[str, Column], dict[str, Figure]]:
    """Return the measures that compare with references, and those of the answers alone."""
    protocol = PROTOCOLS[task.protocol]
    scored: dict[str, Column] = {}
    singles: dict[str, Figure] = {}
    for unit in dict.fromkeys(unit for unit, _ in (*protocol.measures, *protocol.distinct)):
        cut = cutter(unit, task.cut_by)
        replies = [cut(answer.text) for answer in answers]
        references = [[*map(cut, case.references)] for case in task.tests.cases]
        names = [name for of, name in protocol.measures if of == unit]
        found = columns(replies, references, names)
        scored |= {_label(name, unit): column for name, column in found.items()}
        for order in (order for of, order in protocol.distinct if of == unit):
            singles[_label(f"Distinct-{order}", unit)] = Figure(distinct(replies, order))
    return scored, singles


def _label(name: str, unit: Unit) -> str:
    return name if name.startswith("chrF") else f"{name} {NAMES[unit]}"


def _perplexity(kind: Perplexity) -> str:
    return f"Perplexity, {kind}"


def _perplexities(
    subject: Subject, task: Task, tell: Tell
) -> tuple[dict[str, Column], dict[str, Figure], dict[str, str]]:
    """Return the perplexities that are sums over cases, those that are not, and what is missing."""
    labels = {kind: _perplexity(kind) for kind in task.perplexities}
    if not isinstance(subject, Run):
        return {}, {}, dict.fromkeys(labels.values(), ONLY_ANSWERS)
    cases = task.tests.cases
    pairs = [subject.pair(case.question, said) for case in cases for said in case.references]
    case_of = np.repeat(np.arange(len(cases)), [len(case.references) for case in cases])
    scored: dict[str, Column] = {}
    singles: dict[str, Figure] = {}
    paid: dict[str, Array] = {}
    for kind, label in labels.items():
        way = "teacher-forced" if kind == "teacher-forced" else "free-running"
        if way not in paid:
            measure = losses.teacher_forced if way == "teacher-forced" else losses.free_running
            paid[way] = measure(subject.model, pairs, partial(_tell, tell, label, len(pairs)))
        if kind == "free-running, mean of batches":
            singles[label] = Figure(losses.mean_of_batches(paid[way]))
        else:
            rows = np.zeros((len(cases), 2))
            np.add.at(rows, case_of, paid[way])
            scored[label] = Column(rows, perplexity)
    return scored, singles, {}


def _training(
    subject: Subject, task: Task, answers: Sequence[Answer]
) -> tuple[str | None, set[str] | None]:
    """Return where training replies stand, and those answers that are among them."""
    replies = subject.training_replies()
    place = f"the training pairs of {subject.path}"
    if replies is None and task.tests.split is not None:
        replies = (reply for _, reply in Store(task.tests.path).pairs("train"))
        place = f"the split 'train' of {task.tests.path}"
    if replies is None:
        return None, None
    table = translation(subject.tokenizer.table)
    texts = (answer.text for answer in answers)
    return place, learnt(texts, replies, lambda reply: normalise(reply, table))


def _lengths(task: Task, texts: Sequence[str]) -> dict[str, Lengths]:
    references = [said for case in task.tests.cases for said in case.references]
    units: tuple[Unit, ...] = ("word", "character")
    return {
        f"{side}, {unit}s": lengths(map(cutter(unit, task.cut_by), of_side))
        for side, of_side in (("replies", texts), ("references", references))
        for unit in units
    }


def _unknown(sources: Iterable[Sequence[int]]) -> tuple[int, int]:
    unknown = tokens = 0
    for source in sources:
        unknown += source.count(UNK)
        tokens += len(source) - 1  # without EOS
    return unknown, tokens


def _same_tokens(one: Subject, other: Subject) -> bool:
    """Return whether both models pay for the same tokens of a reply."""
    if not (isinstance(one, Run) and isinstance(other, Run)):
        return True
    return one.reply_vocabulary == other.reply_vocabulary


def _refused(found: Findings, other: Findings) -> dict[str, str]:
    shared = [name for name in found.figures if name in other.figures]
    return {name: OTHER_TOKENS for name in shared if name.startswith("Perplexity")}


def _differences(found: Findings, other: Findings, refused: Iterable[str]) -> dict[str, Difference]:
    pairs = bootstrap.differences(found.columns, other.columns)
    singles = {
        name: Difference(figure.value - other.figures[name].value)
        for name, figure in found.figures.items()
        if name in other.figures
    }
    return {name: one for name, one in (singles | pairs).items() if name not in refused}
