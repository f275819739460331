"""What this node refused or found wrong off the chain: the local half of a trace.

A local table: backed up, never rebuilt. Codes, numbers and digests only; nothing that names a person.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from ledger.storage.tables.metadata import LOCAL, metadata

__all__ = ["audit"]

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("time", BigInteger, nullable=False),
    # What was asked: ``verify``, ``release``, ``peer``.
    Column("kind", String(16), nullable=False),
    Column("code", String(64), nullable=False),
    # Who asked: a member, or 0 for a person at this node.
    Column("member", Integer, nullable=False),
    # What it was about: a case, a consent (hex), a leaf or a use, in the words of a trace.
    Column("subject", String(96), nullable=False),
    Index("ix_audit_subject", "subject"),
    info=LOCAL,
)
