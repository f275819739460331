"""The materials' events as rows; an erasure reaches this city's opened rows too."""

from __future__ import annotations

from sqlalchemy import and_, func, select, update
from sqlalchemy.engine import Connection

from ledger.domain.events import (
    Anchored,
    ErasureRecorded,
    Event,
    LeavesRevoked,
    LookupAnswered,
    LookupAsked,
    WalletPointed,
)
from ledger.ports import LocatedEvent
from ledger.projections.rows import ZERO, Handler, insert, insert_all
from ledger.storage.tables import materials as tables

__all__ = ["HANDLERS", "settle_erasures"]

_ERASED = ("record", "type_set", "assurance", "reuse", "issued_at", "expires_at", "applicant", "sealed")


def settle_erasures(connection: Connection, materials: list[str]) -> None:
    """Leave of opened materials, once the custodian has erased their every leaf, the name, the type and the leaves.

    A material whose leaves were anchored anew has leaves in several batches, and all of them count.

    Called when an erasure arrives and when a manifest is opened, so that either order leaves the same rows.
    """
    leaves, erasures = tables.material_leaves, tables.erasures
    for material in materials:
        row = connection.execute(
            select(func.count(leaves.c.index), func.count(erasures.c.index), func.max(erasures.c.time))
            .select_from(leaves)
            .outerjoin(
                erasures,
                and_(
                    erasures.c.contract == leaves.c.contract,
                    erasures.c.batch == leaves.c.batch,
                    erasures.c.index == leaves.c.index,
                    erasures.c.consent == ZERO,
                ),
            )
            .where(leaves.c.material == material)
        ).one()
        total, erased, last = row
        if total and total == erased:
            table = tables.materials
            connection.execute(
                update(table).where(table.c.material == material).values(dict.fromkeys(_ERASED) | {"erased_at": last})
            )
            for part in (tables.material_files, tables.material_subjects):
                connection.execute(part.delete().where(part.c.material == material))


def _anchored(connection: Connection, _event: Anchored, at: LocatedEvent) -> None:
    insert(connection, tables.batches, at)


def _revoked(connection: Connection, event: LeavesRevoked, at: LocatedEvent) -> None:
    insert_all(connection, tables.leaf_revocations, at, [{"index": index} for index in event.leaves])


def _erased(connection: Connection, event: ErasureRecorded, at: LocatedEvent) -> None:
    insert_all(connection, tables.erasures, at, [{"index": index} for index in _new(connection, event, at)])
    if event.consent == ZERO:
        leaves = tables.material_leaves
        found = connection.execute(
            select(leaves.c.material)
            .where(leaves.c.contract == at.contract, leaves.c.batch == event.batch, leaves.c.index.in_(event.leaves))
            .distinct()
            .order_by(leaves.c.material)
        ).scalars()
        settle_erasures(connection, list(found))


def _new(connection: Connection, event: ErasureRecorded, at: LocatedEvent) -> list[int]:
    """Leaves that this member has not recorded as erased before: a second record of the same changes nothing."""
    table = tables.erasures
    known = set(
        connection.execute(
            select(table.c.index).where(
                table.c.contract == at.contract,
                table.c.batch == event.batch,
                table.c.member == event.member,
                table.c.consent == event.consent,
                table.c.index.in_(event.leaves),
            )
        ).scalars()
    )
    return [index for index in dict.fromkeys(event.leaves) if index not in known]


def _pointed(connection: Connection, _event: WalletPointed, at: LocatedEvent) -> None:
    insert(connection, tables.wallet_pointers, at)


def _asked(connection: Connection, _event: LookupAsked, at: LocatedEvent) -> None:
    insert(connection, tables.lookups, at)


def _answered(connection: Connection, event: LookupAnswered, at: LocatedEvent) -> None:
    table = tables.lookups
    connection.execute(
        update(table)
        .where(table.c.lookup == event.lookup)
        .values(
            answered_at=at.time,
            answer_key=event.key,
            answer_commitment=event.commitment,
            answer_blob=event.blob,
        )
    )


HANDLERS: dict[type[Event], Handler] = {
    Anchored: _anchored,
    LeavesRevoked: _revoked,
    ErasureRecorded: _erased,
    WalletPointed: _pointed,
    LookupAsked: _asked,
    LookupAnswered: _answered,
}
