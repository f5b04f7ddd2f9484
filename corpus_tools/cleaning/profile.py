"""The profile: every rule with its kind, its reason, whether it is on, and its thresholds."""

# ruff: noqa: RUF009 - the functions called return fields of a dataclass

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from corpus_tools.cleaning.settings import (
    Advertisement,
    Echo,
    Expressions,
    Generic,
    NearDuplicate,
    NotChinese,
    Private,
    ReplyCap,
    SqueezePhrases,
    SqueezeRepeats,
    Switch,
    TooLong,
    TooShort,
    WordList,
    changed,
)
from corpus_tools.errors import UsageError

Kind = Literal["text", "pair", "corpus"]

LARGEST_WORD_FILE = 1 << 24
"""Bytes of a file of words; far more than anybody has written by hand."""


def rule(kind: Kind, reason: str, why: str, settings: Switch) -> Any:
    """Return the field of a rule; `why` says why it is on or off unless a profile says else."""
    return field(default=settings, metadata={"kind": kind, "reason": reason, "why": why})


@dataclass(frozen=True, slots=True)
class Profile:
    """What is cleaned and refused, in the order in which it happens."""

    drop_controls: Switch = rule(
        "text",
        "Drops controls, zero-width characters and direction marks; the joiner in emoji stays.",
        "on: nobody sees them",
        Switch(),
    )
    squeeze_spaces: Switch = rule(
        "text",
        "Makes every run of white space, line breaks included, one space.",
        "on: a turn is one line",
        Switch(),
    )
    join_spaced: Switch = rule(
        "text",
        "Joins a text that was written with a space around every Han character.",
        "on: the spaces come from a tokeniser, nobody typed them",
        Switch(),
    )
    reposts: Switch = rule(
        "text",
        "Drops `//@name:` with all behind it, and `回复@name:` at the start.",
        "on: the tail is what others said before",
        Switch(),
    )
    platform_tags: Switch = rule(
        "text",
        "Drops what a platform writes by itself: 转发微博, 显示地图, [图片].",
        "on: nobody said it",
        Switch(),
    )
    urls: Switch = rule(
        "text",
        "Drops web addresses.",
        "on: a model only invents them",
        Switch(),
    )
    mentions: Switch = rule(
        "text",
        "Drops `@name`; an e-mail address is none.",
        "on: names of users are nobody else's business",
        Switch(),
    )
    hashtags: Switch = rule(
        "text",
        "Drops `#topic#` between two marks.",
        "on: a topic is a label and not said",
        Switch(),
    )
    expressions: Expressions = rule(
        "text",
        "Drops `[微笑]` and the like, by a list of names, and `:smile:`.",
        "on: they are pictures written as words",
        Expressions(),
    )
    emoji: Switch = rule(
        "text",
        "Drops emoji; rare Han such as 𠮷 stay.",
        "off: an emoji is a fine reply",
        Switch(on=False),
    )
    mask_private: Switch = rule(
        "text",
        "Puts 〔电话〕, 〔QQ〕, 〔邮箱〕 or 〔证件〕 for what [private] says to mask.",
        "on: no model is to learn anybody's number",
        Switch(),
    )
    squeeze_repeats: SqueezeRepeats = rule(
        "text",
        "Shortens a run of one character; digits stay, for they may be a number.",
        "on: length of a laugh tells nothing",
        SqueezeRepeats(),
    )
    squeeze_phrases: SqueezePhrases = rule(
        "text",
        "Shortens a run of one phrase without digits.",
        "on: more than three times is a held key or a paste",
        SqueezePhrases(),
    )
    simplify: Switch = rule(
        "text",
        "Turns traditional characters into simplified ones (extra `opencc`).",
        "off: it changes what people wrote",
        Switch(on=False),
    )
    strip: Switch = rule(
        "text",
        "Drops white space at both ends.",
        "on: nobody sees it",
        Switch(),
    )
    undecodable: Switch = rule(
        "pair",
        "Refuses a pair with U+FFFD, which stands for bytes that are no text.",
        "on: part of it is lost",
        Switch(),
    )
    empty: Switch = rule(
        "pair",
        "Refuses a pair with a side that holds no letter, Han, digit or emoji.",
        "on: nothing was said",
        Switch(),
    )
    too_short: TooShort = rule(
        "pair",
        "Refuses a pair with a side of few characters.",
        "off: 嗯 is a reply",
        TooShort(on=False),
    )
    too_long: TooLong = rule(
        "pair",
        "Refuses a pair with a side that is no chat any more.",
        "on: the models here read far less",
        TooLong(),
    )
    not_chinese: NotChinese = rule(
        "pair",
        "Refuses a pair with too few Han among its words; numbers and emoji are neutral.",
        "on: the chatbot speaks Chinese",
        NotChinese(),
    )
    echo: Echo = rule(
        "pair",
        "Refuses a reply that says the prompt again.",
        "on: a model falls for it and then only echoes",
        Echo(),
    )
    private: Private = rule(
        "pair",
        "Refuses a pair that holds a number or an address that is to be refused.",
        "on, and by default all is masked, so nothing is left to refuse",
        Private(),
    )
    word_list: WordList = rule(
        "pair",
        "Refuses a pair that holds a word of your own list.",
        "on, with no words in it",
        WordList(),
    )
    duplicate: Switch = rule(
        "corpus",
        "Refuses a pair that the store has accepted before.",
        "on: a second one teaches nothing new",
        Switch(),
    )
    advertisement: Advertisement = rule(
        "corpus",
        "Refuses a long reply that answers several different prompts.",
        "off: an FAQ answers many questions with one text",
        Advertisement(on=False),
    )
    generic: Generic = rule(
        "corpus",
        "Refuses replies made of frequent tri-grams, but for some pairs of each.",
        "off: it changes how often people say 好的",
        Generic(on=False),
    )
    reply_cap: ReplyCap = rule(
        "corpus",
        "Refuses pairs whose reply has been seen often enough.",
        "off: how often is often is a matter of the corpus",
        ReplyCap(on=False),
    )
    near_duplicate: NearDuplicate = rule(
        "corpus",
        "Refuses a pair that is nearly one before it (extra `near`).",
        "off: it costs a pass of its own and needs a package",
        NearDuplicate(on=False),
    )

    @classmethod
    def load(cls, path: Path) -> "Profile":
        """Read a TOML file; `files` of `word_list` are looked for beside it."""
        try:
            tables = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
            _read_words(tables, path.parent)
            return cls.from_dict(tables)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}. Name a profile in TOML.") from error
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path}: no TOML in UTF-8: {error}.") from error
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from error

    @classmethod
    def from_dict(cls, tables: Mapping[str, object]) -> "Profile":
        """Return the profile that `to_dict` gave, with the defaults for what it does not say."""
        if isinstance(tables.get("rules"), list):
            return _of_names(tables)
        default = cls()
        known = [each.name for each in fields(cls)]
        for name in tables:
            if name not in known:
                raise UsageError(f"no rule '{name}'. The rules are: {', '.join(known)}.")
        return replace(
            default,
            **{name: changed(name, getattr(default, name), tables[name]) for name in tables},
        )

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return all settings of all rules, as JSON has them."""
        return {
            name: {key: list(v) if isinstance(v, tuple) else v for key, v in table.items()}
            for name, table in asdict(self).items()
        }

    def toml(self) -> str:
        """Return a commented file that `load` makes this profile of."""
        return "\n".join(line for each in fields(self) for line in self._table(each.name))

    def _table(self, name: str) -> Iterator[str]:
        about = type(self).__dataclass_fields__[name].metadata
        settings = getattr(self, name)
        yield f"[{name}]  # {about['reason']}"
        for each in fields(settings):
            means = f"by default {about['why']}" if each.name == "on" else each.metadata["means"]
            yield f"{each.name} = {_toml(getattr(settings, each.name))}  # {means}"
        yield ""


def _toml(value: object) -> str:
    """Return a value as TOML writes it: JSON, but that TOML wants U+007F escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _of_names(tables: Mapping[str, object]) -> Profile:
    """Return the profile of an import that remembers names only: those on, all others off."""
    names = {"duplicate"}
    for key in ("rules", "filters"):
        value = tables.get(key)
        names.update(str(name) for name in (value if isinstance(value, list) else []))
    default = Profile()
    return replace(
        default,
        **{
            each.name: replace(getattr(default, each.name), on=each.name in names)
            for each in fields(default)
        },
    )


def _read_words(tables: dict[str, Any], folder: Path) -> None:
    """Put the words of `files` into `words`, so that the profile stands for itself."""
    table = tables.get("word_list")
    if not isinstance(table, dict) or "files" not in table:
        return
    files = table.pop("files")
    if not isinstance(files, list) or not all(isinstance(name, str) for name in files):
        raise UsageError(f"'files' of 'word_list' is a list of paths; found {files!r}.")
    words = table.get("words", [])
    if isinstance(words, list):
        read = [word for name in files for word in _words_of(folder / name)]
        table["words"] = words + read


def _words_of(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_WORD_FILE + 1)
    except OSError as error:
        raise UsageError(f"word list {path}: {error.strerror}.") from error
    if len(data) > LARGEST_WORD_FILE:
        raise UsageError(f"word list {path}: over {LARGEST_WORD_FILE:,} bytes. Name a smaller one.")
    try:
        return data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"word list {path}: not UTF-8. Save it as UTF-8.") from error
