"""The result of an examination, for a terminal and for a program."""

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from chatbot import __version__
from chatbot.decoding import to_dict
from chatbot.training.evaluating.bootstrap import CONFIDENCE, RESAMPLES, SEED, Figure
from chatbot.training.evaluating.defects import DEFECTS, GENERIC
from chatbot.training.evaluating.examination import Examination, Findings
from chatbot.training.evaluating.measures import PROTOCOLS

Row = list[str]
Share = tuple[int, int]

_LIBRARIES = ("torch", "onnxruntime", "numpy")
_UNIT_INTERVAL = ("Distinct", "D2L")


def as_dict(examination: Examination) -> dict[str, Any]:
    """Return everything but the replies, ready for JSON."""
    task, other = examination.task, examination.against
    return {
        "protocol": task.protocol,
        "left_out": PROTOCOLS[task.protocol].left_out or None,
        "corpus": {
            "path": str(task.tests.path),
            "split": task.tests.split,
            "questions": len(task.tests.cases),
            "questions_found": task.tests.found,
            "references": task.tests.references,
        },
        "decoding": to_dict(task.decoding),
        "bootstrap": {"resamples": RESAMPLES, "confidence": CONFIDENCE, "seed": SEED},
        "versions": {
            "duihua": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
        "model": _findings(examination.found),
        "against": None if other is None else _findings(other),
        "differences": {name: asdict(one) for name, one in examination.differences.items()},
        "not_compared": dict(examination.not_compared),
    }


def as_lines(examination: Examination) -> Iterator[str]:
    """Yield what a person reads."""
    for rows in (heading(examination), figure_rows(examination)):
        yield from _aligned(rows)
        yield ""
    for rows in (remarks(examination), defect_rows(examination), length_rows(examination)):
        if rows:
            yield from _aligned(rows)
            yield ""


def heading(examination: Examination) -> list[Row]:
    """Return what was evaluated, on what and how."""
    task, tests = examination.task, examination.task.tests
    split = f", split {tests.split}" if tests.split else ""
    drawn = f" of {tests.found:,}" if tests.found > len(tests.cases) else ""
    size = f"{len(tests.cases):,}{drawn} questions, {tests.references:,} references"
    others = [["against", _described(examination.against)]] if examination.against else []
    return [
        ["model", _described(examination.found)],
        *others,
        ["corpus", f"{tests.path}{split}: {size}"],
        ["decoding", ", ".join(settings_of(to_dict(task.decoding)))],
        ["protocol", task.protocol],
    ]


def figure_rows(examination: Examination) -> list[Row]:
    """Return a header and a row for each score; with two models, both and the difference."""
    found, other = examination.found, examination.against
    if other is None:
        scores = [[name, *_score(name, one)] for name, one in found.figures.items()]
        return [["", "value", "95 % interval"], *scores]
    rows = [
        [
            "",
            "model",
            "95 % interval",
            "against",
            "95 % interval",
            "difference",
            "95 % interval",
            "p",
        ]
    ]
    for name, figure in found.figures.items():
        gain = examination.differences.get(name)
        p = "" if gain is None or gain.p is None else f"{gain.p:.3f}"
        theirs = _score(name, other.figures.get(name))
        rows.append([name, *_score(name, figure), *theirs, *_score(name, gain, sign="+"), p])
    return rows


def remarks(examination: Examination) -> list[Row]:
    """Return a header and a row for all that is missing, with the reason; nothing if nothing is."""
    left_out = PROTOCOLS[examination.task.protocol].left_out
    missing = {**examination.found.not_measured, **examination.not_compared}
    if examination.against:
        theirs = examination.against.not_measured.items()
        missing |= {f"{name}, against": reason for name, reason in theirs}
    if left_out:
        missing["more of the protocol"] = left_out
    rows = [[name, reason] for name, reason in missing.items()]
    return [["not measured", "reason"], *rows] if rows else []


def defect_rows(examination: Examination) -> list[Row]:
    """Return a header and a row for each defect: its number and its share."""
    sides = [_shares(found) for found in _sides(examination)]
    names = ["model", "against"][: len(sides)]
    header = ["replies", *(cell for name in names for cell in (name, "share"))]
    return [header, *([name, *(c for s in sides for c in _share(s[name]))] for name in sides[0])]


def length_rows(examination: Examination) -> list[Row]:
    """Return a header and a row for each side of a pair and each kind of token."""
    rows = dict(examination.found.lengths)
    if examination.against:
        theirs = examination.against.lengths.items()
        rows |= {f"{name}, against": one for name, one in theirs if name.startswith("replies")}
    return [
        ["length", "mean", "median", "95 % up to", "longest"],
        *(
            [name, f"{one.mean:.1f}", f"{one.median:.0f}", f"{one.p95:.0f}", f"{one.longest}"]
            for name, one in rows.items()
        ),
    ]


def _sides(examination: Examination) -> list[Findings]:
    return [examination.found, *([examination.against] if examination.against else [])]


def _findings(found: Findings) -> dict[str, Any]:
    unknown, tokens = found.unknown_in_questions
    return {
        **found.subject.facts,
        "figures": {name: asdict(one) for name, one in found.figures.items()},
        "not_measured": dict(found.not_measured),
        "defects": {**asdict(found.defects), "counts": dict(found.defects.counts)},
        "training_replies": found.training,
        "questions": {"tokens": tokens, "unknown": unknown},
        "lengths": {name: asdict(one) for name, one in found.lengths.items()},
    }


def _described(found: Findings) -> str:
    """Say what a model is, and how good it was when it was trained."""
    facts = found.subject.facts
    training = facts["training"] if isinstance(facts["training"], Mapping) else {}
    loss = training.get("validation_perplexity")
    known = f", step {training['step']}" if isinstance(training.get("step"), int) else ""
    if isinstance(loss, float):
        known += f", perplexity {loss:.2f} on the pairs held out in training"
    return f"{found.subject.path} ({facts['kind']}{known})"


def settings_of(decoding: Mapping[str, Any]) -> Iterator[str]:
    """Yield the kind of a search, then each setting with its value."""
    for name, value in decoding.items():
        yield value if name == "kind" else f"{name} {value}"


def _shares(found: Findings) -> dict[str, Share | None]:
    defects, whole = found.defects, found.defects.replies
    counts = ((name, defects.counts.get(name)) for name in DEFECTS)
    return {
        "different": (defects.different, whole),
        f"one of the {GENERIC} most frequent": (defects.generic, whole),
        **{name: None if part is None else (part, whole) for name, part in counts},
        "unknown tokens in the questions": found.unknown_in_questions,
    }


def _share(share: Share | None) -> Row:
    if share is None:
        return ["not known", ""]
    part, whole = share
    return [f"{part:,}", f"{part / max(1, whole):.1%}"]


def _score(name: str, figure: Figure | None, sign: str = "") -> Row:
    if figure is None:
        return ["", ""]
    form = f"{sign},.{4 if name.startswith(_UNIT_INTERVAL) else 2}f"
    if figure.low is None or figure.high is None:
        return [format(figure.value, form), ""]
    between = f"{format(figure.low, form)} … {format(figure.high, form)}"
    return [format(figure.value, form), between]


def _aligned(rows: Sequence[Row]) -> Iterator[str]:
    """Lay out a table: the first column to the left, and the others too, as wide as they must."""
    columns = max(map(len, rows))
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(columns)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False))
        yield "  ".join(cells).rstrip()
