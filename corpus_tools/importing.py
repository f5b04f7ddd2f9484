"""The import: read → clean → segment → store, in batches, so that it can go on after a stop."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

from chatbot.text import normalise
from corpus_tools.cleaning import FILTERS, RULES, clean, refusal
from corpus_tools.errors import ReadError
from corpus_tools.formats import Dialogue, Record, Skipped, Source
from corpus_tools.segmenter import Segmenter
from corpus_tools.store import ImportKey, ImportRow, NewDialogue, NewSkipped, NewTurn, Store

BATCH_RECORDS = 1_000
BATCH_CHARACTERS = 200_000

# No database holds half a surrogate pair, and PostgreSQL no NUL.
_UNSTORABLE = re.compile("[\ud800-\udfff\0]")


class Prepared(NamedTuple):
    """A batch, ready to be stored."""

    dialogues: list[NewDialogue]
    skipped: list[NewSkipped]


Batch = Sequence[Record]
Prepare = Callable[[Iterable[Batch]], Iterable[Prepared]]


def import_source(
    store: Store,
    source: Source,
    *,
    prepare: Prepare,
    licence: str | None = None,
    on_progress: Callable[[ImportRow], None] = lambda _: None,
) -> tuple[ImportRow, ImportRow]:
    """Import what `source` yields behind what the store has of it; return it before and after.

    `prepare` turns batches into prepared ones, in order, here or in other processes. A source that
    turns out bad leaves nothing behind; what was complete before stays as it is.
    """
    key = ImportKey(source.sha256(), source.format, source.encoding)
    before = row = store.begin_import(
        key,
        path=storable(source.path),
        licence=licence and storable(licence),
        options=rules_in_use(),
    )
    if before.is_complete:
        return before, before
    try:
        records = islice(source.records(), row.dialogues_done + row.skipped_done, None)
        for prepared in prepare(batched(records)):
            row = store.add_batch(row, prepared.dialogues, prepared.skipped)
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


def rules_in_use() -> dict[str, list[str]]:
    """Return the names of the rules and filters, which an import remembers."""
    return {
        "rules": [rule.__name__ for rule in RULES],
        "filters": [each.__name__ for each in FILTERS],
    }


def batched(records: Iterable[Record]) -> Iterator[Batch]:
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


def prepare_batch(batch: Batch, segmenter: Segmenter) -> Prepared:
    """Clean, segment and judge a batch; duplicates are left to the store."""
    dialogues = [record for record in batch if isinstance(record, Dialogue)]
    skipped = [record for record in batch if isinstance(record, Skipped)]
    return Prepared(
        [_prepare(dialogue, segmenter) for dialogue in dialogues],
        [NewSkipped(s.member, s.line, s.reason, storable(s.text)) for s in skipped],
    )


def split_of(key: int) -> str:
    """Return the split of a dialogue, which depends on nothing but what was said in it."""
    share = key % 100
    return "train" if share < 90 else "valid" if share < 95 else "test"


def storable(text: str) -> str:
    """Return `text` with U+FFFD for what no database holds."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _prepare(dialogue: Dialogue, segmenter: Segmenter) -> NewDialogue:
    raws = [storable(turn.text) for turn in dialogue.turns]
    turns: list[NewTurn] = []
    previous: str | None = None
    for turn, raw in zip(dialogue.turns, raws, strict=True):
        text = clean(raw)
        normal = normalise(text)
        reason = None if previous is None else refusal(previous, normal)
        is_pair = previous is not None and reason is None
        pair_key = _key(previous or "", normal) if is_pair else None
        words = " ".join(segmenter.words(normal))
        speaker = turn.speaker and storable(turn.speaker)
        turns.append(NewTurn(speaker, raw, text, words, reason, pair_key))
        previous = normal
    key = _key(*raws)
    return NewDialogue(key, split_of(key), turns)


def _key(*texts: str) -> int:
    """Return 64 bits of a hash that is the same everywhere and always."""
    digest = blake2b("\0".join(texts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _length(record: Record) -> int:
    if isinstance(record, Skipped):
        return len(record.text)
    return sum(len(turn.text) for turn in record.turns)
