"""Dialogue files of any common format, read as dialogues: `Source` is the door.

`opened_inputs` makes sources of the arguments of a command, `sniff` tells what a source is.
"""

from corpus_tools.formats.catalogue import FORMATS
from corpus_tools.formats.inputs import Unread, opened_inputs
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.options import Options
from corpus_tools.formats.records import Dialogue, Record, Skipped, Turn
from corpus_tools.formats.sniffing import Sniffed, sniff
from corpus_tools.formats.source import Source

__all__ = [
    "FORMATS",
    "Dialogue",
    "Layout",
    "Options",
    "Record",
    "Skipped",
    "Sniffed",
    "Source",
    "Turn",
    "Unread",
    "opened_inputs",
    "sniff",
]
