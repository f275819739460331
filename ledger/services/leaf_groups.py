"""Acts on many leaves at once: by contract and batch, in portions that the contracts take, one after the other.

A material may have leaves in several batches, and more in one than an operation takes. Each portion is an intent that waits
for the one before, so that whoever waits for the last waits for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.engine import Connection

from ledger.chain.codec import canonical_call
from ledger.domain.calls import Fields
from ledger.domain.consents import MAX_LEAVES
from ledger.domain.operations import Operation
from ledger.storage import outbox, repeating
from ledger.storage.tables import materials as tables

__all__ = ["enqueue_groups", "groups_of", "numbered", "portions"]

_T = TypeVar("_T")


def groups_of(connection: Connection, material: str) -> list[tuple[str, int, list[int]]]:
    """Return a material's leaves by contract and batch, as many together as one operation of the contracts takes."""
    leaf, batches = tables.material_leaves, tables.batches
    rows = connection.execute(
        select(leaf.c.contract, leaf.c.batch, leaf.c.index.label("place"))
        .join(batches, (batches.c.contract == leaf.c.contract) & (batches.c.batch == leaf.c.batch))
        .where(leaf.c.material == material)
        .order_by(batches.c.block, batches.c.log_index, leaf.c.index)
    )
    return [
        (str(contract), int(batch), [int(row.place) for row in group])
        for (contract, batch), listed in groupby(rows, key=lambda row: (row.contract, row.batch))
        for group in portions(list(listed))
    ]


def portions(rows: list[_T]) -> Iterator[list[_T]]:
    """Cut leaves into portions of which one operation of the contracts takes each."""
    for at in range(0, len(rows), MAX_LEAVES):
        yield rows[at : at + MAX_LEAVES]


def enqueue_groups(
    connection: Connection,
    name: str,
    operation: Operation,
    role: str,
    groups: Sequence[tuple[str, int, list[int]]],
    fields: Fields,
    now: int,
) -> str:
    """Write one intent for each group of leaves, each after the one before; whoever waits for the last waits for all."""
    before: str | None = None
    for number, (contract, batch, listed) in enumerate(groups):
        intent = outbox.Intent(
            id=numbered(name, number),
            operation=operation,
            contract=contract,
            role=role,
            subject=batch.to_bytes(32, "big"),
            call=canonical_call(operation, {"batch": batch, "leaves": list(listed), **fields}),
            after=before,
        )
        outbox.enqueue(connection, intent, now=now)
        before = intent.id
    # Asked for again: what was refused is tried again.
    repeating.retry_stuck(connection, (numbered(name, number) for number in range(len(groups))))
    return before or name


def numbered(name: str, number: int) -> str:
    """Return the name of a group's intent: the first has the plain one."""
    return f"{name}:{number}" if number else name
