"""The picture: what the chain's events say, as rows that every reading is made from.

``apply`` takes one event at a time, in the chain's order, inside the caller's transaction. There is no clock and no
randomness in it, so every city that follows the same chain has the same rows, and dropping them loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy.engine import Connection

from ledger.domain.events import Event
from ledger.ports import LocatedEvent
from ledger.projections import cases, catalogue, consents, consortium, materials, refusals, status
from ledger.projections.rows import Handler
from ledger.projections.subjects import subjects
from ledger.storage.tables import PROJECTION, metadata
from ledger.storage.tables import chain as tables

__all__ = ["HANDLERS", "JOURNAL", "PICTURE", "apply", "apply_all", "drop", "drop_and_rebuild"]

HANDLERS: dict[type[Event], Handler] = {
    **consortium.HANDLERS,
    **catalogue.HANDLERS,
    **materials.HANDLERS,
    **consents.HANDLERS,
    **cases.HANDLERS,
    **refusals.HANDLERS,
}
"""What each event does to the rows; a test proves that none is missing."""

# Events whose rows of subjects are written together while rebuilding.
_PART = 500

JOURNAL = (tables.blocks, tables.events, tables.log_entries, tables.sync_state)
"""What was read of the chain, from which the picture is made again without asking it."""

PICTURE = tuple(table for table in metadata.sorted_tables if table.info == PROJECTION and table not in JOURNAL)
"""Everything that ``apply`` and ``opened`` write."""


def apply(connection: Connection, located: LocatedEvent) -> None:
    """Write what one event says; see ``apply_all``."""
    apply_all(connection, (located,))


def apply_all(connection: Connection, events: Sequence[LocatedEvent]) -> None:
    """Write what events say, in the chain's order.

    Raises:
        IntegrityError: ``projections.case_unknown``: an event cannot follow those before it.
        ConflictError: ``storage.conflict``: one was applied before.
    """
    for located in events:
        HANDLERS[type(located.event)](connection, located.event, located)
    rows = [
        {
            "kind": kind.value,
            "subject": subject,
            "block": located.block,
            "log_index": located.log_index,
            "time": located.time,
        }
        for located in events
        for kind, subject in subjects(located)
    ]
    if rows:
        connection.execute(tables.event_subjects.insert(), rows)
    status.record(connection, events)


def drop(connection: Connection) -> None:
    """Empty the picture, the rows of opened manifests and papers too; the journal stays."""
    for table in PICTURE:
        connection.execute(table.delete())


def drop_and_rebuild(connection: Connection, events: Iterable[LocatedEvent]) -> None:
    """Make the picture anew from all events, in the chain's order; what was opened is opened again by ``opened``."""
    drop(connection)
    rest = iter(events)
    while part := tuple(islice(rest, _PART)):
        apply_all(connection, part)
