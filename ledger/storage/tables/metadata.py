"""The one collection of tables, with names for constraints that migrations can rely on in any database."""

from __future__ import annotations

from sqlalchemy import MetaData

__all__ = ["LOCAL", "PROJECTION", "metadata"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A picture of the chain: dropped and rebuilt at will.
PROJECTION = {"kind": "projection"}
# Durable of its own accord: backed up, never rebuilt.
LOCAL = {"kind": "local"}
