"""A file on disk seen as members of bytes: plain, gzip, zstd or zip, recognised by content."""

import hashlib
import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, NamedTuple

import zstandard

from corpus_tools.errors import ReadError

CHUNK = 1 << 16
PACKED = frozenset({".gz", ".zip", ".zst"})
"""Endings of names that say how a file is packed."""
FREE_EXPANSION = 1 << 26
LARGEST_RATIO = 500
"""Above `FREE_EXPANSION` bytes, a file that unpacks to more than this many times its size is
refused: text reaches about 30, an archive made to fill the disk 1,000 and more."""

# One compressed byte may stand for 32 KiB in zstd, and its decompressor has no bound of its own.
_ZSTD_PIECE = 1 << 10
_ZSTD_WINDOW = 1 << 27
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZIP_MAGIC = b"PK\x03\x04"
_DAMAGE = (
    EOFError,
    OSError,  # bzip2 in a zip, or the disk itself
    IndexError,  # these three: zipfile, of a broken directory
    ValueError,
    struct.error,
    lzma.LZMAError,
    MemoryError,  # lzma in a zip, whose header names the size of its dictionary
    zipfile.BadZipFile,
    zlib.error,
    zstandard.ZstdError,
    NotImplementedError,  # a zip method that the standard library lacks
    RuntimeError,  # a zip member with a password
)


class Member(NamedTuple):
    """One file inside a container; a plain file is its own only member."""

    name: str | None
    chunks: Iterator[bytes]


class Container:
    """One file on disk; `position` tells how far it has been read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        with self._open() as file:
            self.size = file.seek(0, io.SEEK_END)
        if not self.size:
            raise ReadError(f"{path}: the file is empty. Give a file with dialogues.")

    def digest(self) -> bytes:
        """Return the sha256 of the bytes as they lie on disk."""
        with self._open() as file:
            return hashlib.file_digest(file, "sha256").digest()

    def members(self) -> Iterator[Member]:
        """Yield the members in the order of the archive; read one before you take the next."""
        with self._open() as file, self._damage_named():
            if not zipfile.is_zipfile(file):
                file.seek(0)
                if file.peek(4).startswith(_ZIP_MAGIC):
                    raise EOFError("the zip archive has no end")
                yield Member(None, self._read(file, file))
                return
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    if info.is_dir() or info.filename.startswith("__MACOSX/"):
                        continue
                    with archive.open(info) as stream:
                        yield Member(info.filename, self._read(stream, file))

    def _open(self) -> BufferedReader:
        try:
            kind = self.path.stat().st_mode
            if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
                raise ReadError(
                    f"{self.path}: a pipe or a device, but a file is read more than once. "
                    "Save it as a file first."
                )
            return self.path.open("rb")
        except FileNotFoundError:
            raise ReadError(f"{self.path}: no such file. Check the path.") from None
        except IsADirectoryError:
            raise ReadError(f"{self.path}: a directory. Name the files inside it.") from None
        except OSError as error:
            raise ReadError(f"{self.path}: cannot be opened ({error.strerror}).") from error

    def _read(self, stream: IO[bytes], file: IO[bytes]) -> Iterator[bytes]:
        produced = 0
        with self._damage_named():
            for chunk in _unpacked(stream):
                self.position = file.tell()
                produced += len(chunk)
                if produced > FREE_EXPANSION + LARGEST_RATIO * self.size:
                    raise ReadError(
                        f"{self.path}: unpacks to more than {LARGEST_RATIO} times its size, which "
                        "no text does. Unpack it yourself if it is meant."
                    )
                yield chunk

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            raise ReadError(
                f"{self.path}: damaged or cut short near byte {self.position:,} ({error}). "
                "Get the file again."
            ) from error


def _unpacked(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of `stream` with every layer of gzip and zstd taken off."""
    head = stream.read(4)
    chunks = _with_head(head, stream)
    if head.startswith(_GZIP_MAGIC):
        yield from _gunzipped(chunks)
    elif head == _ZSTD_MAGIC:
        yield from _unzstd(chunks)
    else:
        yield from chunks


def _with_head(head: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    yield head
    while chunk := stream.read(CHUNK):
        yield chunk


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    for chunk in chunks:
        rest = chunk
        while rest:
            if unpacker.eof:
                if not rest.strip(b"\0"):  # tape padding
                    break
                unpacker = zlib.decompressobj(wbits=31)
            yield unpacker.decompress(rest, CHUNK)
            rest = unpacker.unconsumed_tail or unpacker.unused_data
    if not unpacker.eof:
        raise EOFError("the gzip stream has no end")


def _unzstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    frames = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    unpacker = frames.decompressobj()
    for chunk in chunks:
        for start in range(0, len(chunk), _ZSTD_PIECE):
            rest = chunk[start : start + _ZSTD_PIECE]
            while rest:
                if unpacker.eof:
                    unpacker = frames.decompressobj()
                yield unpacker.decompress(rest)
                rest = unpacker.unused_data
    if not unpacker.eof:
        raise EOFError("the zstd stream has no end")
