"""JSON in one piece: a list of dialogues, or an object around such lists, read as it streams."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from corpus_tools.formats.readers.jsonl import DECODER, described
from corpus_tools.formats.readers.poem import is_poem
from corpus_tools.formats.readers.shapes import NAMES, OWN_LISTS, dialogues_of, records_of, turns_of
from corpus_tools.formats.records import LONGEST_DIALOGUE, Dialogue, Record, Records, Turn
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

LARGEST_VALUE = 1 << 24
"""Characters of one dialogue above which a file is refused instead of eaten into memory."""

_BEGINNING = re.compile(r"\s*[\[{]\s*(?:[\[{\"\]}]|\Z)")
_SPACE = re.compile(r"[ \t\r\n]*")


def looks_like_json(sample: Sample) -> float:
    """Return 0.9 for a text that begins like a list or an object of anything but numbers."""
    return 0.9 if _BEGINNING.match(sample.text) else 0.0


def read_json(text: Text) -> Records:
    """Yield the dialogues of a list, of the lists and objects in an object, or of one object."""
    cursor = _Cursor(text)
    if cursor.peek() == "[":
        yield from _top_list(cursor)
    else:
        yield from _object(cursor)
    if cursor.peek():
        raise cursor.fail("more behind the end of the JSON value")


def _top_list(cursor: "_Cursor") -> Records:
    """Walk through a list of dialogues, or of the turns of one dialogue."""
    turns: list[Turn] = []
    for _ in cursor.items("[", "]"):
        value = cursor.value()
        said = None if isinstance(value, list) or dialogues_of(value) else turns_of(value)
        if said is None:
            yield from cursor.records(value)
        else:
            turns.extend(said)
        if len(turns) >= LONGEST_DIALOGUE:
            yield Dialogue(tuple(turns))
            turns = []
    if turns:
        yield Dialogue(tuple(turns))


def _list(cursor: "_Cursor") -> Records:
    for _ in cursor.items("[", "]"):
        yield from cursor.records(cursor.value())


def _object(cursor: "_Cursor") -> Records:
    """Walk through an object: either it is one dialogue, or its values hold them."""
    own: dict[str, Any] = {}
    for _ in cursor.items("{", "}"):
        key = cursor.name()
        cursor.expect(":")
        opening = cursor.peek()
        if opening == "[" and key not in OWN_LISTS:
            yield from _list(cursor)
        elif opening == "{":
            yield from cursor.records(cursor.value())
        else:
            value = cursor.value()
            if key in NAMES:
                own[key] = value
    if dialogues_of(own) != () or is_poem(own):
        yield from records_of(own, 1, "")


class _Cursor:
    """A place in the text, with as much of it in memory as the next value needs."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._chunks = text.chunks()
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._start = 1  # the line where the last value begins
        self._value = slice(0)  # where it stands in the buffer

    def peek(self) -> str:
        """Return the next character that is no space, or nothing at the end."""
        while True:
            end = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            self._move(end)
            if end < len(self._buffer):
                return self._buffer[end]
            if not self._more():
                return ""

    def expect(self, mark: str) -> None:
        """Step over `mark`."""
        if self.peek() != mark:
            raise self.fail(f"'{mark}' expected")
        self._move(self._at + 1)

    def items(self, opening: str, closing: str) -> Iterator[None]:
        """Stop at every item between the brackets, for the caller to read."""
        self.expect(opening)
        if self.peek() != closing:
            yield
            while self.peek() != closing:
                self.expect(",")
                yield
        self.expect(closing)

    def name(self) -> str:
        """Return the next value, which must be text."""
        if self.peek() != '"':
            raise self.fail("a name in quotes expected")
        return str(self.value())

    def value(self) -> Any:
        """Return the next value, whole."""
        self.peek()
        self._start = self._line
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._buffer) - self._at > LARGEST_VALUE:
                    problem = f"a value that does not end within {LARGEST_VALUE:,} characters"
                    raise self.fail(problem) from error
                if not self._more():
                    raise self.fail(self._described(error)) from error
            else:
                if end < len(self._buffer) or not self._more():
                    self._value = slice(self._at, end)
                    self._move(end)
                    return value

    def records(self, value: Any) -> Sequence[Record]:
        """Return the dialogues in `value`, read last, and what of it is put aside."""
        return records_of(value, self._start, self._buffer[self._value])

    def fail(self, problem: str) -> Exception:
        """Return the error at this place."""
        return self._text.fail(
            f"broken JSON ({problem})", advice="Repair the file.", line=self._line
        )

    def _move(self, end: int) -> None:
        self._line += self._buffer.count("\n", self._at, end)
        self._at = end

    def _more(self) -> bool:
        """Read on, at least doubling what is held, so that a long value is not parsed too often."""
        held = self._buffer[self._at :]
        parts, size = [held], 0
        for chunk in self._chunks:
            parts.append(chunk)
            size += len(chunk)
            if size > len(held):
                break
        if size:
            self._buffer, self._at = "".join(parts), 0
        return size > 0

    def _described(self, error: Exception) -> str:
        if isinstance(error, json.JSONDecodeError):
            self._move(error.pos)
        return described(error)
