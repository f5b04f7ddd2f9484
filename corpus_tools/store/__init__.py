"""The corpus in SQL. This package is the only door to sqlalchemy."""

from corpus_tools.store.cleanings import (
    CleaningReport,
    Verdict,
    clean_store,
    restore,
    undo_cleaning,
)
from corpus_tools.store.pairs import Pair, conversations, pairs, rejects, sample
from corpus_tools.store.schema import SPLIT
from corpus_tools.store.search import Found, Hit, Phrase, search
from corpus_tools.store.space import free_space
from corpus_tools.store.splits import dialogue_texts, split_store
from corpus_tools.store.statistics import (
    CleaningSize,
    Coverage,
    Frequent,
    Lengths,
    SourceSize,
    SplitSize,
    Statistics,
    Vocabulary,
    statistics,
)
from corpus_tools.store.store import (
    ImportKey,
    ImportRow,
    NewDialogue,
    NewSkipped,
    NewTurns,
    Provenance,
    Store,
)
from corpus_tools.store.words import (
    add_words,
    remove_words,
    segment_import,
    stale_imports,
    user_words,
)

__all__ = [
    "SPLIT",
    "CleaningReport",
    "CleaningSize",
    "Coverage",
    "Found",
    "Frequent",
    "Hit",
    "ImportKey",
    "ImportRow",
    "Lengths",
    "NewDialogue",
    "NewSkipped",
    "NewTurns",
    "Pair",
    "Phrase",
    "Provenance",
    "SourceSize",
    "SplitSize",
    "Statistics",
    "Store",
    "Verdict",
    "Vocabulary",
    "add_words",
    "clean_store",
    "conversations",
    "dialogue_texts",
    "free_space",
    "pairs",
    "rejects",
    "remove_words",
    "restore",
    "sample",
    "search",
    "segment_import",
    "split_store",
    "stale_imports",
    "statistics",
    "undo_cleaning",
    "user_words",
]
