"""Bytes into text, where a byte that is not of the encoding becomes U+FFFD and is noted."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_PIECE = 1 << 8  # bytes decoded at once where some are bad: each bad one costs that many


@dataclass(frozen=True, slots=True)
class Bad:
    """A byte that is not of the encoding, with the place of its U+FFFD in the text around it."""

    index: int
    offset: int
    byte: int


Decoded = tuple[str, list[Bad]]


def decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[Decoded]:
    """Yield the text of every chunk and what was bad in it."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset = 0
    for chunk in chunks:
        state = decoder.getstate()
        try:
            yield decoder.decode(chunk), []
        except UnicodeDecodeError:
            decoder.setstate(state)
            yield _repaired(decoder, chunk, offset)
        offset += len(chunk)
    yield _repaired(decoder, b"", offset, final=True)


def _repaired(
    decoder: codecs.IncrementalDecoder, chunk: bytes, offset: int, *, final: bool = False
) -> Decoded:
    texts: list[str] = []
    bad: list[Bad] = []
    length = 0
    for start in range(0, len(chunk) or 1, _PIECE):
        data, place = chunk[start : start + _PIECE], offset + start
        while True:
            held, flags = decoder.getstate()
            try:
                texts.append(decoder.decode(data, final))
                length += len(texts[-1])
                break
            except UnicodeDecodeError as error:
                data, place = held + data, place - len(held)
                decoder.setstate((b"", flags))
                texts += decoder.decode(data[: error.start]), REPLACEMENT
                bad.append(Bad(length + len(texts[-2]), place + error.start, data[error.start]))
                length += len(texts[-2]) + 1
                data, place = data[error.end :], place + error.end
    return "".join(texts), bad
