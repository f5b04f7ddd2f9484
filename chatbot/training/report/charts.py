"""Plots as SVG: curves over the steps of a run, weights as a grid of squares."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any, NamedTuple
from unicodedata import east_asian_width

import numpy.typing as npt

from chatbot.page.drawing import digits, label
from chatbot.page.markup import Markup, element, joined
from chatbot.training.report.thinning import Point

Name = Callable[[float], str]
"""What a number is called at an axis."""


@dataclass(frozen=True)
class Line:
    """A curve, its classes in the style sheet, and where it has dots what each of them says."""

    points: Sequence[Point]
    look: str
    dots: Sequence[str] = ()


@dataclass(frozen=True)
class Frame:
    """The room of a plot, in units that scale with the page; text has its size from the style."""

    width: int
    height: int
    kind: str  # its class in the style sheet
    left: int = 56
    right: int = 20
    top: int = 14
    bottom: int = 34

    def x(self, share: float) -> float:
        """Return the place of a share of the width."""
        return self.left + (self.width - self.left - self.right) * share

    def y(self, share: float) -> float:
        """Return the place of a share of the height, which counts from below."""
        return self.height - self.bottom - (self.height - self.top - self.bottom) * share


SMALL, LARGE = Frame(400, 230, "small", left=76), Frame(640, 420, "large", right=64)


@dataclass(frozen=True)
class Axis:
    """The two ends of an axis, and the round numbers between them."""

    low: float
    high: float
    marks: Sequence[float]

    @classmethod
    def of_values(cls, values: Iterable[float], *, from_zero: bool = False) -> "Axis":
        """Return an axis that begins and ends with a round number."""
        listed = [*values, *([0.0] if from_zero else [])]
        marks = _round_numbers(min(listed), max(listed))
        return cls(marks[0], marks[-1], marks)

    @classmethod
    def of_steps(cls, last: float) -> "Axis":
        """Return an axis from 0 to the last step."""
        last = max(1.0, last)
        marks = [mark for mark in _round_numbers(0.0, last) if mark <= last and mark % 1 == 0]
        return cls(0.0, last, marks)

    def share(self, value: float) -> float:
        """Return where a value stands between the two ends."""
        return (value - self.low) / (self.high - self.low)


class Names(NamedTuple):
    """What the values are called, at the left side and at the right."""

    left: Name
    right: Name | None = None


def plot(
    lines: Sequence[Line], title: str, *, steps: Axis, values: Axis, names: Names, frame: Frame
) -> Markup:
    """Return figures over steps."""
    drawn = [*_grid(frame, values, names)]
    for mark in steps.marks:
        drawn.append(label(rounded(mark), frame.x(steps.share(mark)), frame.height - 10))
    for line in lines:
        places = [(frame.x(steps.share(x)), frame.y(values.share(y))) for x, y in line.points]
        drawable = places * 2 if len(places) == 1 else places
        path = " ".join(f"{digits(x)},{digits(y)}" for x, y in drawable)
        drawn.append(element("polyline", points=path, class_=f"curve {line.look}"))
        drawn += [
            element(
                "circle", element("title", told),
                cx=digits(x), cy=digits(y), r=4, class_=f"dot {line.look}",
            )
            for (x, y), told in zip(places, line.dots, strict=False)
        ]  # fmt: skip
    return element(
        "svg", element("title", title), joined(drawn),
        viewBox=f"0 0 {frame.width} {frame.height}", role="img", class_=f"plot {frame.kind}",
    )  # fmt: skip


def _grid(frame: Frame, values: Axis, names: Names) -> Iterator[Markup]:
    left, right = frame.left, frame.width - frame.right
    for mark in values.marks:
        y = frame.y(values.share(mark))
        yield element("line", x1=left, x2=right, y1=digits(y), y2=digits(y), class_="grid")
        yield label(names.left(mark), left - 8, y + 5, "left")
        if names.right:
            yield label(names.right(mark), right + 8, y + 5, "right")


def rounded(value: float) -> str:
    """Return a number of an axis in a few characters."""
    if abs(value) >= 1e12:
        return f"{value:.0e}"
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= max(size, 1e4):
            return f"{value / size:.4g}{sign}"
    return f"{value:,.6g}"


def _round_numbers(low: float, high: float) -> list[float]:
    """Return about five numbers of equal distance, from `low` or below to `high` or above."""
    largest = max(abs(low), abs(high))
    if high - low <= max(1e-6 * largest, 1e-300):  # one value: it gets some room
        low, high = low - abs(low) / 2, high + (abs(high) / 2 if largest > 1e-300 else 1.0)
    rough = (high - low) / 4
    power = 10.0 ** floor(log10(rough))
    distance = next(power * size for size in (1, 2, 2.5, 5, 10) if power * size >= rough)
    return [distance * place for place in range(floor(low / distance), ceil(high / distance) + 1)]


_CELL = 26
_LETTER = 13
_LONGEST = 8


def heatmap(
    rows: Sequence[str], columns: Sequence[str], weights: npt.NDArray[Any], title: str
) -> Markup:
    """Return weights (rows, columns) from 0 to 1 as squares, the more the stronger their colour."""
    left = 12 + max(map(_width, rows))
    slanted = 0.71 * max(map(_width, columns))  # names of columns lean by 45°
    top = 20 + slanted
    drawn = [
        element(
            "rect", x=digits(left), y=digits(top), class_="ground",
            width=_CELL * len(columns), height=_CELL * len(rows),
        )
    ]  # fmt: skip
    for place, name in enumerate(columns):
        x, y = left + _CELL * (place + 0.5), top - 6
        turned = f"rotate(-45 {digits(x)} {digits(y)})"
        drawn.append(
            element(
                "text", _short(name), x=digits(x), y=digits(y), transform=turned, class_="start"
            )
        )
    for line, (said, shares) in enumerate(zip(rows, weights, strict=True)):
        y = top + _CELL * line
        drawn.append(label(_short(said), left - 6, y + 0.7 * _CELL, "left"))
        for place, (read, share) in enumerate(zip(columns, shares, strict=True)):
            drawn.append(
                element(
                    "rect", element("title", f"{said} ← {read}: {share:.1%}"),
                    x=digits(left + _CELL * place), y=digits(y), width=_CELL, height=_CELL,
                    fill_opacity=digits(share), class_="weight",
                )
            )  # fmt: skip
    width = ceil(left + _CELL * len(columns) + slanted)
    height = ceil(top + _CELL * len(rows) + 2)
    return element(
        "svg", element("title", title), joined(drawn), width=width, height=height,
        viewBox=f"0 0 {width} {height}", role="img", class_="heat",
    )  # fmt: skip


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…"


def _width(word: str) -> float:
    """Return about how wide a short word is."""
    return sum(_LETTER if east_asian_width(c) in "WF" else 0.62 * _LETTER for c in _short(word))
