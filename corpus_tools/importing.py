"""The import: read → clean → segment → store, in batches, so that it can go on after a stop."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from corpus_tools.errors import ReadError
from corpus_tools.formats import Dialogue, Record, Skipped, Source
from corpus_tools.keys import Shares, dialogue_key, split_of
from corpus_tools.preparing import Prepare, Raw, storable
from corpus_tools.store import (
    ImportKey,
    ImportRow,
    NewDialogue,
    NewSkipped,
    NewTurns,
    Provenance,
    Store,
)

BATCH_RECORDS = 1_000
BATCH_CHARACTERS = 200_000


class Plan(NamedTuple):
    """How the files of a command are imported; `duplicates`: accept what was accepted before."""

    prepare: Prepare
    profile: dict[str, Any]
    dictionary: str
    duplicates: bool
    licence: str | None = None
    origin: str | None = None


def import_source(
    store: Store,
    source: Source,
    plan: Plan,
    *,
    on_progress: Callable[[ImportRow], None] = lambda _: None,
) -> tuple[ImportRow, ImportRow]:
    """Import what `source` yields behind what the store has of it; return it before and after.

    A source that turns out bad leaves nothing behind; what was complete before stays as it is.
    """
    key = ImportKey(source.sha256(), source.format, source.encoding)
    before = row = store.begin_import(
        key,
        Provenance(
            path=storable(source.path),
            licence=plan.licence and storable(plan.licence),
            origin=plan.origin and storable(plan.origin),
            dictionary=plan.dictionary,
            options={"profile": plan.profile},
        ),
    )
    if before.is_complete:
        return before, before
    shares = store.shares()
    try:
        records = islice(source.records(), row.dialogues_done + row.skipped_done, None)
        jobs = ((batch, batch.raws) for batch in map(_batch, batched(records)))
        for batch, prepared in plan.prepare(jobs):
            row = store.add_batch(
                row,
                batch.dialogues(shares),
                NewTurns(batch.speakers, batch.said, *prepared),
                batch.skipped,
                duplicates=plan.duplicates,
            )
            on_progress(row)
        if not row.dialogues_done:
            raise ReadError(
                f"{source.path}: no dialogue in it, read as {source.format}. "
                "Name the right one with --format."
            )
    except ReadError:
        store.remove_import(row.id)
        raise
    return before, store.complete_import(row.id)


def batched(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Group records until they are many or long."""
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        size += _length(record)
        if len(batch) == BATCH_RECORDS or size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _length(record: Record) -> int:
    if isinstance(record, Skipped):
        return len(record.text)
    return sum(len(turn.text) for turn in record.turns)


class _Batch(NamedTuple):
    """Records, taken apart: what is prepared, and what the store gets besides."""

    raws: list[Raw]
    speakers: list[str | None]
    skipped: list[NewSkipped]

    @property
    def said(self) -> list[str]:
        """The raw texts, one dialogue behind the other."""
        return [text for raw in self.raws for text in raw.turns]

    def dialogues(self, shares: Shares) -> list[NewDialogue]:
        """Return the dialogues with their splits."""
        keys = [dialogue_key(raw.turns) for raw in self.raws]
        sizes = [len(raw.turns) for raw in self.raws]
        return [
            NewDialogue(key, split_of(key, shares), size)
            for key, size in zip(keys, sizes, strict=True)
        ]


def _batch(records: Sequence[Record]) -> _Batch:
    raws: list[Raw] = []
    speakers: list[str | None] = []
    skipped: list[NewSkipped] = []
    for record in records:
        if isinstance(record, Dialogue):
            raws.append(Raw([storable(text) for text, _ in record.turns], record.context))
            speakers += [speaker and storable(speaker) for _, speaker in record.turns]
        else:
            text = storable(record.text)
            skipped.append(NewSkipped(record.member, record.line, record.reason, text))
    return _Batch(raws, speakers, skipped)
