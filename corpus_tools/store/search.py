"""Finding words: an index over the segmented turns, and the turns that hold a phrase."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    cast,
    column,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy import Text as SQLText
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from corpus_tools.errors import StoreError
from corpus_tools.store.schema import Dialogue, Import, Turn
from corpus_tools.store.store import Store

_INDEX = table("turns_index", column("rowid"), column("words"), column("turns_index"))
_INDEXED = table("turns_index_docsize", column("id"))

Phrase = Sequence[str]
"""Words that follow one another."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn that was found, between its neighbours; `position` is its place in the dialogue."""

    turn_id: int
    position: int
    speaker: str | None
    before: str | None
    text: str
    after: str | None
    rejected: str | None
    import_id: int
    source: str


@dataclass(frozen=True, slots=True)
class Found:
    """How many turns hold what was asked for, and the first of them in the order of import."""

    total: int
    hits: list[Hit]


def search(
    store: Store,
    phrases: Sequence[Phrase],
    *,
    side: str | None = None,
    source: str | None = None,
    limit: int = 20,
) -> Found:
    """Find the turns that hold all `phrases`; a last word that ends in `*` may go on.

    `side`: only turns that are a "prompt" or a "reply". `source`: only imports with this number, or
    with this in their path.
    """
    up_to_date = _take_in(store)
    with store.reading() as connection:
        dialect = connection.dialect.name
        is_found = _matches(phrases, dialect=dialect, indexed=up_to_date)
        wanted = and_(is_found, *_restrictions(side, source))
        joined = select(func.count()).select_from(Turn)
        if source is not None:
            joined = joined.join(Dialogue, Dialogue.id == Turn.dialogue_id).join(Import)
        total = connection.scalar(joined.where(wanted)) or 0
        rows = connection.execute(_hits().where(wanted).order_by(Turn.id).limit(limit))
        return Found(total, [Hit(*row) for row in rows])


def _take_in(store: Store) -> bool:
    """Index the turns that are not yet, and tell whether all are."""
    with store.reading() as connection:
        if connection.dialect.name != "sqlite":
            return True
        newest = connection.scalar(select(func.max(Turn.id))) or 0
        done = connection.scalar(select(func.max(_INDEXED.c.id))) or 0
    if newest <= done:
        return True
    try:
        with store.writing() as connection:
            done = connection.scalar(select(func.max(_INDEXED.c.id))) or 0
            new = select(Turn.id, Turn.words).where(Turn.id > done).order_by(Turn.id)
            connection.execute(insert(_INDEX).from_select(["rowid", "words"], new))
    except StoreError:  # read-only, or locked for long
        return False
    return True


def _matches(phrases: Sequence[Phrase], *, dialect: str, indexed: bool) -> ColumnElement[bool]:
    if dialect == "sqlite" and indexed:
        query = " ".join(map(_fts_phrase, phrases))
        found = select(_INDEX.c.rowid).where(literal_column("turns_index").op("MATCH")(query))
        return Turn.id.in_(found)
    return and_(*(_scan(phrase, dialect) for phrase in phrases))


def _fts_phrase(phrase: Phrase) -> str:
    words = " ".join(phrase)
    is_beginning = words.endswith("*") and len(phrase[-1]) > 1
    quoted = words.removesuffix("*") if is_beginning else words
    return '"' + quoted.replace('"', '""') + '"' + "*" * is_beginning


def _scan(phrase: Phrase, dialect: str) -> ColumnElement[bool]:
    """Compare without FTS5; on PostgreSQL the index over arrays narrows it down first."""
    is_beginning = phrase[-1].endswith("*") and len(phrase[-1]) > 1
    whole = [*phrase[:-1]] if is_beginning else [*phrase]
    pattern = " ".join(phrase).removesuffix("*") if is_beginning else " ".join(phrase) + " "
    spaced = literal(" ").concat(Turn.words).concat(" ")
    same = spaced.contains(f" {pattern}", autoescape=True)
    if dialect == "postgresql" and whole:
        words = func.string_to_array(Turn.words, " ", type_=ARRAY(SQLText))
        return and_(words.contains(cast(whole, ARRAY(SQLText))), same)
    return same


def _restrictions(side: str | None, source: str | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    following = aliased(Turn)
    if side == "reply":
        conditions.append(Turn.position > 0)
    elif side == "prompt":
        conditions.append(
            select(following.id)
            .where(
                following.dialogue_id == Turn.dialogue_id,
                following.position == Turn.position + 1,
            )
            .exists()
        )
    if source is not None:
        number = int(source) if source.isdecimal() and len(source) < 10 else -1
        conditions.append(or_(Import.id == number, Import.path.contains(source, autoescape=True)))
    return conditions


def _hits() -> Select[*tuple[Any, ...]]:
    before, after = aliased(Turn), aliased(Turn)
    return (
        select(
            Turn.id,
            Turn.position,
            Turn.speaker,
            before.text,
            Turn.text,
            after.text,
            Turn.rejected,
            Import.id,
            Import.path,
        )
        .select_from(Turn)
        .join(Dialogue, Dialogue.id == Turn.dialogue_id)
        .join(Import, Import.id == Dialogue.import_id)
        .outerjoin(
            before,
            and_(before.dialogue_id == Turn.dialogue_id, before.position == Turn.position - 1),
        )
        .outerjoin(
            after,
            and_(after.dialogue_id == Turn.dialogue_id, after.position == Turn.position + 1),
        )
    )
