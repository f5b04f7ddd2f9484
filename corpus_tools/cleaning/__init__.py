"""Cleaning: text rules, pair filters and corpus-wide filters, all from one profile."""

from corpus_tools.cleaning.accepted import AcceptedPair, Judge, Pairs
from corpus_tools.cleaning.catalogue import CATALOGUE, CONTEXT, DUPLICATE, REFUSALS, Example, Rule
from corpus_tools.cleaning.cleaner import Cleaner
from corpus_tools.cleaning.judges import clusters, judges
from corpus_tools.cleaning.profile import Profile

__all__ = [
    "CATALOGUE",
    "CONTEXT",
    "DUPLICATE",
    "REFUSALS",
    "AcceptedPair",
    "Cleaner",
    "Example",
    "Judge",
    "Pairs",
    "Profile",
    "Rule",
    "clusters",
    "judges",
]
