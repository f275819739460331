"""The unit of work: the one boundary of transactions.

A use case opens one, does all its reading and writing on its connection, and commits once. Leaving it without
``commit`` leaves nothing behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeAlias

from sqlalchemy.engine import Connection

from ledger.storage.database import Database, storage_errors

__all__ = ["UnitOfWork", "UnitOfWorkFactory"]


class UnitOfWork:
    """One transaction: ``with UnitOfWork(database) as uow: … uow.commit()``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stack = contextlib.ExitStack()
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The connection of this transaction; only inside ``with``."""
        if self._connection is None:
            message = "a unit of work is used inside its with block"
            raise RuntimeError(message)
        return self._connection

    def commit(self) -> None:
        """Make everything since the beginning durable.

        Raises:
            UnavailableError: ``storage.unavailable``; nothing was written.
        """
        with storage_errors():
            self.connection.commit()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(self._database.begin())
            with storage_errors():
                connection.begin()
            self._connection = connection
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection = None
        self._stack.__exit__(kind, error, trace)


# What services are given: a fresh unit of work for each transaction.
UnitOfWorkFactory: TypeAlias = Callable[[], UnitOfWork]
