"""What the commands do: the part of the command line that needs the extra."""

from corpus_tools.commands.cleaning import clean, rejects, restore, rules
from corpus_tools.commands.imports import collect_garbage, list_imports, split, undo
from corpus_tools.commands.looking import export, sample, search, stats
from corpus_tools.commands.reading import import_files, sniff
from corpus_tools.commands.wording import add_words, list_words, remove_words, segment
from corpus_tools.exporting import Selection
from corpus_tools.formats import Layout, Options
from corpus_tools.importing import Labels
from corpus_tools.keys import Shares

__all__ = [
    "Labels",
    "Layout",
    "Options",
    "Selection",
    "Shares",
    "add_words",
    "clean",
    "collect_garbage",
    "export",
    "import_files",
    "list_imports",
    "list_words",
    "rejects",
    "remove_words",
    "restore",
    "rules",
    "sample",
    "search",
    "segment",
    "sniff",
    "split",
    "stats",
    "undo",
]
