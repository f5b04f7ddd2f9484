"""The tables of a store, and the view `pairs` that other programs read.

imports ──< dialogues ──< turns ──< changes >── cleanings
   └────< skipped
user_words

A turn and the next one are a pair. `skipped` holds records that were no dialogue, `changes` what a
cleaning run has replaced.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    ForeignKey,
    UniqueConstraint,
    false,
    insert,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 2
RUNNING, COMPLETE = "running", "complete"
SPLIT = "split"  # among the options of an import: the split of all its dialogues


def _now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Collect the tables."""


class SchemaInfo(Base):
    """One row: the version of the schema, and what holds for the whole store."""

    __tablename__ = "schema_info"

    version: Mapped[int] = mapped_column(primary_key=True)
    # Moved on by whatever changes verdicts besides an import.
    revision: Mapped[int] = mapped_column(default=0, server_default="0")
    valid_share: Mapped[int] = mapped_column(default=5, server_default="5")  # per cent
    test_share: Mapped[int] = mapped_column(default=5, server_default="5")


class Import(Base):
    """One input. The counts tell how far it has come, so that it can go on from there."""

    __tablename__ = "imports"
    __table_args__ = (UniqueConstraint("sha256", "format", "encoding"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]
    sha256: Mapped[str]
    format: Mapped[str]
    encoding: Mapped[str]
    license: Mapped[str | None]
    origin: Mapped[str | None]
    dictionary: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(default=RUNNING)
    created_at: Mapped[datetime] = mapped_column(default=_now)
    dialogues_done: Mapped[int] = mapped_column(default=0)
    turns_done: Mapped[int] = mapped_column(default=0)
    pairs_done: Mapped[int] = mapped_column(default=0)
    pairs_accepted: Mapped[int] = mapped_column(default=0)
    skipped_done: Mapped[int] = mapped_column(default=0)


class Dialogue(Base):
    """Turns that follow one another in one import."""

    __tablename__ = "dialogues"
    __table_args__ = (UniqueConstraint("import_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"))
    position: Mapped[int]
    key: Mapped[int] = mapped_column(BigInteger)
    split: Mapped[str]


class Turn(Base):
    """One utterance, and the verdict on the pair that it forms with the turn before it."""

    __tablename__ = "turns"
    __table_args__ = (UniqueConstraint("dialogue_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    dialogue_id: Mapped[int] = mapped_column(ForeignKey("dialogues.id", ondelete="CASCADE"))
    position: Mapped[int]
    speaker: Mapped[str | None]
    raw: Mapped[str]
    text: Mapped[str]
    words: Mapped[str]
    rejected: Mapped[str | None]
    pair_key: Mapped[int | None] = mapped_column(BigInteger)
    restored: Mapped[bool] = mapped_column(server_default=false())


class SkippedRecord(Base):
    """A record of the input that was no dialogue, kept aside."""

    __tablename__ = "skipped"

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), index=True)
    member: Mapped[str | None]
    line: Mapped[int]
    reason: Mapped[str]
    text: Mapped[str]


class Cleaning(Base):
    """One run of the rules over the whole store."""

    __tablename__ = "cleanings"

    id: Mapped[int] = mapped_column(primary_key=True)
    profile: Mapped[dict[str, Any]] = mapped_column(JSON)
    # By the number of the import: what it had been segmented with before. Gone with `changes`.
    dictionaries: Mapped[dict[str, str] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(default=_now)


class Change(Base):
    """What a turn was before a cleaning run changed it."""

    __tablename__ = "changes"

    turn_id: Mapped[int] = mapped_column(
        ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True
    )
    cleaning_id: Mapped[int] = mapped_column(
        ForeignKey("cleanings.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    text: Mapped[str]
    words: Mapped[str]
    rejected: Mapped[str | None]
    pair_key: Mapped[int | None] = mapped_column(BigInteger)


class UserWord(Base):
    """A word that the segmenter knows besides those of its dictionary."""

    __tablename__ = "user_words"

    word: Mapped[str] = mapped_column(primary_key=True)
    frequency: Mapped[int | None]


PAIRS_VIEW = """
CREATE VIEW pairs AS
SELECT
    reply.id AS pair_id,
    reply.dialogue_id AS dialogue_id,
    reply.position AS position,
    dialogues.split AS split,
    imports.id AS import_id,
    imports.path AS source,
    imports.license AS license,
    prompt.text AS prompt,
    reply.text AS reply,
    prompt.words AS prompt_words,
    reply.words AS reply_words,
    reply.rejected AS rejected
FROM turns AS reply
JOIN turns AS prompt
    ON prompt.dialogue_id = reply.dialogue_id AND prompt.position = reply.position - 1
JOIN dialogues ON dialogues.id = reply.dialogue_id
JOIN imports ON imports.id = dialogues.import_id
WHERE reply.rejected IS NULL OR reply.rejected <> 'context'
"""

# A word is whatever stands between two spaces; `ascii` would cut at ASCII marks.
_TOKENIZER = "ascii tokenchars ''!\"#$%&''''()*+,-./:;<=>?@[\\]^_`{|}~''"

# SQLite: the index keeps places, the words stay in `turns`. A turn is taken in when somebody
# searches, since an import that did it would take longer; triggers keep true what is taken in.
# FTS5 has a row a document in its table `…_docsize`.
_SQLITE_INDEX = (
    f"""
CREATE VIRTUAL TABLE turns_index
USING fts5(words, content = 'turns', content_rowid = 'id', tokenize = '{_TOKENIZER}')
""",
    """
CREATE TRIGGER turns_deleted AFTER DELETE ON turns
WHEN EXISTS (SELECT 1 FROM turns_index_docsize WHERE id = old.id)
BEGIN
    INSERT INTO turns_index (turns_index, rowid, words) VALUES ('delete', old.id, old.words);
END
""",
    """
CREATE TRIGGER turns_reworded AFTER UPDATE OF words ON turns
WHEN old.words <> new.words AND EXISTS (SELECT 1 FROM turns_index_docsize WHERE id = old.id)
BEGIN
    INSERT INTO turns_index (turns_index, rowid, words) VALUES ('delete', old.id, old.words);
    INSERT INTO turns_index (rowid, words) VALUES (new.id, new.words);
END
""",
)
# PostgreSQL: its own parser depends on the locale of the database and may know no Han; an array of
# words does not.
_POSTGRESQL_INDEX = (
    "CREATE INDEX ix_turns_words ON turns USING gin (string_to_array(words, ' '))",
)


def make_schema(connection: Connection) -> None:
    """Make everything in an empty database."""
    Base.metadata.create_all(connection)
    connection.execute(insert(SchemaInfo).values(version=SCHEMA_VERSION))
    connection.execute(text(PAIRS_VIEW))
    make_index(connection)


def make_index(connection: Connection) -> None:
    """Make the index of a new store."""
    statements = {"sqlite": _SQLITE_INDEX, "postgresql": _POSTGRESQL_INDEX}
    for statement in statements.get(connection.dialect.name, ()):
        connection.exec_driver_sql(statement)
