"""The outbox: what this city wants done on the chain, and how far each of it has come.

Every function works on the connection of the caller's unit of work and never commits: an intent is enqueued in the same
transaction as the row that it belongs to. The signed transactions that carry intents are in ``storage.transactions``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, insert, or_, select, update
from sqlalchemy.engine import Connection, Row

from ledger.domain.calls import call_digest
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.errors import ConflictError, NotFoundError, UnavailableError
from ledger.storage.tables.outbox import intents, transactions

__all__ = [
    "DEPENDENCY_FAILED",
    "STUCK",
    "Intent",
    "Settlement",
    "StoredIntent",
    "apply_all",
    "busy_subjects",
    "claimable",
    "counts",
    "enqueue",
    "enqueue_all",
    "fail_dependants",
    "find",
    "in_flight",
    "known",
    "last_sequence",
    "listed",
    "matching",
    "oldest_waiting",
    "read_intent",
    "update_intents",
    "waiting",
]

# What became of an intent that was not carried out.
STUCK = ("refused", "failed")
# The error of an intent whose predecessor was not carried out.
DEPENDENCY_FAILED = "sending.dependency_failed"


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


# Names in one question: well under what any database takes as parameters.
_NAMES = 500

# Statements are built once: building one costs several times what running it costs.
_KNOWN = select(intents.c.id, intents.c.digest).where(intents.c.id.in_(bindparam("names", expanding=True)))
_FULL = select(intents.c.id).where(intents.c.state == "waiting").offset(bindparam("most")).limit(1)
_LAST = select(func.coalesce(func.max(intents.c.sequence), 0))
_ENQUEUE = insert(intents)
_SETTLE = (
    update(intents)
    .where(intents.c.id == bindparam("intent"))
    .values(
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        error=bindparam("new_error"),
        result=bindparam("new_result"),
        settled_at=bindparam("new_settled_at"),
    )
)
_AGAIN = (
    update(intents)
    .where(intents.c.id == bindparam("intent"))
    .values(
        state="waiting",
        reason=bindparam("new_reason"),
        error=bindparam("new_error"),
        transaction_id=None,
        position=None,
        not_before=bindparam("new_not_before"),
        alone=bindparam("new_alone"),
        attempts=intents.c.attempts + 1,
    )
)

# ---- intents --------------------------------------------------------------------------------------------------------


def enqueue(connection: Connection, intent: Intent, *, now: int) -> bool:
    """Write an intent down.

    Returns:
        Whether it is new; an intent that is already there, with the same call, is left as it is.

    Raises:
        ConflictError: ``storage.intent_differs``: the same id with another call.
        UnavailableError: ``storage.outbox_full``: too much is waiting; asked again later it will be taken.
    """
    return enqueue_all(connection, [intent], now=now) == 1


def enqueue_all(connection: Connection, wanted: Sequence[Intent], *, now: int) -> int:
    """Write many intents down at once, in their order; answers how many are new.

    Raises:
        ConflictError: ``storage.intent_differs``.
        UnavailableError: ``storage.outbox_full``.
    """
    digests: dict[str, bytes] = {}
    for one in wanted:
        digest = call_digest(one.contract, one.operation, one.call)
        if digests.setdefault(one.id, digest) != digest:
            raise ConflictError("storage.intent_differs")
    names = list(digests)
    known: dict[str, bytes] = {}
    for start in range(0, len(names), _NAMES):
        found = connection.execute(_KNOWN, {"names": names[start : start + _NAMES]})
        known.update((name, digest) for name, digest in found)
    if any(digests[name] != digest for name, digest in known.items()):
        raise ConflictError("storage.intent_differs")
    new = list({one.id: one for one in wanted if one.id not in known}.values())
    if not new:
        return 0
    most = LIMITS.outbox_waiting - len(new)
    # Bounded by an offset, so that the check costs no more when the outbox is far over its limit.
    if most < 0 or connection.execute(_FULL, {"most": most}).first() is not None:
        raise UnavailableError("storage.outbox_full", retry_after=30, waiting=LIMITS.outbox_waiting)
    last = last_sequence(connection)
    connection.execute(
        _ENQUEUE,
        [
            {
                "id": one.id,
                "sequence": last + 1 + place,
                "operation": int(one.operation),
                "contract": one.contract,
                "role": one.role,
                "subject": one.subject,
                "call": one.call,
                "digest": digests[one.id],
                "state": "waiting",
                "after": one.after,
                "not_before": one.not_before,
                "attempts": 0,
                "alone": False,
                "created_at": now,
            }
            for place, one in enumerate(new)
        ],
    )
    return len(new)


def known(connection: Connection, intent: str) -> bool:
    """Say whether there is an intent of that name."""
    return connection.execute(select(intents.c.id).where(intents.c.id == intent)).first() is not None


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


def last_sequence(connection: Connection) -> int:
    """The number of the newest intent; 0 before the first."""
    last: int = connection.execute(_LAST).scalar_one()
    return last


def counts(connection: Connection) -> dict[str, int]:
    """How many intents are in each state."""
    rows = connection.execute(select(intents.c.state, func.count()).group_by(intents.c.state))
    return {state: count for state, count in rows}  # noqa: C416  # rows are tuples of another type


def waiting(connection: Connection) -> int:
    """How many intents wait; the settled ones, of which there may be millions, are not counted on the way."""
    query = select(func.count()).select_from(intents).where(intents.c.state == "waiting")
    return connection.execute(query).scalar_one()


def in_flight(connection: Connection) -> int:
    """How many intents are in transactions under way: signed, perhaps sent, not yet final."""
    query = select(func.count()).select_from(intents).where(intents.c.state == "prepared")
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
            .where(intents.c.state == "waiting", first.c.state.in_(STUCK))
        )
        names = list(connection.execute(stranded).scalars())
        if not names:
            return failed
        update_intents(connection, names, state="failed", error=DEPENDENCY_FAILED, settled_at=now)
        failed += len(names)


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


# ---- rows -----------------------------------------------------------------------------------------------------------


def apply_all(connection: Connection, settlements: Iterable[Settlement], *, now: int) -> None:
    """Write down what became of intents: some are settled, some wait again."""
    settled: list[dict[str, object]] = []
    again: list[dict[str, object]] = []
    for one in settlements:
        common = {"intent": one.intent, "new_reason": one.reason, "new_error": one.error}
        if one.state == "waiting":
            again.append({**common, "new_not_before": one.not_before, "new_alone": one.alone})
        else:
            settled.append({**common, "new_state": one.state, "new_result": one.result, "new_settled_at": now})
    if settled:
        connection.execute(_SETTLE, settled)
    if again:
        connection.execute(_AGAIN, again)


def update_intents(connection: Connection, names: Sequence[str], **values: object) -> None:
    """Set columns of some intents."""
    condition: ColumnElement[bool] = intents.c.id.in_(names)
    connection.execute(update(intents).where(condition).values(values))


def read_intent(row: Row[Any]) -> StoredIntent:
    """Read a row of the table of intents."""
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    return StoredIntent(**{**values, "operation": Operation(values["operation"])})
