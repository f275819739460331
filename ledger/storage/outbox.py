"""The outbox: intents and the signed transactions that carry them.

Every function works on the connection of the caller's unit of work and never commits: an intent is enqueued in the same
transaction as the row that it belongs to, and a signed transaction is recorded together with what it carries.

Why nothing is done twice: an intent is in at most one nonce at a time. A retry sends the same bytes; a replacement has
the same nonce and carries nothing that its predecessor did not carry; what it leaves out waits until that nonce is
mined. So whichever of them the chain takes, each intent happens at most once.
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
from ledger.ports import MinedTransaction, SignedTransaction
from ledger.storage.tables.outbox import intents, transactions

__all__ = [
    "Intent",
    "Settlement",
    "StoredIntent",
    "StoredTransaction",
    "adopt",
    "attached",
    "busy_subjects",
    "claimable",
    "counts",
    "drop",
    "enqueue",
    "fail",
    "fail_dependants",
    "find",
    "in_flight",
    "known_nonces",
    "listed",
    "matching",
    "nonce_range",
    "note_sent",
    "oldest_waiting",
    "record",
    "release",
    "replace",
    "retry",
    "settle",
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
class StoredTransaction:
    """A signed transaction as it stands; ``raw`` is empty for one that was found on the chain."""

    id: int
    address: str
    nonce: int
    contract: str
    operation: Operation | None
    raw: bytes
    hash: bytes
    state: str
    block: int | None
    prepared_at: int
    sent_at: int | None
    send_after: int
    attempts: int
    error: str | None


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
    return _intent(row)


def listed(
    connection: Connection, *, state: str | None = None, subject: bytes | None = None, limit: int = 100
) -> list[StoredIntent]:
    """Read intents, the newest first: all, those in a state, or those about a subject."""
    query = select(intents).order_by(intents.c.sequence.desc()).limit(limit)
    if state is not None:
        query = query.where(intents.c.state == state)
    if subject is not None:
        query = query.where(intents.c.subject == subject)
    return [_intent(row) for row in connection.execute(query)]


def counts(connection: Connection) -> dict[str, int]:
    """How many intents are in each state."""
    rows = connection.execute(select(intents.c.state, func.count()).group_by(intents.c.state))
    return {state: count for state, count in rows}  # noqa: C416  # rows are tuples of another type


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
    return [_intent(row) for row in connection.execute(query)]


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
        _update_intents(connection, names, state="failed", error="sending.dependency_failed", settled_at=now)
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
    return [_intent(row) for row in connection.execute(query)]


# ---- transactions ---------------------------------------------------------------------------------------------------


def in_flight(connection: Connection, *, address: str | None = None) -> list[StoredTransaction]:
    """Read the transactions that are committed here and not yet settled, by address and nonce."""
    query = (
        select(transactions)
        .where(transactions.c.state.in_(_OPEN))
        .order_by(transactions.c.address, transactions.c.nonce, transactions.c.id)
    )
    if address is not None:
        query = query.where(transactions.c.address == address)
    return [_transaction(row) for row in connection.execute(query)]


def known_nonces(connection: Connection, address: str, first: int) -> set[int]:
    """Nonces from ``first`` on that transactions of an address have taken."""
    query = select(transactions.c.nonce).where(
        transactions.c.address == address, transactions.c.nonce >= first, transactions.c.state.in_((*_OPEN, "mined"))
    )
    return set(connection.execute(query).scalars())


def nonce_range(connection: Connection, address: str) -> tuple[int, int]:
    """The lowest and the highest nonce of an address that this outbox knows; 0 and -1 where it knows none."""
    query = select(func.min(transactions.c.nonce), func.max(transactions.c.nonce)).where(
        transactions.c.address == address, transactions.c.state.in_((*_OPEN, "mined"))
    )
    lowest, highest = connection.execute(query).one()
    return (0, -1) if lowest is None else (lowest, highest)


def attached(connection: Connection, transaction: int) -> list[StoredIntent]:
    """The intents that a transaction carries, in their order."""
    query = select(intents).where(intents.c.transaction_id == transaction).order_by(intents.c.position)
    return [_intent(row) for row in connection.execute(query)]


def record(
    connection: Connection,
    *,
    address: str,
    nonce: int,
    contract: str,
    operation: Operation,
    signed: SignedTransaction,
    carried: Sequence[str],
    now: int,
) -> int:
    """Write a signed transaction down with the waiting intents that it carries; to be committed before it is sent.

    Raises:
        ConflictError: ``storage.conflict``: one of the intents is no longer waiting, or the transaction is known.
    """
    number = _insert_transaction(connection, address, nonce, contract, operation, signed, now)
    _carry(connection, number, carried, from_state="waiting")
    return number


def replace(
    connection: Connection, old: StoredTransaction, signed: SignedTransaction, carried: Sequence[str], *, now: int
) -> int:
    """Put another transaction with the same nonce in the place of one; what it leaves out stays with the old one."""
    connection.execute(update(transactions).where(transactions.c.id == old.id).values(state="replaced"))
    number = _insert_transaction(connection, old.address, old.nonce, old.contract, old.operation, signed, now)
    _carry(connection, number, carried, from_state="prepared")
    return number


def adopt(
    connection: Connection, mined: MinedTransaction, operation: Operation | None, carried: Sequence[str], *, now: int
) -> int:
    """Write down a transaction of ours that was found on the chain, with the intents recognised in it.

    It counts as sent until its receipt settles it. Any other transaction with its nonce can never be mined.
    """
    same_nonce = (transactions.c.address == mined.sender, transactions.c.nonce == mined.nonce)
    connection.execute(
        update(transactions)
        .where(*same_nonce, transactions.c.state.in_(_OPEN), transactions.c.hash != mined.hash)
        .values(state="replaced")
    )
    known = connection.execute(select(transactions.c.id).where(transactions.c.hash == mined.hash)).scalar()
    if known is None:
        signed = SignedTransaction(b"", mined.hash)
        known = _insert_transaction(connection, mined.sender, mined.nonce, mined.contract, operation, signed, now)
    connection.execute(update(transactions).where(transactions.c.id == known).values(state="sent", sent_at=now))
    for position, name in enumerate(carried):
        if name:
            _update_intents(
                connection, [name], state="prepared", transaction_id=known, position=position, error=None,
                settled_at=None,
            )  # fmt: skip
    return known


def note_sent(connection: Connection, transaction: int, *, now: int, send_after: int, error: str | None = None) -> None:
    """Remember that a transaction was handed to an engine (or, with an error's code, that it could not be)."""
    values: dict[str, object] = {
        "attempts": transactions.c.attempts + 1,
        "send_after": send_after,
        "error": error,
    }
    if error is None:
        values |= {"state": "sent", "sent_at": now}
    connection.execute(
        update(transactions).where(transactions.c.id == transaction, transactions.c.state.in_(_OPEN)).values(values)
    )


def settle(
    connection: Connection,
    transaction: StoredTransaction,
    *,
    block: int,
    gas_used: int,
    settlements: Iterable[Settlement],
    now: int,
) -> None:
    """Write down that a transaction was mined and what became of each intent in it."""
    connection.execute(
        update(transactions)
        .where(transactions.c.id == transaction.id)
        .values(state="mined", block=block, gas_used=gas_used, error=None)
    )
    for settlement in settlements:
        _apply(connection, settlement, now)
    release(connection, transaction.address, transaction.nonce)


def release(connection: Connection, address: str, nonce: int) -> None:
    """Put intents back in line that a nonce no longer holds: it was mined by another transaction."""
    others = select(transactions.c.id).where(
        transactions.c.address == address, transactions.c.nonce == nonce, transactions.c.state == "replaced"
    )
    connection.execute(
        update(intents)
        .where(intents.c.transaction_id.in_(others), intents.c.state == "prepared")
        .values(state="waiting", transaction_id=None, position=None)
    )


def drop(
    connection: Connection, transaction: StoredTransaction, settlements: Iterable[Settlement], *, now: int
) -> None:
    """Give a transaction up that no engine takes; its nonce is free for the next one."""
    connection.execute(update(transactions).where(transactions.c.id == transaction.id).values(state="dropped"))
    for settlement in settlements:
        _apply(connection, settlement, now)


def fail(connection: Connection, settlements: Iterable[Settlement], *, now: int) -> None:
    """Write down what can never be sent."""
    for settlement in settlements:
        _apply(connection, settlement, now)


# ---- rows -----------------------------------------------------------------------------------------------------------


def _insert_transaction(
    connection: Connection,
    address: str,
    nonce: int,
    contract: str,
    operation: Operation | None,
    signed: SignedTransaction,
    now: int,
) -> int:
    values = {
        "address": address,
        "nonce": nonce,
        "contract": contract,
        "operation": None if operation is None else int(operation),
        "raw": signed.raw,
        "hash": signed.hash,
        "state": "prepared",
        "prepared_at": now,
        "send_after": now,
        "attempts": 0,
    }
    number = connection.execute(insert(transactions).values(values).returning(transactions.c.id)).scalar_one()
    return int(number)


def _carry(connection: Connection, transaction: int, carried: Sequence[str], *, from_state: str) -> None:
    for position, name in enumerate(carried):
        result = connection.execute(
            update(intents)
            .where(intents.c.id == name, intents.c.state == from_state)
            .values(state="prepared", transaction_id=transaction, position=position)
        )
        if result.rowcount != 1:
            raise ConflictError("storage.conflict", cause="intent")


def _apply(connection: Connection, settlement: Settlement, now: int) -> None:
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
    _update_intents(connection, [settlement.intent], **values)


def _update_intents(connection: Connection, names: Sequence[str], **values: object) -> None:
    condition: ColumnElement[bool] = intents.c.id.in_(names)
    connection.execute(update(intents).where(condition).values(values))


def _intent(row: Row[Any]) -> StoredIntent:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    return StoredIntent(**{**values, "operation": Operation(values["operation"])})


def _transaction(row: Row[Any]) -> StoredTransaction:
    values = dict(row._mapping)  # noqa: SLF001  # as above
    del values["gas_used"]
    operation = values["operation"]
    return StoredTransaction(**{**values, "operation": None if operation is None else Operation(operation)})
