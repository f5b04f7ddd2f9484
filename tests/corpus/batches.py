"""Dialogues written turn by turn, as the columns that a store takes."""

from collections.abc import Sequence
from typing import NamedTuple

from corpus_tools.store import ImportRow, NewDialogue, NewSkipped, NewTurns, Store

# The last two digits of a key decide on the split: from 90 on `valid`, from 95 on `test`.
PLACES = {"train": 0, "valid": 92, "test": 97}


class NewTurn(NamedTuple):
    speaker: str | None
    raw: str
    text: str
    words: str
    rejected: str | None
    pair_key: int | None


def add_batch(
    store: Store,
    row: ImportRow,
    dialogues: Sequence[tuple[int, str, Sequence[NewTurn]]],
    skipped: Sequence[NewSkipped] = (),
) -> ImportRow:
    """Store dialogues, given as key, split and turns; pairs may be accepted more than once."""
    turns = [turn for _, _, said in dialogues for turn in said]
    return store.add_batch(
        row,
        [NewDialogue(100 * key + PLACES[split], len(said)) for key, split, said in dialogues],
        NewTurns(*zip(*turns, strict=True)),
        skipped,
        duplicates=True,
    )
