"""A chain and a database that say before and after each question and each commit that they are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self

from ledger.ports import Chain
from ledger.storage.database import Database
from ledger.storage.unit_of_work import UnitOfWork


class Stepping(Protocol):
    """Whoever is told of each step."""

    def step(self) -> None:
        """Pass a point at which the process may end."""


class Steps:
    """A chain of which every question and every answer is a step."""

    def __init__(self, chain: Chain, fuse: Stepping) -> None:
        self._chain, self._fuse = chain, fuse

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._chain, name)

        def call(*args: object) -> object:
            self._fuse.step()
            answer: object = method(*args)
            self._fuse.step()
            return answer

        return call


class SteppedWork(UnitOfWork):
    """A unit of work whose beginning, and both sides of whose commit, are steps."""

    def __init__(self, database: Database, fuse: Stepping) -> None:
        super().__init__(database)
        self._fuse = fuse

    def __enter__(self) -> Self:
        self._fuse.step()
        super().__enter__()
        return self

    def commit(self) -> None:
        self._fuse.step()
        super().commit()
        self._fuse.step()
