"""What this city has taken in and not yet anchored, and what another city has let it read.

Local tables: backed up, never rebuilt. Personal content is sealed to the city's own HPKE key; plain columns hold types,
random references, numbers and times.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, String, Table

from ledger.storage.tables.metadata import LOCAL, metadata

__all__ = ["destroyed", "inbox", "material_drafts", "peer_nonces", "received", "received_files"]

material_drafts = Table(
    "material_drafts",
    metadata,
    # Random; the material's name inside this city.
    Column("id", String(32), primary_key=True),
    # One hand-in at a window, and the random reference of whoever it belongs to: batches mix applicants.
    Column("submission", String(32), nullable=False),
    Column("applicant", String(64), nullable=False),
    Column("type_code", String(64), nullable=False),
    Column("state", String(8), nullable=False),
    # The sealed draft: record, disclosures, content keys, the holders' extended public keys.
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # The root of the batch it went into.
    Column("root", LargeBinary(32)),
    CheckConstraint("state IN ('waiting', 'batched')", name="state"),
    Index("ix_material_drafts_state_created_at", "state", "created_at"),
    Index("ix_material_drafts_submission", "submission"),
    info=LOCAL,
)

peer_nonces = Table(
    "peer_nonces",
    metadata,
    Column("member", Integer, primary_key=True),
    Column("nonce", String(64), primary_key=True),
    Column("expires", BigInteger, nullable=False),
    Index("ix_peer_nonces_expires", "expires"),
    info=LOCAL,
)


def _leaf_of_a_use() -> tuple[Column[Any], ...]:
    """The use under which another city let this one read, by its contract's count, and one of its leaves."""
    return (
        Column("contract", String(42), primary_key=True),
        Column("use", BigInteger, primary_key=True),
        Column("leaf", String(64), primary_key=True),
    )


received = Table(
    "received",
    metadata,
    *_leaf_of_a_use(),
    Column("case", LargeBinary(32), nullable=False),
    Column("type_code", String(64), nullable=False),
    # The record, the disclosed fields and the content key, sealed to this city; empty once erased.
    Column("sealed", LargeBinary),
    Column("received_at", BigInteger, nullable=False),
    # The intent that puts the erasure on the record; what was received is destroyed once it is done.
    Column("erasing", String(128)),
    Column("erased_at", BigInteger),
    Index("ix_received_case", "case"),
    Index("ix_received_erasing", "erasing"),
    info=LOCAL,
)

received_files = Table(
    "received_files",
    metadata,
    # Which content was copied here for a leaf: other uses may have brought the same.
    *_leaf_of_a_use(),
    Column("blob", String(64), primary_key=True),
    Index("ix_received_files_blob", "blob"),
    info=LOCAL,
)

destroyed = Table(
    "destroyed",
    metadata,
    # A material whose erasure is on the record and whose encrypted content this city has deleted.
    Column("material", String(64), primary_key=True),
    Column("destroyed_at", BigInteger, nullable=False),
    info=LOCAL,
)

inbox = Table(
    "inbox",
    metadata,
    # SHA-256 of the document: the same one delivered twice is kept once.
    Column("digest", LargeBinary(32), primary_key=True),
    Column("member", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", LargeBinary(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Index("ix_inbox_kind_subject", "kind", "subject"),
    # How much a member has lying here is counted with each delivery.
    Index("ix_inbox_member", "member"),
    info=LOCAL,
)
