"""Refusals as rows."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from ledger.domain.events import Event, Refused
from ledger.ports import LocatedEvent
from ledger.projections.rows import Handler, insert
from ledger.storage.tables.refusals import refusals

__all__ = ["HANDLERS"]


def _refused(connection: Connection, _event: Refused, at: LocatedEvent) -> None:
    insert(connection, refusals, at)


HANDLERS: dict[type[Event], Handler] = {Refused: _refused}
