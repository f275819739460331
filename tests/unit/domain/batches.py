"""Whole batches as a city forms them: records sealed, leaves in their secret order, the root, and every proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.domain import leaves, merkle, records
from ledger.domain.leaves import Holding, LeafRequest, Randomness
from ledger.domain.materials import MaterialDraft
from ledger.domain.records import SealedRecord

__all__ = ["SubjectHolders", "Wrapped", "wrap"]


@dataclass(frozen=True, slots=True)
class SubjectHolders:
    """One data subject's fresh holder addresses for one material, and who keeps their keys."""

    holding: Holding
    addresses: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A batch: sealed records, and the tree that is anchored.

    ``indices[m][s][k]`` is the leaf index of material *m*'s data subject *s*, one-time leaf *k*; ``proofs`` has the
    inclusion proof of every leaf, dummies too.
    """

    records: tuple[SealedRecord, ...]
    entries: tuple[bytes, ...]
    blindings: tuple[bytes, ...]
    indices: tuple[tuple[tuple[int, ...], ...], ...]
    root: bytes
    proofs: Sequence[tuple[bytes, ...]]


def wrap(drafts: Sequence[MaterialDraft], holders: Sequence[Sequence[SubjectHolders]], rand: Randomness) -> Wrapped:
    """Seal materials and build the one batch that anchors them; ``holders`` has one entry for each data subject."""
    sealed = tuple(records.seal_record(draft, rand) for draft in drafts)
    plan = leaves.plan_batch(
        [
            LeafRequest(record.digest, draft.expires_at, group.holding, group.addresses)
            for draft, record, groups in zip(drafts, sealed, holders, strict=True)
            for group in groups
        ],
        rand,
    )
    tree = merkle.levels(merkle.leaf_hashes(plan.entries))
    placed = iter(plan.indices)
    return Wrapped(
        records=sealed,
        entries=plan.entries,
        blindings=plan.blindings,
        indices=tuple(tuple(next(placed) for _ in groups) for groups in holders),
        root=tree[-1][0],
        proofs=[merkle.inclusion_proof_from_levels(tree, index) for index in range(len(plan.entries))],
    )
