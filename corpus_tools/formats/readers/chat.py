"""Exported chats: a line with time and name, then the lines of the message."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from corpus_tools.formats.readers.chat_header import Clock, Header
from corpus_tools.formats.readers.chat_noise import SYSTEM_NAMES, SYSTEM_NUMBERS, is_notice, typed
from corpus_tools.formats.readers.talk import Talk
from corpus_tools.formats.records import LARGEST_DIALOGUE, Records, Skipped
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

LONGEST_SILENCE = timedelta(minutes=30)
"""Time without a message that ends a dialogue."""


def read_chat(text: Text, frame: re.Pattern[str]) -> Records:
    """Yield the dialogues of a chat; a line that `frame` matches begins another one.

    What one person sends in a row is one turn. A silence or a line with a date ends a dialogue.
    """
    clock, talk = Clock(), Talk()
    message: _Message | None = None
    before: datetime | None = None
    for number, line in text.lines():
        words = line.strip()
        header = clock.header(words)
        if header or frame.fullmatch(words) or clock.is_date(words):
            yield from message.records(talk) if message else ()
            if header is None or (before and _is_border(before, header.moment)):
                yield from talk.end()
            message = _Message(number, header) if header else None
            before = header.moment if header else before
        elif is_notice(words):
            yield Skipped(number, "a notice of the program", line)
        elif message is None and words:
            yield Skipped(number, "no time and name above it", line)
        elif message and not message.takes(line):
            yield Skipped(number, f"a message of over {LARGEST_DIALOGUE:,} characters", line)
    yield from message.records(talk) if message else ()
    yield from talk.end()


def headers_in(sample: Sample) -> list[Header | None]:
    """Return for each line of a sample the header that it is, or None."""
    clock = Clock()
    lines = [line.strip() for line in sample.lines]
    return [None if clock.is_date(line) else clock.header(line) for line in lines]


@dataclass(slots=True)
class _Message:
    line: int
    header: Header
    lines: list[str] = field(default_factory=list)
    size: int = 0

    def takes(self, line: str) -> bool:
        """Add a line, if there is room for it."""
        self.size += len(line) + 1
        if self.size > LARGEST_DIALOGUE:
            return False
        self.lines.append(line)
        return True

    def records(self, talk: Talk) -> Records:
        """Say what was typed, or yield why nothing was."""
        header, lines = self.header, self.lines
        if header.words is not None:
            lines = [header.words, *lines]
        words = typed(lines)
        raw = "\n".join(lines).strip() or header.name
        is_system = header.number in SYSTEM_NUMBERS or header.name in SYSTEM_NAMES
        if is_system or is_notice(words or raw):
            yield Skipped(self.line, "a notice of the program", raw)
        elif not words:
            yield Skipped(self.line, "a message without words", raw)
        else:
            yield from talk.say(words, header.name)


def _is_border(before: datetime, now: datetime) -> bool:
    return abs(now - before) >= LONGEST_SILENCE
