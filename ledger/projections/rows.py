"""From an event to a row: most columns have the name of the event's field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import String, Table
from sqlalchemy.engine import Connection

from ledger.domain.events import EVENTS
from ledger.ports import LocatedEvent

__all__ = ["ZERO", "Handler", "insert", "insert_all", "values_of"]

ZERO = bytes(32)

# Gets the connection of the caller's transaction, the event of its own type, and the same event with its place.
Handler: TypeAlias = Callable[[Connection, Any, LocatedEvent], None]


def values_of(table: Table, located: LocatedEvent) -> dict[str, object]:
    """The columns of ``table`` that the event itself fills: its fields, its place, its contract, its transaction."""
    event = located.event
    found: dict[str, object] = {
        name: str(value) if is_word and isinstance(value, int) else value
        for name, is_word in _shared(table, type(event).__name__)
        for value in (getattr(event, name),)
    }
    for name in _place(table):
        if name not in found:
            found[name] = getattr(located, name)
    return found


def insert(connection: Connection, table: Table, located: LocatedEvent, **more: object) -> None:
    """Write the row of an event; ``more`` are columns it does not name, or names otherwise."""
    connection.execute(table.insert(), values_of(table, located) | more)


def insert_all(connection: Connection, table: Table, located: LocatedEvent, rows: list[Mapping[str, object]]) -> None:
    """Write several rows of one event at once, each with its own columns."""
    if rows:
        common = values_of(table, located)
        connection.execute(table.insert(), [common | dict(row) for row in rows])


@cache
def _shared(table: Table, name: str) -> tuple[tuple[str, bool], ...]:
    return tuple(
        (field.name, isinstance(table.c[field.name].type, String))
        for field in fields(EVENTS[name])
        if field.name in table.c
    )


@cache
def _place(table: Table) -> tuple[str, ...]:
    return tuple(name for name in ("block", "log_index", "time", "contract", "transaction") if name in table.c)
