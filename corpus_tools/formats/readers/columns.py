"""What the columns of a table mean: as the user says, by their names, or by their values."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from corpus_tools.errors import ReadError, UsageError
from corpus_tools.formats.containers.naming import printable
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.records import PAIRED_NAMES, PROMPT_NAMES, REPLY_NAMES

# Where a table has several of them, the first name here wins. They stand here in small letters,
# with `_` for a space or a hyphen.
DIALOGUE_NAMES = (
    *("dialogue_id", "dialog_id", "conversation_id", "conv_id", "session_id", "chat_id"),
    *("dialogueid", "dialogid", "conversationid", "sessionid", "chatid"),
    *("对话id", "对话编号", "会话id", "会话编号", "会话"),
)
TEXT_NAMES = (
    *("utterance", "text", "content", "message", "sentence"),
    *("话语", "内容", "文本", "发言", "台词", "对白", "消息"),
)
SPEAKER_NAMES = (
    *("speaker", "role", "sender", "speaker_id", "from", "author", "name"),
    *("说话人", "发言人", "角色", "发送者", "昵称"),
)

LEAST_ROWS = 10
"""Rows below which the values of two columns show nothing against them."""

_MOST = 0.8
_LABELS = 0.1
_LEAST_LABELLED = 20
# A number, a date, an id, an address, or what Tatoeba's files say of the origin of a row.
_NOT_SAID = re.compile(r"[!-~]*\d[!-~]*|https?://\S+|CC[ -]BY.*", re.DOTALL)
_ASCII_WORD = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every row is a pair. What stands under `addition` is said with the prompt, if anything."""

    prompt: int
    reply: int
    addition: int | None = None


@dataclass(frozen=True, slots=True)
class Turns:
    """Every row is a turn of the dialogue that it names."""

    dialogue: int
    text: int
    speaker: int | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """The meaning of the columns, how many there are, and their names if there is a header."""

    meaning: Pairs | Turns
    width: int = 2
    header: tuple[str, ...] = ()

    @property
    def used(self) -> frozenset[int]:
        """The columns that are read."""
        return frozenset(at for at, _ in self._roles() if at is not None)

    def __str__(self) -> str:
        shown = [f"{self._name(at)} → {role}" for at, role in self._roles() if at is not None]
        return ", ".join([*shown, "header"] if self.header else shown)

    def _roles(self) -> tuple[tuple[int | None, str], ...]:
        if isinstance(self.meaning, Pairs):
            prompt, reply, addition = self.meaning.prompt, self.meaning.reply, self.meaning.addition
            return (prompt, "prompt"), (addition, "prompt"), (reply, "reply")
        turns = self.meaning
        return (turns.dialogue, "dialogue"), (turns.speaker, "speaker"), (turns.text, "turn")

    def _name(self, column: int) -> str:
        return printable(self.header[column].strip()) if self.header else str(column + 1)


def columns_of(rows: Sequence[Sequence[str]], layout: Layout, *, name: str) -> Columns:
    """Return the meaning of the columns of the table `name` that begins with `rows`."""
    if not rows:
        return Columns(Pairs(0, 1))
    if layout.prompt_column or layout.reply_column:
        return _by_layout(rows, layout, name)
    if meaning := meaning_of(rows[0]):
        return Columns(meaning, len(rows[0]), tuple(rows[0]))
    return _by_values(rows, name)


def meaning_of(header: Sequence[str]) -> Pairs | Turns | None:
    """Return what columns of these names hold, if the names are known."""
    names = [re.sub(r"[ -]", "_", name.strip().lower()) for name in header]
    prompt, reply = _first(PROMPT_NAMES, names), _first(REPLY_NAMES, names)
    if "instruction" in names and reply is not None:
        return Pairs(names.index("instruction"), reply, _first(("input",), names))
    if prompt is not None and reply is not None:
        return Pairs(prompt, reply)
    for asked, answered in PAIRED_NAMES:
        if asked in names and answered in names:
            return Pairs(names.index(asked), names.index(answered))
    dialogue, text = _first(DIALOGUE_NAMES, names), _first(TEXT_NAMES, names)
    if dialogue is None or text is None:
        return None
    return Turns(dialogue, text, _first(SPEAKER_NAMES, names))


def chosen(header: Sequence[str], width: int, layout: Layout, *, name: str) -> Pairs:
    """Return the columns that `layout` names, of the table `name`; `header` may be empty."""
    prompt = _position(layout.prompt_column, header, width, name=name)
    reply = _position(layout.reply_column, header, width, name=name)
    known = meaning_of(header)
    if isinstance(known, Pairs):
        prompt = known.prompt if prompt is None else prompt
        reply = known.reply if reply is None else reply
    elif width == 2:
        prompt = 1 - (reply or 0) if prompt is None else prompt
        reply = 1 - prompt if reply is None else reply
    if prompt is None or reply is None:
        raise UsageError(
            f"{name}: only one of two columns is named. "
            "Name both with --prompt-column and --reply-column."
        )
    if prompt == reply:
        raise UsageError(f"{name}: the prompt and the reply are one column. Name two.")
    return Pairs(prompt, reply)


def _by_layout(rows: Sequence[Sequence[str]], layout: Layout, name: str) -> Columns:
    given = [column for column in (layout.prompt_column, layout.reply_column) if column]
    by_number = all(_number(column) is not None for column in given)
    header = () if by_number and not meaning_of(rows[0]) else tuple(rows[0])
    width = len(header) or _width(rows)
    return Columns(chosen(header, width, layout, name=name), width, header)


def _position(column: str | None, header: Sequence[str], width: int, *, name: str) -> int | None:
    if not column:
        return None
    number = _number(column)
    if number is not None:
        if 1 <= number <= width:
            return number - 1
        raise UsageError(f"{name}: no column {column}; there are {width}, counted from 1.")
    names = [each.strip() for each in header]
    small = [each.lower() for each in names]
    if column not in names and column.lower() not in small:
        there = printable(", ".join(names))
        raise UsageError(f"{name}: no column {column!r}. Its columns: {there}.")
    return names.index(column) if column in names else small.index(column.lower())


def _number(column: str) -> int | None:
    return int(column) if column.isdecimal() and len(column) < 7 else None


def _by_values(rows: Sequence[Sequence[str]], name: str) -> Columns:
    """Return the two columns that hold what was said."""
    width = _width(rows)
    regular = [row for row in rows if len(row) == width]
    if width == 2 and len(regular) < LEAST_ROWS:
        return Columns(Pairs(0, 1))
    columns = [[row[at].strip() for row in regular] for at in range(width)]
    # Of two columns both must be it, and replies may be the same few; of more, some are labels.
    is_label = _is_ascii_label if width == 2 else _is_label
    said = [at for at, values in enumerate(columns) if _is_said(values) and not is_label(values)]
    if len(said) == 2:
        return Columns(Pairs(*said), width)
    found = ", ".join(str(at + 1) for at in said) or "none"
    raise ReadError(
        f"{name}: {width} columns without a known header; what was said could stand in: {found}. "
        "Name two with --prompt-column and --reply-column, counted from 1."
    )


def _width(rows: Sequence[Sequence[str]]) -> int:
    """Return the commonest number of fields above one; of equal ones the smallest."""
    counts = Counter(len(row) for row in rows if len(row) > 1)
    return min(counts, key=lambda width: (-counts[width], width)) if counts else 2


def _is_said(values: Sequence[str]) -> bool:
    """Tell whether a column holds more than numbers, dates, ids, addresses or nothing."""
    not_said = sum(not value or bool(_NOT_SAID.fullmatch(value)) for value in values)
    return not_said <= _MOST * len(values)


def _is_label(values: Sequence[str]) -> bool:
    """Tell whether a column repeats the same few values."""
    return len(values) >= _LEAST_LABELLED and len(set(values)) <= _LABELS * len(values)


def _is_ascii_label(values: Sequence[str]) -> bool:
    """Tell whether these values are words such as `pos` and `neg`."""
    return _is_label(values) and all(map(_ASCII_WORD.fullmatch, set(values)))


def _first(known: Sequence[str], names: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)
