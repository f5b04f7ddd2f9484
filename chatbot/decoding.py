"""What a caller may ask of the search for a reply."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from numbers import Real
from typing import Any

from chatbot.errors import UsageError

MAX_BEAM = 64
MAX_REPLY = 512
MAX_TOP_K = 1_000_000
MAX_SEED = 2**53 - 1
"""The largest whole number that every reader of JSON keeps."""

# The settings by the names that the graph knows them by, in its order.
MAX_LENGTH = "max_len"  # int64 ()
MIN_LENGTH = "min_len"  # int64 ()
BEAM_SIZE = "beam_size"  # int64 ()
LENGTH_PENALTY = "length_penalty"  # float32 ()
TEMPERATURE = "temperature"  # float32 (); 0: greedy or beam search
TOP_K = "top_k"  # int64 ()
TOP_P = "top_p"  # float32 ()
SEED = "seed"  # int64 ()
NO_REPEAT_NGRAM = "no_repeat_ngram"  # int64 ()
REPETITION_PENALTY = "repetition_penalty"  # float32 ()
SETTINGS = (
    MAX_LENGTH,
    MIN_LENGTH,
    BEAM_SIZE,
    LENGTH_PENALTY,
    TEMPERATURE,
    TOP_K,
    TOP_P,
    SEED,
    NO_REPEAT_NGRAM,
    REPETITION_PENALTY,
)


def _between(low: float, high: float) -> Mapping[str, Any]:
    return {"range": (low, high)}


@dataclass(frozen=True, kw_only=True)
class _Shared:
    """Hold what every search is told.

    The reply has at least `min_length` tokens before its end mark; a reply that has no end after
    `max_length` tokens is cut there. No `no_repeat_ngram` tokens in a row occur twice in a reply;
    0 allows it. What the reply has said already is made less likely by a `repetition_penalty`
    above 1 (Keskar et al. 2019, section 4.1); 1 switches that off.
    """

    max_length: int = field(default=30, metadata=_between(1, MAX_REPLY))
    min_length: int = field(default=1, metadata=_between(0, MAX_REPLY))
    no_repeat_ngram: int = field(default=0, metadata=_between(0, MAX_REPLY))
    repetition_penalty: float = field(default=1.0, metadata=_between(0.1, 10.0))

    def __post_init__(self) -> None:
        """Refuse what is out of its range; make 1 of 1.0 and 1.0 of 1, as the setting has it."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            if value is None and setting.default is None:
                continue
            low, high = setting.metadata["range"]
            check_range(setting.name, value, low, high)
            object.__setattr__(self, setting.name, type(low)(value))
        check_range("min_length", self.min_length, 0, self.max_length)


@dataclass(frozen=True, kw_only=True)
class Greedy(_Shared):
    """Take the likeliest token at every step."""

    @property
    def hypotheses(self) -> int:
        """Return how many replies a source gets: 1."""
        return 1


@dataclass(frozen=True, kw_only=True)
class Beam(_Shared):
    """Keep the `width` best hypotheses at every step, scored as Wu et al. 2016, eq. 14.

    The score of a hypothesis of n tokens, its end mark included, is its log-probability over
    ((5 + n) / 6) ** `length_penalty`; 0 switches the penalty off.
    """

    width: int = field(default=4, metadata=_between(1, MAX_BEAM))
    length_penalty: float = field(default=0.6, metadata=_between(0.0, 5.0))

    @property
    def hypotheses(self) -> int:
        """Return how many replies a source gets."""
        return self.width


@dataclass(frozen=True, kw_only=True)
class Sample(_Shared):
    """Draw every token by chance, `samples` replies a source.

    The probabilities are those of the logits over `temperature`, cut to the `top_k` likeliest
    tokens (Fan et al. 2018; 0: all) and of these to the fewest that together have `top_p`
    (Holtzman et al. 2020). The same `seed` gives the same replies; None takes another every time.
    """

    temperature: float = field(default=0.8, metadata=_between(0.01, 100.0))
    top_k: int = field(default=40, metadata=_between(0, MAX_TOP_K))
    top_p: float = field(default=0.95, metadata=_between(0.0, 1.0))
    seed: int | None = field(default=None, metadata=_between(0, MAX_SEED))
    samples: int = field(default=1, metadata=_between(1, MAX_BEAM))

    @property
    def hypotheses(self) -> int:
        """Return how many replies a source gets."""
        return self.samples


Decoding = Greedy | Beam | Sample

_KINDS: Mapping[str, type[Decoding]] = {"greedy": Greedy, "beam": Beam, "sample": Sample}


def to_dict(decoding: Decoding) -> dict[str, Any]:
    """Return the settings with their kind, as they stand in a bundle: the shared ones last."""
    own = asdict(decoding)
    shared = {setting.name: own.pop(setting.name) for setting in fields(_Shared)}
    return {"kind": type(decoding).__name__.lower(), **own, **shared}


def from_dict(values: Mapping[str, Any]) -> Decoding:
    """Return the decoding that `to_dict` wrote; an unknown kind or setting is a `UsageError`."""
    given = dict(values)
    kind = _KINDS.get(given.pop("kind", None))
    if kind is None:
        raise UsageError(f"decoding {values.get('kind')!r}: known are {', '.join(_KINDS)}.")
    try:
        return kind(**given)
    except TypeError as error:
        raise UsageError(f"decoding {dict(values)}: {error}.") from error


def fixed(decoding: Decoding) -> Decoding:
    """Return the decoding with a seed, where it leaves that to chance."""
    if isinstance(decoding, Sample) and decoding.seed is None:
        return replace(decoding, seed=secrets.randbelow(2**31))
    return decoding


def settings(decoding: Decoding) -> dict[str, int | float]:
    """Return what the graph is told, by the names of its inputs; a seed of None becomes a number.

    A kind of search that has no such setting gets the value that switches it off.
    """
    told: dict[str, int | float] = {
        MAX_LENGTH: decoding.max_length,
        MIN_LENGTH: decoding.min_length,
        BEAM_SIZE: decoding.hypotheses,
        LENGTH_PENALTY: 0.0,
        TEMPERATURE: 0.0,
        TOP_K: 0,
        TOP_P: 1.0,
        SEED: 0,
        NO_REPEAT_NGRAM: decoding.no_repeat_ngram,
        REPETITION_PENALTY: decoding.repetition_penalty,
    }
    match fixed(decoding):
        case Beam(length_penalty=alpha):
            told[LENGTH_PENALTY] = alpha
        case Sample() as sample:
            told[TEMPERATURE] = sample.temperature
            told[TOP_K] = sample.top_k
            told[TOP_P] = sample.top_p
            told[SEED] = sample.seed or 0  # no longer None
    return told


def check_range(name: str, value: Any, low: float, high: float) -> None:
    """Refuse a setting out of its range; where `low` is a whole number, so must `value` be."""
    whole = isinstance(low, int)
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not low <= value <= high or (whole and value % 1):  # NaN is in no range
        kind = "whole number" if whole else "number"
        raise UsageError(f"{name}={value!r}: expected a {kind} from {low} to {high}.")
