"""A file on disk seen as members of bytes: plain, packed, zip or tar, recognised by content."""

import hashlib
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import BufferedReader
from itertools import pairwise
from pathlib import Path

import zstandard

from corpus_tools.errors import ReadError, UnrecognisedError
from corpus_tools.formats.containers.archive import (
    Member,
    is_tar,
    is_zip,
    read_chunks,
    tar_members,
    zip_members,
)
from corpus_tools.formats.containers.naming import printable
from corpus_tools.formats.containers.packing import (
    HEAD,
    Chunks,
    ExcessError,
    counted,
    is_packed,
    peeked,
    unpacked,
)

FREE_EXPANSION = 1 << 26
LARGEST_RATIO = 100
"""Above `FREE_EXPANSION` bytes, a file that unpacks to more than this many times its size is
refused: text reaches about 30, an archive made to fill the disk 1,000 and more."""

_DAMAGE = (
    EOFError,
    OSError,  # bzip2, or the disk itself
    IndexError,  # these three: zipfile, of a broken directory
    ValueError,
    struct.error,
    lzma.LZMAError,
    MemoryError,  # lzma, of a header that names a huge dictionary
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    zstandard.ZstdError,
    NotImplementedError,  # a zip that the standard library cannot read
    RuntimeError,  # RecursionError: headers of a tar one behind the other
)
_FOREIGN = (
    (is_zip, "a zip inside another file"),
    (is_tar, "a tar inside another archive"),
    (lambda head: head.startswith(b"Rar!\x1a\x07"), "a RAR archive"),
    (lambda head: head.startswith(b"7z\xbc\xaf\x27\x1c"), "a 7z archive"),
)


class Container:
    """One file on disk, called `name` in messages; `position` tells how far it has been read."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = printable(name or str(path))
        self.position = 0
        with self._open() as file:
            head = file.read(HEAD)
            self.size = file.seek(0, io.SEEK_END)
        if not self.size:
            raise UnrecognisedError(
                f"{self.name}: the file is empty", "Give a file with dialogues."
            )
        self._is_zip = is_zip(head)
        self.is_plain = not (self._is_zip or is_packed(head) or is_tar(head))

    def digest(self) -> bytes:
        """Return the sha256 of the bytes as they lie on disk."""
        with self._open() as file:
            return hashlib.file_digest(file, "sha256").digest()

    def members(self, order: Sequence[int] | None = None) -> Generator[Member, None, None]:
        """Yield the members at the places `order`, or all; read one before you take the next."""
        runs = [order] if self._is_zip or order is None else _ascending(order)
        for run in runs:
            with self._open() as file, self._damage_named():
                yield from self._opened_members(file, run)

    def check(self) -> None:
        """Unpack everything once, so that damage and excess show before anything is read."""
        for member in self.members():
            for _ in member.chunks:
                pass

    def full_name(self, member: str | None) -> str:
        """Return how messages call a member."""
        return self.name if member is None else f"{self.name}!{member}"

    def _opened_members(
        self, file: BufferedReader, order: Sequence[int] | None
    ) -> Iterator[Member]:
        count = self._meter(file)
        if self._is_zip:
            members = zip_members(file, order)
        else:
            head, chunks = peeked(unpacked(read_chunks(file), count))
            members = (
                tar_members(chunks, order) if is_tar(head) else iter([Member(0, None, chunks)])
            )
        for member in members:
            if member.problem:
                yield member
                continue
            chunks = counted(member.chunks, count) if self._is_zip else member.chunks
            head, chunks = peeked(unpacked(chunks, count))
            problem = next((text for is_it, text in _FOREIGN if is_it(head)), None)
            yield replace(member, chunks=self._named(chunks, file), problem=problem)

    def _meter(self, file: BufferedReader) -> Callable[[int], None]:
        """Return what hears of unpacked bytes and refuses too many of them."""
        produced = 0

        def count(size: int) -> None:
            nonlocal produced
            produced += size
            # The members of a zip may be one and the same bytes.
            read = self.size if self._is_zip else file.tell()
            if produced > FREE_EXPANSION + LARGEST_RATIO * read:
                raise ExcessError(f"unpacks to more than {LARGEST_RATIO} times its size")

        return count

    def _named(self, chunks: Chunks, file: BufferedReader) -> Chunks:
        with self._damage_named():
            for chunk in chunks:
                self.position = file.tell()
                yield chunk

    def _open(self) -> BufferedReader:
        try:
            kind = self.path.stat().st_mode
            if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
                raise ReadError(
                    f"{self.name}: a pipe or a device, but a file is read more than once. "
                    "Save it as a file first, or give it to stdin and name '-'."
                )
            return self.path.open("rb")
        except FileNotFoundError:
            raise ReadError(f"{self.name}: no such file. Check the path.") from None
        except IsADirectoryError:
            raise ReadError(f"{self.name}: a directory. Name the files inside it.") from None
        except OSError as error:
            raise ReadError(f"{self.name}: cannot be opened ({error.strerror}).") from error

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except ExcessError as error:
            raise ReadError(
                f"{self.name}: {error}, which no text does. Unpack it yourself if it is meant."
            ) from error
        except _DAMAGE as error:
            raise ReadError(
                f"{self.name}: damaged or cut short near byte {self.position:,} ({error}). "
                "Get the file again."
            ) from error


def _ascending(order: Sequence[int]) -> list[list[int]]:
    """Cut `order` into runs that ascend, since a stream is read in one direction only."""
    runs = [[*order[:1]]]
    for left, right in pairwise(order):
        if right <= left:
            runs.append([])
        runs[-1].append(right)
    return runs
