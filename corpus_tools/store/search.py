"""Finding words: an index over the segmented turns, and the turns that hold a phrase."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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

LONGEST_NUMBER = 10


class Phrase(NamedTuple):
    """Words that follow one another, and words that will do instead.

    `is_open`: the last word may go on.
    """

    words: Sequence[str]
    instead: Sequence[str] = ()
    is_open: bool = False


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
    on_indexing: Callable[[int], None] = lambda _: None,
) -> Found:
    """Find the turns that hold all `phrases`.

    `side`: only turns that are a "prompt" or a "reply". `source`: only imports with this number, or
    with this in their path. `on_indexing` gets how many turns the index first has to take in.
    """
    indexed = _take_in(store, on_indexing)
    with store.reading() as connection:
        if connection.dialect.name == "sqlite" and indexed:
            found = _in_index(phrases)
        else:
            found = _by_reading(phrases, connection.dialect.name)
        wanted = _restricted(found, side, source)
        total = connection.scalar(select(func.count()).select_from(wanted.subquery())) or 0
        page = connection.scalars(wanted.order_by(wanted.selected_columns.id).limit(limit)).all()
        rows = connection.execute(_hits().where(Turn.id.in_(page)).order_by(Turn.id))
        return Found(total, [Hit(*row) for row in rows])


def _take_in(store: Store, on_indexing: Callable[[int], None]) -> bool:
    """Index the turns that are not yet, and tell whether all are."""
    with store.reading() as connection:
        if connection.dialect.name != "sqlite":
            return True
        newest = connection.scalar(select(func.max(Turn.id))) or 0
        done = connection.scalar(select(func.max(_INDEXED.c.id))) or 0
    if newest <= done:
        return True
    on_indexing(newest - done)
    try:
        with store.writing() as connection:
            done = connection.scalar(select(func.max(_INDEXED.c.id))) or 0
            new = select(Turn.id, Turn.words).where(Turn.id > done).order_by(Turn.id)
            connection.execute(insert(_INDEX).from_select(["rowid", "words"], new))
    except StoreError:  # read-only, or locked for long
        return False
    return True


def _in_index(phrases: Sequence[Phrase]) -> Select[int]:
    query = " AND ".join(map(_fts_query, phrases))
    is_found = literal_column("turns_index").op("MATCH")(query)
    return select(_INDEX.c.rowid.label("id")).where(is_found)


def _fts_query(phrase: Phrase) -> str:
    first = _quoted(" ".join(phrase.words)) + "*" * phrase.is_open
    return f"({' OR '.join([first, *map(_quoted, phrase.instead)])})"


def _quoted(words: str) -> str:
    return '"' + words.replace('"', '""') + '"'


def _by_reading(phrases: Sequence[Phrase], dialect: str) -> Select[int]:
    conditions = []
    for phrase in phrases:
        conditions.append(_holds(phrase))
        # The index narrows down what is read.
        if dialect == "postgresql" and not phrase.is_open:
            words = func.string_to_array(Turn.words, " ", type_=ARRAY(SQLText))
            first = words.contains(cast([*phrase.words], ARRAY(SQLText)))
            conditions.append(or_(first, words.overlap(cast([*phrase.instead], ARRAY(SQLText)))))
    return select(Turn.id).where(*conditions)


def _holds(phrase: Phrase) -> ColumnElement[bool]:
    spaced = literal(" ").concat(Turn.words).concat(" ")
    end = "" if phrase.is_open else " "
    wanted = [f" {' '.join(phrase.words)}{end}", *(f" {word} " for word in phrase.instead)]
    return or_(*(spaced.contains(each, autoescape=True) for each in wanted))


def _restricted(found: Select[int], side: str | None, source: str | None) -> Select[int]:
    if side is None and source is None:
        return found
    ids = found.subquery()
    wanted = select(Turn.id).join(ids, ids.c.id == Turn.id)
    if side == "reply":
        wanted = wanted.where(Turn.position > 0)
    elif side == "prompt":
        following = aliased(Turn)
        is_next = following.position == Turn.position + 1
        wanted = wanted.join(following, and_(following.dialogue_id == Turn.dialogue_id, is_next))
    if source is not None:
        number = int(source) if source.isdecimal() and len(source) < LONGEST_NUMBER else -1
        named = or_(Import.id == number, Import.path.contains(source, autoescape=True))
        dialogues = select(Dialogue.id).join(Import).where(named)
        wanted = wanted.where(Turn.dialogue_id.in_(dialogues))
    return wanted


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
