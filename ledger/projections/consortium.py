"""The consortium's events as rows."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.engine import Connection

from ledger.domain.consortium import MemberStatus, ProposalKind, Role
from ledger.domain.events import (
    AdmissionProposed,
    CalendarObjected,
    CalendarPosted,
    DepartmentSet,
    EndpointPublished,
    Event,
    Founded,
    GenerationAdded,
    KeySet,
    MemberConfirmed,
    MemberListed,
    MemberStatusChanged,
    PolicySet,
    ProposalClosed,
    Proposed,
    RecoveryObjected,
    RecoveryStarted,
    ServiceKeyPublished,
    Voted,
)
from ledger.domain.workdays import YearCalendar
from ledger.ports import LocatedEvent
from ledger.projections.rows import ZERO, Handler, insert
from ledger.storage.tables import consortium as tables

__all__ = ["HANDLERS", "calendars", "key_in_force"]

_NO_ADDRESS = "0x" + "00" * 20
_NEWEST = (
    select(tables.calendars.c.year, func.max(tables.calendars.c.version).label("version"))
    .group_by(tables.calendars.c.year)
    .subquery()
)
# Built once: every trace counts working days.
_NEWEST_CALENDARS = select(tables.calendars.c.year, tables.calendars.c.low, tables.calendars.c.high).join(
    _NEWEST, and_(tables.calendars.c.year == _NEWEST.c.year, tables.calendars.c.version == _NEWEST.c.version)
)


def calendars(connection: Connection) -> dict[int, YearCalendar]:
    """The working days of each year in their newest version, as the contract counts them now."""
    rows = connection.execute(_NEWEST_CALENDARS)
    return {row.year: YearCalendar.from_words(row.year, int(row.low), int(row.high)) for row in rows}


def key_in_force(connection: Connection, key: str, block: int, log_index: int) -> tuple[int, Role] | None:
    """Whose key an address was at a place of the chain, and its roles then; ``None``: nobody's, or removed."""
    table = tables.keys
    begun = or_(table.c.block < block, and_(table.c.block == block, table.c.log_index <= log_index))
    open_still = or_(
        table.c.until_block.is_(None),
        table.c.until_block > block,
        and_(table.c.until_block == block, table.c.until_log_index > log_index),
    )
    row = connection.execute(
        select(table.c.member, table.c.roles).where(table.c.key == key, begun, open_still)
    ).one_or_none()
    return (row.member, Role(row.roles)) if row is not None else None


def _founded(connection: Connection, _event: Founded, at: LocatedEvent) -> None:
    insert(connection, tables.network, at)


def _listed(connection: Connection, event: MemberListed, at: LocatedEvent) -> None:
    insert(connection, tables.members, at, status=int(MemberStatus.LISTED))
    _set_status(connection, event.member, MemberStatus.LISTED, at, proposal=0, digest=ZERO)
    _open_key(connection, at, member=event.member, key=event.administrator, roles=Role.ADMINISTER)


def _confirmed(connection: Connection, event: MemberConfirmed, at: LocatedEvent) -> None:
    table = tables.members
    connection.execute(update(table).where(table.c.member == event.member).values(confirmed_at=at.time))
    _set_status(connection, event.member, MemberStatus.ACTIVE, at, proposal=0, digest=ZERO)


def _status_changed(connection: Connection, event: MemberStatusChanged, at: LocatedEvent) -> None:
    _set_status(connection, event.member, event.status, at, proposal=event.proposal, digest=event.digest)


def _set_status(
    connection: Connection, member: int, status: int, at: LocatedEvent, *, proposal: int, digest: bytes
) -> None:
    table = tables.members
    connection.execute(update(table).where(table.c.member == member).values(status=int(status)))
    insert(connection, tables.member_statuses, at, member=member, status=int(status), proposal=proposal, digest=digest)


def _key_set(connection: Connection, event: KeySet, at: LocatedEvent) -> None:
    for key in (event.key, event.previous):
        _close_key(connection, key, at)
    if event.roles:
        _open_key(connection, at, member=event.member, key=event.key, roles=event.roles, previous=event.previous)
    if event.roles == Role.ADMINISTER:
        table = tables.members
        connection.execute(update(table).where(table.c.member == event.member).values(administrator=event.key))
    if event.roles in {Role.ADMINISTER, Role.RECOVER}:
        _end_recovery(connection, event)


def _open_key(
    connection: Connection, at: LocatedEvent, *, member: int, key: str, roles: int, previous: str = _NO_ADDRESS
) -> None:
    insert(connection, tables.keys, at, member=member, key=key, roles=int(roles), previous=previous)


def _close_key(connection: Connection, key: str, at: LocatedEvent) -> None:
    table = tables.keys
    connection.execute(
        update(table)
        .where(table.c.key == key, table.c.until_block.is_(None))
        .values(until_block=at.block, until_log_index=at.log_index, until_time=at.time)
    )


def _end_recovery(connection: Connection, event: KeySet) -> None:
    """A recovery under way ends with the replacement of the administrator's or the recovery key."""
    table = tables.recoveries
    running = update(table).where(table.c.member == event.member, table.c.state.in_(("running", "objected")))
    connection.execute(running.where(table.c.administrator == event.key).values(state="done"))
    connection.execute(running.values(state="void"))


def _recovery_started(connection: Connection, _event: RecoveryStarted, at: LocatedEvent) -> None:
    insert(connection, tables.recoveries, at, state="running")


def _recovery_objected(connection: Connection, event: RecoveryObjected, _at: LocatedEvent) -> None:
    table = tables.recoveries
    connection.execute(
        update(table).where(table.c.member == event.member, table.c.state == "running").values(state="objected")
    )


def _service_key(connection: Connection, _event: ServiceKeyPublished, at: LocatedEvent) -> None:
    insert(connection, tables.service_keys, at)


def _endpoint(connection: Connection, event: EndpointPublished, at: LocatedEvent) -> None:
    table = tables.endpoints
    connection.execute(table.delete().where(table.c.member == event.member))
    insert(connection, table, at)


def _department(connection: Connection, event: DepartmentSet, at: LocatedEvent) -> None:
    table = tables.departments
    connection.execute(table.delete().where(table.c.member == event.member, table.c.department == event.department))
    insert(connection, table, at)


def _proposed(connection: Connection, _event: Proposed, at: LocatedEvent) -> None:
    insert(connection, tables.proposals, at, approvals=0, rejections=0)


def _admission(connection: Connection, _event: AdmissionProposed, at: LocatedEvent) -> None:
    insert(connection, tables.admissions, at)


def _voted(connection: Connection, event: Voted, at: LocatedEvent) -> None:
    insert(connection, tables.votes, at)
    table = tables.proposals
    rejected = table.c.rejections + (0 if event.approve else 1)
    connection.execute(
        update(table).where(table.c.proposal == event.proposal).values(approvals=event.approvals, rejections=rejected)
    )


def _closed(connection: Connection, event: ProposalClosed, at: LocatedEvent) -> None:
    table = tables.proposals
    connection.execute(
        update(table).where(table.c.proposal == event.proposal).values(closed_at=at.time, passed=event.passed)
    )
    if not event.passed:
        return
    # What the vote does has an event of its own, but for the vote about the vote.
    row = connection.execute(
        select(table.c.target, table.c.subject).where(
            table.c.proposal == event.proposal, table.c.kind == int(ProposalKind.VOTING)
        )
    ).one_or_none()
    if row is not None:
        members = tables.members
        connection.execute(update(members).where(members.c.member == row.target).values(voting=any(row.subject)))


def _generation(connection: Connection, _event: GenerationAdded, at: LocatedEvent) -> None:
    # ``contract`` is the event's own field: the contract registered, not the consortium that says so.
    insert(connection, tables.generations, at)


def _policy(connection: Connection, _event: PolicySet, at: LocatedEvent) -> None:
    insert(connection, tables.policies, at)


def _calendar(connection: Connection, _event: CalendarPosted, at: LocatedEvent) -> None:
    insert(connection, tables.calendars, at)


def _calendar_objected(connection: Connection, _event: CalendarObjected, at: LocatedEvent) -> None:
    insert(connection, tables.calendar_objections, at)


HANDLERS: dict[type[Event], Handler] = {
    Founded: _founded,
    MemberListed: _listed,
    MemberConfirmed: _confirmed,
    MemberStatusChanged: _status_changed,
    KeySet: _key_set,
    RecoveryStarted: _recovery_started,
    RecoveryObjected: _recovery_objected,
    ServiceKeyPublished: _service_key,
    EndpointPublished: _endpoint,
    DepartmentSet: _department,
    Proposed: _proposed,
    AdmissionProposed: _admission,
    Voted: _voted,
    ProposalClosed: _closed,
    GenerationAdded: _generation,
    PolicySet: _policy,
    CalendarPosted: _calendar,
    CalendarObjected: _calendar_objected,
}
