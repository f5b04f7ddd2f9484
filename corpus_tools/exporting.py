"""Pairs out of a store, as lines of JSON or as a table."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from corpus_tools.errors import CorpusError
from corpus_tools.store import Pair


def jsonl_lines(pairs: Iterable[Pair], *, verdicts: bool) -> Iterator[str]:
    """Yield a JSON object a pair; with `verdicts` also the rule that refused it."""
    names = ["prompt", "reply", "split", "source", "license"] + ["rejected"] * verdicts
    for pair in pairs:
        fields = {name: getattr(pair, name) for name in names}
        yield json.dumps(fields, ensure_ascii=False)


def tsv_lines(pairs: Iterable[Pair], *, verdicts: bool) -> Iterator[str]:
    """Yield a header and a row a pair; white space inside a field becomes one space."""
    names = ["prompt", "reply"] + ["rejected"] * verdicts
    yield "\t".join(names)
    for pair in pairs:
        yield "\t".join(" ".join((getattr(pair, name) or "").split()) for name in names)


WRITERS: MappingProxyType[str, Callable[..., Iterator[str]]] = MappingProxyType(
    {"jsonl": jsonl_lines, "tsv": tsv_lines}
)


def write_lines(lines: Iterable[str], path: Path) -> None:
    """Write beside `path`, then rename: an interrupted export leaves the old file."""
    beside = path.parent / f".{path.name}.{os.getpid()}"
    try:
        if path.exists() and not path.is_file():  # a rename would put a file in its place
            raise CorpusError(f"{path}: no file. Name one, or leave --output out for stdout.")
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
        beside.replace(path)
    except OSError as error:
        raise CorpusError(f"{path}: cannot be written ({error.strerror}).") from error
    finally:
        with suppress(OSError):
            beside.unlink()
