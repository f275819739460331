"""Opening the database of a node.

SQLite with a write-ahead log and full synchronisation: an acknowledged commit survives the loss of power. Writers take
the lock when they begin, not at their first write, so that two processes wait for one another instead of failing half
way; those of one process queue before that, because SQLite's own waiting is sleeping and asking again, which loses most
of the time that it waits for. Everything above speaks SQLAlchemy Core that PostgreSQL understands as well.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from ledger.domain.limits import LIMITS
from ledger.errors import ConflictError, IntegrityError, UnavailableError

__all__ = ["Database", "open_database", "storage_errors"]

# Named as PostgreSQL's dialect names it; ``_begin_sqlite`` does the same for SQLite.
_READ_ONLY = {"postgresql_readonly": True}


@dataclass(frozen=True, slots=True)
class Database:
    """An open database; ``begin`` and ``read`` are the two ways in. Used with ``with``, it is closed at the end.

    ``writers`` is the queue of this process's writers, where the database lets only one write at a time.
    """

    engine: Engine
    writers: threading.RLock | None = None

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open one writing transaction: committed by the caller (see ``UnitOfWork``), else rolled back.

        Raises:
            UnavailableError: ``storage.unavailable``: locked, disk full, or gone.
            IntegrityError: ``storage.damaged``.
        """
        with self._turn(), storage_errors(), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Open one reading transaction: a single consistent picture, in which writing is an error."""
        with storage_errors(), self.engine.connect() as connection:
            yield connection.execution_options(**_READ_ONLY)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        if self.writers is None:
            yield
            return
        if not self.writers.acquire(timeout=LIMITS.database_lock_seconds):
            raise UnavailableError("storage.unavailable", cause="SQLITE_BUSY")
        try:
            yield
        finally:
            self.writers.release()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_database(where: Path | str) -> Database:
    """Open the database at a path (SQLite) or a URL that SQLAlchemy knows.

    Raises:
        UnavailableError: ``storage.unavailable``, at first use.
    """
    if isinstance(where, Path):
        where = f"sqlite:///{where}"
    engine = sqlalchemy.create_engine(where, pool_pre_ping=not where.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return Database(engine, threading.RLock())
    return Database(engine)


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's own type, behind SQLAlchemy
    # The driver would begin a transaction of its own, late; SQLAlchemy's "begin" does it below.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        for pragma in (
            f"busy_timeout = {LIMITS.database_lock_seconds * 1000}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "temp_store = MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("postgresql_readonly", False)
    # Neither this nor a plain BEGIN touches the file, so there is no fault to name: the driver does them at a tenth of the
    # cost of a statement.
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA query_only = {int(reading)}")
    if reading:
        driver.execute("BEGIN")
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextlib.contextmanager
def storage_errors() -> Iterator[None]:
    """Give the database's own errors the product's names.

    Raises:
        UnavailableError: ``storage.unavailable``: locked, full, gone; it passes when its cause does.
        IntegrityError: ``storage.damaged``: the file is not what was written.
        ConflictError: ``storage.conflict``: a constraint holds what another transaction has done already.
    """
    try:
        yield
    except sqlalchemy.exc.IntegrityError as error:
        raise ConflictError("storage.conflict", cause=_cause(error)) from error
    except (OperationalError, InterfaceError) as error:
        raise UnavailableError("storage.unavailable", cause=_cause(error)) from error
    except DBAPIError as error:
        if _cause(error) in _DAMAGED:
            raise IntegrityError("storage.damaged", cause=_cause(error)) from error
        raise


_DAMAGED = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


def _cause(error: DBAPIError) -> str:
    """Name the cause without the statement and its values, which could be personal."""
    original = error.orig
    return str(getattr(original, "sqlite_errorname", type(original).__name__))
