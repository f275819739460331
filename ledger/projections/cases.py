"""The cases' events as rows; the row of a case is the contract's own words, followed event by event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection, Row

from ledger.domain import case_history
from ledger.domain.case_model import CaseModel, opened
from ledger.domain.case_words import CaseWord, ClockWord
from ledger.domain.cases import Mode, Outcome, Result, State
from ledger.domain.catalogue import LimitRule
from ledger.domain.events import Assented, ClockChanged, Event, HandedOver, Opened, Recorded, Stepped, Supervised
from ledger.errors import IntegrityError
from ledger.ports import LocatedEvent
from ledger.projections.rows import ZERO, Handler, insert
from ledger.storage.tables import cases as tables

__all__ = ["HANDLERS", "model_of"]

_WORDS = tuple(name for name in (*CaseWord.__slots__, *ClockWord.__slots__) if name in tables.cases.c)


def model_of(row: Row[Any]) -> CaseModel:
    """The machine of a row of ``cases``, for counting working days and for saying what may come next."""
    word = CaseWord(
        state=State(row.state),
        mode=Mode(row.mode),
        receiving=row.receiving,
        handling=row.handling,
        office=row.office,
        department=row.department,
        sequence=row.sequence,
        records=row.records,
        corrections_receiving=row.corrections_receiving,
        corrections_handling=row.corrections_handling,
        children=row.children,
        children_open=row.children_open,
        rating=row.rating,
        orders=row.orders,
        result=Result(row.result),
        outcome=Outcome(row.outcome),
        claim_pending=row.claim_pending,
        claim_accepted=row.claim_accepted,
        extended=row.extended,
        child=row.child,
        received=row.received,
        signed=row.signed,
    )
    clock = ClockWord(
        started=row.started,
        asked=row.asked,
        accepted=row.accepted,
        since=row.since,
        decided=row.decided,
        suspended=row.suspended,
        extension=row.extension,
    )
    return CaseModel(word, clock, LimitRule.unpack(int(row.rule)))


def _columns(case: CaseModel) -> dict[str, Any]:
    values = asdict(case.word) | asdict(case.clock)
    return {name: int(value) if type(value) is not bool else value for name, value in values.items() if name in _WORDS}


def _opened(connection: Connection, event: Opened, at: LocatedEvent) -> None:
    child = event.parent != ZERO
    case = opened(Mode(event.mode), event.receiving, event.handling, LimitRule.unpack(event.rule), at.time, child=child)
    insert(connection, tables.cases, at, changed_at=at.time, **_columns(case))
    if child:
        _change(connection, event.parent, at, case_history.with_child)


def _stepped(connection: Connection, event: Stepped, at: LocatedEvent) -> None:
    insert(connection, tables.case_transitions, at)
    row = _row(connection, event.case)
    before = model_of(row)
    after = case_history.with_step(before, event, at.time)
    _store(connection, event.case, at, after, head=event.head)
    if row.child and case_history.ended_by(before, after):
        _change(connection, row.parent, at, case_history.with_child_ended)


def _handed_over(connection: Connection, event: HandedOver, at: LocatedEvent) -> None:
    insert(connection, tables.handovers, at)
    _change(connection, event.case, at, lambda case: case_history.with_handover(case, event))


def _clock_changed(connection: Connection, event: ClockChanged, at: LocatedEvent) -> None:
    insert(connection, tables.clock_changes, at)
    _change(connection, event.case, at, lambda case: case_history.with_clock(case, event))


def _supervised(connection: Connection, event: Supervised, at: LocatedEvent) -> None:
    insert(connection, tables.supervisions, at)
    _change(connection, event.case, at, lambda case: case_history.with_order(case, event))


def _recorded(connection: Connection, event: Recorded, at: LocatedEvent) -> None:
    insert(connection, tables.case_records, at)
    _change(connection, event.case, at, lambda case: case_history.with_record(case, event))


def _assented(connection: Connection, _event: Assented, at: LocatedEvent) -> None:
    insert(connection, tables.assents, at)


def _row(connection: Connection, case: bytes) -> Row[Any]:
    row = connection.execute(select(tables.cases).where(tables.cases.c.case == case)).one_or_none()
    if row is None:
        # No contract of ours does anything to a case that it has not opened.
        raise IntegrityError("projections.case_unknown")
    return row


def _change(connection: Connection, case: bytes, at: LocatedEvent, change: Callable[[CaseModel], CaseModel]) -> None:
    _store(connection, case, at, change(model_of(_row(connection, case))))


# Which columns are set follows from the values that it is executed with.
_UPDATE = update(tables.cases).where(tables.cases.c.case == bindparam("of_case"))


def _store(connection: Connection, case: bytes, at: LocatedEvent, after: CaseModel, **more: object) -> None:
    connection.execute(_UPDATE, {"of_case": case, "changed_at": at.time, **_columns(after), **more})


HANDLERS: dict[type[Event], Handler] = {
    Opened: _opened,
    Stepped: _stepped,
    HandedOver: _handed_over,
    ClockChanged: _clock_changed,
    Supervised: _supervised,
    Recorded: _recorded,
    Assented: _assented,
}
