"""Few of many, in bounded memory: a curve of so many points, a choice of so many things."""

from typing import Generic, NamedTuple, TypeVar

Thing = TypeVar("Thing")


class Point(NamedTuple):
    """A figure at a step."""

    step: float
    value: float


class Curve:
    """Keep a curve in less than `most` points, an even number: neighbours become their mean."""

    def __init__(self, most: int = 400) -> None:
        self._most = most
        self._kept: list[Point] = []
        self._stride = 1  # added points of which one that is kept is the mean
        self._open = _Sum()

    def add(self, step: float, value: float) -> None:
        """Add the next point."""
        self._open = self._open.plus(step, value)
        if self._open.number == self._stride:
            self._kept.append(self._open.mean)
            self._open = _Sum()
        if len(self._kept) == self._most:
            pairs = zip(self._kept[::2], self._kept[1::2], strict=True)
            self._kept = [_Sum().plus(*one).plus(*other).mean for one, other in pairs]
            self._stride *= 2

    @property
    def points(self) -> list[Point]:
        """Return the curve, up to the last point added."""
        return [*self._kept, self._open.mean] if self._open.number else list(self._kept)


class _Sum(NamedTuple):
    steps: float = 0.0
    values: float = 0.0
    number: int = 0

    def plus(self, step: float, value: float) -> "_Sum":
        return _Sum(self.steps + step, self.values + value, self.number + 1)

    @property
    def mean(self) -> Point:
        return Point(self.steps / self.number, self.values / self.number)


class Choice(Generic[Thing]):
    """Keep at most `most` of many things: the first, the last, and evenly what is between."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[Thing] = []
        self._stride, self._seen = 1, 0
        self._last: list[Thing] = []  # where it is not among those kept

    def add(self, thing: Thing) -> None:
        """Add the next thing."""
        if self._seen % self._stride == 0 and len(self._kept) == self._most:
            self._kept = self._kept[::2]
            self._stride *= 2
        on_stride = self._seen % self._stride == 0
        self._kept += [thing] if on_stride else []
        self._last = [] if on_stride else [thing]
        self._seen += 1

    @property
    def things(self) -> list[Thing]:
        """Return what is kept, in the order in which it came."""
        return [*self._kept[: self._most - len(self._last)], *self._last]
