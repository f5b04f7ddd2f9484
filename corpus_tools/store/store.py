"""An open store: its transactions, and the imports in it."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, repeat
from pathlib import Path
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, case, delete, func, insert, select, update

from corpus_tools.errors import StoreError
from corpus_tools.keys import Shares, split_of
from corpus_tools.store.duplicates import AcceptedKeys, accept_orphans
from corpus_tools.store.engine import (
    errors_named,
    insert_rows,
    is_there,
    open_engine,
    shown_name,
    vacuum,
)
from corpus_tools.store.schema import (
    COMPLETE,
    SPLIT,
    Cleaning,
    Dialogue,
    Import,
    SchemaInfo,
    SkippedRecord,
    Turn,
)


class NewDialogue(NamedTuple):
    """A dialogue, ready to be stored; `turns`: how many it has."""

    key: int
    turns: int


class NewTurns(NamedTuple):
    """The turns of a batch, a value each in every column, one dialogue behind the other.

    A turn that ends no pair has no key: the first of a dialogue, and those of its context.
    """

    speakers: Sequence[str | None]
    raws: Sequence[str]
    texts: Sequence[str]
    words: Sequence[str]
    rejected: Sequence[str | None]
    pair_keys: Sequence[int | None]


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


class Provenance(NamedTuple):
    """Where an import comes from and how it is prepared."""

    path: str
    licence: str | None
    origin: str | None
    dictionary: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ImportRow:
    """An import as it stands in the store."""

    id: int
    path: str
    sha256: str
    format: str
    encoding: str
    license: str | None
    origin: str | None
    dictionary: str
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


class Store:
    """An open store. Every call is one transaction.

    With `dry_run` all of them lie inside one that is taken back at the end, so whatever is done
    does and reports the same and leaves nothing. A store that is missing is then made elsewhere.
    """

    def __init__(self, name: str, *, create: bool = False, dry_run: bool = False) -> None:
        self.name = shown_name(name)
        self._accepted = AcceptedKeys()
        self._resources = ExitStack()
        self._dry: Connection | None = None
        if dry_run and create and not Path(name).exists() and "://" not in name:
            folder = self._resources.enter_context(tempfile.TemporaryDirectory())
            name = str(Path(folder) / "corpus.db")
        try:
            self._engine = open_engine(name, create=create, migrates=not dry_run)
            self._resources.callback(self._engine.dispose)
            if dry_run:
                self._dry = self._begin_dry_run()
        except BaseException:
            self._resources.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._resources.close()

    def imports(self) -> list[ImportRow]:
        """Return all imports, oldest first."""
        with self.reading() as connection:
            rows = connection.execute(select(Import.__table__).order_by(Import.id))
            return [ImportRow(*row) for row in rows]

    def profile(self) -> dict[str, Any] | None:
        """Return the cleaning profile of the last run over the store, or None before the first."""
        with self.reading() as connection:
            return connection.scalar(select(Cleaning.profile).order_by(Cleaning.id.desc()).limit(1))

    def begin_import(self, key: ImportKey, provenance: Provenance) -> ImportRow:
        """Return the import of this content, as far as it has come, or a new one.

        One that was begun with another profile or dictionary begins again: it lies in its file.
        """
        path, licence, origin, dictionary, options = provenance
        same = select(Import.__table__).where(
            Import.sha256 == key.sha256,
            Import.format == key.format,
            Import.encoding == key.encoding,
        )
        with self.writing() as connection:
            found = connection.execute(same).first()
            row = ImportRow(*found) if found else None
            if row and (row.is_complete or (row.options, row.dictionary) == (options, dictionary)):
                return row
            if row:
                _remove(connection, row.id)
            values = {
                **key._asdict(),
                "path": path,
                "license": licence,
                "origin": origin,
                "dictionary": dictionary,
                "options": options,
            }
            connection.execute(insert(Import), values)
            return ImportRow(*connection.execute(same).one())

    def add_batch(
        self,
        row: ImportRow,
        dialogues: Sequence[NewDialogue],
        turns: NewTurns,
        skipped: Sequence[NewSkipped],
        *,
        duplicates: bool = False,
    ) -> ImportRow:
        """Store a batch behind what `row` has, and return the row advanced; all or nothing.

        Without `duplicates`, pairs that the store has accepted before are refused.
        """
        with self.writing() as connection:
            if not duplicates:
                self._accepted.catch_up(connection)
                judged = self._accepted.judge(turns.pair_keys, turns.rejected)
                turns = turns._replace(rejected=judged)
            advanced = _advanced(row, dialogues, turns, skipped=len(skipped))
            if not _replace_counts(connection, row, advanced):
                raise StoreError(
                    f"{self.name}: another command works on import {row.id}. Wait for its end, "
                    "then run this one again."
                )
            if dialogues:
                _insert_dialogues(connection, row, dialogues, turns)
                self._accepted.has_seen(connection)
            if skipped:
                rows = [{"import_id": row.id, **each._asdict()} for each in skipped]
                connection.execute(insert(SkippedRecord), rows)
        return advanced

    def complete_import(self, import_id: int) -> ImportRow:
        """Mark an import as read to its end."""
        with self.writing() as connection:
            connection.execute(update(Import).where(Import.id == import_id).values(state=COMPLETE))
            query = select(Import.__table__).where(Import.id == import_id)
            return ImportRow(*connection.execute(query).one())

    def remove_import(self, import_id: int) -> bool:
        """Delete an import with everything of it, and tell whether there was one.

        Pairs that had been refused as duplicates of its pairs are accepted.
        """
        with self.writing() as connection:
            return _remove(connection, import_id)

    def size(self) -> int:
        """Return the bytes that the database takes; in a dry run those that are in use."""
        with self.reading() as connection:
            if connection.dialect.name == "sqlite":
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
                if self._dry is not None:
                    pages -= connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
                return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())
            return int(
                connection.scalar(select(func.pg_database_size(func.current_database()))) or 0
            )

    def compact(self) -> None:
        """Give the room of what was deleted back to the disk; a dry run leaves it."""
        if self._dry is None:
            with errors_named(self.name):
                vacuum(self._engine)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with errors_named(self.name):
            if self._dry is not None:
                yield self._dry
            else:
                with self._engine.connect() as connection:
                    yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes: all of it is stored, or nothing."""
        with errors_named(self.name):
            if self._dry is not None:
                with self._dry.begin_nested():
                    yield self._dry
                return
            engine = self._engine.execution_options(writes=True)
            with engine.begin() as connection:
                yield connection
        if not is_there(self._engine):
            raise StoreError(f"{self.name}: deleted meanwhile. Run the command again.")

    def _begin_dry_run(self) -> Connection:
        with errors_named(self.name):
            engine = self._engine.execution_options(writes=True)
            connection = self._resources.enter_context(engine.connect())
            transaction = connection.begin()
            self._resources.callback(transaction.rollback)
            return connection


def moved_on(connection: Connection) -> None:
    """Say that verdicts have changed, to those who remember some."""
    connection.execute(update(SchemaInfo).values(revision=SchemaInfo.revision + 1))


def recount(connection: Connection) -> None:
    """Count the accepted pairs of every import anew."""
    accepted = func.sum(case((Turn.rejected.is_(None), 1), else_=0))
    query = (
        select(Dialogue.import_id, accepted)
        .join_from(Turn, Dialogue, Turn.dialogue_id == Dialogue.id)
        .where(Turn.position > 0)
        .group_by(Dialogue.import_id)
    )
    for import_id, count in connection.execute(query).all():
        values = {"pairs_accepted": count}
        connection.execute(update(Import).where(Import.id == import_id).values(values))


def _remove(connection: Connection, import_id: int) -> bool:
    removed = connection.execute(delete(Import).where(Import.id == import_id)).rowcount
    if removed:
        accept_orphans(connection)
        recount(connection)
        moved_on(connection)
    return bool(removed)


_SHARES = select(SchemaInfo.valid_share, SchemaInfo.test_share)


def _insert_dialogues(
    connection: Connection, row: ImportRow, dialogues: Sequence[NewDialogue], turns: NewTurns
) -> None:
    keys, sizes = zip(*dialogues, strict=True)
    shares = Shares(*connection.execute(_SHARES).one())
    splits = [row.options.get(SPLIT) or split_of(key, shares) for key in keys]
    first = row.dialogues_done
    places = range(first, first + len(dialogues))
    insert_rows(
        connection,
        Dialogue,
        {"import_id": repeat(row.id), "position": places, "key": keys, "split": splits},
    )
    new = select(Dialogue.id).where(Dialogue.import_id == row.id, Dialogue.position >= first)
    ids = connection.scalars(new.order_by(Dialogue.position)).all()
    insert_rows(
        connection,
        Turn,
        {
            "dialogue_id": chain.from_iterable(map(repeat, ids, sizes)),
            "position": chain.from_iterable(map(range, sizes)),
            "speaker": turns.speakers,
            "raw": turns.raws,
            "text": turns.texts,
            "words": turns.words,
            "rejected": turns.rejected,
            "pair_key": turns.pair_keys,
        },
    )


def _advanced(
    row: ImportRow, dialogues: Sequence[NewDialogue], turns: NewTurns, *, skipped: int
) -> ImportRow:
    are_refused = zip(turns.pair_keys, turns.rejected, strict=True)
    accepted = sum(key is not None and verdict is None for key, verdict in are_refused)
    return replace(
        row,
        dialogues_done=row.dialogues_done + len(dialogues),
        turns_done=row.turns_done + len(turns.raws),
        pairs_done=row.pairs_done + len(turns.pair_keys) - turns.pair_keys.count(None),
        pairs_accepted=row.pairs_accepted + accepted,
        skipped_done=row.skipped_done + skipped,
    )


def _replace_counts(connection: Connection, old: ImportRow, new: ImportRow) -> bool:
    """Write the counts of `new`, unless somebody else has moved them on from `old`."""
    query = update(Import).where(
        Import.id == old.id,
        Import.dialogues_done == old.dialogues_done,
        Import.skipped_done == old.skipped_done,
        Import.dictionary == old.dictionary,
    )
    names = ("dialogues_done", "turns_done", "pairs_done", "skipped_done")
    values = {name: getattr(new, name) for name in names}
    # Another command may have changed the verdicts on what is stored, and counted them.
    added = new.pairs_accepted - old.pairs_accepted
    values["pairs_accepted"] = Import.pairs_accepted + added
    return bool(connection.execute(query.values(values)).rowcount)
