"""Parquet: rows of pairs or of turns, or rows that are dialogues as JSON has them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from corpus_tools.errors import MissingExtraError, ReadError
from corpus_tools.formats.columns import Columns, chosen, meaning_of
from corpus_tools.formats.container import FREE_EXPANSION, LARGEST_RATIO
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.records import Record, Records, Skipped
from corpus_tools.formats.shapes import NAMES, dialogues_of, records_of
from corpus_tools.formats.text import Binary
from corpus_tools.formats.values import Row, records_of_rows

MAGIC = b"PAR1"
LARGEST_ROW = 1 << 24
"""Bytes of one row above which it is put aside instead of made into objects."""

_BATCH = 16  # rows: a short text may stand for a long one that all of them share
_USUAL_RATIO = 8  # above it, long texts are likely, and a batch is one row


def read_parquet(binary: Binary, layout: Layout) -> Records:
    """Yield what the rows say.

    Columns of known names, or those that `layout` names, make rows of pairs or of turns. Where a
    column is a list, every row is a JSON value.
    """
    with _opened(binary) as file:
        columns = _columns(file, layout, binary)
        if isinstance(columns, Columns):
            used = [columns.header[at] for at in sorted(columns.used)]
            yield from records_of_rows(_rows(file, used, columns.header, binary), columns)
        else:
            for row in _rows(file, columns, columns, binary):
                if isinstance(row, Skipped):
                    yield row
                else:
                    yield from _records(row[0], dict(zip(columns, row[1], strict=True)))


def describe_parquet(binary: Binary, layout: Layout) -> str:
    """Return which columns are read as what."""
    with _opened(binary) as file:
        columns = _columns(file, layout, binary)
    return str(columns) if isinstance(columns, Columns) else f"{', '.join(columns)} → dialogue"


@contextmanager
def _opened(binary: Binary) -> Iterator[Any]:
    try:
        parquet = import_module("pyarrow.parquet")
        arrow = import_module("pyarrow")
    except ModuleNotFoundError as error:
        raise MissingExtraError("pyarrow", extra="parquet") from error
    damage = (arrow.ArrowException, OSError, ValueError, KeyError, MemoryError)
    try:
        # The bounds are on what the head of the file says of its schema.
        with parquet.ParquetFile(
            binary.path,
            buffer_size=1 << 16,
            pre_buffer=False,
            thrift_string_size_limit=1 << 24,
            thrift_container_size_limit=1 << 20,
        ) as file:
            yield file
    except damage as error:
        problem = str(error).partition("\n")[0]
        raise binary.fail(
            f"damaged or encrypted Parquet ({problem})", advice="Get the file again."
        ) from error


def _columns(file: Any, layout: Layout, binary: Binary) -> Columns | list[str]:
    """Return the meaning of the columns, or the names of those that make a JSON value."""
    kinds = import_module("pyarrow").types
    header = tuple(file.schema_arrow.names)
    if len(set(header)) < len(header):
        raise binary.fail("two columns of one name", advice="Rename one of them.")
    if layout.prompt_column or layout.reply_column:
        return Columns(chosen(header, len(header), layout, name=binary.name), len(header), header)
    known = [field for field in file.schema_arrow if field.name in NAMES]
    if any(_is_list_of_text(field.type, kinds) for field in known):
        return [field.name for field in known if not kinds.is_binary(field.type)]
    if meaning := meaning_of(header):
        return Columns(meaning, len(header), header)
    raise binary.fail(
        f"no columns of known names; there are {', '.join(header[:20]) or 'none'}",
        advice="Name two with --prompt-column and --reply-column.",
    )


def _is_list_of_text(kind: Any, kinds: Any) -> bool:
    """Tell whether a list holds text, perhaps in objects or in further lists."""
    if not (kinds.is_list(kind) or kinds.is_large_list(kind)):
        return False
    item = kind.value_type
    inner = [item.field(at).type for at in range(item.num_fields)] if kinds.is_struct(item) else []
    return any(
        kinds.is_string(each) or kinds.is_large_string(each) or _is_list_of_text(each, kinds)
        for each in (item, *inner)
    )


def _rows(
    file: Any, used: Sequence[str], header: Sequence[str], binary: Binary
) -> Iterator[Row | Skipped]:
    """Yield the values of every row in the order of `header`, None for those not in use."""
    rows = _batch_size(file, binary)
    left = _most_bytes(binary)
    number = 0
    for batch in file.iter_batches(batch_size=rows, columns=list(used), use_threads=False):
        left -= batch.nbytes
        if left < 0:
            raise _bomb(binary)
        whole = batch.nbytes <= LARGEST_ROW
        parts = [batch] if whole else [batch.slice(at, 1) for at in range(batch.num_rows)]
        for part in parts:
            if part.nbytes > LARGEST_ROW:
                number += 1
                yield Skipped(number, f"a row of more than {LARGEST_ROW:,} bytes", "")
                continue
            for row in part.to_pylist():
                number += 1
                yield number, [row.get(name) for name in header]


def _batch_size(file: Any, binary: Binary) -> int:
    """Return how many rows are read at once, after a look at what they unpack to.

    What the file says of a single column is not asked: a broken one ends the whole process there.
    """
    groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
    size = sum(group.total_byte_size for group in groups)
    if max(size, file.metadata.num_rows) > _most_bytes(binary):
        raise _bomb(binary)
    return 1 if size > _USUAL_RATIO * binary.path.stat().st_size else _BATCH


def _most_bytes(binary: Binary) -> int:
    return FREE_EXPANSION + LARGEST_RATIO * binary.path.stat().st_size


def _bomb(binary: Binary) -> ReadError:
    return binary.fail(
        f"unpacks to more than {LARGEST_RATIO} times its size, which no text does",
        advice="Export the columns that are meant, if it is meant.",
    )


def _records(number: int, values: dict[str, Any]) -> Iterable[Record]:
    value = _without_nulls(values)
    if found := dialogues_of(value):
        return found
    return records_of(value, number, json.dumps(value, ensure_ascii=False, default=str))


def _without_nulls(value: Any) -> Any:
    """Return the value as JSON would have it, where what is missing is not there."""
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value
