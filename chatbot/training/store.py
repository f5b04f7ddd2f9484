"""The accepted pairs of a store, read through its documented view."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from chatbot.errors import StoreError
from chatbot.text import normalise, units
from chatbot.training.config import Units
from chatbot.vocabulary import SEPARATOR

STORE_SCHEMAS = (1, 2)
"""The schema versions of stores whose `pairs` view is read here (docs/store.md)."""

_NEWEST_FIRST = """
    SELECT group_concat(replace(text, :separator, ' '), :separator) FROM (
        SELECT text FROM turns
        WHERE dialogue_id = pairs.dialogue_id AND position < pairs.position
        ORDER BY position DESC LIMIT :turns)
"""
"""What a model reads that knows the turns before: `Bundle.text` in SQL."""

_ACCEPTED = "FROM pairs WHERE split = :split AND rejected IS NULL"


class Store:
    """Read accepted pairs through the store's documented view; nothing is ever written."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise StoreError(f"{self.path}: no such store. 'corpus import FILE' makes one.")
        with self._connect() as connection:
            row = connection.execute("SELECT version FROM schema_info").fetchone()
        version = row[0] if row else None
        if version not in STORE_SCHEMAS:
            raise StoreError(
                f"{self.path}: store schema {version}; this version reads "
                f"{' and '.join(map(str, STORE_SCHEMAS))}. "
                "Upgrade duihua or import the corpus again."
            )

    def pairs(self, split: str, *, context: int = 0) -> Iterator[tuple[str, str]]:
        """Yield (prompt, reply) of the accepted pairs of a split, in the order of import.

        With `context` the prompt holds up to so many turns before it too, the newest first.
        """
        prompt = f"({_NEWEST_FIRST})" if context else "prompt"
        query = f"SELECT {prompt}, reply {_ACCEPTED} ORDER BY pair_id"
        values = {"split": split, "separator": SEPARATOR, "turns": context + 1}
        with self._connect() as connection:
            yield from connection.execute(query, values)

    def sources(self, split: str) -> dict[str, int]:
        """Return how many accepted pairs of a split each imported path gave."""
        query = f"SELECT source, count(*) {_ACCEPTED} GROUP BY source ORDER BY 2 DESC, 1"
        with self._connect() as connection:
            return dict(connection.execute(query, {"split": split}))

    def word_counts(self, split: str, *, prompts: Units = "words") -> Counter[str]:
        """Count the words of the accepted pairs of a split, as the import segmented them.

        With `prompts` = "characters" only the replies have words. The words leave out the spaces
        between Latin words, which are tokens too.
        """
        counts: Counter[str] = Counter()
        query = f"SELECT prompt_words, reply_words, prompt, reply {_ACCEPTED}"
        with self._connect() as connection:
            for asked, said, prompt, reply in connection.execute(query, {"split": split}):
                counts.update(_read(asked.split(), prompts))
                counts.update(said.split())
                for text in (prompt, reply):
                    if " " in text:
                        counts[" "] += normalise(text).count(" ")
        return +counts

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self.path.resolve().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=30)) as connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{self.path}: not a corpus store ({error}). Name one that 'corpus import' wrote."
            ) from error


def _read(words: Sequence[str], what: Units) -> Iterable[str]:
    """Return what a source of these words is cut into."""
    return words if what == "words" else (unit for word in words for unit in units(word))
