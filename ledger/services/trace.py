"""The trace 全程留痕 of anything: one timeline, each line with who, what, on which evidence, and where it is proven.

Read from the picture alone, so that it says up to which block it goes. A case brings its parent, its children, the
consents given for it, each reading under them, and what was refused; a leaf its anchoring and every consent and reading;
a file of this city's own materials all its leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, or_, select
from sqlalchemy.engine import Connection

from ledger.domain import case_history, workdays
from ledger.domain.case_model import Calendars, CaseModel, opened
from ledger.domain.cases import Clock, LimitFlag, Mode
from ledger.domain.catalogue import LimitRule
from ledger.domain.consortium import Role
from ledger.domain.events import ClockChanged, HandedOver, Opened, Recorded, Stepped, Supervised
from ledger.errors import NotFoundError
from ledger.ports import LocatedEvent
from ledger.projections import journal
from ledger.projections.consortium import calendars
from ledger.projections.journal import EventTypes
from ledger.projections.subjects import SubjectKind
from ledger.services.context import Node
from ledger.services.identifying import Identified, identify
from ledger.services.synchronising import event_types
from ledger.services.trace_lines import actor_of, line_of
from ledger.storage.tables import cases as case_tables
from ledger.storage.tables import chain as tables
from ledger.storage.tables import consents as consent_tables
from ledger.storage.tables import consortium as member_tables
from ledger.storage.tables import materials as material_tables
from ledger.wire.traces import Actor, Days, Line, Party, Trace

__all__ = ["days_of", "show", "trace"]

_ZERO = bytes(32)
# Variables of one statement; SQLite's own limit is far above.
_PAGE = 500

# Statements are built once: building one costs as much as running it.
_FAMILY = (
    select(case_tables.cases.c.case, case_tables.cases.c.parent)
    .where(or_(case_tables.cases.c.case == bindparam("of"), case_tables.cases.c.parent == bindparam("of")))
    .order_by(case_tables.cases.c.block, case_tables.cases.c.log_index)
)
_CONSENTS = select(consent_tables.consents.c.consent).where(
    consent_tables.consents.c.case.in_(bindparam("cases", expanding=True))
)
_ENTRIES = select(tables.log_entries.c.index, tables.log_entries.c.bytes).join(
    tables.events, tables.events.c.entry == tables.log_entries.c.index
)
_OF_SUBJECTS = _ENTRIES.join(
    tables.event_subjects,
    and_(
        tables.event_subjects.c.block == tables.events.c.block,
        tables.event_subjects.c.log_index == tables.events.c.log_index,
    ),
).where(
    tables.event_subjects.c.kind == bindparam("what"),
    tables.event_subjects.c.subject.in_(bindparam("names", expanding=True)),
)
_KEYS = select(member_tables.keys).where(member_tables.keys.c.key.in_(bindparam("keys", expanding=True)))
_DEPARTMENTS = select(
    member_tables.departments.c.member, member_tables.departments.c.department, member_tables.departments.c.name
).where(
    member_tables.departments.c.member.in_(bindparam("numbers", expanding=True)),
    member_tables.departments.c.department.in_(bindparam("codes", expanding=True)),
)
_MEMBERS = select(member_tables.members.c.member, member_tables.members.c.name, member_tables.members.c.division).where(
    member_tables.members.c.member.in_(bindparam("numbers", expanding=True))
)


def show(node: Node, identifier: str) -> Trace:
    """The trace of an identifier in this node's picture; see ``trace``."""
    with node.database.read() as connection:
        return trace(connection, identifier)


def trace(connection: Connection, identifier: str, *, types: EventTypes | None = None) -> Trace:
    """The timeline of whatever an identifier names; its forms are those of ``services.identifying``.

    Raises:
        NotFoundError: ``tracing.not_found``, with the block up to which was looked.
        InputError: ``tracing.identifier``.
        ConflictError: ``tracing.ambiguous``.
    """
    state = journal.position(connection)
    found = identify(connection, identifier) if state is not None else None
    if state is None or found is None:
        raise NotFoundError("tracing.not_found", block=0 if state is None else state.block)
    family = _family(connection, found)
    events = _events(connection, found, family, types if types is not None else event_types())
    counted = calendars(connection)
    followed = _Followed(counted)
    actors = _actors(connection, [located for _, located in events])
    lines = [
        line_of(located, entry, who, followed.days(located))
        for (entry, located), who in zip(events, actors, strict=True)
    ]
    case = followed.models.get(bytes.fromhex(found.name)) if found.kind == "case" else None
    return Trace(
        kind=found.kind,
        identifier=found.name,
        block=state.block,
        time=state.time,
        lines=tuple(lines),
        parties=_parties(connection, lines),
        cases=family,
        days=None if case is None else days_of(case, state.time, counted),
    )


def days_of(case: CaseModel, now: int, counted: Calendars) -> Days | None:
    """The running limit of a case in working days; ``None`` where none runs."""
    limits = case.limits(now, counted)
    clock = limits.clock
    if clock is Clock.NONE:
        return None
    missing = bool(limits.flags & LimitFlag.NO_CALENDAR)
    due = case.due_day(limits, counted)
    return Days(
        clock=clock,
        used=None if missing else limits.elapsed,
        allowed=limits.allowed,
        due=None if due is None else workdays.date_of(due).isoformat(),
        stopped=bool(limits.flags & LimitFlag.STOPPED),
        overdue=bool(limits.flags & LimitFlag.OVERDUE),
    )


# ---- which events ---------------------------------------------------------------------------------------------------


def _family(connection: Connection, found: Identified) -> tuple[bytes, ...]:
    """A case, its parent and its children."""
    if found.kind != "case":
        return ()
    case = bytes.fromhex(found.name)
    rows = connection.execute(_FAMILY, {"of": case}).all()
    parents = [parent for one, parent in rows if one == case and parent != _ZERO]
    return (*parents, case, *(one for one, _ in rows if one != case))


def _events(
    connection: Connection, found: Identified, family: Sequence[bytes], types: EventTypes
) -> list[tuple[int, LocatedEvent]]:
    wanted: dict[SubjectKind, set[str]] = {}
    for kind, subject in found.subjects:
        wanted.setdefault(kind, set()).add(subject)
    for case in family:
        wanted.setdefault(SubjectKind.CASE, set()).add(case.hex())
    for consent in _consents(connection, found, family):
        wanted.setdefault(SubjectKind.CONSENT, set()).add(consent.hex())
    refusable = (SubjectKind.CASE, SubjectKind.CONSENT, SubjectKind.AGREEMENT, SubjectKind.LOOKUP)
    refused = {subject for kind in refusable for subject in wanted.get(kind, ())}
    if refused:
        wanted.setdefault(SubjectKind.REFUSED, set()).update(refused)
    entries = _of_subjects(connection, wanted) | _anchorings(connection, found.leaves)
    if found.transaction is not None:
        entries |= _entries(connection, _ENTRIES.where(tables.events.c.transaction == found.transaction))
    located = [(index, journal.located_own(data, types)) for index, data in sorted(entries.items())]
    return [(index, event) for index, event in located if event is not None]


def _consents(connection: Connection, found: Identified, family: Sequence[bytes]) -> set[bytes]:
    """Consents given for the cases, or over the leaves."""
    leaves = consent_tables.consent_leaves
    given: set[bytes] = set()
    if family:
        given |= set(connection.execute(_CONSENTS, {"cases": family}).scalars())
    for contract, batch, index in found.leaves:
        query = select(leaves.c.consent).where(
            leaves.c.contract == contract, leaves.c.batch == batch, leaves.c.index == index
        )
        given |= set(connection.execute(query).scalars())
    return given


def _of_subjects(connection: Connection, wanted: dict[SubjectKind, set[str]]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for kind, names in wanted.items():
        for page in _pages(sorted(names)):
            found |= _entries(connection, _OF_SUBJECTS, {"what": kind.value, "names": page})
    return found


def _anchorings(connection: Connection, leaves: Iterable[tuple[str, int, int]]) -> dict[int, bytes]:
    batches, events = material_tables.batches, tables.events
    found: dict[int, bytes] = {}
    for contract, batch in sorted({(contract, batch) for contract, batch, _ in leaves}):
        query = _ENTRIES.join(
            batches, and_(batches.c.block == events.c.block, batches.c.log_index == events.c.log_index)
        ).where(batches.c.contract == contract, batches.c.batch == batch)
        found |= _entries(connection, query)
    return found


def _entries(connection: Connection, query: Select[Any], values: Mapping[str, Any] | None = None) -> dict[int, bytes]:
    """Entries of the log by their indices, each once."""
    return {index: data for index, data in connection.execute(query, values)}  # noqa: C416  # rows are not pairs to mypy


def _pages(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[start : start + _PAGE] for start in range(0, len(items), _PAGE))


# ---- working days ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Followed:
    """Cases as they stood after each line."""

    counted: Calendars
    models: dict[bytes, CaseModel] = field(default_factory=dict)
    parents: dict[bytes, bytes] = field(default_factory=dict)

    def days(self, located: LocatedEvent) -> Days | None:
        """Follow one event; the working days then of the case that it moved."""
        model = self._after(located)
        return None if model is None else days_of(model, located.time, self.counted)

    def _after(self, located: LocatedEvent) -> CaseModel | None:
        """Follow one event; the case it moved."""
        event = located.event
        if isinstance(event, Opened):
            rule, child = LimitRule.unpack(event.rule), event.parent != _ZERO
            self.models[event.case] = opened(
                Mode(event.mode), event.receiving, event.handling, rule, located.time, child=child
            )
            self.parents[event.case] = event.parent
            self._parent(event.case, case_history.with_child)
            return self.models[event.case]
        before = self.models.get(getattr(event, "case", b""))
        if before is None:
            return None
        model = _moved(before, located)
        if model is not None:
            case: bytes = event.case  # type: ignore[union-attr]  # found by that field
            self.models[case] = model
            if case_history.ended_by(before, model):
                self._parent(case, case_history.with_child_ended)
        return model

    def _parent(self, case: bytes, change: Callable[[CaseModel], CaseModel]) -> None:
        parent = self.models.get(self.parents.get(case, _ZERO))
        if parent is not None:
            self.models[self.parents[case]] = change(parent)


def _moved(before: CaseModel, located: LocatedEvent) -> CaseModel | None:
    match located.event:
        case Stepped() as event:
            return case_history.with_step(before, event, located.time)
        case ClockChanged() as event:
            return case_history.with_clock(before, event)
        case HandedOver() as event:
            return case_history.with_handover(before, event)
        case Supervised() as event:
            return case_history.with_order(before, event)
        case Recorded() as event:
            return case_history.with_record(before, event)
        case _:
            return None


# ---- who ------------------------------------------------------------------------------------------------------------


def _actors(connection: Connection, events: Sequence[LocatedEvent]) -> list[Actor | None]:
    """Who sent each event, with the roles that the key had at its moment and the department's name."""
    actors = [actor_of(located.event) for located in events]
    known = [actor for actor in actors if actor is not None]
    departments = _departments(connection, known)
    spans: dict[str, list[tuple[tuple[int, int], tuple[int, int] | None, int]]] = {}
    for page in _pages(sorted({actor.key for actor in known if actor.key})):
        for row in connection.execute(_KEYS, {"keys": page}):
            until = None if row.until_block is None else (row.until_block, row.until_log_index)
            spans.setdefault(row.key, []).append(((row.block, row.log_index), until, row.roles))

    def named(who: Actor, place: tuple[int, int]) -> Actor:
        bits = next(
            (
                roles
                for begun, until, roles in spans.get(who.key, ())
                if begun <= place and (until is None or place < until)
            ),
            0,
        )
        department = departments.get((who.member, who.department), "")
        return replace(who, roles=_role_names(bits), department_name=department)

    return [
        None if who is None else named(who, (located.block, located.log_index))
        for who, located in zip(actors, events, strict=True)
    ]


@cache
def _role_names(bits: int) -> tuple[str, ...]:
    return tuple(role.name.lower() for role in Role if role & bits and role.name)


def _departments(connection: Connection, actors: Sequence[Actor]) -> dict[tuple[int, int], str]:
    wanted = {(actor.member, actor.department) for actor in actors if actor.department}
    if not wanted:
        return {}
    # All pairs of these members and codes: a few rows more, of which none is asked for.
    members, codes = sorted({member for member, _ in wanted}), sorted({code for _, code in wanted})
    rows = connection.execute(_DEPARTMENTS, {"numbers": members, "codes": codes})
    return {(row.member, row.department): row.name for row in rows}


def _parties(connection: Connection, lines: Sequence[Line]) -> dict[int, Party]:
    numbers: set[int] = set()
    for line in lines:
        numbers |= {int(value) for _, group, value in line.facts if group == "members"}
        if isinstance(line.who, Actor):
            numbers |= {line.who.member, line.who.helper}
    rows = connection.execute(_MEMBERS, {"numbers": sorted(numbers)})
    return {row.member: Party(row.member, row.name, row.division) for row in rows}
