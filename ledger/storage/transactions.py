"""The signed transactions that carry the outbox's intents.

Why nothing is done twice: an intent is in at most one nonce at a time. A retry sends the same bytes; a replacement has
the same nonce and carries nothing that its predecessor did not carry; what it leaves out waits until that nonce is
mined. So whichever of them the chain takes, each intent happens at most once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.engine import Connection, Row

from ledger.domain.operations import Operation
from ledger.errors import ConflictError
from ledger.ports import MinedTransaction, SignedTransaction
from ledger.storage.outbox import Settlement, StoredIntent, apply_all, read_intent, update_intents
from ledger.storage.tables.outbox import intents, transactions

__all__ = [
    "StoredTransaction",
    "adopt",
    "attached",
    "drop",
    "in_flight",
    "known_nonces",
    "nonce_range",
    "note_sent",
    "record",
    "release",
    "replace",
    "settle",
]

_OPEN = ("prepared", "sent")
_CARRY = (
    update(intents)
    .where(intents.c.id == bindparam("intent"), intents.c.state == bindparam("from_state"))
    .values(state="prepared", transaction_id=bindparam("carrier"), position=bindparam("place"))
)


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
    return [read_intent(row) for row in connection.execute(query)]


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
            update_intents(
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
    apply_all(connection, settlements, now=now)
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
    apply_all(connection, settlements, now=now)


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
    if not carried:
        return
    rows = [
        {"intent": name, "from_state": from_state, "carrier": transaction, "place": place}
        for place, name in enumerate(carried)
    ]
    if connection.execute(_CARRY, rows).rowcount != len(rows):
        raise ConflictError("storage.conflict", cause="intent")


def _transaction(row: Row[Any]) -> StoredTransaction:
    values = dict(row._mapping)  # noqa: SLF001  # as above
    del values["gas_used"]
    operation = values["operation"]
    return StoredTransaction(**{**values, "operation": None if operation is None else Operation(operation)})
