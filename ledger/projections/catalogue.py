"""The catalogue's events as rows."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from ledger.domain.events import (
    AgreementAccepted,
    AgreementDrafted,
    AgreementEnded,
    DelegationSet,
    Event,
    MatterPublished,
    MatterWithdrawn,
)
from ledger.ports import LocatedEvent
from ledger.projections.rows import Handler, insert, insert_all
from ledger.storage.tables import catalogue as tables

__all__ = ["HANDLERS"]


def _published(connection: Connection, event: MatterPublished, at: LocatedEvent) -> None:
    table = tables.matters
    connection.execute(
        update(table)
        .where(
            table.c.contract == at.contract,
            table.c.member == event.member,
            table.c.matter == event.matter,
            table.c.offered.is_(True),
        )
        .values(offered=False)
    )
    insert(connection, table, at, offered=True)


def _withdrawn(connection: Connection, event: MatterWithdrawn, at: LocatedEvent) -> None:
    table = tables.matters
    connection.execute(
        update(table)
        .where(
            table.c.contract == at.contract,
            table.c.member == event.member,
            table.c.matter == event.matter,
            table.c.version == event.version,
        )
        .values(offered=False, withdrawn_at=at.time)
    )


def _drafted(connection: Connection, event: AgreementDrafted, at: LocatedEvent) -> None:
    parties = dict.fromkeys(event.parties, True)
    asked = parties | dict.fromkeys(_leaving(connection, event), False)
    insert(connection, tables.agreements, at, accepted=0, asked=len(asked))
    insert_all(
        connection,
        tables.agreement_parties,
        at,
        [{"member": member, "party": party} for member, party in asked.items()],
    )
    insert_all(
        connection,
        tables.agreement_items,
        at,
        [{"matter": matter, "modes": modes} for matter, modes in zip(event.matters, event.modes, strict=True)],
    )


def _leaving(connection: Connection, event: AgreementDrafted) -> list[int]:
    """Parties of the version in force that are no longer named: they are asked too."""
    agreements, parties = tables.agreements, tables.agreement_parties
    base = connection.execute(
        select(agreements.c.version).where(
            agreements.c.agreement == event.agreement,
            agreements.c.in_force_at.is_not(None),
            agreements.c.superseded_at.is_(None),
        )
    ).scalar_one_or_none()
    if base is None:
        return []
    rows = connection.execute(
        select(parties.c.member)
        .where(parties.c.agreement == event.agreement, parties.c.version == base, parties.c.party.is_(True))
        .order_by(parties.c.member)
    )
    return [member for member in rows.scalars() if member not in event.parties]


def _accepted(connection: Connection, event: AgreementAccepted, at: LocatedEvent) -> None:
    insert(connection, tables.acceptances, at)
    table = tables.agreements
    this = update(table).where(table.c.agreement == event.agreement, table.c.version == event.version)
    connection.execute(this.values(accepted=event.accepted))
    if event.in_force:
        connection.execute(
            update(table)
            .where(
                table.c.agreement == event.agreement,
                table.c.in_force_at.is_not(None),
                table.c.superseded_at.is_(None),
            )
            .values(superseded_at=at.time)
        )
        connection.execute(this.values(in_force_at=at.time))


def _ended(connection: Connection, _event: AgreementEnded, at: LocatedEvent) -> None:
    insert(connection, tables.agreement_ends, at)


def _delegated(connection: Connection, event: DelegationSet, at: LocatedEvent) -> None:
    table = tables.delegations
    connection.execute(
        table.delete().where(
            table.c.contract == at.contract,
            table.c.grantor == event.grantor,
            table.c.grantee == event.grantee,
            table.c.matter == event.matter,
        )
    )
    insert(connection, table, at)


HANDLERS: dict[type[Event], Handler] = {
    MatterPublished: _published,
    MatterWithdrawn: _withdrawn,
    AgreementDrafted: _drafted,
    AgreementAccepted: _accepted,
    AgreementEnded: _ended,
    DelegationSet: _delegated,
}
