"""Opening a database: our settings on our own engine, our errors instead of its own."""

import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from corpus_tools.errors import StoreError
from corpus_tools.store.migrations import MIGRATIONS, migrate
from corpus_tools.store.schema import SCHEMA_VERSION, Base, SchemaInfo, make_schema

logger = logging.getLogger(__name__)

_WRITERS = 0x6475_6968_7561  # "duihua": the advisory lock of those who write, on PostgreSQL


def open_engine(name: str, *, create: bool, migrates: bool = True) -> Engine:
    """Return the engine of a store, made where it is missing and `create` says so.

    Unless `migrates`, a store of an older schema is refused instead of brought to this one.
    """
    url = store_url(name)
    name = shown_name(name)
    path = _sqlite_path(url)
    with errors_named(name):
        if path and not path.exists():
            _create_file(path, allowed=create)
        engine = _engine(url)
        try:
            with engine.connect().execution_options(writes=create) as connection:
                version = _schema_version(connection, name, create=create)
            if version != SCHEMA_VERSION and not migrates:
                raise StoreError(
                    f"{name}: store schema {version}, which a dry run leaves as it is. "
                    "'corpus list' brings it up to date."
                )
            if version != SCHEMA_VERSION:
                _migrate(engine, name, version)
        except BaseException:
            engine.dispose()
            raise
    return engine


def is_there(engine: Engine) -> bool:
    """Tell whether the file of a store, where it has one, still has its name."""
    path = _sqlite_path(engine.url)
    return path is None or path.exists()


def insert_rows(
    connection: Connection, table: type[Base], columns: Mapping[str, Iterable[Any]]
) -> None:
    """Insert rows, given column by column in the order of the table.

    They go to the driver as they are: what SQLAlchemy would do with each takes longer than SQLite.
    """
    query = insert(table).compile(dialect=connection.dialect, column_keys=list(columns))
    if list(query.positiontup or ()) != list(columns):
        raise TypeError(f"{list(columns)} is not the order of the table")
    connection.exec_driver_sql(str(query), list(zip(*columns.values(), strict=False)))


def vacuum(engine: Engine) -> None:
    """Give the room of deleted rows back to the disk, outside of a transaction."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.connection.execute("VACUUM")
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM FULL")


def shown_name(name: str) -> str:
    """Return the name of a store without the password in it."""
    return make_url(name).render_as_string() if _is_url(name) else name


def _is_url(name: str) -> bool:
    try:
        return "://" in name and bool(make_url(name))
    except ArgumentError:
        return False


def store_url(name: str) -> URL:
    """Return the URL that `name` is, or that of the SQLite file by that name."""
    try:
        url = make_url(name) if "://" in name else URL.create("sqlite", database=name)
    except ArgumentError as error:
        raise StoreError(f"{name}: neither a path nor a database URL ({error}).") from error
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise StoreError(f"{name!r}: a store that would be gone at once. Name a file.")
    return url


@contextmanager
def errors_named(name: str) -> Iterator[None]:
    """Turn what the database reports into one sentence about the store."""
    try:
        yield
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        install = (
            "Run: pip install 'duihua[postgres]'" if "psycopg" in str(error) else "Install it."
        )
        raise StoreError(f"{name}: no driver for this database ({error}). {install}") from error
    except DBAPIError as error:
        raise StoreError(f"{name}: {_advice(str(error.orig))}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"{name}: {error}") from error
    except sqlite3.Error as error:  # from the driver itself, past SQLAlchemy
        raise StoreError(f"{name}: {_advice(str(error))}") from error
    except OSError as error:
        raise StoreError(f"{name}: the store cannot be opened ({error}).") from error
    except ValueError as error:
        raise StoreError(f"{name}: {_DAMAGED} ({error})") from error


_DAMAGED = "the database is damaged. Restore it from a copy, or import anew."


def _advice(problem: str) -> str:
    known = {
        "not a database": "not a corpus store, nor any SQLite file. Name another with --store.",
        "readonly": "the store is read-only. Make the file and its folder writable.",
        "malformed": _DAMAGED,
        "Could not decode": _DAMAGED,
        "no such": f"{_DAMAGED} ({problem})",
        "disk I/O": "the disk fails, or the store is no file. Check both, then run it again.",
        "locked": "another program keeps the store locked. Try again when it is done.",
        "disk is full": "the disk is full. Make room and run the command again.",
        "unable to open": "the store cannot be opened. Check that its folder exists and is yours.",
    }
    return next((advice for key, advice in known.items() if key in problem), problem)


def _sqlite_path(url: URL) -> Path | None:
    is_file = url.get_backend_name() == "sqlite" and not url.query
    return Path(str(url.database)) if is_file else None


def _create_file(path: Path, *, allowed: bool) -> None:
    if not allowed:
        raise StoreError(f"{path}: no such store. 'corpus import FILE --store {path}' makes one.")
    try:
        # What people said is nobody else's business, so others get no access.
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(f"{path}: the store cannot be made ({error.strerror}).") from error


def _engine(url: URL) -> Engine:
    # Positional parameters: `insert_rows` gives tuples.
    styles = {"postgresql": "format"}
    engine = create_engine(url, paramstyle=styles.get(url.get_backend_name(), "qmark"))
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
    elif url.get_backend_name() == "postgresql":
        event.listen(engine, "begin", _begin_with_lock)
    return engine


def _configure(connection: SQLiteConnection, _record: Any) -> None:
    # The driver would begin transactions late, and leave reads outside of them.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 30000")  # milliseconds
    connection.execute("PRAGMA cache_size = -16384")  # KiB
    # With a write-ahead log this survives every crash of the program; a loss of power may take the
    # last transactions along, and the next import makes them again.
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin(connection: Connection) -> None:
    """Begin; a transaction that will write takes its lock at once, instead of failing later."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_with_lock(connection: Connection) -> None:
    """Let one transaction write at a time, as SQLite does: duplicates are found by reading."""
    if connection.get_execution_options().get("writes", False):
        connection.execute(select(func.pg_advisory_xact_lock(_WRITERS)))


def _schema_version(connection: Connection, name: str, *, create: bool) -> int:
    """Return the version of a store that can be read here, made first where it is empty."""
    tables = set(inspect(connection).get_table_names())
    if not tables and create:
        make_schema(connection)
        connection.commit()
        _use_write_ahead_log(connection)
        return SCHEMA_VERSION
    if SchemaInfo.__tablename__ not in tables:
        raise StoreError(f"{name}: a database, but no corpus store. Name another with --store.")
    version = connection.scalar(select(SchemaInfo.version))
    if version != SCHEMA_VERSION and version not in MIGRATIONS:
        raise StoreError(
            f"{name}: store schema {version}; this version reads {SCHEMA_VERSION}. "
            "Upgrade duihua, or import anew into another store."
        )
    return int(version or 0)


def _migrate(engine: Engine, name: str, version: int) -> None:
    """Bring a store of an older schema to this one, with a copy of the old one beside it."""
    path = _sqlite_path(engine.url)
    if path:
        backup = _back_up(path, version)
        logger.warning(
            "%s: schema %d becomes %d; %s keeps the old one", name, version, SCHEMA_VERSION, backup
        )
    with engine.execution_options(writes=True).begin() as connection:
        migrate(connection)


def _back_up(path: Path, version: int) -> Path:
    backup = path.with_name(f"{path.name}.schema{version}")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(beside)) as copy:
            old.backup(copy)
        beside.replace(backup)
    finally:
        beside.unlink(missing_ok=True)
    return backup


def _use_write_ahead_log(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Outside of a transaction, and once: the file remembers it.
        raw = connection.connection.dbapi_connection
        with suppress(sqlite3.OperationalError):  # another program has just made it, and does this
            raw.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]
