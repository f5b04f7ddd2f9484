"""What can be done with a store."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import nsmallest
from random import Random
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, bindparam, column, delete, insert, select, table, update

from corpus_tools.cleaning import DUPLICATE
from corpus_tools.errors import StoreError
from corpus_tools.store.engine import errors_named, is_there, open_engine
from corpus_tools.store.schema import COMPLETE, Dialogue, Import, SkippedRecord, Turn

# Parameters of one query; SQLite allows 32,766.
_IN_AT_ONCE = 10_000
_ROWS_AT_ONCE = 1_000


class NewTurn(NamedTuple):
    """A turn, cleaned and segmented; `pair_key` is None unless its pair passed the filters."""

    speaker: str | None
    raw: str
    text: str
    words: str
    rejected: str | None
    pair_key: int | None


class NewDialogue(NamedTuple):
    """A dialogue, ready to be stored."""

    key: int
    split: str
    turns: list[NewTurn]


class NewSkipped(NamedTuple):
    """A record to be put aside."""

    member: str | None
    line: int
    reason: str
    text: str


class ImportKey(NamedTuple):
    """What makes two imports the same."""

    sha256: str
    format: str
    encoding: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """An import as it stands in the store."""

    id: int
    path: str
    sha256: str
    format: str
    encoding: str
    license: str | None
    options: dict[str, Any]
    state: str
    created_at: datetime
    dialogues_done: int
    turns_done: int
    pairs_done: int
    pairs_accepted: int
    skipped_done: int

    @property
    def is_complete(self) -> bool:
        """Tell whether the input was read to its end."""
        return self.state == COMPLETE


class Pair(NamedTuple):
    """A row of the view `pairs`."""

    pair_id: int
    dialogue_id: int
    position: int
    split: str
    import_id: int
    source: str
    license: str | None
    prompt: str
    reply: str
    prompt_words: str
    reply_words: str
    rejected: str | None


PAIRS = table("pairs", *(column(name) for name in Pair._fields))


class Store:
    """An open store. Every method is one transaction."""

    def __init__(self, name: str, *, create: bool = False) -> None:
        self.name = name
        self._engine = open_engine(name, create=create)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def imports(self) -> list[ImportRow]:
        """Return all imports, oldest first."""
        with self.reading() as connection:
            rows = connection.execute(select(Import.__table__).order_by(Import.id))
            return [ImportRow(*row) for row in rows]

    def begin_import(
        self, key: ImportKey, *, path: str, licence: str | None, options: dict[str, Any]
    ) -> ImportRow:
        """Return the import of this content, as far as it has come, or a new one."""
        same = select(Import.__table__).where(
            Import.sha256 == key.sha256,
            Import.format == key.format,
            Import.encoding == key.encoding,
        )
        with self._writing() as connection:
            if not (row := connection.execute(same).first()):
                values = {**key._asdict(), "path": path, "license": licence, "options": options}
                connection.execute(insert(Import), values)
                row = connection.execute(same).one()
        return ImportRow(*row)

    def add_batch(
        self, row: ImportRow, dialogues: Sequence[NewDialogue], skipped: Sequence[NewSkipped]
    ) -> ImportRow:
        """Store a batch behind what `row` has, and return the row advanced; all or nothing."""
        with self._writing() as connection:
            judged = _without_duplicates(connection, dialogues)
            advanced = _advanced(row, judged, skipped=len(skipped))
            if not _replace_counts(connection, row, advanced):
                raise StoreError(
                    f"{self.name}: another command works on import {row.id}. Wait for its end, "
                    "then run this one again."
                )
            if judged:
                _insert_dialogues(connection, row, judged)
            if skipped:
                rows = [{"import_id": row.id, **each._asdict()} for each in skipped]
                connection.execute(insert(SkippedRecord), rows)
        return advanced

    def complete_import(self, import_id: int) -> ImportRow:
        """Mark an import as read to its end."""
        with self._writing() as connection:
            connection.execute(update(Import).where(Import.id == import_id).values(state=COMPLETE))
            return _import_row(connection, import_id)

    def remove_import(self, import_id: int) -> bool:
        """Delete an import with everything of it, and tell whether there was one."""
        with self._writing() as connection:
            return bool(connection.execute(delete(Import).where(Import.id == import_id)).rowcount)

    def pairs(self, *, refused: bool = False) -> Iterator[Pair]:
        """Yield the accepted pairs in the order of their import, or all with `refused`."""
        query = select(PAIRS).order_by(PAIRS.c.pair_id)
        if not refused:
            query = query.where(PAIRS.c.rejected.is_(None))
        with self.reading() as connection:
            streamed = connection.execution_options(yield_per=_ROWS_AT_ONCE)
            for row in streamed.execute(query):
                yield Pair(*row)

    def sample(self, count: int, *, seed: int | None, rejected: str | None = None) -> list[Pair]:
        """Return up to `count` pairs at random: accepted ones, or those that a rule refused."""
        random = Random(seed)  # noqa: S311  (nothing secret)
        is_wanted = Turn.rejected.is_(None) if rejected is None else Turn.rejected == rejected
        ids = select(Turn.id).where(Turn.position > 0, is_wanted).order_by(Turn.id)
        with self.reading() as connection:
            streamed = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(ids)
            chosen = nsmallest(count, streamed.scalars(), key=lambda _: random.random())
            wanted = select(PAIRS).where(PAIRS.c.pair_id.in_(chosen)).order_by(PAIRS.c.pair_id)
            return [Pair(*row) for row in connection.execute(wanted)]

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with errors_named(self.name), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        engine = self._engine.execution_options(writes=True)
        with errors_named(self.name), engine.begin() as connection:
            yield connection
        if not is_there(engine):
            raise StoreError(f"{self.name}: deleted meanwhile. Run the command again.")


def _import_row(connection: Connection, import_id: int) -> ImportRow:
    query = select(Import.__table__).where(Import.id == import_id)
    return ImportRow(*connection.execute(query).one())


def _without_duplicates(
    connection: Connection, dialogues: Sequence[NewDialogue]
) -> list[NewDialogue]:
    """Refuse the pairs that were accepted before, here or in the store."""
    keys = {turn.pair_key for dialogue in dialogues for turn in dialogue.turns}
    seen = _accepted(connection, [key for key in keys if key is not None])
    judged = []
    for dialogue in dialogues:
        turns = list(dialogue.turns)
        for index, turn in enumerate(turns):
            if turn.pair_key in seen:
                turns[index] = turn._replace(rejected=DUPLICATE, pair_key=None)
            elif turn.pair_key is not None:
                seen.add(turn.pair_key)
        judged.append(dialogue._replace(turns=turns))
    return judged


def _accepted(connection: Connection, keys: Sequence[int]) -> set[int | None]:
    found: set[int | None] = set()
    query = select(Turn.pair_key).where(Turn.pair_key.in_(bindparam("keys", expanding=True)))
    for start in range(0, len(keys), _IN_AT_ONCE):
        found.update(connection.scalars(query, {"keys": keys[start : start + _IN_AT_ONCE]}))
    return found


def _insert_dialogues(
    connection: Connection, row: ImportRow, dialogues: Sequence[NewDialogue]
) -> None:
    rows = [
        {"import_id": row.id, "position": position, "key": each.key, "split": each.split}
        for position, each in enumerate(dialogues, row.dialogues_done)
    ]
    connection.execute(insert(Dialogue), rows)
    new = select(Dialogue.id).where(
        Dialogue.import_id == row.id, Dialogue.position >= row.dialogues_done
    )
    ids = connection.scalars(new.order_by(Dialogue.position)).all()
    turns = [
        {"dialogue_id": dialogue_id, "position": position, **turn._asdict()}
        for dialogue_id, dialogue in zip(ids, dialogues, strict=True)
        for position, turn in enumerate(dialogue.turns)
    ]
    connection.execute(insert(Turn), turns)


def _advanced(row: ImportRow, dialogues: Sequence[NewDialogue], *, skipped: int) -> ImportRow:
    turns = [turn for dialogue in dialogues for turn in dialogue.turns]
    return replace(
        row,
        dialogues_done=row.dialogues_done + len(dialogues),
        turns_done=row.turns_done + len(turns),
        pairs_done=row.pairs_done + len(turns) - len(dialogues),
        pairs_accepted=row.pairs_accepted + sum(turn.pair_key is not None for turn in turns),
        skipped_done=row.skipped_done + skipped,
    )


def _replace_counts(connection: Connection, old: ImportRow, new: ImportRow) -> bool:
    """Write the counts of `new`, unless somebody else has moved them on from `old`."""
    query = update(Import).where(
        Import.id == old.id,
        Import.dialogues_done == old.dialogues_done,
        Import.skipped_done == old.skipped_done,
    )
    names = ("dialogues_done", "turns_done", "pairs_done", "pairs_accepted", "skipped_done")
    values = {name: getattr(new, name) for name in names}
    return bool(connection.execute(query.values(values)).rowcount)
