"""What the log of a run tells, read once and in bounded memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeGuard

from chatbot.training.evaluation import perplexity
from chatbot.training.events import Sample
from chatbot.training.report.thinning import Choice, Curve, Point

FIGURES = (
    "loss",
    "learning_rate",
    "tokens_per_second",
    "gradient_norm",
    "padding",
    "loading",
)
"""What is kept as a curve of the records "train"."""

MOST_SAMPLES = 7
"""Evaluations whose samples are kept; with the best one there are as many as a page shows well."""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Evaluation:
    """Hold how good the model was at a step."""

    step: int
    epoch: float
    seconds: float
    loss: float  # nats a token
    perplexity: float

    def figures(self) -> dict[str, float]:
        """Return it under the names of the log."""
        return {
            "step": self.step,
            "epoch": self.epoch,
            "seconds": self.seconds,
            "validation_loss": self.loss,
            "validation_perplexity": self.perplexity,
        }


@dataclass(frozen=True)
class Said:
    """Hold what the model said at a step."""

    step: int
    samples: tuple[Sample, ...]


class History:
    """Hold where a run stands, its curves, its evaluations and some of its samples."""

    def __init__(self, records: Iterable[Record]) -> None:
        """Read the records of a log; what is no number, such as NaN, is left out."""
        self.step, self.epoch, self.seconds = 0, 0.0, 0.0
        self.started: Record = {}
        self.left_out = 0  # pairs, which only the first start counts
        self.reason = ""  # why the run ended; nothing while it is going on
        self.evaluations: list[Evaluation] = []
        self.best: Evaluation | None = None  # the lowest loss
        self._curves = {name: Curve() for name in FIGURES}
        self._samples = Choice[Said](MOST_SAMPLES)
        self._said_at_best: list[Said] = []
        for record in records:
            self._add(record)

    def curve(self, name: str) -> list[Point]:
        """Return one of the `FIGURES` over the steps."""
        return self._curves[name].points

    def samples(self) -> list[Said]:
        """Return what was said at the first, the last, the best and some evaluations between."""
        kept = {said.step: said for said in (*self._samples.things, *self._said_at_best)}
        return [kept[step] for step in sorted(kept)]

    def _add(self, record: Record) -> None:
        step = int(_number(record, "step"))
        self.step = max(self.step, step)
        self.epoch = max(self.epoch, _number(record, "epoch"))
        self.seconds = max(self.seconds, _number(record, "seconds"))
        match record.get("event"):
            case "started":
                self.started, self.reason = record, ""
                self.left_out = max(self.left_out, int(_number(record, "left_out")))
            case "train":
                for name, curve in self._curves.items():
                    if _is_number(record.get(name)):
                        curve.add(step, _number(record, name))
            case "evaluated":
                self._evaluated(record, step)
            case "ended":
                self.reason = str(record.get("reason"))

    def _evaluated(self, record: Record, step: int) -> None:
        said = Said(step, tuple(_samples(record.get("samples"))))
        if said.samples:
            self._samples.add(said)
        if not _is_number(record.get("validation_loss")):
            return
        loss = _number(record, "validation_loss")
        epoch, seconds = _number(record, "epoch"), _number(record, "seconds")
        found = Evaluation(step, epoch, seconds, loss, perplexity(loss))
        self.evaluations.append(found)
        if self.best is None or loss < self.best.loss:
            self.best, self._said_at_best = found, [said] if said.samples else []


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and isfinite(value)


def _number(record: Record, name: str) -> float:
    """Return a number of the record, 0 where it has none."""
    value = record.get(name)
    return float(value) if _is_number(value) else 0.0


def _samples(records: object) -> Iterable[Sample]:
    for record in records if isinstance(records, list) else []:
        if isinstance(record, dict):
            words = (record.get(name, "") for name in ("prompt", "reply", "said"))
            yield Sample(*map(str, words))
