"""The outbox: what this city wants done on the chain, and the signed transactions that carry it there.

An intent is written in the same database transaction as the row it belongs to. A signed transaction is committed here
before it is first sent, so that whatever is killed, the same bytes (and the same nonce) are sent again.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from ledger.storage.tables.metadata import LOCAL, metadata

__all__ = ["intents", "transactions"]

transactions = Table(
    "transactions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("address", String(42), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("contract", String(42), nullable=False),
    # Null for one that was found on the chain and carries nothing that this outbox knows.
    Column("operation", Integer),
    # The signed bytes; empty for a transaction of ours that was found on the chain (a restored backup).
    Column("raw", LargeBinary, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    # prepared: committed, never sent · sent · mined · replaced: another one with its nonce was mined · dropped
    Column("state", String(8), nullable=False),
    Column("block", BigInteger),
    Column("gas_used", BigInteger),
    Column("prepared_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("send_after", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    UniqueConstraint("hash"),
    CheckConstraint("state IN ('prepared', 'sent', 'mined', 'replaced', 'dropped')", name="state"),
    Index("ix_transactions_address_nonce", "address", "nonce"),
    Index("ix_transactions_state", "state"),
    info=LOCAL,
)

intents = Table(
    "intents",
    metadata,
    # The caller's idempotency key.
    Column("id", String(128), primary_key=True),
    # Order of arrival; several intents of one database transaction keep their order.
    Column("sequence", BigInteger, nullable=False),
    Column("operation", Integer, nullable=False),
    Column("contract", String(42), nullable=False),
    Column("role", String(16), nullable=False),
    Column("subject", LargeBinary(32), nullable=False),
    # Canonical text of the call, and its digest, by which the same call is recognised on the chain.
    Column("call", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    # waiting · prepared: in a signed transaction · done · refused: by the contract · failed: can never be done
    Column("state", String(8), nullable=False),
    Column("transaction_id", Integer, ForeignKey("transactions.id")),
    Column("position", Integer),
    Column("reason", Integer),
    Column("error", Text),
    # An intent that must be done first.
    Column("after", String(128), ForeignKey("intents.id")),
    Column("not_before", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    # Set once a batch with it was reverted: from then on it travels alone.
    Column("alone", Boolean(create_constraint=False), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("result", JSON),
    CheckConstraint("state IN ('waiting', 'prepared', 'done', 'refused', 'failed')", name="state"),
    CheckConstraint("(transaction_id IS NULL) = (position IS NULL)", name="placed"),
    Index("ix_intents_sequence", "sequence"),
    Index("ix_intents_state_sequence", "state", "sequence"),
    Index("ix_intents_digest", "digest"),
    Index("ix_intents_subject", "subject"),
    Index("ix_intents_transaction_id", "transaction_id"),
    info=LOCAL,
)
