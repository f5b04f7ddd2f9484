"""The members of a zip and of a tar, read one by one and never written to disk."""

import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, cast

from corpus_tools.formats.containers.naming import decoded_name, is_hidden, printable
from corpus_tools.formats.containers.packing import CHUNK, HEAD, Chunks, ExcessError

MOST_MEMBERS = 100_000
LARGEST_DIRECTORY = 1 << 24
"""Bytes of the directory of a zip."""
LARGEST_HEADER = 1 << 18
"""Bytes in front of one member of a tar."""
LARGEST_DICTIONARY = 1 << 27
"""Bytes of memory that an LZMA member of a zip may ask for."""

_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_WITH_PASSWORD = 1
_UTF8_NAME = 0x800


@dataclass(frozen=True, slots=True)
class Member:
    """One file inside a container; a plain file is its own only member, without a name.

    `index` is its place in the archive; `problem` says why it cannot be read.
    """

    index: int
    name: str | None
    chunks: Chunks
    problem: str | None = None


def is_zip(head: bytes) -> bool:
    """Tell whether a file that begins so is a zip."""
    return head.startswith(_ZIP_MAGICS)


def is_tar(head: bytes) -> bool:
    """Tell whether a file that begins so is a tar: its first header has the right sum."""
    try:
        tarfile.TarInfo.frombuf(head[:HEAD], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def zip_members(file: IO[bytes], order: Sequence[int] | None) -> Iterator[Member]:
    """Yield the members at the places `order`, or all of them."""
    with zipfile.ZipFile(_Bounded(file)) as archive:
        infos = archive.infolist()
        _check_count(len(infos))
        for index in range(len(infos)) if order is None else order:
            info = infos[index]
            name = _zip_name(info)
            if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16) or is_hidden(name):
                continue
            if problem := _zip_problem(file, info):
                yield Member(index, printable(name), iter(()), problem)
                continue
            with archive.open(info) as stream:
                yield Member(index, printable(name), read_chunks(stream))


def tar_members(chunks: Chunks, order: Sequence[int] | None) -> Iterator[Member]:
    """Yield the members at the places `order`, which must ascend, or all of them."""
    stream = _Forward(chunks)
    wanted = None if order is None else frozenset(order)
    with _Tar(fileobj=cast(Any, stream), encoding="utf-8", errors="surrogateescape") as archive:
        index = -1
        while info := _next_header(archive, stream):
            index += 1
            _check_count(index + 1)
            if wanted is not None and index not in wanted:
                continue
            name = decoded_name(info.name.encode("utf-8", "surrogateescape"), info.name)
            if info.isreg() and not info.issparse() and not is_hidden(name):
                yield Member(index, printable(name), stream.part(info.size))
        if stream.last_block != bytes(tarfile.BLOCKSIZE):
            raise EOFError("the tar archive has no end")


def read_chunks(stream: IO[bytes]) -> Chunks:
    """Yield the bytes of a stream."""
    while chunk := stream.read(CHUNK):
        yield chunk


def _next_header(archive: "_Tar", stream: "_Forward") -> tarfile.TarInfo | None:
    stream.header_left = LARGEST_HEADER
    archive.members.clear()
    return archive.next()


def _check_count(count: int) -> None:
    if count > MOST_MEMBERS:
        raise ExcessError(f"more than {MOST_MEMBERS:,} files in it")


def _zip_name(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    return decoded_name(info.filename.encode("cp437", "replace"), info.filename)


def _zip_problem(file: IO[bytes], info: zipfile.ZipInfo) -> str | None:
    if info.flag_bits & _WITH_PASSWORD:
        return "it has a password"
    if info.compress_type not in _METHODS:
        return f"it is packed by method {info.compress_type}, which is not known here"
    if info.compress_type == zipfile.ZIP_LZMA and _dictionary(file, info) > LARGEST_DICTIONARY:
        return f"unpacking it needs more than {LARGEST_DICTIONARY:,} bytes of memory"
    return None


def _dictionary(file: IO[bytes], info: zipfile.ZipInfo) -> int:
    """Return the size of the dictionary that an LZMA member names (APPNOTE.TXT, 4.4.4, 5.8.8)."""
    file.seek(info.header_offset + 26)
    name, extra = struct.unpack("<HH", file.read(4))
    file.seek(name + extra, io.SEEK_CUR)
    return int(struct.unpack("<4xBI", file.read(9))[1])


class _Tar(tarfile.TarFile):
    """A tar whose list of members, which it keeps, is known to be there."""

    members: list[tarfile.TarInfo]


class _Bounded:
    """The file of a zip, from which no directory too large for the memory is read at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > LARGEST_DIRECTORY:
            raise ExcessError(f"a table of contents of {size:,} bytes")
        return self._file.read(size)


class _Forward:
    """A stream of bytes with as much of a file's manner as reading a tar from its start needs."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self._held = b""
        self._position = 0
        self.header_left = LARGEST_HEADER
        self.last_block = b""

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, _whence: int = 0, /) -> int:
        for _ in self.part(position - self._position):
            pass
        return self._position

    def read(self, size: int) -> bytes:
        """Read what belongs to a header."""
        self.header_left -= size
        if self.header_left < 0:
            raise ExcessError(f"a header of more than {LARGEST_HEADER:,} bytes")
        self.last_block = b"".join(self.part(size, to_end=False))
        return self.last_block

    def part(self, size: int, *, to_end: bool = True) -> Chunks:
        """Yield the next `size` bytes; what is missing of them is an error if `to_end`."""
        while size > 0:
            self._held = self._held or next(self._chunks, b"")
            if not self._held:
                if to_end:
                    raise EOFError("the tar archive is cut short")
                return
            piece, self._held = self._held[:size], self._held[size:]
            size -= len(piece)
            self._position += len(piece)
            yield piece
