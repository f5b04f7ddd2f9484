"""The formats by name, and how a file shows which one it has."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from types import MappingProxyType

from corpus_tools.formats.chatterbot import read_chatterbot
from corpus_tools.formats.conv import read_conv
from corpus_tools.formats.json_tree import read_json
from corpus_tools.formats.jsonl import read_jsonl
from corpus_tools.formats.records import Records
from corpus_tools.formats.tables import columns_of, read_csv, read_tsv
from corpus_tools.formats.text import Text

READERS: Mapping[str, Callable[[Text], Records]] = MappingProxyType(
    {
        "chatterbot": read_chatterbot,
        "conv": read_conv,
        "csv": read_csv,
        "json": read_json,
        "jsonl": read_jsonl,
        "tsv": read_tsv,
    }
)
PARALLEL = "parallel"
FORMATS = (*READERS, PARALLEL)

_ENDINGS = {
    ".conv": "conv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".tsv": "tsv",
    ".yaml": "chatterbot",
    ".yml": "chatterbot",
}
_PACKED = frozenset({".gz", ".zip", ".zst"})


def format_of(name: str, sample: str) -> str | None:
    """Return the format of a file by its name, else by how its text begins, or None."""
    return _ENDINGS.get(_ending(name)) or _format_by_content(sample)


def _ending(name: str) -> str:
    path = PurePath(name.lower())
    while path.suffix in _PACKED:
        path = path.with_suffix("")
    return path.suffix


def _format_by_content(sample: str) -> str | None:
    lines = [line for line in sample.lstrip("\ufeff").splitlines() if line.strip()]
    first = lines[0] if lines else ""
    if first.lstrip()[:1] in {"{", "["}:
        return "jsonl" if len(lines) > 1 and _is_json(first) else "json"
    if re.fullmatch(r"E\s*|M .*", first):
        return "conv"
    if re.match(r"(categories|conversations):", first):
        return "chatterbot"
    if "\t" in first:
        return "tsv"
    return "csv" if columns_of(first.split(",")) else None


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
