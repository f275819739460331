"""How a node is doing: what the daemon notes of its steps, and what a person should know and do about it.

The web process and the command read what the daemon wrote; neither needs the daemon to answer.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection

from ledger.domain.limits import LIMITS
from ledger.errors import Fact, LedgerError, NotFoundError
from ledger.log.view import LogView
from ledger.ports import Head
from ledger.projections import journal
from ledger.projections.journal import SyncState
from ledger.services.context import Node
from ledger.storage import outbox
from ledger.storage.tables import drafts
from ledger.storage.tables import steps as tables
from ledger.wire.sentences import Language, Sentence, is_known, sentence

__all__ = [
    "STORING",
    "Finding",
    "Noted",
    "SeenHead",
    "StepState",
    "Waiting",
    "findings",
    "forget_others",
    "note",
    "note_head",
    "seen_head",
    "steps",
    "waiting",
]

STORING = "storing"
"""The daemon's step that asks whether a block could be stored; why not is said in the store's own words."""

_HEAD = "head"
# Missed while cities are still reading, as after all have started together, and made up with a later attempt.
_PASSING = frozenset({"publishing.quorum"})
# As often as a step that fails is noted within the time that a daemon may be silent.
_LASTING = LIMITS.health_silent_seconds // LIMITS.health_note_seconds
_UNSAID = "…"
_ASIDE = re.compile(rf"\s?[(（][^()（）]*{_UNSAID}[^()（）]*[)）]")


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
class SeenHead:
    """Where the chain stood when the daemon last asked it (``seen_at``, POSIX seconds of this machine)."""

    number: int
    finalised: int
    seen_at: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be: the code of its sentence and its facts; ``step`` where it has one."""

    code: str
    facts: dict[str, Fact]
    step: str = ""

    def told(self, lang: Language) -> Sentence:
        """What to tell a person; a step that does not succeed is told with its cause, and with what to do about that."""
        said, why = sentence(self.code, lang, **self.facts), self.facts.get("why")
        if not isinstance(why, str) or not is_known(why):
            return said
        # Only the code of the cause was noted, so what its facts would say is left out.
        cause = sentence(why, lang)
        text = _ASIDE.sub("", cause.text)
        if _UNSAID not in text:
            said = replace(said, text=f"{said.text}{'' if lang == 'zh' else ' '}{text}")
        return said if _UNSAID in cause.next_step else replace(said, next_step=cause.next_step)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in this node, in numbers.

    ``in_flight`` are operations signed and not yet final on the chain; ``stuck`` those that were refused or have failed
    and go on only by somebody's command.
    """

    intents: int
    in_flight: int
    materials: int
    oldest_intent: int | None
    stuck: int


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


def forget_others(node: Node, names: Collection[str]) -> None:
    """Forget what was noted of steps that this daemon has not: one that was switched off neither fails nor hangs.

    Raises:
        UnavailableError: ``storage.…``.
    """
    table = tables.daemon_steps
    with node.begin() as uow:
        uow.connection.execute(table.delete().where(table.c.step.not_in(names)))
        uow.commit()


def note_head(node: Node, head: Head, *, memory: Noted, now: Callable[[], float] = time.time) -> None:
    """Note where the chain stands; written every few seconds.

    Raises:
        UnavailableError: ``storage.…``.
    """
    moment = now()
    if moment - memory.last.get(_HEAD, (None, 0.0))[1] < LIMITS.health_note_seconds:
        return
    table = tables.seen_head
    with node.begin() as uow:
        uow.connection.execute(table.delete())
        uow.connection.execute(
            insert(table).values(id=1, number=head.number, finalised=head.finalised, seen_at=int(moment))
        )
        uow.commit()
    memory.last[_HEAD] = (None, moment)


def seen_head(connection: Connection) -> SeenHead | None:
    """Return where the daemon last saw the chain; ``None`` before it has asked.

    What it has read since is known to be there, although a head is written down every few seconds only.
    """
    row = connection.execute(select(tables.seen_head)).first()
    if row is None:
        return None
    state = journal.position(connection)
    read = -1 if state is None else state.block
    return SeenHead(max(row.number, read), max(row.finalised, read), row.seen_at)


def steps(connection: Connection) -> tuple[StepState, ...]:
    """Return the daemon's steps as last noted."""
    rows = connection.execute(select(tables.daemon_steps).order_by(tables.daemon_steps.c.step))
    return tuple(StepState(row.step, row.worked_at, row.failed_at, row.code, row.failures) for row in rows)


def waiting(connection: Connection, now: int) -> Waiting:
    """Return what waits; ``now`` is the network's time."""
    table = drafts.material_drafts
    materials = connection.execute(select(func.count()).where(table.c.state == "waiting")).scalar_one()
    oldest = outbox.oldest_waiting(connection)
    age = max(0, now - min(oldest.values())) if oldest else None
    counts = outbox.counts(connection)
    stuck = sum(counts.get(state, 0) for state in outbox.STUCK)
    return Waiting(outbox.waiting(connection), outbox.in_flight(connection), materials, age, stuck)


def findings(node: Node, log: LogView | None = None, *, now: Callable[[], float] = time.time) -> tuple[Finding, ...]:
    """Return what is not as it should be; nothing: the node is ready.

    Everything is read from this node's own database, or is one look at a file or a socket: the engine, the store and
    the other cities are asked by the daemon, in its own time.

    Args:
        node: this city.
        log: its log as it is served; left out, nothing is said of it.
        now: POSIX seconds of this machine.

    Raises:
        UnavailableError: ``storage.…``: the database itself cannot be used.
    """
    moment = int(now())
    with node.database.read() as connection:
        known = steps(connection)
        state = journal.position(connection)
        held = waiting(connection, node.clock())
        head = seen_head(connection)
    return (
        *_of_the_daemon(node, known, moment),
        *_of_the_picture(node, state, head),
        *_of_the_log(node, log),
        *_of_what_waits(held),
    )


def _of_the_daemon(node: Node, known: tuple[StepState, ...], moment: int) -> Iterator[Finding]:
    newest = max((max(step.worked_at or 0, step.failed_at or 0) for step in known), default=0)
    if not newest:
        yield Finding("health.daemon_never", {})
    elif moment - newest > LIMITS.health_silent_seconds:
        yield Finding("health.daemon_silent", {"seconds": moment - newest})
    try:
        node.keys.check()
    except LedgerError as error:
        yield Finding(error.code, dict(error.facts))
    for step in known:
        seen = max(step.worked_at or 0, step.failed_at or 0)
        # Where all of them are silent the daemon is.
        if newest - seen > LIMITS.health_step_silent_seconds:
            yield Finding("health.step_silent", {"step": step.step, "seconds": moment - seen}, step.step)
        elif step.step == STORING and step.code is not None:
            yield Finding(step.code, {}, step.step)
        elif step.code is not None and not (step.code in _PASSING and step.failures < _LASTING):
            yield Finding(
                "health.step_failing", {"step": step.step, "why": step.code, "failures": step.failures}, step.step
            )


def _of_the_picture(node: Node, state: SyncState | None, head: SeenHead | None) -> Iterator[Finding]:
    if state is None:
        yield Finding("health.not_synchronised", {})
        return
    if state.time - node.clock() > LIMITS.log_timely_seconds:
        yield Finding("health.clock_behind", {"seconds": state.time - node.clock()})
    if head is not None and head.finalised - state.block > LIMITS.synchronising_blocks:
        yield Finding(
            "health.picture_behind",
            {"block": state.block, "final": head.finalised, "blocks": head.finalised - state.block},
        )


def _of_the_log(node: Node, log: LogView | None) -> Iterator[Finding]:
    if log is None or not node.publisher:
        return
    try:
        log.checkpoint()
    except NotFoundError:
        yield Finding("health.no_checkpoint", {})
    except LedgerError as error:
        yield Finding(error.code, dict(error.facts))


def _of_what_waits(held: Waiting) -> Iterator[Finding]:
    if held.oldest_intent is not None and held.oldest_intent > LIMITS.health_waiting_seconds:
        yield Finding("health.intents_waiting", {"count": held.intents, "seconds": held.oldest_intent})
