"""ChatterBot YAML: `conversations:`, a list of lists of turns."""

import re

import yaml

from corpus_tools.formats.readers.yaml_events import (
    Events,
    events_of,
    items_of,
    keys_of,
    line_of,
    node,
)
from corpus_tools.formats.records import LONGEST_DIALOGUE, Dialogue, Records, Skipped, Turn
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text


def looks_like_chatterbot(sample: Sample) -> float:
    """Return 1.0 for a file that begins with one of the two keys."""
    first = sample.lines[0] if sample.lines else ""
    return 1.0 if re.match(r"(categories|conversations):", first) else 0.0


def read_chatterbot(text: Text) -> Records:
    """Yield the conversations of every mapping in the file."""
    events = events_of(text)
    for event in events:
        if isinstance(event, yaml.MappingStartEvent):
            for name, value in keys_of(events):
                if name == "conversations" and isinstance(value, yaml.SequenceStartEvent):
                    yield from _conversations(events)
                else:
                    node(value, events)
        elif isinstance(event, (yaml.ScalarEvent, yaml.SequenceStartEvent)):
            raise text.fail(
                "no mapping with 'conversations:' at the top",
                advice="Is it ChatterBot YAML? Name the right --format.",
                line=line_of(event),
            )


def _conversations(events: Events) -> Records:
    for event in items_of(events):
        scalars, is_list = node(event, events)
        if not is_list or not scalars:
            yield Skipped(line_of(event), "not a list of turns", "\n".join(scalars))
        for start in range(0, len(scalars) if is_list else 0, LONGEST_DIALOGUE):
            turns = scalars[start : start + LONGEST_DIALOGUE]
            yield Dialogue(tuple(Turn(turn) for turn in turns))
