"""What a caller may ask of the search for a reply."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chatbot.errors import UsageError

MAX_BEAM = 64
MAX_REPLY = 512


@dataclass(frozen=True, kw_only=True)
class Greedy:
    """Take the likeliest token at every step.

    The reply has at least `min_length` tokens before its end mark; a reply that has no end after
    `max_length` tokens is cut there.
    """

    max_length: int = 30
    min_length: int = 1

    @property
    def width(self) -> int:
        """Return 1: greedy search is a beam of one."""
        return 1

    @property
    def length_penalty(self) -> float:
        """Return 0: there is nothing to compare lengths with."""
        return 0.0

    def __post_init__(self) -> None:
        check_range("max_length", self.max_length, 1, MAX_REPLY)
        check_range("min_length", self.min_length, 0, self.max_length)


@dataclass(frozen=True, kw_only=True)
class Beam:
    """Keep the `width` best hypotheses at every step, scored as Wu et al. 2016, eq. 14.

    The score of a hypothesis of n tokens, its end mark included, is its log-probability over
    ((5 + n) / 6) ** `length_penalty`; 0 switches the penalty off.
    """

    width: int = 4
    length_penalty: float = 0.6
    max_length: int = 30
    min_length: int = 1

    def __post_init__(self) -> None:
        check_range("width", self.width, 1, MAX_BEAM)
        check_range("length_penalty", self.length_penalty, 0.0, 5.0)
        check_range("max_length", self.max_length, 1, MAX_REPLY)
        check_range("min_length", self.min_length, 0, self.max_length)


Decoding = Greedy | Beam

_KINDS: Mapping[str, type[Greedy] | type[Beam]] = {"greedy": Greedy, "beam": Beam}


def to_dict(decoding: Decoding) -> dict[str, Any]:
    """Return the settings with their kind, as they stand in a bundle."""
    return {"kind": type(decoding).__name__.lower(), **asdict(decoding)}


def from_dict(values: Mapping[str, Any]) -> Decoding:
    """Return the decoding that `to_dict` wrote; an unknown kind or setting is a `UsageError`."""
    settings = dict(values)
    kind = _KINDS.get(settings.pop("kind", None))
    if kind is None:
        raise UsageError(f"decoding {values.get('kind')!r}: known are {', '.join(_KINDS)}.")
    try:
        return kind(**settings)
    except TypeError as error:
        raise UsageError(f"decoding {dict(values)}: {error}.") from error


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Refuse a setting out of its range; where `low` is a whole number, so must `value` be."""
    whole = isinstance(low, int)
    if not low <= value <= high or (whole and value % 1):  # NaN is in no range
        kind = "whole number" if whole else "number"
        raise UsageError(f"{name}={value}: expected a {kind} from {low} to {high}.")
