"""What the contracts refused: who asked for what, about what, and why not."""

from __future__ import annotations

from sqlalchemy import Index, Table

from ledger.storage.tables.columns import address, digest, member, placed, small
from ledger.storage.tables.metadata import PROJECTION, metadata

__all__ = ["refusals"]

refusals = Table(
    "refusals",
    metadata,
    *placed(key=True),
    digest("transaction"),
    address("contract"),
    member(),
    small("operation"),
    # Its place in the batch.
    small("index"),
    digest("subject"),
    small("reason"),
    Index("ix_refusals_subject", "subject"),
    Index("ix_refusals_member_reason", "member", "reason"),
    info=PROJECTION,
)
