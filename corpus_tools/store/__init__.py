"""The corpus in SQL. This package is the only door to sqlalchemy."""

from corpus_tools.store.statistics import Lengths, SplitSize, Statistics, statistics
from corpus_tools.store.store import (
    ImportKey,
    ImportRow,
    NewDialogue,
    NewSkipped,
    NewTurn,
    Pair,
    Store,
)

__all__ = [
    "ImportKey",
    "ImportRow",
    "Lengths",
    "NewDialogue",
    "NewSkipped",
    "NewTurn",
    "Pair",
    "SplitSize",
    "Statistics",
    "Store",
    "statistics",
]
