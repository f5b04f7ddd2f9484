"""ChatterBot YAML: `conversations:`, a list of lists of turns."""

import re
from collections.abc import Iterator

import yaml

from corpus_tools.formats.records import Dialogue, Records, Skipped, Turn
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

LARGEST_EVENT = 1 << 24
"""Characters between two events above which a file is refused instead of eaten into memory."""

_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_ENDING = (*_CLOSING, yaml.DocumentEndEvent, yaml.StreamEndEvent)

Events = Iterator[yaml.Event]


def looks_like_chatterbot(sample: Sample) -> float:
    """Return 1.0 for a file that begins with one of the two keys."""
    first = sample.lines[0] if sample.lines else ""
    return 1.0 if re.match(r"(categories|conversations):", first) else 0.0


def read_chatterbot(text: Text) -> Records:
    """Yield the conversations; aliases are refused, since they can stand for endless text."""
    events = _events(text)
    for event in events:
        if isinstance(event, yaml.MappingStartEvent):
            yield from _mapping(events)
        elif isinstance(event, (yaml.ScalarEvent, yaml.SequenceStartEvent)):
            raise text.fail(
                "no mapping with 'conversations:' at the top",
                advice="Is it ChatterBot YAML? Name the right --format.",
                line=_line(event),
            )


def _mapping(events: Events) -> Records:
    while not isinstance(key := next(events), _ENDING):
        _pass(key, events)
        value = next(events)
        name = key.value if isinstance(key, yaml.ScalarEvent) else None
        if name == "conversations" and isinstance(value, yaml.SequenceStartEvent):
            yield from _conversations(events)
        else:
            _pass(value, events)


def _conversations(events: Events) -> Records:
    while not isinstance(event := next(events), _ENDING):
        scalars, flat = _pass(event, events)
        if flat and scalars:
            yield Dialogue(tuple(Turn(scalar) for scalar in scalars))
        else:
            yield Skipped(_line(event), "not a list of turns", "\n".join(scalars))


def _pass(event: yaml.Event, events: Events) -> tuple[list[str], bool]:
    """Return the scalars of the node that `event` opens, and whether it is one flat list."""
    scalars: list[str] = []
    depth, flat = 0, isinstance(event, yaml.SequenceStartEvent)
    while True:
        if isinstance(event, _OPENING):
            depth += 1
            flat = flat and depth == 1
        elif isinstance(event, _CLOSING):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent):
            scalars.append(event.value)
        if not depth:
            return scalars, flat
        event = next(events)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _events(text: Text) -> Events:
    stream = _Stream(text)
    try:
        for event in yaml.parse(stream, Loader=yaml.CSafeLoader):
            stream.since_event = 0
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise text.fail(
                    "an alias or an anchor, which no dialogue needs",
                    advice="Write the text out.",
                    line=_line(event),
                )
            yield event
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise text.fail(
            f"broken YAML ({error.problem})", advice="Repair the file.", line=line
        ) from error
    except yaml.YAMLError as error:
        problem = str(error).partition("\n")[0]
        raise text.fail(f"broken YAML ({problem})", advice="Repair the file.") from error


class _Stream:
    """What the YAML parser reads from."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._chunks = text.chunks()
        self.since_event = 0

    def read(self, _size: int = 0, /) -> str:
        """Return the next piece of text, or nothing at the end."""
        for chunk in self._chunks:
            self.since_event += len(chunk)
            if self.since_event > LARGEST_EVENT:
                raise self._text.fail(
                    f"a value of more than {LARGEST_EVENT:,} characters",
                    advice="Is it ChatterBot YAML? Name the right --format.",
                )
            if chunk:
                return chunk
        return ""
