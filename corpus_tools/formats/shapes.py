"""Which JSON values are dialogues."""

from collections.abc import Mapping
from typing import Any

from corpus_tools.formats.records import PROMPT_NAMES, REPLY_NAMES, Dialogue, Turn, pair

TURNS_NAMES = ("messages", "conversations", "conversation", "dialogue", "dialog", "turns")
_TEXT_NAMES = ("content", "message", "text", "value", "utterance")
_SPEAKER_NAMES = ("role", "speaker", "from", "name")
# What a file tells the model and nobody said.
_NOT_SPEAKERS = ("system",)


def dialogue_of(value: Any) -> Dialogue | None:
    """Return the dialogue that a JSON value is, or None.

    It is one as a list of turns, as an object with a list of turns, or as an object with a prompt
    and a reply. A turn is a string, or an object with its text and perhaps its speaker.
    """
    if isinstance(value, list):
        return _of_turns(value)
    if not isinstance(value, dict):
        return None
    turns = _first(value, TURNS_NAMES)
    if isinstance(turns, list):
        return _of_turns(turns)
    prompt, reply = _first(value, PROMPT_NAMES), _first(value, REPLY_NAMES)
    return pair(prompt, reply) if isinstance(prompt, str) and isinstance(reply, str) else None


def turns_of(value: Any) -> tuple[Turn, ...] | None:
    """Return the turn that a JSON value is, or none if nobody said it, or None if it is no turn."""
    if isinstance(value, str):
        return (Turn(value),)
    fields = value if isinstance(value, dict) else {}
    text, speaker = _first(fields, _TEXT_NAMES), _first(fields, _SPEAKER_NAMES)
    if not isinstance(text, str):
        return None
    if speaker in _NOT_SPEAKERS:
        return ()
    return (Turn(text, speaker if isinstance(speaker, str) else None),)


def _of_turns(values: list[Any]) -> Dialogue | None:
    turns: list[Turn] = []
    for value in values:
        said = turns_of(value)
        if said is None:
            return None
        turns.extend(said)
    return Dialogue(tuple(turns)) if turns else None


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((fields[name] for name in names if name in fields), None)
