"""Decoded text of one member, in chunks or in lines, that knows where it is."""

import codecs
from collections.abc import Iterator

from corpus_tools.errors import ReadError

LONGEST_LINE = 1 << 20
"""Characters in one line above which a file is refused instead of eaten into memory."""


class Text:
    """The text of one file or member, to be read once from start to end."""

    def __init__(self, name: str, chunks: Iterator[bytes], *, encoding: str) -> None:
        self.name = name
        self.encoding = encoding
        self._bytes = chunks
        self._pending = ""

    def chunks(self) -> Iterator[str]:
        """Yield the text in pieces of any size, without a byte order mark."""
        decoder = codecs.getincrementaldecoder(self.encoding)("strict")
        offset, first = 0, True
        for chunk in self._bytes:
            text = self._decode(decoder, chunk, offset=offset)
            offset += len(chunk)
            if first and text:
                first, text = False, text.removeprefix("\ufeff")
            yield text
        yield self._decode(decoder, b"", offset=offset, final=True)

    def lines(self) -> Iterator[tuple[int, str]]:
        r"""Yield (number, line) without its end, which is \n or \r\n and nothing else."""
        number, rest = 1, ""
        for chunk in self.chunks():
            *lines, rest = (rest + chunk).split("\n")
            for line in lines:
                self._check_length(line, number)
                yield number, line.removesuffix("\r")
                number += 1
            self._check_length(rest, number)
        if rest:
            yield number, rest.removesuffix("\r")

    def fail(self, problem: str, *, advice: str, line: int | None = None) -> ReadError:
        """Return the error that names this file, the line, the problem and what to do."""
        place = self.name if line is None else f"{self.name}, line {line}"
        return ReadError(f"{place}: {problem}. {advice}")

    def _check_length(self, line: str, number: int) -> None:
        if len(line) > LONGEST_LINE:
            raise self.fail(
                f"longer than {LONGEST_LINE:,} characters",
                advice="Is it really lines of dialogue? Name the right --format.",
                line=number,
            )

    def _decode(
        self, decoder: codecs.IncrementalDecoder, chunk: bytes, *, offset: int, final: bool = False
    ) -> str:
        held = len(decoder.getstate()[0])
        try:
            return decoder.decode(chunk, final)
        except UnicodeError as error:
            start = getattr(error, "start", 0)
            raise ReadError(
                f"{self.name}: byte {offset - held + start:,} is not {self.encoding}. "
                "Name the right one with --encoding, or repair the file."
            ) from error
