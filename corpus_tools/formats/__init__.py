"""Dialogue files of any common format, read as dialogues: `Source` is the door."""

from corpus_tools.formats.readers import FORMATS
from corpus_tools.formats.records import Dialogue, Record, Skipped, Turn
from corpus_tools.formats.source import Source

__all__ = ["FORMATS", "Dialogue", "Record", "Skipped", "Source", "Turn"]
