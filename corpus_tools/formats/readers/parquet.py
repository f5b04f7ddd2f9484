"""Parquet: rows of pairs or of turns, or rows that are dialogues as JSON has them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from glob import escape
from importlib import import_module
from itertools import chain
from typing import Any

from corpus_tools.errors import MissingExtraError
from corpus_tools.formats.containers.container import FREE_EXPANSION, LARGEST_RATIO
from corpus_tools.formats.containers.naming import printable
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.readers.columns import Columns, chosen, meaning_of
from corpus_tools.formats.readers.shapes import NAMES, dialogues_of, records_of
from corpus_tools.formats.readers.values import records_of_rows
from corpus_tools.formats.records import Records, Skipped
from corpus_tools.formats.text import LONGEST_LINE, Binary

MAGIC = b"PAR1"
LARGEST_ROW = 1 << 24
"""Characters of one row above which it is put aside."""

BOUNDS = {
    "memory_limit": "512MB",
    "temp_directory": "",
    "threads": 1,  # the rows come in their order
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_FETCHED = 16  # rows
# A name with `*` in it is one file, and a folder `split=train` is no column.
_TABLE = "read_parquet(?, hive_partitioning = false)"


def read_parquet(binary: Binary, layout: Layout) -> Records:
    """Yield what the rows say.

    Where a column is a list of what was said, every row is a JSON value; else columns of known
    names, or those that `layout` names, make the rows pairs or turns.
    """
    with _opened(binary) as connection:
        columns = _columns(connection, binary, layout)
        if isinstance(columns, Columns):
            rows = _rows(connection, binary, _texts(connection, binary, columns))
            yield from records_of_rows(rows, columns)
        else:
            for number, row in _rows(connection, binary, _objects(columns)):
                yield from _records(number, row[0])


def describe_parquet(binary: Binary, layout: Layout) -> str:
    """Return which columns are read as what."""
    with _opened(binary) as connection:
        columns = _columns(connection, binary, layout)
    return (
        str(columns)
        if isinstance(columns, Columns)
        else f"{printable(', '.join(columns))} → dialogue"
    )


@contextmanager
def _opened(binary: Binary) -> Iterator[Any]:
    """Give a connection that reads within bounds; its errors become ours."""
    try:
        duckdb = import_module("duckdb")
    except ModuleNotFoundError as error:
        raise MissingExtraError("duckdb", extra="parquet") from error
    try:
        with closing(duckdb.connect(config=BOUNDS)) as connection:
            yield connection
    except duckdb.OutOfMemoryException as error:
        raise binary.fail(
            f"needs more than {BOUNDS['memory_limit']} of memory for a few rows",
            advice="Export the texts that are meant.",
        ) from error
    except (duckdb.Error, UnicodeError) as error:
        problem = printable(str(error).partition("\n")[0])
        raise binary.fail(
            f"damaged or encrypted Parquet ({problem})", advice="Get the file again."
        ) from error


def _columns(connection: Any, binary: Binary, layout: Layout) -> Columns | list[str]:
    """Return the meaning of the columns, or the names of those that make a JSON value."""
    kinds = _kinds(connection, binary)
    header = tuple(kinds)
    if layout.prompt_column or layout.reply_column:
        return Columns(chosen(header, len(header), layout, name=binary.name), len(header), header)
    known = [name for name in header if name in NAMES and "BLOB" not in kinds[name]]
    if any(kinds[name].endswith("[]") and "VARCHAR" in kinds[name] for name in known):
        return known
    if meaning := meaning_of(header):
        return Columns(meaning, len(header), header)
    raise binary.fail(
        f"no columns of known names; there are {printable(', '.join(header))}",
        advice="Name two with --prompt-column and --reply-column.",
    )


def _kinds(connection: Any, binary: Binary) -> Mapping[str, str]:
    """Return the columns with their types in SQL."""
    described = connection.execute(
        f"DESCRIBE SELECT * FROM {_TABLE}",  # noqa: S608 a constant
        [escape(str(binary.path.absolute()))],
    )
    return {name: str(kind) for name, kind, *_ in described.fetchall()}


def _texts(connection: Any, binary: Binary, columns: Columns) -> str:
    """Return what to select: the texts and numbers in use, NULL for everything else."""
    kinds = _kinds(connection, binary)
    selected = []
    for at, name in enumerate(columns.header):
        if at not in columns.used or not ("INT" in kinds[name] or kinds[name] == "VARCHAR"):
            selected.append("NULL")
        elif kinds[name] == "VARCHAR":
            selected.append(f"left(t.{_quoted(name)}, {LONGEST_LINE + 1})")
        else:
            selected.append(f"t.{_quoted(name)}")
    return ", ".join(selected)


def _objects(names: Sequence[str]) -> str:
    """Return what to select: the columns as one JSON object, cut where it is too long."""
    fields = ", ".join(f"{_quoted(name)} := t.{_quoted(name)}" for name in names)
    return f"left(to_json(struct_pack({fields}))::VARCHAR, {LARGEST_ROW + 1})"


def _rows(connection: Any, binary: Binary, selected: str) -> Iterator[tuple[int, Sequence[Any]]]:
    most = FREE_EXPANSION + LARGEST_RATIO * binary.path.stat().st_size
    result = connection.execute(
        f"SELECT {selected} FROM {_TABLE} AS t",  # noqa: S608 names of columns only
        [escape(str(binary.path.absolute()))],
    )
    fetched = iter(lambda: result.fetchmany(_FETCHED), [])
    for number, row in enumerate(chain.from_iterable(fetched), 1):
        most -= 1 + sum(len(value) for value in row if isinstance(value, str))
        if most < 0:
            raise binary.fail(
                f"unpacks to more than {LARGEST_RATIO} times its size, which no text does",
                advice="Export the texts that are meant.",
            )
        yield number, row


def _records(number: int, text: str) -> Records:
    if len(text) > LARGEST_ROW:
        yield Skipped(number, f"a row of more than {LARGEST_ROW:,} characters", text[:LONGEST_LINE])
        return
    try:
        value = json.loads(text, object_hook=_without_nulls)
    except RecursionError:
        yield Skipped(number, "nested too deeply", text[:LONGEST_LINE])
        return
    yield from dialogues_of(value) or records_of(value, number, text)


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are there, as JSON lines would have them."""
    return {name: value for name, value in fields.items() if value is not None}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
