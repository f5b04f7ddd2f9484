"""Decoded text of one member, in chunks or in lines, that knows where it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from corpus_tools.errors import ReadError
from corpus_tools.formats.decoding import Bad, decoded
from corpus_tools.formats.records import Skipped

LONGEST_LINE = 1 << 20
"""Characters in one line above which a file is refused instead of eaten into memory."""
WHOLE_LINES = 1 << 16
"""Characters in one line above which `chunks` passes it on in several pieces."""
MOST_DAMAGE = 0.01
"""Bad bytes, as a share of all, above which it is the encoding that is wrong."""

_FREE_DAMAGE = 3
_JUDGED = 1 << 16  # bytes before which nothing is said about their share
_SHOWN = 1_000  # characters of a damaged line


@dataclass(frozen=True, slots=True)
class Binary:
    """A file that is no text: plain and unpacked at `path`, called `name` in messages."""

    name: str
    path: Path

    def fail(self, problem: str, *, advice: str, line: int | None = None) -> ReadError:
        """Return the error that names this file, the line or row, the problem and what to do."""
        return _error(self.name, problem, advice=advice, line=line)


class Text:
    """The text of one file or member, to be read once from start to end.

    A byte that is not of the encoding becomes U+FFFD; `take_damaged` tells where that was.
    """

    def __init__(self, name: str, chunks: Iterator[bytes], *, encoding: str) -> None:
        self.name = name
        self.encoding = encoding
        self._bytes = chunks
        self._read = 0  # bytes
        self._spoilt = 0  # of them
        self.damaged: list[Skipped] = []

    def chunks(self) -> Iterator[str]:
        """Yield the text in pieces that end with a line, without a byte order mark.

        Only a line of over 65,536 characters comes in several pieces.
        """
        line, rest, mark = 1, "", "\ufeff"
        bad: list[Bad] = []
        for decoded_text, found in self._decoded():
            bad += [replace(each, index=each.index + len(rest)) for each in found]
            text = rest + decoded_text
            end = text.rfind("\n") + 1 or (len(text) if len(text) >= WHOLE_LINES else 0)
            piece, rest = text[:end], text[end:]
            if bad:
                bad = self._note(bad, piece, line)
            if piece:
                line += piece.count("\n")
                yield piece.removeprefix(mark)
                mark = ""
        self._note(bad, rest, line)
        yield rest.removeprefix(mark)

    def lines(self) -> Iterator[tuple[int, str]]:
        r"""Yield (number, line) without its end, which is \n or \r\n and nothing else."""
        number, rest = 1, ""
        for piece in self.chunks():
            *lines, rest = (rest + piece).replace("\r\n", "\n").split("\n")
            if len(rest) + len(piece) > LONGEST_LINE:
                self._check_lengths([*lines, rest], number)
            yield from enumerate(lines, number)
            number += len(lines)
        if rest:
            yield number, rest.removesuffix("\r")

    def take_damaged(self) -> list[Skipped]:
        """Return the lines with bad bytes that were read since the last call."""
        found, self.damaged = self.damaged, []
        return found

    def fail(self, problem: str, *, advice: str, line: int | None = None) -> ReadError:
        """Return the error that names this file, the line, the problem and what to do."""
        return _error(self.name, problem, advice=advice, line=line)

    def _check_lengths(self, lines: list[str], number: int) -> None:
        for place, line in enumerate(lines, number):
            if len(line) > LONGEST_LINE:
                raise self.fail(
                    f"longer than {LONGEST_LINE:,} characters",
                    advice="Is it really lines of dialogue? Name the right --format.",
                    line=place,
                )

    def _decoded(self) -> Iterator[tuple[str, list[Bad]]]:
        """Yield decoded text while its bytes can be meant to be of the encoding."""
        first: Bad | None = None
        try:
            for text, bad in decoded(self._counted(), self.encoding):
                first = first or next(iter(bad), None)
                self._spoilt += len(bad)
                if first and self._read > _JUDGED:
                    self._judge(first)
                yield text, bad
        except UnicodeError as error:  # UTF-16 and UTF-32 that lack the mark they need
            raise self.fail(
                f"no {self.encoding} ({error})", advice="Name the right one with --encoding."
            ) from error
        if first:
            self._judge(first)

    def _counted(self) -> Iterator[bytes]:
        for chunk in self._bytes:
            self._read += len(chunk)
            yield chunk

    def _judge(self, first: Bad) -> None:
        if self._spoilt > _FREE_DAMAGE + MOST_DAMAGE * self._read:
            raise self.fail(
                f"byte {first.offset:,} is not {self.encoding}, nor are {self._spoilt - 1:,} more",
                advice="Name the right one with --encoding, or repair the file.",
            )

    def _note(self, bad: list[Bad], piece: str, line: int) -> list[Bad]:
        """Keep the damaged lines of `piece`, which begins at `line`; return what is behind it."""
        seen = 0  # up to the end of the last damaged line
        for each in bad:
            if seen <= each.index < len(piece):
                line += piece.count("\n", seen, each.index)
                end = piece.find("\n", each.index)
                seen = len(piece) if end < 0 else end
                begin = max(piece.rfind("\n", 0, each.index) + 1, each.index - _SHOWN // 2)
                reason = f"byte {each.offset:,} (0x{each.byte:02X}) is not {self.encoding}"
                shown = piece[begin : min(seen, begin + _SHOWN)].removesuffix("\r")
                self.damaged.append(Skipped(line, reason, shown))
        behind = (each for each in bad if each.index >= len(piece))
        return [replace(each, index=each.index - len(piece)) for each in behind]


def _error(name: str, problem: str, *, advice: str, line: int | None) -> ReadError:
    place = name if line is None else f"{name}, line {line}"
    return ReadError(f"{place}: {problem}. {advice}")
