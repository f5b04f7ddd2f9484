"""Several ways to ask and several answers: every question with every answer is a pair."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from corpus_tools.formats.records import PROMPT_NAMES, REPLY_NAMES, Dialogue, Turn

MOST_PAIRS = 1_000
"""Pairs of one entry above which it is kept aside: a mistake, or made to fill the store."""
TOO_MANY = f"questions times answers are more than {MOST_PAIRS:,} pairs"

QUESTION_NAMES = (*PROMPT_NAMES, "questions", "prompts", "queries")
ANSWER_NAMES = (*REPLY_NAMES, "answers", "replies", "responses", "outputs")


def every_pair(questions: Sequence[Turn], answers: Sequence[Turn]) -> list[Dialogue] | None:
    """Return the dialogue of every question with every answer, or None where they are too many."""
    if len(questions) * len(answers) > MOST_PAIRS:
        return None
    return [Dialogue(both) for both in product(questions, answers)]


def first_of(fields: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return the value under the first of `names` that `fields` has, or None."""
    for name in names:
        if name in fields:
            return fields[name]
    return None
