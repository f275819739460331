"""The outbox: what this city wants done on the chain, and how far each of it has come.

Every function works on the connection of the caller's unit of work and never commits: an intent is enqueued in the same
transaction as the row that it belongs to. The signed transactions that carry intents are in ``storage.transactions``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.engine import Connection, Row

from ledger.domain.calls import call_digest
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.errors import ConflictError, NotFoundError, UnavailableError
from ledger.storage.tables.outbox import intents, transactions

__all__ = [
    "Intent",
    "Settlement",
    "StoredIntent",
    "apply",
    "busy_subjects",
    "claimable",
    "counts",
    "enqueue",
    "fail",
    "fail_dependants",
    "find",
    "listed",
    "matching",
    "oldest_waiting",
    "read_intent",
    "retry",
    "update_intents",
    "waiting",
]

_OPEN = ("prepared", "sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What somebody wants done on the chain.

    Attributes:
        id: the caller's idempotency key; the same id with the same call is the same intent.
        operation: what.
        contract: address of the contract that is to do it, lowercase.
        role: which of the city's keys signs: one of ``ports.ROLES``.
        subject: what it is about (the batch's root, the case's id …), 32 bytes, to find it by.
        call: canonical text of the operation's fields, as ``ledger.chain.codec.canonical_call`` gives it.
        after: id of an intent that must be done before this one is sent.
        not_before: earliest time to send it.
    """

    id: str
    operation: Operation
    contract: str
    role: str
    subject: bytes
    call: str
    after: str | None = None
    not_before: int = 0


@dataclass(frozen=True, slots=True)
class StoredIntent:
    """An intent as it stands."""

    id: str
    sequence: int
    operation: Operation
    contract: str
    role: str
    subject: bytes
    call: str
    digest: bytes
    state: str
    transaction_id: int | None
    position: int | None
    reason: int | None
    error: str | None
    after: str | None
    not_before: int
    attempts: int
    alone: bool
    created_at: int
    settled_at: int | None
    result: Any


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one intent: ``done``, ``refused`` (with the contract's reason), ``failed``, or again ``waiting``."""

    intent: str
    state: str
    reason: int | None = None
    error: str | None = None
    result: object = None
    not_before: int = 0
    alone: bool = False


# ---- intents --------------------------------------------------------------------------------------------------------


def enqueue(connection: Connection, intent: Intent, *, now: int) -> bool:
    """Write an intent down.

    Returns:
        Whether it is new; an intent that is already there, with the same call, is left as it is.

    Raises:
        ConflictError: ``storage.intent_differs``: the same id with another call.
        UnavailableError: ``storage.outbox_full``: too much is waiting; asked again later it will be taken.
    """
    digest = call_digest(intent.contract, intent.operation, intent.call)
    known = connection.execute(select(intents.c.digest).where(intents.c.id == intent.id)).scalar()
    if known is not None:
        if known != digest:
            raise ConflictError("storage.intent_differs")
        return False
    # Bounded by an offset, so that the check costs no more when the outbox is far over its limit.
    full = select(intents.c.id).where(intents.c.state == "waiting").offset(LIMITS.outbox_waiting - 1).limit(1)
    if connection.execute(full).first() is not None:
        raise UnavailableError("storage.outbox_full", retry_after=30, waiting=LIMITS.outbox_waiting)
    following = select(func.coalesce(func.max(intents.c.sequence), 0) + 1).scalar_subquery()
    connection.execute(
        insert(intents).values(
            id=intent.id,
            sequence=following,
            operation=int(intent.operation),
            contract=intent.contract,
            role=intent.role,
            subject=intent.subject,
            call=intent.call,
            digest=digest,
            state="waiting",
            after=intent.after,
            not_before=intent.not_before,
            attempts=0,
            alone=False,
            created_at=now,
        )
    )
    return True


def find(connection: Connection, intent: str) -> StoredIntent:
    """Read one intent.

    Raises:
        NotFoundError: ``storage.intent_unknown``.
    """
    row = connection.execute(select(intents).where(intents.c.id == intent)).first()
    if row is None:
        raise NotFoundError("storage.intent_unknown")
    return read_intent(row)


def listed(
    connection: Connection, *, state: str | None = None, subject: bytes | None = None, limit: int = 100
) -> list[StoredIntent]:
    """Read intents, the newest first: all, those in a state, or those about a subject."""
    query = select(intents).order_by(intents.c.sequence.desc()).limit(limit)
    if state is not None:
        query = query.where(intents.c.state == state)
    if subject is not None:
        query = query.where(intents.c.subject == subject)
    return [read_intent(row) for row in connection.execute(query)]


def counts(connection: Connection) -> dict[str, int]:
    """How many intents are in each state."""
    rows = connection.execute(select(intents.c.state, func.count()).group_by(intents.c.state))
    return {state: count for state, count in rows}  # noqa: C416  # rows are tuples of another type


def waiting(connection: Connection) -> int:
    """How many intents wait; the settled ones, of which there may be millions, are not counted on the way."""
    query = select(func.count()).select_from(intents).where(intents.c.state == "waiting")
    return connection.execute(query).scalar_one()


def claimable(connection: Connection, *, now: int, limit: int) -> list[StoredIntent]:
    """Read the intents that may be sent now, in order of arrival: due, and what they wait for is done."""
    first = intents.alias("first")
    query = (
        select(intents)
        .outerjoin(first, intents.c.after == first.c.id)
        .where(
            intents.c.state == "waiting",
            intents.c.not_before <= now,
            or_(intents.c.after.is_(None), first.c.state == "done"),
        )
        .order_by(intents.c.sequence, intents.c.id)
        .limit(limit)
    )
    return [read_intent(row) for row in connection.execute(query)]


def oldest_waiting(connection: Connection) -> dict[str, int]:
    """For each role with unsettled intents, when the oldest of them was written down."""
    query = (
        select(intents.c.role, func.min(intents.c.created_at))
        .where(intents.c.state.in_(("waiting", "prepared")))
        .group_by(intents.c.role)
    )
    return {role: created for role, created in connection.execute(query)}  # noqa: C416  # as above


def busy_subjects(connection: Connection) -> dict[bytes, str]:
    """The subjects of intents in transactions under way, each with the address that acts on it."""
    query = (
        select(intents.c.subject, transactions.c.address)
        .join(transactions, intents.c.transaction_id == transactions.c.id)
        .where(intents.c.state == "prepared")
    )
    return {subject: address for subject, address in connection.execute(query)}  # noqa: C416  # as above


def fail_dependants(connection: Connection, *, now: int) -> int:
    """Fail what waits for something that was refused or failed; answers how many.

    Chains of dependants fail link by link.
    """
    first = intents.alias("first")
    failed = 0
    while True:
        stranded = (
            select(intents.c.id)
            .join(first, intents.c.after == first.c.id)
            .where(intents.c.state == "waiting", first.c.state.in_(("refused", "failed")))
        )
        names = list(connection.execute(stranded).scalars())
        if not names:
            return failed
        update_intents(connection, names, state="failed", error="sending.dependency_failed", settled_at=now)
        failed += len(names)


def retry(connection: Connection, intent: str) -> None:
    """Put a refused or failed intent in line again: somebody has removed the cause.

    Raises:
        ConflictError: ``storage.intent_unsettled``: it is not one of those.
    """
    result = connection.execute(
        update(intents)
        .where(intents.c.id == intent, intents.c.state.in_(("refused", "failed")))
        .values(
            state="waiting", reason=None, error=None, settled_at=None, transaction_id=None, position=None, attempts=0,
            not_before=0,
        )
    )  # fmt: skip
    if result.rowcount != 1:
        raise ConflictError("storage.intent_unsettled")


def matching(connection: Connection, address: str, nonce: int, digests: Iterable[bytes]) -> list[StoredIntent]:
    """Intents with these calls that a mined transaction with that nonce may have carried, in order of arrival.

    Those are all that are in no transaction, and those in transactions with the very same nonce or whose own nonce went
    to another one.
    """
    same_nonce = select(transactions.c.id).where(
        transactions.c.address == address, or_(transactions.c.nonce == nonce, transactions.c.state == "replaced")
    )
    query = (
        select(intents)
        .where(
            intents.c.digest.in_(list(digests)),
            or_(intents.c.state.in_(("waiting", "failed")), intents.c.transaction_id.in_(same_nonce)),
            intents.c.state.in_(("waiting", "failed", "prepared")),
        )
        .order_by(intents.c.sequence, intents.c.id)
    )
    return [read_intent(row) for row in connection.execute(query)]


def fail(connection: Connection, settlements: Iterable[Settlement], *, now: int) -> None:
    """Write down what can never be sent."""
    for settlement in settlements:
        apply(connection, settlement, now)


# ---- rows -----------------------------------------------------------------------------------------------------------


def apply(connection: Connection, settlement: Settlement, now: int) -> None:
    """Write down what became of one intent."""
    values: dict[str, object] = {
        "state": settlement.state,
        "reason": settlement.reason,
        "error": settlement.error,
        "result": settlement.result,
    }
    if settlement.state == "waiting":
        values |= {"transaction_id": None, "position": None, "not_before": settlement.not_before}
        values |= {"attempts": intents.c.attempts + 1, "alone": settlement.alone}
    else:
        values |= {"settled_at": now}
    update_intents(connection, [settlement.intent], **values)


def update_intents(connection: Connection, names: Sequence[str], **values: object) -> None:
    """Set columns of some intents."""
    condition: ColumnElement[bool] = intents.c.id.in_(names)
    connection.execute(update(intents).where(condition).values(values))


def read_intent(row: Row[Any]) -> StoredIntent:
    """Read a row of the table of intents."""
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    return StoredIntent(**{**values, "operation": Operation(values["operation"])})
