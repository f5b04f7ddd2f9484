"""FAQ in YAML: a list of entries with several ways to ask and several answers."""

import re

import yaml

from corpus_tools.formats.readers.answers import (
    ANSWER_NAMES,
    MOST_PAIRS,
    QUESTION_NAMES,
    TOO_MANY,
    every_pair,
    first_of,
)
from corpus_tools.formats.readers.yaml_events import (
    OPENING,
    Events,
    Node,
    events_of,
    items_of,
    keys_of,
    line_of,
    node,
)
from corpus_tools.formats.records import Records, Skipped, Turn
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

# Names under which the list of entries may stand.
_AROUND = ("faq", "faqs", "qa", "questions", "data", "items", "entries", "常见问题")
_NO_ENTRY = "not questions with answers"
_NAMES = frozenset((*QUESTION_NAMES, *ANSWER_NAMES))
_FIRST = re.compile(rf"(?:{'|'.join(_AROUND)})\s*:\s*(?:#.*)?", re.IGNORECASE)
_ASKED = re.compile(rf"\s*-\s+(?:{'|'.join(QUESTION_NAMES)})\s*:(?:\s.*)?", re.IGNORECASE)
_ANSWERED = re.compile(rf"\s+(?:{'|'.join(ANSWER_NAMES)})\s*:(?:\s.*)?", re.IGNORECASE)


def looks_like_faq(sample: Sample) -> float:
    """Return 1.0 for entries `- question: …` with `answer: …` below, 0.9 for a list under `faq:`.

    The `-` alone tells it from a text with `Q: …` and `A: …`.
    """
    asked = any(_ASKED.fullmatch(line) for line in sample.lines)
    if asked and any(_ANSWERED.fullmatch(line) for line in sample.lines):
        return 1.0
    return 0.9 if sample.lines and _FIRST.fullmatch(sample.lines[0]) else 0.0


def read_faq(text: Text) -> Records:
    """Yield a pair for every question and every answer of an entry."""
    events = events_of(text)
    for event in events:
        if isinstance(event, yaml.SequenceStartEvent):
            yield from _entries(events)
        elif isinstance(event, yaml.MappingStartEvent):
            for name, value in keys_of(events):
                if name in _AROUND and isinstance(value, yaml.SequenceStartEvent):
                    yield from _entries(events)
                else:
                    node(value, events)
        elif isinstance(event, yaml.ScalarEvent):
            raise text.fail(
                "no list of questions and answers at the top",
                advice="Is it an FAQ in YAML? Name the right --format.",
                line=line_of(event),
            )


def _entries(events: Events) -> Records:
    for event in items_of(events):
        if isinstance(event, yaml.MappingStartEvent):
            yield from _entry(event, events)
        else:
            text = "\n".join(node(event, events).scalars)
            yield Skipped(line_of(event), _NO_ENTRY, text)


def _entry(opening: yaml.Event, events: Events) -> Records:
    """Yield the pairs of one entry, or keep it aside with the text of its questions and answers."""
    fields: dict[str, Node] = {}
    flat = True
    for name, value in keys_of(events):
        taken = node(value, events)
        if name and name.lower() in _NAMES:
            fields[name.lower()] = taken
            flat = flat and (taken.is_list or not isinstance(value, OPENING))
    asked, answered = first_of(fields, QUESTION_NAMES), first_of(fields, ANSWER_NAMES)
    if not flat or not (asked and asked.scalars and answered and answered.scalars):
        said = [scalar for taken in fields.values() for scalar in taken.scalars]
        yield Skipped(line_of(opening), _NO_ENTRY, "\n".join(said))
        return
    pairs = every_pair(*([Turn(scalar) for scalar in side.scalars] for side in (asked, answered)))
    if pairs is None:
        yield Skipped(line_of(opening), TOO_MANY, "\n".join(asked.scalars[:MOST_PAIRS]))
    else:
        yield from pairs
