"""What the first megabyte of a file shows: encoding, format, spacing."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, islice
from typing import NamedTuple

from corpus_tools.errors import ReadError, UsageError
from corpus_tools.formats.catalogue import READERS, Format, recognised
from corpus_tools.formats.containers.archive import Member, read_chunks
from corpus_tools.formats.containers.container import Container
from corpus_tools.formats.containers.packing import Chunks
from corpus_tools.formats.containers.spool import spooled
from corpus_tools.formats.encoding import SAMPLE, detect
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.options import Options
from corpus_tools.formats.readers.cornell import (
    looks_like_cornell_conversations,
    looks_like_cornell_lines,
)
from corpus_tools.formats.records import Dialogue, Records, Skipped
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.spacing import spacing_of
from corpus_tools.formats.text import Binary, Text

BINARY = "binary"
"""What stands for the encoding of a file that is no text."""
NO_FORMAT = "no dialogue format recognised"
NO_TEXT = "no text in UTF-8, GB18030, Big5 or UTF-16; perhaps a binary file"
NOT_NAMED = "not of the format that --format names, by its first bytes"
EMPTY = "the file is empty"
ROLES = ("lines", "conversations")
"""The two files of the format `cornell`, in the order in which its reader takes them."""

_JUDGED = 200  # turns
_LOOKS = (looks_like_cornell_lines, looks_like_cornell_conversations)


@dataclass(frozen=True, slots=True)
class File:
    """A file by itself, or the member of an archive at the place `index`."""

    container: Container
    index: int
    member: str | None
    encoding: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.container.full_name(self.member)

    @property
    def short_name(self) -> str:
        """Its name without the folders above it."""
        return self.member or self.container.path.name


class Beginning(NamedTuple):
    """The first megabyte of a file."""

    data: bytes
    is_whole: bool

    def sample(self, file: File) -> Sample:
        """Return it as a recogniser wants it."""
        text = self.data.decode(file.encoding, "replace").removeprefix("\ufeff")
        return Sample(file.name, text, is_whole=self.is_whole)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a file shows; without a format it may be half of something, as its `role` may tell."""

    file: File
    format: str | None
    confidence: float
    spacing: str
    columns: str = ""
    role: str | None = None


def probe(container: Container, member: Member, options: Options) -> Shown | Skipped:
    """Return what a member shows, or why it cannot be read."""
    start, chunks = beginning(member.chunks)
    if member.problem or not start.data:
        return Skipped(0, member.problem or EMPTY, "", member.name)
    named = options.format_name
    binaries = [each for each in options.formats if each.magic and named in {None, each.name}]
    fitting = (each for each in binaries if start.data.startswith(each.magic or b""))
    if found := next(fitting, None):
        file = File(container, member.index, member.name, BINARY)
        with binary_of(file, chunks) as binary:
            return _shown(file, found, 1.0, (binary, binary), options)
    if named and binaries:
        return Skipped(0, NOT_NAMED, "", member.name)
    encoding = options.encoding or detect(start.data)
    if encoding is None:
        return Skipped(0, NO_TEXT, "", member.name)
    try:
        return _text_shown(File(container, member.index, member.name, encoding), start, options)
    except (ReadError, UsageError) as error:
        if member.name is None:
            raise
        reason = str(error).removesuffix(".")
        return Skipped(0, reason, "", member.name)  # others of the archive may do


def beginning(chunks: Chunks) -> tuple[Beginning, Chunks]:
    """Return the first megabyte of a file, and all of it."""
    pieces: list[bytes] = []
    size = 0
    while size <= SAMPLE and (chunk := next(chunks, None)) is not None:
        pieces.append(chunk)
        size += len(chunk)
    return Beginning(b"".join(pieces)[:SAMPLE], size <= SAMPLE), chain(pieces, chunks)


def records_of(format_name: str, source: Text | Binary, layout: Layout) -> Records:
    """Return what the reader of a format makes of a file."""
    reader = READERS[format_name]
    found: Records = reader.read(source, layout) if reader.takes_layout else reader.read(source)
    return found


@contextmanager
def binary_of(file: File, chunks: Chunks) -> Iterator[Binary]:
    """Give a file that is no text, unpacked on disk."""
    if file.container.is_plain:
        yield Binary(file.name, file.container.path)
        return
    with spooled(chunks) as path:
        yield Binary(file.name, path)


def _text_shown(file: File, start: Beginning, options: Options) -> Shown:
    sample = start.sample(file)
    if not options.is_joint:
        named = options.format_name
        found = (READERS[named], 1.0) if named else recognised(sample, options.formats)
        if found:
            text = Text(file.name, read_chunks(BytesIO(start.data)), encoding=file.encoding)
            return _shown(file, *found, (text, sample), options)
    role = next((role for role, like in zip(ROLES, _LOOKS, strict=True) if like(sample)), None)
    return Shown(file, None, 0.0, spacing_of(sample.lines), role=role)


def _shown(
    file: File,
    found: Format,
    confidence: float,
    views: tuple[Text, Sample] | tuple[Binary, Binary],
    options: Options,
) -> Shown:
    """Return what a file shows whose format is `found`; it is read, and described, by `views`."""
    columns = found.describe(views[1], options.layout) if found.describe else ""
    spacing = spacing_of(_turns(records_of(found.name, views[0], options.layout)))
    return Shown(file, found.name, confidence, spacing, columns)


def _turns(records: Records) -> list[str]:
    """Return the first turns of what may be cut, or broken."""
    turns = chain.from_iterable(each.turns for each in records if isinstance(each, Dialogue))
    found: list[str] = []
    with suppress(ReadError):  # the reading itself will tell
        found.extend(turn.text for turn in islice(turns, _JUDGED))
    return found
