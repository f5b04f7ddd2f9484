"""The tables of a store, and the view `pairs` that other programs read.

imports ──< dialogues ──< turns        (a turn and the next one are a pair)
   └────< skipped                      (records that were no dialogue)
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DDL, JSON, BigInteger, ForeignKey, UniqueConstraint, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 1
RUNNING, COMPLETE = "running", "complete"


def _now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Collect the tables."""


class SchemaInfo(Base):
    """One row: the version that the store was made with."""

    __tablename__ = "schema_info"

    version: Mapped[int] = mapped_column(primary_key=True)


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
    pair_key: Mapped[int | None] = mapped_column(BigInteger, index=True)


class SkippedRecord(Base):
    """A record of the input that was no dialogue, kept aside."""

    __tablename__ = "skipped"

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), index=True)
    member: Mapped[str | None]
    line: Mapped[int]
    reason: Mapped[str]
    text: Mapped[str]


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
"""

event.listen(Base.metadata, "after_create", DDL(PAIRS_VIEW))  # type: ignore[no-untyped-call]
