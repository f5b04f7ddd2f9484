"""Pairs out of a store, in the formats that other programs read; all of them can be imported."""

from corpus_tools.exporting.formats import EXPORT_FORMATS, export_file, export_lines
from corpus_tools.exporting.selection import Selection
from corpus_tools.exporting.writing import write_lines

__all__ = ["EXPORT_FORMATS", "Selection", "export_file", "export_lines", "write_lines"]
