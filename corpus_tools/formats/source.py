"""What one import reads: a file, or two side by side, down to dialogues."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from corpus_tools.errors import ReadError, UsageError
from corpus_tools.formats.container import Container, Member
from corpus_tools.formats.encoding import SAMPLE, detect, is_known
from corpus_tools.formats.readers import FORMATS, JOINT_READERS, READERS, recognised
from corpus_tools.formats.records import Record, Skipped
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text


class Source:
    """An input with its format and its encodings found out, ready to be read.

    `format_name` and `encoding` overrule what the content shows.
    """

    @staticmethod
    def inputs(
        files: Sequence[Path], *, format_name: str | None, encoding: str | None
    ) -> list[tuple[Path, ...]]:
        """Group the files of a command by what belongs together, after a check of the names."""
        if format_name is not None and format_name not in FORMATS:
            raise UsageError(f"unknown format {format_name!r}; known formats: {', '.join(FORMATS)}")
        if encoding is not None and not is_known(encoding):
            raise UsageError(f"unknown encoding {encoding!r}. Try utf-8, gb18030, big5 or utf-16.")
        together = 2 if format_name in JOINT_READERS else 1
        if len(files) % together:
            raise UsageError("The format 'parallel' takes two files: questions, then answers.")
        return [tuple(files[i : i + together]) for i in range(0, len(files), together)]

    def __init__(
        self, paths: Sequence[Path], *, format_name: str | None = None, encoding: str | None = None
    ) -> None:
        self.path = " + ".join(map(str, paths))
        self._containers = [Container(path) for path in paths]
        self._encodings = [_encodings(container, encoding) for container in self._containers]
        self.format = format_name or self._detect_format()
        self.size = sum(container.size for container in self._containers)

    @property
    def encoding(self) -> str:
        """The encodings in use, without repetition."""
        used = [name for names in self._encodings for name in names.values()]
        return ", ".join(dict.fromkeys(used))

    @property
    def encodings(self) -> dict[str, str]:
        """The encoding of every file and member, by its full name."""
        return {
            _full_name(container, member): encoding
            for container, names in zip(self._containers, self._encodings, strict=True)
            for member, encoding in names.items()
        }

    @property
    def position(self) -> int:
        """Bytes on disk read so far."""
        return sum(container.position for container in self._containers)

    def sha256(self) -> str:
        """Return the sum of the bytes on disk; of two files, the sum of their sums."""
        digests = [container.digest() for container in self._containers]
        joined = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()
        return joined.hex()

    def records(self) -> Iterator[Record]:
        """Yield dialogues and what is none, always in the same order."""
        texts = [self._texts(index) for index in range(len(self._containers))]
        if self.format in JOINT_READERS:
            if any(len(names) > 1 for names in self._encodings):
                raise ReadError(
                    f"{self.path}: an archive of several files, of which none is sure to answer "
                    "another. Unpack it and name two of them."
                )
            (_, questions), (_, answers) = (next(each) for each in texts)
            yield from JOINT_READERS[self.format](questions, answers)
            return
        for member, text in texts[0]:
            for record in READERS[self.format].read(text):
                yield replace(record, member=member) if isinstance(record, Skipped) else record

    def _texts(self, index: int) -> Iterator[tuple[str | None, Text]]:
        container, encodings = self._containers[index], self._encodings[index]
        for member in container.members():
            name = _full_name(container, member.name)
            yield member.name, Text(name, member.chunks, encoding=encodings[member.name])

    def _detect_format(self) -> str:
        container, encodings = self._containers[0], self._encodings[0]
        members = container.members()  # kept, since the archive closes with it
        member = next(members)
        encoding = encodings[member.name]
        beginning = _sample(member).decode(encoding, "replace").removeprefix("\ufeff")
        sample = Sample(
            member.name or container.path.name, beginning, is_whole=len(beginning) < SAMPLE // 4
        )
        found = recognised(sample)
        if not found:
            raise ReadError(
                f"{container.path}: its format shows neither in its name nor in its first line. "
                f"Name it with --format: {', '.join(FORMATS)}."
            )
        return found[0].name


def _encodings(container: Container, given: str | None) -> dict[str | None, str]:
    found = {member.name: given or _detect(container, member) for member in container.members()}
    if not found:
        raise ReadError(f"{container.path}: the archive holds no file. Give one with dialogues.")
    return found


def _detect(container: Container, member: Member) -> str:
    encoding = detect(_sample(member))
    if encoding is None:
        raise ReadError(
            f"{_full_name(container, member.name)}: no text in UTF-8, GB18030, Big5 or UTF-16; "
            "perhaps a binary file. If it is text, name its encoding with --encoding."
        )
    return encoding


def _sample(member: Member) -> bytes:
    sample = bytearray()
    for chunk in member.chunks:
        sample += chunk
        if len(sample) >= SAMPLE:
            break
    return bytes(sample[:SAMPLE])


def _full_name(container: Container, member: str | None) -> str:
    return str(container.path) if member is None else f"{container.path}!{member}"
