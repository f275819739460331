"""The journal of the chain: blocks that matter, events in their order, entries of the log, and how far was read.

``blocks`` holds those with events of ours or a status entry, not every empty one: a chain that closes a block a second
would fill a disk with nothing. What an event says stands once, in its log entry.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, Table

from ledger.storage.tables.columns import address, digest, flag, moment, number, placed, small, text
from ledger.storage.tables.metadata import PROJECTION, metadata

__all__ = ["blocks", "event_subjects", "events", "log_entries", "status_changes", "sync_state"]

blocks = Table(
    "blocks",
    metadata,
    number("number", key=True),
    moment("time"),
    # Known where the block itself was read; a picture made from the log's files has only those of status entries.
    digest("hash", null=True),
    digest("parent", null=True),
    digest("receipts_root", null=True),
    info=PROJECTION,
)

events = Table(
    "events",
    metadata,
    *placed(key=True),
    digest("transaction"),
    address("contract"),
    text("name", 32),
    # Index of its entry in the log.
    number("entry"),
    Index("ix_events_entry", "entry", unique=True),
    Index("ix_events_transaction", "transaction"),
    Index("ix_events_name_block", "name", "block"),
    info=PROJECTION,
)

# What each event is about: a case, a leaf, a consent, a member … so that a trace is one look-up by an index.
event_subjects = Table(
    "event_subjects",
    metadata,
    text("kind", 16, key=True),
    text("subject", 128, key=True),
    *placed(key=True),
    Index("ix_event_subjects_place", "block", "log_index"),
    info=PROJECTION,
)

log_entries = Table(
    "log_entries",
    metadata,
    number("index", key=True),
    number("block"),
    Column("bytes", LargeBinary, nullable=False),
    # genesis, event or status.
    text("kind", 8),
    Index("ix_log_entries_kind_block", "kind", "block"),
    info=PROJECTION,
)

# What joined and left the status tree, and when; folding it up to a block gives the tree of that block.
status_changes = Table(
    "status_changes",
    metadata,
    *placed(key=True),
    digest("identifier", key=True),
    text("kind", 16),
    flag("present"),
    Index("ix_status_changes_identifier", "identifier", "block", "log_index"),
    info=PROJECTION,
)

sync_state = Table(
    "sync_state",
    metadata,
    small("id", key=True),
    # The last block that is in the picture; its hash is unknown where the picture came from the log's files.
    number("block"),
    digest("hash", null=True),
    moment("time"),
    # How many entries the log has.
    number("entries"),
    # The chain's number is wide; the epoch is 0 before the network is founded.
    text("chain_id", 78),
    address("consortium"),
    digest("genesis"),
    number("status_epoch"),
    number("clock_offset"),
    CheckConstraint("id = 1", name="single"),
    info=PROJECTION,
)
