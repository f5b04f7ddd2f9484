"""The formats that need a file: two side by side, and Parquet."""

from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

from corpus_tools.errors import CorpusError, MissingExtraError
from corpus_tools.exporting.selection import Selection
from corpus_tools.exporting.text import one_line
from corpus_tools.exporting.writing import written_beside
from corpus_tools.store import Pair, Store

SIDES = ("prompt", "reply")
"""What stands in the names of two parallel files, by which an import knows that they are two."""
ROW_GROUP = 20_000
"""Pairs that are written at once, and that a reader of the file has to hold."""


def write_parallel(store: Store, selection: Selection, path: Path) -> list[Path]:
    """Write the prompts and the replies, one a line, beside one another; return both names."""
    paths = [path.with_name(f"{path.stem}.{side}{path.suffix or '.txt'}") for side in SIDES]
    with written_beside(*paths) as (prompts, replies):
        for pair in selection.pairs(store):
            prompts.write(f"{one_line(pair.prompt)}\n".encode())
            replies.write(f"{one_line(pair.reply)}\n".encode())
    return paths


def write_parquet(store: Store, selection: Selection, path: Path) -> list[Path]:
    """Write a row a pair with the columns of JSONL, a row group at a time."""
    arrow, parquet = _arrow("pyarrow"), _arrow("pyarrow.parquet")
    text = arrow.string()
    few = arrow.dictionary(arrow.int32(), text)  # values that most rows share
    types = {"prompt": text, "reply": text}
    schema = arrow.schema([(name, types.get(name, few)) for name in selection.columns])
    pairs = selection.pairs(store)
    with written_beside(path) as (file,):
        try:
            with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
                while rows := _columns(pairs, selection):
                    writer.write_table(arrow.table(rows, schema=schema))
        except arrow.ArrowException as error:
            raise CorpusError(f"{path}: cannot be written as Parquet ({error}).") from error
    return [path]


def _columns(pairs: Iterator[Pair], selection: Selection) -> dict[str, list[Any]]:
    """Return the values of the next pairs by column, or nothing at the end."""
    rows = list(islice(pairs, ROW_GROUP))
    return {name: [getattr(pair, name) for pair in rows] for name in selection.columns if rows}


def _arrow(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError("pyarrow", extra="parquet") from error
