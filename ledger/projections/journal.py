"""The journal: which blocks were read, each event with its log entry, and how far the picture goes.

An entry of the log says everything that an event says (``ledger.domain.entries``), so the journal is enough to make the
picture again, and to go on writing the log's tiles wherever they were left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, TypeAlias

import orjson
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from ledger.domain.entries import EventEntry, EventRecord, StatusEntry, parse_entry
from ledger.domain.events import EVENTS, Event
from ledger.errors import FormatError
from ledger.ports import LocatedEvent
from ledger.storage.tables import chain as tables

__all__ = [
    "EventTypes",
    "SyncState",
    "entries_from",
    "entries_of_block",
    "entry_at",
    "entry_of",
    "events_from",
    "last_status",
    "located_of",
    "located_own",
    "position",
    "record_of",
    "store_position",
]

# For each event's name: its parameters with their ABI types, in the ABI's order.
EventTypes: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]

_PAGE = 512
_POSITION = select(tables.sync_state)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    """How far the picture goes. ``hash`` is unknown where the last block came from the log's files.

    ``entries`` is the size of the log; ``status_epoch`` is 0 until the network is founded.
    """

    block: int
    hash: bytes | None
    time: int
    entries: int
    chain_id: int
    consortium: str
    genesis: bytes
    status_epoch: int = 0
    clock_offset: int = 0


def position(connection: Connection) -> SyncState | None:
    """How far the picture goes, or ``None`` before the first block."""
    row = connection.execute(_POSITION).one_or_none()
    if row is None:
        return None
    values = {key: value for key, value in row._mapping.items() if key != "id"}  # noqa: SLF001  # SQLAlchemy's public name
    return SyncState(**values | {"chain_id": int(row.chain_id)})


def store_position(connection: Connection, state: SyncState) -> None:
    """Write down how far the picture goes."""
    table = tables.sync_state
    connection.execute(table.delete())
    connection.execute(table.insert(), asdict(state) | {"id": 1, "chain_id": str(state.chain_id)})


def record_of(located: LocatedEvent) -> EventRecord:
    """An event as the log's entry takes it."""
    args: Any = located.arguments
    return EventRecord(
        contract=located.contract,
        name=type(located.event).__name__,
        args=args,
        block_number=located.block,
        block_time=located.time,
        tx_hash=located.transaction,
        log_index=located.log_index,
    )


def located_of(entry: EventEntry, types: EventTypes) -> LocatedEvent:
    """An event from its log entry.

    Raises:
        FormatError: ``projections.event_unknown``, or a code of ``log.entry_*``.
    """
    kind, known = EVENTS.get(entry.name), types.get(entry.name)
    if kind is None or known is None:
        raise FormatError("projections.event_unknown", block=entry.block_number, log=entry.log_index)
    record = entry.record(known)
    make: Callable[..., Event] = kind
    return LocatedEvent(
        event=make(**{name: value for name, _, value in record.args}),
        contract=entry.contract,
        block=entry.block_number,
        time=entry.block_time,
        transaction=entry.tx_hash,
        log_index=entry.log_index,
        arguments=record.args,
    )


def located_own(data: bytes, types: EventTypes) -> LocatedEvent | None:
    """An event from an entry of this node's own journal; ``None`` for the genesis and status entries.

    These bytes were made or checked here before they were stored, so nothing is checked again: a trace reads dozens of
    them. ``located_of`` is for entries from elsewhere.
    """
    body = orjson.loads(data)
    if body["type"] != "event":
        return None
    name: str = body["event"]
    said = body["args"]
    values = tuple([(field, kind, _reader(kind)(said[field])) for field, kind in types[name]])
    make: Callable[..., Event] = EVENTS[name]
    return LocatedEvent(
        event=make(*[value for _, _, value in values]),
        contract=body["contract"],
        block=int(body["block"]),
        time=int(body["time"]),
        transaction=bytes.fromhex(body["tx"][2:]),
        log_index=body["log_index"],
        arguments=values,
    )


@cache
def _reader(kind: str) -> Callable[[Any], Any]:
    if kind.endswith("[]"):
        one = _reader(kind.removesuffix("[]"))
        return lambda value: tuple(one(item) for item in value)
    if kind.startswith(("uint", "int")):
        return int
    if kind.startswith("bytes"):
        return lambda value: bytes.fromhex(value[2:])
    return bool if kind == "bool" else str


def entries_from(connection: Connection, index: int, limit: int | None = None) -> Iterator[bytes]:
    """The log's entries from ``index`` on, in order, at most ``limit`` of them."""
    table = tables.log_entries
    end = None if limit is None else index + limit
    while True:
        last = index + _PAGE if end is None else min(index + _PAGE, end)
        rows = (
            connection.execute(
                select(table.c.bytes).where(table.c.index >= index, table.c.index < last).order_by(table.c.index)
            )
            .scalars()
            .all()
        )
        yield from rows
        index += len(rows)
        if len(rows) == 0 or index == end:
            return


def entry_at(connection: Connection, index: int) -> bytes | None:
    """One entry of the log."""
    table = tables.log_entries
    return connection.execute(select(table.c.bytes).where(table.c.index == index)).scalar_one_or_none()


def entry_of(connection: Connection, block: int, log_index: int) -> int | None:
    """The index of an event's entry."""
    table = tables.events
    return connection.execute(
        select(table.c.entry).where(table.c.block == block, table.c.log_index == log_index)
    ).scalar_one_or_none()


def entries_of_block(connection: Connection, block: int) -> list[bytes]:
    """The entries of a block's events, in order."""
    table = tables.log_entries
    rows = connection.execute(
        select(table.c.bytes).where(table.c.kind == "event", table.c.block == block).order_by(table.c.index)
    )
    return list(rows.scalars())


def last_status(connection: Connection, *, upto: int | None = None) -> tuple[int, StatusEntry] | None:
    """The newest status entry with its index; ``upto``: the newest within a log of that size."""
    table = tables.log_entries
    query = select(func.max(table.c.index)).where(table.c.kind == "status")
    if upto is not None:
        query = query.where(table.c.index < upto)
    index = connection.execute(query).scalar_one()
    if index is None:
        return None
    entry = parse_entry(entry_at(connection, index) or b"")
    return (index, entry) if isinstance(entry, StatusEntry) else None


def events_from(connection: Connection, types: EventTypes) -> Iterator[LocatedEvent]:
    """Every event of the journal, in the chain's order."""
    for data in entries_from(connection, 0):
        located = located_own(data, types)
        if located is not None:
            yield located
