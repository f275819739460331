"""Wrapping records: salted fields, leaves, root, every proof, and the one transaction that anchors them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ledger.domain.events import Anchored
from ledger.domain.leaves import Holding
from ledger.domain.materials import Assurance, AssuranceLevel, Issuer, MaterialDraft
from ledger.domain.operations import Operation
from tests.bench.node_peer import node_peer
from tests.bench.row import Making, Row
from tests.integration.network import form, send, signer
from tests.unit.domain.batches import SubjectHolders, Wrapped, wrap

__all__ = ["DRAFT", "OPENATTESTATION", "wrap_against", "wrap_scale", "wrapped"]

# Stands for the sealed manifest, whose storing is no part of this.
_BLOB = b"\x0b" * 32
OPENATTESTATION = Path(__file__).parent / "openattestation"
DRAFT = MaterialDraft(
    issuer=Issuer("11510107MB00000001", "样本机关"),
    anchor_member=1,
    anchor_division="510107",
    assurance=Assurance(AssuranceLevel.INSPECTED, "window-clerk", 1),
    type_code="household-register",
    fields={f"field_{number}": f"样本 {number}" for number in range(12)},
    issued_at=1,
)


def wrapped(count: int, leaves: int = 1) -> Wrapped:
    """Wrap so many records; the holders' addresses are given, as a city derives them beforehand."""
    addresses = os.urandom(20 * leaves * count)
    each = iter([addresses[at : at + 20] for at in range(0, len(addresses), 20)])
    own = [[SubjectHolders(Holding.SELF_HELD, [next(each) for _ in range(leaves)])] for _ in range(count)]
    return wrap([DRAFT] * count, own, os.urandom)


@contextmanager
def wrap_scale(scale: int) -> Iterator[Row]:
    """The rate of wrapping many records against the rate of wrapping few: whether it stays linear."""
    few, many = 10_000 // scale, 100_000 // scale

    def batch(count: int) -> int:
        wrapped(count)
        return count

    yield Row(f"itself at {few:,} records", 0.85, lambda: batch(many), lambda: batch(few))


def wrap_against(count: int, leaves: int, target: float) -> Making:
    """A row of its own for each size and each number of one-time leaves a record."""
    words = "one leaf" if leaves == 1 else f"{leaves} leaves"

    def making(scale: int) -> AbstractContextManager[Row]:
        return _against(count // scale, leaves, target)

    making.__doc__ = f"Wrap {count:,} records of 12 fields, {words} a record, and anchor them, against wrapDocuments."
    return making


@contextmanager
def _against(count: int, leaves: int, target: float) -> Iterator[Row]:
    """Ours is anchored for good: the transaction is built, signed, taken by the embedded engine, mined and read back.

    The peer makes and hashes its documents and proves each; nothing is issued on its side, which is in its favour.
    """
    network = form(None, "wuhou", "mianyang")
    gateway, issuer = network.gateway(), signer("wuhou issue")

    def ours() -> int:
        batch = wrapped(count, leaves)
        anchor = {"root": batch.root, "size": len(batch.entries), "blob": _BLOB, "flags": 0}
        receipt = send(gateway, issuer, network.addresses.materials, Operation.ANCHOR, anchor)
        if not any(isinstance(located.event, Anchored) for located in receipt.events):
            raise SystemExit("the batch was not anchored")
        return count

    try:
        with node_peer(OPENATTESTATION) as peer:
            yield Row(
                "OpenAttestation wrapDocuments",
                target,
                ours,
                lambda: peer.measure("wrap", count=count, fields=DRAFT.fields),
            )
    finally:
        gateway.close()
        network.close()
