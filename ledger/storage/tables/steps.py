"""How this node is doing: when each step of the daemon last worked, where it last saw the chain, when it had which log.

Local tables: what they say is about this node alone, and is not rebuilt.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from ledger.storage.tables.metadata import LOCAL, metadata

__all__ = ["daemon_steps", "seen_head", "seen_sizes"]

daemon_steps = Table(
    "daemon_steps",
    metadata,
    Column("step", String(32), primary_key=True),
    # POSIX seconds of this machine: a pilot's calendar does not say whether the daemon is alive.
    Column("worked_at", BigInteger),
    Column("failed_at", BigInteger),
    # The error's code while the step fails, and how often in a row.
    Column("code", String(64)),
    Column("failures", Integer, nullable=False),
    info=LOCAL,
)

seen_head = Table(
    "seen_head",
    metadata,
    # One row: where the chain stood when the daemon last asked it.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("finalised", BigInteger, nullable=False),
    # POSIX seconds of this machine.
    Column("seen_at", BigInteger, nullable=False),
    info=LOCAL,
)

seen_sizes = Table(
    "seen_sizes",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("seen_at", BigInteger, nullable=False),
    info=LOCAL,
)
