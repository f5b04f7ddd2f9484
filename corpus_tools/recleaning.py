"""Running the rules, or the segmenter, over what a store has."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from corpus_tools.cleaning import CONTEXT, Profile, judges
from corpus_tools.preparing import Batch, Prepare
from corpus_tools.store import (
    CleaningReport,
    ImportRow,
    Store,
    Verdict,
    clean_store,
    segment_import,
)
from corpus_tools.store.cleanings import Block, JudgeBlocks, Judged


def clean_again(
    store: Store,
    profile: Profile,
    *,
    prepare: Prepare,
    dictionary: str,
    on_progress: Callable[[int], None] = lambda _: None,
) -> CleaningReport:
    """Judge every turn of a store by `profile`, corpus-wide filters included; all or nothing."""
    return clean_store(
        store,
        _judged_by(prepare),
        profile=profile.to_dict(),
        dictionary=dictionary,
        judges=judges(profile),
        duplicates=not profile.duplicate.on,
        on_progress=on_progress,
    )


def segment_again(
    store: Store,
    row: ImportRow,
    *,
    prepare: Prepare,
    dictionary: str,
    on_progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Segment an import by the dictionary of today; return how many turns have other words."""
    return segment_import(
        store, row, _judged_by(prepare), dictionary=dictionary, on_progress=on_progress
    )


def _judged_by(prepare: Prepare) -> JudgeBlocks:
    def judge(blocks: Iterable[Block]) -> Iterator[Judged]:
        jobs = ((block, _batch(block)) for block in blocks)
        for block, (_, *columns) in prepare(jobs):
            yield block, [Verdict(*column) for column in zip(*columns, strict=True)]

    return judge


def _batch(block: Block) -> Batch:
    """Return stored dialogues as they were read."""
    texts = [turn.raw for dialogue in block for turn in dialogue]
    return Batch(texts, [len(dialogue) for dialogue in block], [*map(_context, block)])


def _context(dialogue: Sequence[Any]) -> int:
    marked = [index for index, turn in enumerate(dialogue) if turn.rejected == CONTEXT]
    return marked[-1] + 1 if marked else 0
