"""The table of export formats."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from corpus_tools.errors import UsageError
from corpus_tools.exporting.files import write_parallel, write_parquet
from corpus_tools.exporting.selection import Selection
from corpus_tools.exporting.text import chatterbot_lines, jsonl_lines, messages_lines, tsv_lines
from corpus_tools.exporting.writing import write_lines
from corpus_tools.store import Store


@dataclass(frozen=True, slots=True)
class _Text:
    """A format of lines; `shows_refusals`: it has a place for the rule that refused a pair."""

    lines: Callable[[Store, Selection], Iterator[str]]
    shows_refusals: bool = False

    def write(self, store: Store, selection: Selection, path: Path) -> list[Path]:
        """Write one file and return its name."""
        write_lines(self.lines(store, selection), path)
        return [path]


@dataclass(frozen=True, slots=True)
class _Files:
    """A format that is no text, or more than one file."""

    write: Callable[[Store, Selection, Path], list[Path]]
    shows_refusals: bool = False


_FORMATS: MappingProxyType[str, _Text | _Files] = MappingProxyType(
    {
        "jsonl": _Text(jsonl_lines, shows_refusals=True),
        "tsv": _Text(tsv_lines, shows_refusals=True),
        "messages": _Text(messages_lines),
        "chatterbot": _Text(chatterbot_lines),
        "parallel": _Files(write_parallel),
        "parquet": _Files(write_parquet, shows_refusals=True),
    }
)
EXPORT_FORMATS = tuple(_FORMATS)


def export_lines(store: Store, name: str, selection: Selection) -> Iterator[str]:
    """Return the lines of an export in a format that is text; a `UsageError` for the others."""
    found = _format(name, selection)
    if isinstance(found, _Files):
        raise UsageError(f"The format {name!r} is not for the terminal. Name a file with --output.")
    return found.lines(store, selection)


def export_file(store: Store, name: str, selection: Selection, path: Path) -> list[Path]:
    """Write an export to `path` and return the files that this made: two for `parallel`."""
    return _format(name, selection).write(store, selection, path)


def _format(name: str, selection: Selection) -> _Text | _Files:
    if name not in _FORMATS:
        raise UsageError(f"unknown format {name!r}; known formats: {', '.join(EXPORT_FORMATS)}")
    found = _FORMATS[name]
    if selection.refused and not found.shows_refusals:
        able = ", ".join(key for key, each in _FORMATS.items() if each.shows_refusals)
        raise UsageError(
            f"The format {name!r} has no place for the rule of a refused pair. Choose from: {able}."
        )
    return found
