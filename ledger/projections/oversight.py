"""Oversight 监督: volume, timeliness, corrections, overdue cases, dormant agreements — as questions to the picture.

Spans are half open, ``[since, until)``, in chain time. Nothing asks a clock: whoever asks says what time it is, best the
picture's own last block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.engine import Connection, Row

from ledger.domain import workdays
from ledger.domain.case_model import Calendars, CaseModel
from ledger.domain.cases import CASE_WORKING, Action, Clock, LimitFlag, Mode, State
from ledger.domain.catalogue import LimitRule
from ledger.projections.cases import model_of
from ledger.storage.tables import cases as tables
from ledger.storage.tables import catalogue, consents, refusals

__all__ = [
    "Corrections",
    "Dormant",
    "Overdue",
    "Refusals",
    "Timeliness",
    "Volume",
    "corrections",
    "dormant_agreements",
    "overdue",
    "readings",
    "refusals_by_reason",
    "timeliness",
    "volume",
]

_RUNNING = (*CASE_WORKING, State.GRANTED, State.REFUSED, State.CLOSED)


@dataclass(frozen=True, slots=True)
class Volume:
    """Cases submitted in a span between two cities in one mode, and how they stand now."""

    receiving: int
    handling: int
    mode: Mode
    submitted: int
    running: int
    granted: int
    refused: int
    not_accepted: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class Timeliness:
    """Decisions made in a span by a city: within the limit, after it, and those without any limit."""

    member: int
    in_time: int
    late: int
    unlimited: int
    # Decided with a promise shorter than the law, and kept.
    promises_kept: int


@dataclass(frozen=True, slots=True)
class Corrections:
    """Requests for corrections in a span by a city, and how many of them were not the first of their case.

    The notice is to be given once and complete 一次性告知 (Administrative Licence Law art. 32): repeated ones show.
    """

    member: int
    requests: int
    cases: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """A case whose running limit is over, or on which silence has counted as acceptance unnoticed."""

    case: bytes
    receiving: int
    handling: int
    office: int
    matter: bytes
    state: State
    clock: Clock
    elapsed: int
    allowed: int
    due: int | None
    claimable: bool


@dataclass(frozen=True, slots=True)
class Dormant:
    """An agreement in force under which nothing was submitted since a moment; ``last`` is when something last was."""

    agreement: bytes
    version: int
    in_force_at: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often the contracts refused a member's operations for a reason."""

    member: int
    operation: int
    reason: int
    count: int


def volume(connection: Connection, since: int, until: int) -> tuple[Volume, ...]:
    """How many cases were submitted, by receiving and handling city and mode."""
    table = tables.cases

    def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((condition, 1), else_=0))

    rows = connection.execute(
        select(
            table.c.receiving,
            table.c.handling,
            table.c.mode,
            func.count().label("submitted"),
            counted(table.c.state.in_([int(state) for state in CASE_WORKING])).label("running"),
            counted(table.c.result == 1).label("granted"),
            counted(table.c.result == 2).label("refused"),
            counted(table.c.state == int(State.NOT_ACCEPTED)).label("not_accepted"),
            counted(table.c.state == int(State.WITHDRAWN)).label("withdrawn"),
        )
        .where(table.c.time >= since, table.c.time < until)
        .group_by(table.c.receiving, table.c.handling, table.c.mode)
        .order_by(table.c.receiving, table.c.handling, table.c.mode)
    )
    return tuple(
        Volume(
            row.receiving,
            row.handling,
            Mode(row.mode),
            row.submitted,
            row.running,
            row.granted,
            row.refused,
            row.not_accepted,
            row.withdrawn,
        )
        for row in rows
    )


def timeliness(connection: Connection, since: int, until: int) -> tuple[Timeliness, ...]:
    """Which decisions of a span were in time, by the city that decided; days as the chain counted them then."""
    steps, table = tables.case_transitions, tables.cases
    rows = connection.execute(
        select(steps.c.actor, steps.c.elapsed, table.c.rule, table.c.mode, table.c.extended, table.c.extension)
        .join(table, table.c.case == steps.c.case)
        .where(steps.c.action.in_((int(Action.GRANT), int(Action.REFUSE))), steps.c.time >= since, steps.c.time < until)
    )
    found: dict[int, list[int]] = {}
    for row in rows:
        counts = found.setdefault(row.actor, [0, 0, 0, 0])
        rule = LimitRule.unpack(int(row.rule))
        joint = rule.joint_days if row.mode == Mode.JOINT else 0
        allowed = (joint or rule.decision_days) + (row.extension if row.extended else 0)
        if allowed == 0:
            counts[2] += 1
        else:
            counts[0 if row.elapsed <= allowed else 1] += 1
            counts[3] += rule.commitment_days > 0 and row.elapsed <= rule.commitment_days
    return tuple(Timeliness(member, *counts) for member, counts in sorted(found.items()))


def corrections(connection: Connection, since: int, until: int) -> tuple[Corrections, ...]:
    """How often each city asked applicants for corrections."""
    steps = tables.case_transitions
    asked = steps.c.action == int(Action.REQUEST_CORRECTION)
    span = and_(steps.c.time >= since, steps.c.time < until)
    earlier = steps.alias("earlier")
    again = (
        select(earlier.c.case)
        .where(
            earlier.c.case == steps.c.case,
            earlier.c.action == int(Action.REQUEST_CORRECTION),
            earlier.c.sequence < steps.c.sequence,
        )
        .exists()
    )
    rows = connection.execute(
        select(
            steps.c.actor,
            func.count().label("requests"),
            func.count(steps.c.case.distinct()).label("cases"),
            func.sum(case((again, 1), else_=0)).label("repeated"),
        )
        .where(asked, span)
        .group_by(steps.c.actor)
        .order_by(steps.c.actor)
    )
    return tuple(Corrections(row.actor, row.requests, row.cases, row.repeated) for row in rows)


def overdue(connection: Connection, now: int, calendars: Calendars, *, member: int | None = None) -> Iterator[Overdue]:
    """Cases whose running limit is over at a moment, the longest waiting first; ``member``: only those it has part in.

    A case whose limit cannot be counted for want of a calendar is not among them.
    """
    table = tables.cases
    query = select(table).where(table.c.state.in_([int(state) for state in _RUNNING]))
    if member is not None:
        query = query.where(or_(table.c.receiving == member, table.c.handling == member))
    for row in connection.execute(query.order_by(table.c.time, table.c.case)):
        found = _overdue(row, model_of(row), now, calendars)
        if found is not None:
            yield found


def _overdue(row: Row[Any], model: CaseModel, now: int, calendars: Calendars) -> Overdue | None:
    limits = model.limits(now, calendars)
    claimable = bool(limits.flags & LimitFlag.CLAIMABLE)
    if not claimable and not limits.flags & LimitFlag.OVERDUE:
        return None
    due = model.due_day(limits, calendars)
    return Overdue(
        case=row.case,
        receiving=row.receiving,
        handling=row.handling,
        office=row.office,
        matter=row.matter,
        state=State(row.state),
        clock=limits.clock,
        elapsed=limits.elapsed,
        allowed=limits.allowed,
        due=None if due is None else workdays.day_end(due),
        claimable=claimable,
    )


def dormant_agreements(connection: Connection, since: int) -> tuple[Dormant, ...]:
    """Agreements that are in force and have not ended, under which no case was submitted since a moment."""
    agreements, ends, table = catalogue.agreements, catalogue.agreement_ends, tables.cases
    last = select(table.c.agreement, func.max(table.c.time).label("last")).group_by(table.c.agreement).subquery("last")
    rows = connection.execute(
        select(agreements.c.agreement, agreements.c.version, agreements.c.in_force_at, last.c.last)
        .outerjoin(last, last.c.agreement == agreements.c.agreement)
        .outerjoin(ends, ends.c.agreement == agreements.c.agreement)
        .where(
            agreements.c.in_force_at.is_not(None),
            agreements.c.in_force_at < since,
            agreements.c.superseded_at.is_(None),
            ends.c.agreement.is_(None),
            or_(last.c.last.is_(None), last.c.last < since),
        )
        .order_by(agreements.c.in_force_at, agreements.c.agreement)
    )
    return tuple(Dormant(row.agreement, row.version, row.in_force_at, row.last) for row in rows)


def refusals_by_reason(connection: Connection, since: int, until: int) -> tuple[Refusals, ...]:
    """What the contracts refused in a span, by member, operation and reason."""
    table = refusals.refusals
    rows = connection.execute(
        select(table.c.member, table.c.operation, table.c.reason, func.count().label("total"))
        .where(table.c.time >= since, table.c.time < until)
        .group_by(table.c.member, table.c.operation, table.c.reason)
        .order_by(table.c.member, table.c.operation, table.c.reason)
    )
    return tuple(Refusals(row.member, row.operation, row.reason, row.total) for row in rows)


def readings(connection: Connection, since: int, until: int) -> dict[tuple[int, int], int]:
    """How often each member read materials in a span, by member and basis (1 consent, 2 statutory duty)."""
    table = consents.uses
    rows = connection.execute(
        select(table.c.member, table.c.basis, func.count().label("total"))
        .where(table.c.time >= since, table.c.time < until)
        .group_by(table.c.member, table.c.basis)
    )
    return {(row.member, row.basis): row.total for row in rows}
