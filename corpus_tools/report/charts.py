"""Plots as SVG: columns beside one another, a curve on a logarithmic axis."""

from collections.abc import Mapping, Sequence
from math import log10

from chatbot.page import Markup, element, joined
from chatbot.page.drawing import digits, label

# The plots scale with the page, in these units; text has its size from the style sheet.
_WIDTH, _HEIGHT = 600, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 16, 56

Point = tuple[float, float]


def columns(groups: Sequence[str], series: Mapping[str, Sequence[float]], title: str) -> Markup:
    """Return shares as columns: for every group one of each series."""
    highest = max((share for shares in series.values() for share in shares), default=0) or 1
    top = _round_up(highest)
    step = (_WIDTH - _LEFT - _RIGHT) / len(groups)
    width = 0.8 * step / len(series)
    drawn = [_horizontal(top * part / 4, 1 - part / 4) for part in range(5)]
    for place, group in enumerate(groups):
        left = _LEFT + place * step
        drawn.append(label(group, left + step / 2, _HEIGHT - _BOTTOM + 24))
        for number, (name, shares) in enumerate(series.items()):
            y = _y(1 - shares[place] / top)
            column = element(
                "rect", element("title", f"{name}, {group}: {shares[place]:.1%}"),
                x=digits(left + 0.1 * step + number * width), y=digits(y),
                width=digits(width), height=digits(_HEIGHT - _BOTTOM - y),
                class_=f"series{number + 1}",
            )  # fmt: skip
            drawn.append(column)
    return _plot(drawn, title)


def curve(points: Sequence[tuple[int, float]], title: str, axis: str) -> Markup:
    """Return shares over numbers on a logarithmic axis."""
    decades = max(1.0, log10(points[-1][0]))

    def place(number: float, share: float) -> Point:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * log10(number) / decades, _y(1 - share)

    drawn = [_horizontal(part / 4, 1 - part / 4) for part in range(5)]
    for power in range(int(decades) + 1):
        x, _ = place(10**power, 0)
        drawn.append(label(f"{10**power:,}", x, _HEIGHT - _BOTTOM + 24))
    drawn.append(label(axis, (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, kind="axis"))
    path = " ".join(f"{digits(x)},{digits(y)}" for x, y in (place(*point) for point in points))
    drawn.append(element("polyline", points=path, class_="curve"))
    for number, share in points:
        x, y = place(number, share)
        drawn.append(
            element(
                "circle", element("title", f"{number:,}: {share:.1%}"),
                cx=digits(x), cy=digits(y), r=4, class_="dot",
            )
        )  # fmt: skip
    return _plot(drawn, title)


def _plot(drawn: Sequence[Markup], title: str) -> Markup:
    return element(
        "svg", element("title", title), joined(drawn),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", class_="plot",
    )  # fmt: skip


def _horizontal(share: float, below_top: float) -> Markup:
    y = digits(_y(below_top))
    line = element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid")
    return joined([line, label(f"{share:.0%}", _LEFT - 8, float(y) + 5, kind="left")])


def _y(below_top: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * below_top


def _round_up(share: float) -> float:
    """Return the next share whose quarters are whole per cents."""
    return next((size for size in (0.04, 0.08, 0.2, 0.4, 0.6, 0.8) if size >= share), 1.0)
