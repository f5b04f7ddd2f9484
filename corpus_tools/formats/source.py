"""What one import reads: a file, or two that belong together, down to dialogues."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from corpus_tools.formats.catalogue import JOINT_READERS
from corpus_tools.formats.containers.container import Container
from corpus_tools.formats.containers.packing import Chunks
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.options import Options
from corpus_tools.formats.parts import Part, find_joint_part, find_parts
from corpus_tools.formats.probe import BINARY, File, binary_of, records_of
from corpus_tools.formats.records import Dialogue, Record, Records, Skipped, Turn
from corpus_tools.formats.spacing import JOINERS
from corpus_tools.formats.text import Text


class Source:
    """An input with its formats, encodings and spacings found out, ready to be read.

    It is one path, or two of files that belong together. What is given besides overrules what the
    content shows. `parts` is what it consists of, `left_out` the members that are no dialogues.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        format_name: str | None = None,
        encoding: str | None = None,
        layout: Layout = Layout(),  # noqa: B008 - it is frozen
        spacing: str | None = None,
        name: str | None = None,
    ) -> None:
        self.options = Options(format_name, encoding, layout, spacing)
        self._containers = [Container(path, name) for path in paths]
        self.left_out: list[Skipped] = []
        self.parts: list[Part]
        if len(self._containers) == 1:
            self.parts, self.left_out = find_parts(self._containers[0], self.options)
        else:
            self.parts = [find_joint_part(self._containers, self.options)]
        for container in self._containers:
            if not container.is_plain:
                container.check()
        self.path = " + ".join(container.name for container in self._containers)
        self.size = sum(container.size for container in self._containers)

    @property
    def format(self) -> str:
        """The formats in use, without repetition, and what the user says about them."""
        names = ", ".join(dict.fromkeys(part.format for part in self.parts))
        return f"{names} {self.options}".rstrip()

    @property
    def encoding(self) -> str:
        """The encodings in use, without repetition."""
        return ", ".join(dict.fromkeys(self.encodings.values()))

    @property
    def encodings(self) -> dict[str, str]:
        """The encoding of every file and member that is read, by its full name."""
        return {file.name: file.encoding for part in self.parts for file in part.files}

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
        yield from self.left_out
        for _, records in self.records_by_part():
            yield from records

    def records_by_part(self) -> Iterator[tuple[Part, Records]]:
        """Yield every part with its records; read them before you take the next."""
        for size in (1, 2):  # one by one, in one pass; then the pairs, in two passes side by side
            parts = [part for part in self.parts if len(part.files) == size]
            passes = [_pass([part.files[i] for part in parts]) for i in range(size)]
            for part, *streams in zip(parts, *passes, strict=True):
                yield part, self._records(part, streams)

    def _records(self, part: Part, streams: Sequence[Chunks]) -> Records:
        if part.files[0].encoding == BINARY:
            with binary_of(part.files[0], streams[0]) as binary:
                yield from _finished(records_of(part.format, binary, self.options.layout), part)
            return
        texts = [
            Text(file.name, stream, encoding=file.encoding)
            for file, stream in zip(part.files, streams, strict=True)
        ]
        if len(texts) == 1:
            records = records_of(part.format, texts[0], self.options.layout)
        else:
            records = JOINT_READERS[part.format](*texts)
        yield from _finished(records, part, texts)


def _pass(files: Sequence[File]) -> Iterator[Chunks]:
    """Yield the bytes of files, all of one container, one after the other."""
    if files:
        members = files[0].container.members([file.index for file in files])
        yield from (member.chunks for member in members)


def _finished(records: Records, part: Part, texts: Sequence[Text] = ()) -> Records:
    """Add the damaged lines and the names of members, and join text that is spaced."""
    join = JOINERS.get(part.spacing)
    member = part.files[0].member
    for record in records:
        if isinstance(record, Skipped):
            yield replace(record, member=member)
        else:
            yield _joined(record, join) if join else record
        for text in texts:
            if text.damaged:
                yield from _damaged(text, part)
    for text in texts:
        yield from _damaged(text, part)


def _joined(dialogue: Dialogue, join: Callable[[str], str]) -> Dialogue:
    turns = tuple(Turn(join(turn.text), turn.speaker) for turn in dialogue.turns)
    return Dialogue(turns, dialogue.context)


def _damaged(text: Text, part: Part) -> Iterator[Skipped]:
    file = next(each for each in part.files if each.name == text.name)
    member = file.member or (file.name if len(part.files) > 1 else None)
    for line in text.take_damaged():
        yield replace(line, member=member)
