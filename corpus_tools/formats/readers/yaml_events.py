"""YAML as a stream of events, so that no file is ever whole in memory; without aliases."""

from collections.abc import Iterator
from typing import NamedTuple

import yaml

from corpus_tools.formats.records import LARGEST_DIALOGUE
from corpus_tools.formats.text import Text

LARGEST_EVENT = 1 << 24
"""Characters between two events above which a file is refused instead of eaten into memory."""
DEEPEST = 100
"""Lists and mappings within one another above which a file is refused."""

OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
ENDING = (*CLOSING, yaml.DocumentEndEvent, yaml.StreamEndEvent)

Events = Iterator[yaml.Event]


class Node(NamedTuple):
    """The scalars of one node, in order."""

    scalars: list[str]
    is_list: bool  # of scalars alone


def events_of(text: Text) -> Events:
    """Yield the events; aliases are refused, since they can stand for endless text."""
    stream, depth = _Stream(text), 0
    try:
        for event in yaml.parse(stream, Loader=yaml.CSafeLoader):
            stream.since_event = 0
            depth += isinstance(event, OPENING) - isinstance(event, CLOSING)
            problem = _problem(event, depth)
            if problem:
                raise text.fail(problem, advice="Write the text out.", line=line_of(event))
            yield event
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise text.fail(
            f"broken YAML ({error.problem})", advice="Repair the file.", line=line
        ) from error
    except yaml.YAMLError as error:
        problem = str(error).partition("\n")[0]
        raise text.fail(f"broken YAML ({problem})", advice="Repair the file.") from error


def keys_of(events: Events) -> Iterator[tuple[str | None, yaml.Event]]:
    """Yield every name of the mapping just opened and the event that opens its value.

    A name that is no scalar is None. The caller takes the value from `events`.
    """
    while not isinstance(key := next(events), ENDING):
        node(key, events)
        yield key.value if isinstance(key, yaml.ScalarEvent) else None, next(events)


def items_of(events: Events) -> Iterator[yaml.Event]:
    """Yield the event that opens every item of the list just opened; the caller takes the item."""
    while not isinstance(event := next(events), ENDING):
        yield event


def node(event: yaml.Event, events: Events) -> Node:
    """Take the node that `event` opens; one of `LARGEST_DIALOGUE` and more is no list."""
    scalars: list[str] = []
    size = depth = 0
    is_list = isinstance(event, yaml.SequenceStartEvent)
    while True:
        if isinstance(event, OPENING):
            depth += 1
            is_list = is_list and depth == 1
        elif isinstance(event, CLOSING):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent) and size < LARGEST_DIALOGUE:
            scalars.append(event.value)
            size += len(event.value) + 1
        if not depth:
            return Node(scalars, is_list and size < LARGEST_DIALOGUE)
        event = next(events)


def line_of(event: yaml.Event) -> int:
    """Return the line where an event stands."""
    return event.start_mark.line + 1 if event.start_mark else 0


def _problem(event: yaml.Event, depth: int) -> str | None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        return "an alias or an anchor, which no dialogue needs"
    return "lists nested too deeply" if depth > DEEPEST else None


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
                    advice="Is it YAML? Name the right --format.",
                )
            if chunk:
                return chunk
        return ""
