"""The import: read → clean → segment → store, in batches, so that it can go on after a stop."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from corpus_tools.errors import ReadError
from corpus_tools.formats import Dialogue, Record, Skipped, Source
from corpus_tools.preparing import Batch, Prepare
from corpus_tools.store import (
    SPLIT,
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

# No database holds half a surrogate pair, and PostgreSQL no NUL.
_UNSTORABLE = re.compile("[\ud800-\udfff\0]")


class Labels(NamedTuple):
    """What is said of everything in an import; `split`: None is by the shares of the store."""

    licence: str | None = None
    origin: str | None = None
    split: str | None = None


class Plan(NamedTuple):
    """How the files of a command are imported; `duplicates`: accept what was accepted before."""

    prepare: Prepare
    profile: dict[str, Any]
    dictionary: str
    duplicates: bool
    labels: Labels = Labels()


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
    licence, origin, split = plan.labels
    key = ImportKey(source.sha256(), source.format, source.encoding)
    before = row = store.begin_import(
        key,
        Provenance(
            path=storable(source.path),
            licence=licence and storable(licence),
            origin=origin and storable(origin),
            dictionary=plan.dictionary,
            options={"profile": plan.profile} | ({SPLIT: split} if split else {}),
        ),
    )
    if before.is_complete:
        return before, before
    try:
        records = islice(source.records(), row.dialogues_done + row.skipped_done, None)
        jobs = ((read, read.batch) for read in map(_taken_apart, batched(records)))
        for read, prepared in plan.prepare(jobs):
            sizes = zip(prepared.dialogue_keys, read.batch.sizes, strict=True)
            dialogues = [NewDialogue(key, size) for key, size in sizes]
            turns = NewTurns(read.speakers, read.batch.texts, *prepared[1:])
            row = store.add_batch(row, dialogues, turns, read.skipped, duplicates=plan.duplicates)
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
    return sum([len(text) for text, _ in record.turns])  # quicker than a generator


class _Records(NamedTuple):
    """A batch as it was read: what is prepared, and what the store gets besides."""

    batch: Batch
    speakers: list[str | None]
    skipped: list[NewSkipped]


def _taken_apart(records: Sequence[Record]) -> _Records:
    dialogues = [record for record in records if isinstance(record, Dialogue)]
    turns = [turn for dialogue in dialogues for turn in dialogue.turns]
    return _Records(
        Batch(
            _all_storable([text for text, _ in turns]),
            [len(dialogue.turns) for dialogue in dialogues],
            [dialogue.context for dialogue in dialogues],
        ),
        [speaker and storable(speaker) for _, speaker in turns],
        [
            NewSkipped(record.member, record.line, record.reason, storable(record.text))
            for record in records
            if isinstance(record, Skipped)
        ],
    )


def _all_storable(texts: list[str]) -> list[str]:
    return [storable(text) for text in texts] if _UNSTORABLE.search("".join(texts)) else texts


def storable(text: str) -> str:
    """Return `text` with U+FFFD for what no database holds."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
