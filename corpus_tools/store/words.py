"""The user's words, and which imports were segmented with them."""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import bindparam, delete, insert, select, update

from corpus_tools.store.cleanings import JudgeBlocks, stored_blocks
from corpus_tools.store.schema import Import, Turn, UserWord
from corpus_tools.store.store import ImportRow, Store


def user_words(store: Store) -> dict[str, int | None]:
    """Return the words that the segmenter is to know besides its own, with their frequencies.

    None: as frequent as it takes to keep the word in one piece.
    """
    with store.reading() as connection:
        query = select(UserWord.word, UserWord.frequency).order_by(UserWord.word)
        return dict(connection.execute(query).all())


def add_words(store: Store, words: Mapping[str, int | None]) -> None:
    """Add words, or give those that are there another frequency."""
    rows = [{"word": word, "frequency": frequency} for word, frequency in words.items()]
    with store.writing() as connection:
        connection.execute(delete(UserWord).where(UserWord.word.in_(list(words))))
        connection.execute(insert(UserWord), rows)


def remove_words(store: Store, words: Iterable[str]) -> list[str]:
    """Remove words, and return those that were there."""
    with store.writing() as connection:
        query = delete(UserWord).where(UserWord.word.in_(list(words))).returning(UserWord.word)
        return sorted(connection.scalars(query))


def stale_imports(store: Store, dictionary: str) -> list[ImportRow]:
    """Return the imports that were segmented with another dictionary."""
    return [row for row in store.imports() if row.dictionary != dictionary]


def segment_import(
    store: Store,
    row: ImportRow,
    judge_blocks: JudgeBlocks,
    *,
    dictionary: str,
    on_progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Segment the turns of an import anew, all or nothing, and return how many have changed."""
    changed = looked_at = 0
    same = update(Turn.__table__).where(Turn.id == bindparam("turn"))  # type: ignore[arg-type]
    with store.writing() as connection:
        for block, judged in judge_blocks(stored_blocks(connection, row.id)):
            turns = [turn for dialogue in block for turn in dialogue]
            new = [
                {"turn": turn.id, "words": verdict.words}
                for turn, verdict in zip(turns, judged, strict=True)
                if turn.words != verdict.words
            ]
            if new:
                connection.execute(same, new)
            changed += len(new)
            looked_at += len(turns)
            on_progress(looked_at)
        values = {"dictionary": dictionary}
        connection.execute(update(Import).where(Import.id == row.id).values(values))
    return changed
