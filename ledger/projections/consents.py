"""The consents' events as rows."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.engine import Connection

from ledger.domain.events import ConsentConfirmed, ConsentRevoked, Event, Granted, Used
from ledger.ports import LocatedEvent
from ledger.projections.rows import ZERO, Handler, insert, insert_all
from ledger.storage.tables import consents as tables

__all__ = ["HANDLERS"]

_INDEX = 0xFFFFFFFF
_USES = 0xFFFF


def _granted(connection: Connection, event: Granted, at: LocatedEvent) -> None:
    insert(connection, tables.consents, at)
    insert_all(
        connection,
        tables.consent_leaves,
        at,
        [
            {"batch": leaf >> 32, "index": leaf & _INDEX, "position": position}
            for position, leaf in enumerate(event.leaves)
        ],
    )
    granted = [
        {"member": grantee >> 16, "uses": grantee & _USES, "remaining": grantee & _USES} for grantee in event.grantees
    ]
    insert_all(connection, tables.consent_grantees, at, list(granted))


def _confirmed(connection: Connection, event: ConsentConfirmed, at: LocatedEvent) -> None:
    table = tables.consents
    connection.execute(
        update(table).where(table.c.consent == event.consent).values(confirmed_at=at.time, confirmed_by=event.member)
    )


def _revoked(connection: Connection, event: ConsentRevoked, at: LocatedEvent) -> None:
    if not event.recorded:
        insert(connection, tables.tombstones, at)
        return
    table = tables.consents
    connection.execute(
        update(table)
        .where(table.c.consent == event.consent, table.c.revoked_at.is_(None))
        .values(
            revoked_at=at.time,
            revoked_holder=event.holder,
            revoked_attending=event.attending,
            revoked_paper=event.paper,
            revoked_member=event.member,
        )
    )


def _used(connection: Connection, event: Used, at: LocatedEvent) -> None:
    insert(connection, tables.uses, at)
    insert_all(
        connection,
        tables.use_leaves,
        at,
        [{"batch": leaf >> 32, "index": leaf & _INDEX} for leaf in event.leaves],
    )
    if event.consent != ZERO:
        table = tables.consent_grantees
        connection.execute(
            update(table)
            .where(table.c.consent == event.consent, table.c.member == event.member)
            .values(remaining=event.remaining)
        )


HANDLERS: dict[type[Event], Handler] = {
    Granted: _granted,
    ConsentConfirmed: _confirmed,
    ConsentRevoked: _revoked,
    Used: _used,
}
