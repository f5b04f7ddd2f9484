"""Opening a database: our settings on our own engine, our errors instead of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, make_url, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from corpus_tools.errors import StoreError
from corpus_tools.store.schema import SCHEMA_VERSION, Base, SchemaInfo


def open_engine(name: str, *, create: bool) -> Engine:
    """Return the engine of a store, made where it is missing and `create` says so."""
    url = store_url(name)
    path = _sqlite_path(url)
    with errors_named(name):
        if path and not path.exists():
            _create_file(path, allowed=create)
        engine = _engine(url)
        try:
            with engine.connect().execution_options(writes=create) as connection:
                _check_schema(connection, name, create=create)
        except BaseException:
            engine.dispose()
            raise
    return engine


def is_there(engine: Engine) -> bool:
    """Tell whether the file of a store, where it has one, still has its name."""
    path = _sqlite_path(engine.url)
    return path is None or path.exists()


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
        raise StoreError(f"{name}: no driver for this database ({error}). Install it.") from error
    except DBAPIError as error:
        raise StoreError(f"{name}: {_advice(str(error.orig))}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"{name}: {error}") from error
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
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(f"{path}: the store cannot be made ({error.strerror}).") from error


def _engine(url: URL) -> Engine:
    engine = create_engine(url)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: SQLiteConnection, _record: Any) -> None:
    # The driver would begin transactions late, and leave reads outside of them.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 30000")  # milliseconds
    connection.execute("PRAGMA cache_size = -65536")  # KiB; the keys of pairs come in no order
    # With a write-ahead log this survives every crash of the program; a loss of power may take the
    # last transactions along, and the next import makes them again.
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin(connection: Connection) -> None:
    """Begin; a transaction that will write takes its lock at once, instead of failing later."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _check_schema(connection: Connection, name: str, *, create: bool) -> None:
    tables = set(inspect(connection).get_table_names())
    if not tables and create:
        Base.metadata.create_all(connection)
        connection.execute(insert(SchemaInfo).values(version=SCHEMA_VERSION))
        connection.commit()
        _use_write_ahead_log(connection)
        return
    if SchemaInfo.__tablename__ not in tables:
        raise StoreError(f"{name}: a database, but no corpus store. Name another with --store.")
    version = connection.scalar(select(SchemaInfo.version))
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{name}: store schema {version}; this version reads {SCHEMA_VERSION}. "
            "Upgrade duihua, or import anew into another store."
        )


def _use_write_ahead_log(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Outside of a transaction, and once: the file remembers it.
        raw = connection.connection.dbapi_connection
        raw.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]
