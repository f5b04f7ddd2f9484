"""gzip, bzip2, xz and zstd taken off a stream of bytes, layer by layer, recognised by content."""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import zstandard

CHUNK = 1 << 16
"""Bytes that are read, and at most come out of one step of unpacking."""
HEAD = 1 << 9
"""Bytes that the first piece of a stream has, if it has so many."""
MOST_LAYERS = 3

# What a packed file says it needs to be unpacked; the strongest settings need 65 and 128 MiB.
_LARGEST_WINDOW = 1 << 27
# One compressed byte may stand for 32 KiB in zstd, and its decompressor has no bound of its own.
_ZSTD_PIECE = 1 << 10

Chunks = Iterator[bytes]


class ExcessError(Exception):
    """Refuse what no collection of dialogues has, in words that follow the name of the file."""


class _Unpacker(Protocol):
    """What bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def is_packed(head: bytes) -> bool:
    """Tell whether a stream that begins so has a layer to take off."""
    return any(magic.match(head) for magic, _ in _LAYERS)


def unpacked(chunks: Chunks, count: Callable[[int], None]) -> Chunks:
    """Yield the bytes of `chunks` with every layer taken off; `count` hears of all that come out.

    EOFError or the error of the library tells that a layer is damaged.
    """
    for _ in range(MOST_LAYERS + 1):
        head, chunks = peeked(chunks)
        layer = next((take for magic, take in _LAYERS if magic.match(head)), None)
        if not layer:
            return chunks
        chunks = counted(layer(chunks), count)
    raise ExcessError(f"packed more than {MOST_LAYERS} times")


def peeked(chunks: Chunks) -> tuple[bytes, Chunks]:
    """Return the first bytes of a stream, and the stream with them."""
    head = b""
    while len(head) < HEAD and (chunk := next(chunks, None)) is not None:
        head += chunk
    return head[:HEAD], _with_head(head, chunks)


def counted(chunks: Chunks, count: Callable[[int], None]) -> Chunks:
    """Yield `chunks`; `count` hears of the size of each."""
    for chunk in chunks:
        count(len(chunk))
        yield chunk


def _with_head(head: bytes, chunks: Chunks) -> Chunks:
    if head:
        yield head
    yield from chunks


def _gunzipped(chunks: Chunks) -> Chunks:
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


def _bunzipped(chunks: Chunks) -> Chunks:
    return _unpacked(chunks, bz2.BZ2Decompressor, "bzip2")


def _unxz(chunks: Chunks) -> Chunks:
    def start() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LARGEST_WINDOW)

    try:
        yield from _unpacked(chunks, start, "xz")
    except lzma.LZMAError as error:
        if "Memory usage limit" not in str(error):
            raise
        raise ExcessError(f"needs more than {_LARGEST_WINDOW:,} bytes of memory") from error


def _unpacked(chunks: Chunks, start: Callable[[], _Unpacker], name: str) -> Chunks:
    unpacker = start()
    for chunk in chunks:
        rest = chunk
        while rest or not (unpacker.eof or unpacker.needs_input):
            if unpacker.eof:
                if not rest.strip(b"\0"):
                    break
                unpacker = start()
            yield unpacker.decompress(rest, CHUNK)
            rest = unpacker.unused_data
    if not unpacker.eof:
        raise EOFError(f"the {name} stream has no end")


def _unzstd(chunks: Chunks) -> Chunks:
    frames = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
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


_LAYERS: tuple[tuple[re.Pattern[bytes], Callable[[Chunks], Chunks]], ...] = (
    (re.compile(rb"\x1f\x8b\x08"), _gunzipped),
    (re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), _bunzipped),
    (re.compile(rb"\xfd7zXZ\0"), _unxz),
    (re.compile(rb"\x28\xb5\x2f\xfd"), _unzstd),
)
