"""Wrapping records: salted fields, leaves, root and proofs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ledger.domain import records
from ledger.domain.leaves import Holding
from ledger.domain.materials import Assurance, AssuranceLevel, Issuer, MaterialDraft
from ledger.domain.records import SubjectHolders
from tests.bench.row import Row

__all__ = ["DRAFT", "wrap_scale"]

DRAFT = MaterialDraft(
    issuer=Issuer("11510107MB0000000X", "样本机关"),
    anchor_member=1,
    anchor_division="510107",
    assurance=Assurance(AssuranceLevel.INSPECTED, "window-clerk", 1),
    type_code="household-register",
    fields={f"field_{number}": f"样本 {number}" for number in range(12)},
    issued_at=1,
)


@contextmanager
def wrap_scale(scale: int) -> Iterator[Row]:
    """The rate of wrapping many records against the rate of wrapping few: whether it stays linear."""
    few, many = 10_000 // scale, 100_000 // scale

    def batch(count: int) -> int:
        addresses = os.urandom(20 * count)
        own = [[SubjectHolders(Holding.SELF_HELD, [addresses[20 * i : 20 * i + 20]])] for i in range(count)]
        records.wrap([DRAFT] * count, own, os.urandom)
        return count

    yield Row(f"itself at {few:,} records", 0.85, lambda: batch(many), lambda: batch(few))
