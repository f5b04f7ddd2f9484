"""The arguments of a command as inputs: files, patterns, folders, stdin, and pairs of files."""

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from corpus_tools.errors import ReadError, UnrecognisedError, UsageError
from corpus_tools.formats.catalogue import BY_NAME
from corpus_tools.formats.containers.archive import read_chunks
from corpus_tools.formats.containers.container import Container
from corpus_tools.formats.containers.naming import is_hidden, printable
from corpus_tools.formats.containers.spool import spooled
from corpus_tools.formats.joint import partners
from corpus_tools.formats.options import Options
from corpus_tools.formats.parts import joint_pairs
from corpus_tools.formats.probe import Shown, probe
from corpus_tools.formats.source import Source

STDIN = Path("-")

_CORNELL_MARK = b"+++$+++"


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that is no input, with the reason; no error if only a folder holds it."""

    message: str
    is_error: bool


class _Found(NamedTuple):
    """A file, and the folder among the arguments that it was found in."""

    path: Path
    folder: Path | None = None
    name: str | None = None


_Group = tuple[_Found, ...]


@contextmanager
def opened_inputs(
    arguments: Sequence[Path], options: Options, stdin: IO[bytes] | None
) -> Iterator[Iterator[Source | Unread]]:
    """Give the inputs that the arguments mean, opened one after the other.

    An argument is a file, `-` for stdin, a folder with all below it, or a pattern such as `*.tsv`
    that no shell has expanded. Two files that belong together are one input.
    """
    with ExitStack() as stack:
        found: list[_Found] = []
        for argument in arguments:
            if argument == STDIN:
                if stdin is None:
                    raise ReadError("stdin: closed. Pipe something into it, or name a file.")
                path = stack.enter_context(spooled(read_chunks(stdin)))
                found.append(_Found(path, name="stdin"))
            else:
                found += _expanded(argument)
        yield _opened(found, options)


def _opened(found: Sequence[_Found], options: Options) -> Iterator[Source | Unread]:
    empty: dict[Path | None, None] = {each.folder: None for each in found if each.folder}
    files = [each for each in found if each.path != each.folder]
    for group in _grouped(files, options):
        folder = group[0].folder
        try:
            yield _source(group, options)
            empty.pop(folder, None)
        except UnrecognisedError as error:
            yield Unread(str(error), True) if folder is None else Unread(error.problem, False)
        except ReadError as error:
            yield Unread(str(error), is_error=True)
            empty.pop(folder, None)
    for folder in empty:
        name = printable(str(folder))
        yield Unread(f"{name}: no dialogues in this folder. Name a file in it.", is_error=True)


def _source(group: _Group, options: Options) -> Source:
    return Source(
        [each.path for each in group],
        format_name=options.format_name,
        encoding=options.encoding,
        layout=options.layout,
        spacing=options.spacing,
        name=group[0].name,
    )


def _expanded(argument: Path) -> list[_Found]:
    """Return the files that an argument means, in a fixed order; a folder stands for itself too."""
    if argument.is_dir():
        return [_Found(path, argument) for path in (argument, *_below(argument))]
    if not os.path.lexists(argument) and glob.has_magic(str(argument)):
        names = glob.glob(str(argument), recursive=True)  # noqa: PTH207 - from any root
        return [each for name in sorted(names) for each in _expanded(Path(name))] or [
            _Found(argument)
        ]
    return [_Found(argument)]


def _below(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and in those inside it, in the order of their names."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not is_hidden(name):
                yield path


def _grouped(found: Sequence[_Found], options: Options) -> list[_Group]:
    """Put together what belongs together, each group where its first file stands."""
    if options.is_joint:
        return _two_by_two(found, options)
    if options.format_name or options.layout:
        return [(each,) for each in found]
    halves = _halves(found, options)
    places = [*halves]
    pairs = {
        min(places[i], places[j]): (found[places[i]], found[places[j]])
        for i, j in joint_pairs([(str(found[place].path), halves[place].role) for place in places])
    }
    paired = {each for pair in pairs.values() for each in pair}
    return [
        pairs.get(place, (each,))
        for place, each in enumerate(found)
        if place in pairs or each not in paired
    ]


def _two_by_two(found: Sequence[_Found], options: Options) -> list[_Group]:
    if len(found) == 1 and not Container(found[0].path).is_plain:
        return [(found[0],)]
    if len(found) % 2:
        raise UsageError(
            f"The format {options.format_name!r} takes two files: questions, then answers."
        )
    return [(found[i], found[i + 1]) for i in range(0, len(found), 2)]


def _halves(found: Sequence[_Found], options: Options) -> dict[int, Shown]:
    """Return what the files show that are perhaps half of something, by their places."""
    named = {place for pair in partners([str(each.path) for each in found]) for place in pair}
    halves = {}
    for place, each in enumerate(found):
        if half := _half(each.path, options, by_name=place in named):
            halves[place] = half
    return halves


def _half(path: Path, options: Options, *, by_name: bool) -> Shown | None:
    """Return what a file shows if its name or its first bytes tell that it is half of something."""
    try:
        container = Container(path)
        if not by_name and not _has_cornell_mark(container):
            return None
        shown = [probe(container, member, options) for member in container.members()]
    except ReadError:
        return None  # opening it will tell
    if len(shown) == 1 and isinstance(shown[0], Shown) and shown[0].confidence < BY_NAME:
        return shown[0]
    return None


def _has_cornell_mark(container: Container) -> bool:
    with closing(container.members()) as members:
        member = next(members, None)
        return member is not None and _CORNELL_MARK in next(member.chunks, b"")
