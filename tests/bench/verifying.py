"""Verifying: one record with its proof, and a whole receipt, both without any network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice

from ledger.domain import holders, leaves, merkle, records
from ledger.domain.leaves import LeafEntry
from ledger.domain.records import SealedRecord
from ledger.wire import proofs
from ledger.wire.receipts import read_receipt
from ledger.wire.verification import verify_receipt
from tests.bench.node_peer import node_peer
from tests.bench.row import Row
from tests.bench.wrapping import DRAFT, OPENATTESTATION, wrapped
from tests.unit.wire.receipt_vectors import FILE, GOOD, NOW, POLICY

__all__ = ["receipt", "verify_record"]

# As many as the peer spreads over its batch.
_CHECKED = 64
_DID_KEY = bytes(range(1, 33))


@contextmanager
def verify_record(scale: int) -> Iterator[Row]:
    """Verify one record with all its fields and its proof against OpenAttestation verifySignature.

    Both come from a batch of 10,000: every one of the 12 fields is hashed, and the proof ends at the batch's root. Ours
    besides reads the record strictly (canonical form, exactly its members). What the fields say is read on neither side.
    """
    count, rounds = 10_000 // scale, 4_000 // scale
    chosen = _spread(count)

    def ours() -> int:
        for proven in islice(cycle(chosen), rounds):
            _verify(proven)
        return rounds

    with node_peer(OPENATTESTATION) as peer:
        peer.ask("keep", count=count, fields=DRAFT.fields)
        yield Row("OpenAttestation verifySignature", 5.0, ours, lambda: peer.measure("verify", count=rounds))


@dataclass(frozen=True, slots=True)
class _Proven:
    """One record as its reader has it."""

    sealed: SealedRecord
    entry: bytes
    blinding: bytes
    index: int
    size: int
    proof: tuple[bytes, ...]
    root: bytes


def _spread(count: int) -> list[_Proven]:
    """Some records of a batch; the rest of it is let go, as no reader has it."""
    batch = wrapped(count)
    found = []
    for material in range(0, count, -(-count // _CHECKED)):
        index = batch.indices[material][0][0]
        place = (index, len(batch.entries), batch.proofs[index], batch.root)
        found.append(_Proven(batch.records[material], batch.entries[index], batch.blindings[index], *place))
    return found


def _verify(proven: _Proven) -> None:
    merkle.verify_inclusion(merkle.leaf_hash(proven.entry), proven.index, proven.size, proven.proof, proven.root)
    leaves.verify_entry(LeafEntry.decode(proven.entry), proven.sealed.record, proven.blinding)
    records.require_disclosed(records.read_record(proven.sealed.record), proven.sealed.disclosures)


@contextmanager
def receipt(scale: int) -> Iterator[Row]:
    """Verify a whole receipt of a use against OpenAttestation's verify with its fragments, offline.

    Ours reads the document and checks record and fields, the leaf in its batch, the entries Anchored, Granted and Used
    and the status entry in the log, absence from the status tree, the consent's signatures, the file, and eleven
    signatures under the checkpoint (the log's, and five cities' Ed25519 and ML-DSA-44). The peer has a DID-signed
    document of a batch of as many and a resolver that answers from memory; its fragments are the ones it needs to call
    a document valid: integrity, status (the DID's signature) and identity (the DID).
    """
    rounds = 400 // scale
    document = GOOD["use"]

    def ours() -> int:
        for _ in range(rounds):
            # Each receipt is one of a checkpoint of its own: all eleven signatures are verified every time.
            proofs._trusted.cache_clear()
            if not verify_receipt(read_receipt(document), POLICY, [FILE], now=NOW).good:
                raise SystemExit("the receipt is no good")
        return rounds

    address = holders.address_text(holders.address_of(_DID_KEY))
    with node_peer(OPENATTESTATION) as peer:
        peer.ask("sign", count=_CHECKED, fields=DRAFT.fields, key="0x" + _DID_KEY.hex(), address=address)
        yield Row("OpenAttestation verify, DID-signed", 1.2, ours, lambda: peer.measure("verifySigned", count=rounds))
