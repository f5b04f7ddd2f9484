"""SQLite: tables of pairs, or of turns, found by the names of their columns."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from corpus_tools.errors import ReadError, UnrecognisedError, UsageError
from corpus_tools.formats.containers.naming import printable
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.readers.columns import Columns, Pairs, Turns, chosen, meaning_of
from corpus_tools.formats.readers.values import records_of_rows
from corpus_tools.formats.records import Records
from corpus_tools.formats.text import Binary

MAGIC = b"SQLite format 3\0"
LARGEST_ROW = 1 << 24
"""Bytes of one row above which a file is refused instead of eaten into memory."""
MOST_PER_BYTE = 100
"""Rows and characters for each byte of the file above which it is refused: pages that lead back
to one another, or the default value of a column, make rows without end."""

_OUR_TABLES = {"schema_info", "imports", "dialogues", "turns"}
_MOST_SHOWN = 10  # tables in a message


def read_sqlite(binary: Binary, layout: Layout) -> Records:
    """Yield what the rows of every table with known columns say, in the order of their row ids.

    Views, virtual tables and generated columns are not read: they would run what the file brings.
    """
    with _opened(binary) as connection:
        for table, columns in _meant(_tables(connection), layout, binary).items():
            yield from records_of_rows(_rows(connection, table, columns, binary), columns)


def describe_sqlite(binary: Binary, layout: Layout) -> str:
    """Return which tables and columns are read as what."""
    with _opened(binary) as connection:
        meant = _meant(_tables(connection), layout, binary)
    return "; ".join(f"{printable(table)}: {columns}" for table, columns in meant.items())


@contextmanager
def _opened(binary: Binary) -> Iterator[sqlite3.Connection]:
    """Open the file so that nothing is written, nor made beside it."""
    try:
        uri = f"{binary.path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_ROW)
            connection.text_factory = _decoded
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            for ending in ("-wal", "-journal"):
                if _is_live(Path(f"{binary.path}{ending}")):
                    raise _unfinished(binary, connection, ending)
            yield connection
    except sqlite3.DataError as error:
        problem = f"a row of more than {LARGEST_ROW:,} bytes"
        raise binary.fail(problem, advice="Export the texts that are meant.") from error
    except (sqlite3.Error, UnicodeError) as error:  # the names of tables, and messages with them
        problem = f"a damaged or encrypted SQLite file ({printable(str(error))})"
        raise binary.fail(problem, advice="Get the file again.") from error


def _unfinished(binary: Binary, connection: sqlite3.Connection, ending: str) -> ReadError:
    """Return the error of a file that is being written, perhaps by this very import."""
    with suppress(sqlite3.Error):
        if _is_store(_tables(connection)):
            return _store(binary)
    return binary.fail(
        f"its latest changes still stand in the file {binary.path.name}{ending}",
        advice="Close the program that writes it, or open and close it with sqlite3.",
    )


def _is_store(tables: Mapping[str, Sequence[str]]) -> bool:
    return tables.keys() >= _OUR_TABLES


def _store(binary: Binary) -> UnrecognisedError:
    """Return the error of a store, which is none where a folder holds it beside other files."""
    return UnrecognisedError(
        f"{binary.name}: a corpus store already", "Name it with --store, or import what it exports."
    )


def _is_live(beside: Path) -> bool:
    """Tell whether a log or a journal holds anything; a finished one begins with zeros."""
    if not beside.is_file():
        return False
    with beside.open("rb") as file:
        return bool(file.read(8).strip(b"\0"))


def _decoded(value: bytes) -> str | bytes:
    """Return the text, or the bytes themselves where they are none."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _tables(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the names of the stored columns of the real tables, in their order."""
    named = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND "
        "sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'sqlite^_%' ESCAPE '^' ORDER BY rowid"
    )
    columns = "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid"
    return {
        table: [column for (column,) in connection.execute(columns, (table,)) if _is_name(column)]
        for (table,) in named.fetchall()
        if _is_name(table)
    }


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _meant(
    tables: Mapping[str, Sequence[str]], layout: Layout, binary: Binary
) -> dict[str, Columns]:
    """Return the tables to read: those of pairs, or where there is none, those of turns."""
    if _is_store(tables):
        raise _store(binary)
    if layout.prompt_column or layout.reply_column:
        return _by_layout(tables, layout, binary)
    found = {table: meaning_of(columns) for table, columns in tables.items()}
    kind = Pairs if any(isinstance(meaning, Pairs) for meaning in found.values()) else Turns
    meant = {
        table: Columns(meaning, len(tables[table]), tuple(tables[table]))
        for table, meaning in found.items()
        if isinstance(meaning, kind)
    }
    if not meant:
        raise binary.fail(
            f"no table with columns of known names; there are {_shown(tables)}",
            advice="Name two columns with --prompt-column and --reply-column.",
        )
    return meant


def _by_layout(
    tables: Mapping[str, Sequence[str]], layout: Layout, binary: Binary
) -> dict[str, Columns]:
    given = [column for column in (layout.prompt_column, layout.reply_column) if column]
    fitting = {
        table: columns
        for table, columns in tables.items()
        if {column.lower() for column in given} <= {column.lower() for column in columns}
        or len(tables) == 1
    }
    if not fitting:
        wanted = " and ".join(map(repr, given))
        raise UsageError(f"{binary.name}: no table with {wanted}; there are {_shown(tables)}.")
    return {
        table: Columns(
            chosen(columns, len(columns), layout, name=f"{binary.name}, table {printable(table)}"),
            len(columns),
            tuple(columns),
        )
        for table, columns in fitting.items()
    }


def _shown(tables: Mapping[str, Sequence[str]]) -> str:
    some = [f"{table}({', '.join(tables[table][:_MOST_SHOWN])})" for table in tables]
    return printable(", ".join(some[:_MOST_SHOWN])) or "none"


def _rows(
    connection: sqlite3.Connection, table: str, columns: Columns, binary: Binary
) -> Iterator[tuple[int, Sequence[Any]]]:
    """Yield the rows with the values in use; NOT INDEXED makes their order that of the tree."""
    listed = ", ".join(
        f"t.{_quoted(name)}" if at in columns.used else "NULL"
        for at, name in enumerate(columns.header)
    )
    statement = f"SELECT {listed} FROM {_quoted(table)} AS t NOT INDEXED"  # noqa: S608 names only
    most = MOST_PER_BYTE * binary.path.stat().st_size
    for number, row in enumerate(connection.execute(statement), 1):
        most -= 1 + sum(len(value) for value in row if isinstance(value, (str, bytes)))
        if most < 0:
            raise binary.fail(
                f"its rows hold more than {MOST_PER_BYTE} times what the file does",
                advice="Export the texts that are meant.",
            )
        yield number, row


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
