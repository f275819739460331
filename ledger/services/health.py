"""How a node is doing: what the daemon notes of its steps, and what a person should know and do about it.

The web process and the command read what the daemon wrote; neither needs the daemon to answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from ledger.domain.limits import LIMITS
from ledger.errors import Fact
from ledger.projections import journal
from ledger.services.context import Node
from ledger.storage import outbox
from ledger.storage.tables import drafts
from ledger.storage.tables import steps as tables

__all__ = ["Finding", "Noted", "StepState", "Waiting", "findings", "note", "steps", "waiting"]


@dataclass(slots=True)
class Noted:
    """What was noted last of each step, so that a loop that turns five times a second writes every five seconds."""

    last: dict[str, tuple[str | None, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepState:
    """A step of the daemon: when it last worked and failed (POSIX seconds of this machine), with which code."""

    step: str
    worked_at: int | None
    failed_at: int | None
    code: str | None
    failures: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be: the code of its sentence and its facts; ``step`` where it has one."""

    code: str
    facts: dict[str, Fact]
    step: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in this node, in numbers."""

    intents: int
    materials: int
    oldest_intent: int | None


def note(node: Node, step: str, *, code: str | None, memory: Noted, now: Callable[[], float] = time.time) -> None:
    """Note that a step worked, or failed with a code; written when that changes, and every few seconds.

    Raises:
        UnavailableError: ``storage.…``.
    """
    known, at = memory.last.get(step, ("", 0.0))
    moment = now()
    if known == code and moment - at < LIMITS.health_note_seconds:
        return
    table = tables.daemon_steps
    with node.begin() as uow:
        row = uow.connection.execute(select(table.c.failures).where(table.c.step == step)).first()
        failures = 0 if code is None else (row.failures if row is not None else 0) + 1
        values: dict[str, object] = {"code": code, "failures": failures}
        values["worked_at" if code is None else "failed_at"] = int(moment)
        if row is None:
            uow.connection.execute(insert(table).values(step=step, **values))
        else:
            uow.connection.execute(update(table).where(table.c.step == step).values(**values))
        uow.commit()
    memory.last[step] = (code, moment)


def steps(connection: Connection) -> tuple[StepState, ...]:
    """Return the daemon's steps as last noted."""
    rows = connection.execute(select(tables.daemon_steps).order_by(tables.daemon_steps.c.step))
    return tuple(StepState(row.step, row.worked_at, row.failed_at, row.code, row.failures) for row in rows)


def waiting(connection: Connection, now: int) -> Waiting:
    """Return what waits; ``now`` is the network's time."""
    table = drafts.material_drafts
    materials = connection.execute(select(table.c.id).where(table.c.state == "waiting")).all()
    oldest = outbox.oldest_waiting(connection)
    age = max(0, now - min(oldest.values())) if oldest else None
    return Waiting(outbox.waiting(connection), len(materials), age)


def findings(node: Node, *, now: Callable[[], float] = time.time) -> tuple[Finding, ...]:
    """Return what is not as it should be; nothing: the node is ready.

    Raises:
        UnavailableError: ``storage.…``: the database itself cannot be used.
    """
    moment = int(now())
    with node.database.read() as connection:
        known = steps(connection)
        state = journal.position(connection)
        held = waiting(connection, node.clock())
    found = []
    newest = max((max(step.worked_at or 0, step.failed_at or 0) for step in known), default=0)
    if not newest:
        found.append(Finding("health.daemon_never", {}))
    elif moment - newest > LIMITS.health_silent_seconds:
        found.append(Finding("health.daemon_silent", {"seconds": moment - newest}))
    found.extend(
        Finding("health.step_failing", {"step": step.step, "why": step.code, "failures": step.failures}, step.step)
        for step in known
        if step.code is not None
    )
    if state is None:
        found.append(Finding("health.not_synchronised", {}))
    elif state.time - node.clock() > LIMITS.log_timely_seconds:
        found.append(Finding("health.clock_behind", {"seconds": state.time - node.clock()}))
    if held.oldest_intent is not None and held.oldest_intent > LIMITS.health_waiting_seconds:
        found.append(Finding("health.intents_waiting", {"count": held.intents, "seconds": held.oldest_intent}))
    return tuple(found)
