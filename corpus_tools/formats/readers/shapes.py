"""Which JSON values are dialogues, and what else of them is kept aside."""

from collections.abc import Mapping, Sequence
from typing import Any

from corpus_tools.formats.readers.answers import (
    ANSWER_NAMES,
    QUESTION_NAMES,
    TOO_MANY,
    every_pair,
    first_of,
)
from corpus_tools.formats.readers.poem import LINES_NAME, TITLE_NAMES, is_poem, poem_records
from corpus_tools.formats.records import PAIRED_NAMES, Dialogue, Record, Skipped, Turn, pair

TURNS_NAMES = ("messages", "conversations", "conversation", "dialogue", "dialog", "turns")
_CHOICES_NAME, _CHOICE_NAMES = "candidates", ("label", "answer_index", "correct")
OWN_LISTS = frozenset(
    (*TURNS_NAMES, *QUESTION_NAMES, *ANSWER_NAMES, "history", "context", _CHOICES_NAME, LINES_NAME)
)
"""Names of lists that are parts of one dialogue; a list under another name holds dialogues."""

_INSTRUCTION = "instruction"  # Alpaca
NAMES = OWN_LISTS.union(_CHOICE_NAMES, TITLE_NAMES, (_INSTRUCTION,), *PAIRED_NAMES)
"""All the names that an object with one dialogue may have."""

_TEXT_NAMES = ("content", "message", "text", "value", "utterance")
_ROLE_NAMES = ("role", "from")
_SPEAKER_NAMES = (*_ROLE_NAMES, "speaker", "name")
_SIDES = ("human", "assistant")  # two turns in one object
# What a file tells the model, or a program and the model tell each other, and nobody said. As a
# `speaker`, "system" may be one side of a dialogue.
_NOT_SAID = frozenset({"system", "developer", "tool", "function", "function_call", "observation"})
_CALLS = ("tool_calls", "function_call")


def records_of(value: Any, line: int, text: str) -> Sequence[Record]:
    """Return the dialogues that a JSON value holds, and what of it is kept aside.

    `line` is where the value begins, `text` how it stands in the file.
    """
    if is_poem(value):
        return poem_records(value[LINES_NAME], line)
    found = dialogues_of(value)
    if found is None:
        return (Skipped(line, TOO_MANY, text),)
    return found or (Skipped(line, "no dialogue in this value", text),)


def dialogues_of(value: Any) -> Sequence[Dialogue] | None:
    """Return the dialogues that a JSON value is; None where they are too many.

    It is one as a list of turns, as an object with a list of turns, or as an object with a prompt
    and a reply; several where that object has several prompts or several replies.
    """
    if isinstance(value, list):
        turns = _all_turns(value)
        return (Dialogue(turns),) if turns else ()
    if not isinstance(value, dict):
        return ()
    listed = first_of(value, TURNS_NAMES)
    return dialogues_of(listed) if isinstance(listed, list) else _of_sides(value)


def turns_of(value: Any) -> tuple[Turn, ...] | None:
    """Return the turns that a JSON value is, none if nobody said it, or None if it is no turn."""
    if isinstance(value, str):
        return (Turn(value),)
    if not isinstance(value, dict):
        return None
    speaker = first_of(value, _SPEAKER_NAMES)
    speaker = speaker if isinstance(speaker, str) else None
    if speaker in _NOT_SAID and first_of(value, _ROLE_NAMES) == speaker:
        return ()
    text = _words(first_of(value, _TEXT_NAMES))
    if text is not None:
        return (Turn(text, speaker),)
    if all(isinstance(value.get(side), str) for side in _SIDES):
        return tuple(Turn(value[side], side) for side in _SIDES)
    return () if first_of(value, _CALLS) else None


def _words(content: Any) -> str | None:
    """Return the text of a content, which may be a list of parts: texts, pictures, sounds."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        return None
    if not all(isinstance(part, dict) and isinstance(part.get("type"), str) for part in content):
        return None
    texts = (part.get("text") for part in content if part["type"] == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def _of_sides(fields: Mapping[str, Any]) -> Sequence[Dialogue] | None:
    """Return what an object with a prompt and a reply is: pairs, each with what led to it."""
    questions, answers = _questions(fields), _answers(fields)
    past = _past(fields.get("history"))
    if not questions and (said := _past(fields.get("context"))):
        questions, past = said[-1:], said[:-1]
    if not questions or not answers:
        return _of_paired(fields)
    pairs = every_pair(questions, answers)
    if pairs is None or not past:
        return pairs
    return [Dialogue((*past, *each.turns), context=len(past) + 1) for each in pairs]


def _of_paired(fields: Mapping[str, Any]) -> Sequence[Dialogue]:
    """Return the pair under two names that mean the sides only beside one another."""
    for names in PAIRED_NAMES:
        prompt, reply = (fields.get(name) for name in names)
        if isinstance(prompt, str) and isinstance(reply, str):
            return (pair(prompt, reply),)
    return ()


def _questions(fields: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Return the ways to ask; of Alpaca, the instruction with its input."""
    asked, more = fields.get(_INSTRUCTION), fields.get("input")
    if isinstance(asked, str):
        return (Turn(f"{asked}\n{more}" if isinstance(more, str) and more else asked),)
    return _one_or_more(first_of(fields, QUESTION_NAMES))


def _answers(fields: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Return the replies; of candidates, the one that is marked as the reply."""
    choices, choice = fields.get(_CHOICES_NAME), first_of(fields, _CHOICE_NAMES)
    if not isinstance(choices, list):
        return _one_or_more(first_of(fields, ANSWER_NAMES))
    marked = isinstance(choice, (int, float)) and choice in range(len(choices))
    return _one_or_more(choices[int(choice)]) if marked else ()


def _one_or_more(value: Any) -> tuple[Turn, ...]:
    """Return a text, or a list of turns, as turns; nothing for anything else."""
    return _all_turns(value) if isinstance(value, list) else _all_turns([value])


def _past(value: Any) -> tuple[Turn, ...]:
    """Return a history: a list of turns, or of pairs of turns."""
    if not isinstance(value, list):
        return ()
    return _all_turns([turn for item in value for turn in _items(item)])


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _all_turns(values: Sequence[Any]) -> tuple[Turn, ...]:
    """Return the turns that were said, or none where one of the values is no turn."""
    turns: list[Turn] = []
    for value in values:
        said = turns_of(value)
        if said is None:
            return ()
        turns.extend(said)
    return tuple(turns)
