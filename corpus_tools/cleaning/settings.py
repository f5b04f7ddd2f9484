"""What can be set about one rule: its thresholds, their ranges, and the words that explain them."""

# ruff: noqa: RUF009 - the functions called return fields of a dataclass

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal, TypeVar, cast, get_args, get_type_hints

from chatbot.text import normalise
from corpus_tools.errors import UsageError

Handling = Literal["keep", "mask", "refuse"]

MOST_WORDS = 100_000
"""Words of a list that a profile takes."""


def setting(default: object, means: str, *, least: float = 0, most: float = 0) -> Any:
    """Return a field with its default, what it means, and for numbers the range it may have."""
    return field(default=default, metadata={"means": means, "least": least, "most": most})


@dataclass(frozen=True, slots=True)
class Switch:
    """A rule without thresholds, and what all rules have."""

    on: bool = setting(True, "whether the rule works at all")


@dataclass(frozen=True, slots=True)
class Expressions(Switch):
    """Thresholds of `expressions`."""

    words: tuple[str, ...] = setting((), "more names of expressions, without their brackets")


@dataclass(frozen=True, slots=True)
class SqueezeRepeats(Switch):
    """Thresholds of `squeeze_repeats`."""

    most: int = setting(3, "how many of one character stay", least=1, most=100)


@dataclass(frozen=True, slots=True)
class SqueezePhrases(Switch):
    """Thresholds of `squeeze_phrases`."""

    most: int = setting(3, "how many of one phrase stay", least=1, most=100)
    longest: int = setting(10, "characters that a phrase may have", least=2, most=50)


@dataclass(frozen=True, slots=True)
class TooShort(Switch):
    """Thresholds of `too_short`."""

    prompt: int = setting(2, "characters that a prompt needs", least=1, most=1000)
    reply: int = setting(2, "characters that a reply needs", least=1, most=1000)


@dataclass(frozen=True, slots=True)
class TooLong(Switch):
    """Thresholds of `too_long`."""

    prompt: int = setting(256, "characters that a prompt may have", least=1, most=1_000_000)
    reply: int = setting(256, "characters that a reply may have", least=1, most=1_000_000)


@dataclass(frozen=True, slots=True)
class NotChinese(Switch):
    """Thresholds of `not_chinese`."""

    share: float = setting(0.3, "share of Han among the words of a pair", least=0.0, most=1.0)


@dataclass(frozen=True, slots=True)
class Echo(Switch):
    """Thresholds of `echo`."""

    share: float = setting(
        1.0, "share of common character pairs; 1.0 refuses equal texts only", least=0.1, most=1.0
    )


@dataclass(frozen=True, slots=True)
class Private(Switch):
    """What happens to each kind of private number."""

    phone: Handling = setting("mask", "telephone numbers: keep, mask or refuse")
    qq: Handling = setting("mask", "QQ numbers that are called so: keep, mask or refuse")
    email: Handling = setting("mask", "e-mail addresses: keep, mask or refuse")
    id_number: Handling = setting("mask", "identity card numbers: keep, mask or refuse")


@dataclass(frozen=True, slots=True)
class WordList(Switch):
    """The words that nobody is to say; a profile may name `files` with one word a line."""

    words: tuple[str, ...] = setting((), "words that a pair is refused for")

    def __post_init__(self) -> None:
        normal = {normalise(word.strip()) for word in self.words} - {""}
        object.__setattr__(self, "words", tuple(sorted(normal)))


@dataclass(frozen=True, slots=True)
class Advertisement(Switch):
    """Thresholds of `advertisement`."""

    shortest: int = setting(20, "characters from which a reply is long", least=1, most=10_000)
    most: int = setting(2, "different prompts that a long reply may answer", least=1, most=200)


@dataclass(frozen=True, slots=True)
class Generic(Switch):
    """Thresholds of `generic`."""

    share: float = setting(
        0.9, "share of frequent tri-grams from which a reply is generic", least=0.01, most=1.0
    )
    frequent: float = setting(
        0.001, "times a reply that a tri-gram occurs, to be frequent", least=0.000001, most=1.0
    )
    least: int = setting(10, "times it occurs at least, to be frequent", least=2, most=1_000_000)
    keep: int = setting(20, "pairs of each generic reply that stay", least=0, most=1_000_000)


@dataclass(frozen=True, slots=True)
class ReplyCap(Switch):
    """Thresholds of `reply_cap`."""

    most: int = setting(100, "pairs with the same reply that stay", least=1, most=1_000_000)


@dataclass(frozen=True, slots=True)
class NearDuplicate(Switch):
    """Thresholds of `near_duplicate`."""

    similarity: float = setting(
        0.8, "share of common character pairs from which two are the same", least=0.3, most=1.0
    )


Settings = TypeVar("Settings", bound=Switch)


def changed(rule: str, default: Settings, table: object) -> Settings:
    """Return `default` with what `table` sets; refuse what `rule` does not know."""
    if not isinstance(table, Mapping):
        raise UsageError(f"'{rule}' is a table of settings; found {table!r}. Write [{rule}].")
    known = {each.name: each for each in fields(default)}
    for name in table:
        if name not in known:
            raise UsageError(f"'{rule}' has no setting '{name}'. It has: {', '.join(known)}.")
    hints = get_type_hints(type(default))
    values = {each.name: getattr(default, each.name) for each in known.values()}
    for name, value in table.items():
        values[name] = _checked(f"'{name}' of '{rule}'", value, known[name], hints[name])
    return type(default)(**values)


def _checked(what: str, value: object, known: Field[Any], hint: Any) -> object:
    if hint is bool:
        return _is(isinstance(value, bool), value, f"{what} is true or false")
    if hint == Handling:
        choices = get_args(Handling)
        return _is(value in choices, value, f"{what} is one of {', '.join(choices)}")
    if hint in (int, float):
        return _number(what, value, known, hint)
    fits = isinstance(value, list | tuple) and len(value) <= MOST_WORDS
    fits = fits and all(isinstance(word, str) for word in cast(Sequence[object], value))
    return tuple(_is(fits, value, f"{what} is a list of up to {MOST_WORDS:,} words"))


def _number(what: str, value: object, known: Field[Any], hint: type) -> object:
    least, most = known.metadata["least"], known.metadata["most"]
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    fits = fits and (hint is float or isinstance(value, int)) and least <= value <= most
    noun = "a whole number" if hint is int else "a number"
    return hint(_is(fits, value, f"{what} is {noun} of {least:,} to {most:,}"))


def _is(fits: bool, value: Any, expectation: str) -> Any:
    if not fits:
        found = repr(value)
        found = found if len(found) <= 60 else f"{found[:60]}…"
        raise UsageError(f"{expectation}; found {found}.")
    return value
