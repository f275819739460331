"""The status tree: how "not revoked as of this block" is proven offline.

A log of events proves what happened, never what did not. So every few blocks the cities put the head of a second RFC
9162 tree into the log: over the sorted identifiers of everything revoked, suspended, tombstoned or ended so far. That an
identifier is *absent* is shown by the two that stand next to each other where it would have to be; before the first and
after the last one neighbour is enough, and an empty tree needs none.

An identifier is a hash over kind, contract and key, so that a batch's leaf, a consent and a member can never be taken
for one another. That the tree is sorted is vouched for by the cities that cosign the log: each builds it from its own
view of the chain.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ledger.domain import merkle
from ledger.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "IDENTIFIER_BYTES",
    "AbsenceProof",
    "Neighbour",
    "PresenceProof",
    "StatusKind",
    "StatusTree",
    "leaf_status_identifier",
    "status_identifier",
    "verify_absence",
    "verify_presence",
]

IDENTIFIER_BYTES = 32

_DOMAIN = b"tongban-ledger/status/v1\n"
_ADDRESS_BYTES = 20


class StatusKind(StrEnum):
    """What an identifier in the tree stands for."""

    LEAF = "leaf"  # a leaf of a batch, revoked
    CONSENT = "consent"  # a consent, tombstoned
    MEMBER = "member"  # a member, suspended or excluded
    KEY = "key"  # a member's key, removed
    AGREEMENT = "agreement"  # an agreement, ended
    MATTER = "matter"  # an implementation list entry, withdrawn
    DELEGATION = "delegation"  # an authorisation, ended
    CASE = "case"  # a decision revoked, changed, declared unlawful or deregistered


def status_identifier(kind: StatusKind, contract: str, key: bytes) -> bytes:
    """Name one thing in the status tree: SHA-256(domain ‖ kind ‖ newline ‖ contract address ‖ key).

    Args:
        kind: what it is.
        contract: address of the contract that holds it, ``0x`` and 40 hex digits.
        key: what names it there: a consent's digest, or integers as 8 bytes big-endian each.

    Raises:
        InputError: ``log.status_contract`` for a malformed address.
    """
    try:
        address = bytes.fromhex(contract.removeprefix("0x"))
    except ValueError:
        raise InputError("log.status_contract") from None
    if len(address) != _ADDRESS_BYTES:
        raise InputError("log.status_contract")
    # No kind has a newline in it and the address has a fixed length, so no two inputs run together.
    return hashlib.sha256(_DOMAIN + kind.value.encode() + b"\n" + address + key).digest()


def leaf_status_identifier(contract: str, batch: int, index: int) -> bytes:
    """Name a material's leaf (contract, batch number, index)."""
    return status_identifier(StatusKind.LEAF, contract, batch.to_bytes(8, "big") + index.to_bytes(8, "big"))


@dataclass(frozen=True, slots=True)
class PresenceProof:
    """Where an identifier stands in the tree, and the path that shows it."""

    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An identifier that is in the tree, with its own proof."""

    identifier: bytes
    proof: PresenceProof


@dataclass(frozen=True, slots=True)
class AbsenceProof:
    """The neighbours between which an identifier would stand; ``None`` where the tree begins or ends."""

    left: Neighbour | None
    right: Neighbour | None


@dataclass(frozen=True, slots=True)
class StatusTree:
    """The sorted identifiers and their tree; a change returns a new tree and keeps the old one valid."""

    identifiers: tuple[bytes, ...] = ()
    _levels: tuple[tuple[bytes, ...], ...] = field(default=((),), repr=False, compare=False)

    @classmethod
    def of(cls, identifiers: Iterable[bytes]) -> StatusTree:
        """Build the tree over any identifiers, in any order; repeated ones count once."""
        return cls().changed(insert=identifiers)

    @property
    def size(self) -> int:
        """How many identifiers stand in the tree."""
        return len(self.identifiers)

    def root(self) -> bytes:
        """Head of the tree; of an empty one it is the hash of nothing."""
        return self._levels[-1][0] if self.identifiers else merkle.EMPTY_ROOT

    def __contains__(self, identifier: bytes) -> bool:
        place = bisect_left(self.identifiers, identifier)
        return place < self.size and self.identifiers[place] == identifier

    def changed(self, *, insert: Iterable[bytes] = (), remove: Iterable[bytes] = ()) -> StatusTree:
        """Return the tree with identifiers added and removed (a suspended member resumes).

        Only what lies right of the first change is hashed again; collect a block's changes into one call.

        Raises:
            InputError: ``log.status_identifier`` when one has not 32 bytes.
        """
        added = {_require_identifier(identifier) for identifier in insert}
        gone = set(remove)
        added -= gone
        fresh = {identifier for identifier in added if identifier not in self}
        gone = {identifier for identifier in gone if identifier in self}
        if not fresh and not gone:
            return self
        first = bisect_left(self.identifiers, min(fresh | gone))
        tail = sorted(fresh.union(self.identifiers[first:]) - gone)
        identifiers = self.identifiers[:first] + tuple(tail)
        return StatusTree(identifiers, _rebuilt(self._levels, merkle.leaf_hashes(tail), first))

    def presence_proof(self, identifier: bytes) -> PresenceProof:
        """Prove that an identifier is in the tree.

        Raises:
            InputError: ``log.status_absent`` when it is not.
        """
        if identifier not in self:
            raise InputError("log.status_absent")
        return self._neighbour(bisect_left(self.identifiers, identifier)).proof

    def absence_proof(self, identifier: bytes) -> AbsenceProof:
        """Prove that an identifier is not in the tree.

        Raises:
            InputError: ``log.status_present`` when it is, ``log.status_identifier`` when it has not 32 bytes.
        """
        _require_identifier(identifier)
        if identifier in self:
            raise InputError("log.status_present")
        place = bisect_left(self.identifiers, identifier)
        left = self._neighbour(place - 1) if place else None
        right = self._neighbour(place) if place < self.size else None
        return AbsenceProof(left, right)

    def _neighbour(self, index: int) -> Neighbour:
        path = merkle.inclusion_proof_from_levels(self._levels, index)
        return Neighbour(self.identifiers[index], PresenceProof(index, path))


def verify_presence(identifier: bytes, proof: PresenceProof, size: int, root: bytes) -> None:
    """Require that ``identifier`` is in the status tree with this size and head.

    Raises:
        FormatError: ``log.status_identifier`` or a malformed path (see :func:`ledger.domain.merkle.verify_inclusion`).
        InputError: ``log.inclusion_mismatch``.
    """
    if len(identifier) != IDENTIFIER_BYTES:
        raise FormatError("log.status_identifier")
    merkle.verify_inclusion(merkle.leaf_hash(identifier), proof.index, size, proof.path, root)


def verify_absence(identifier: bytes, proof: AbsenceProof, size: int, root: bytes) -> None:
    """Require that ``identifier`` is not in the status tree with this size and head.

    Raises:
        FormatError: ``log.status_identifier`` or a malformed path.
        InputError: ``log.status_empty`` (an empty tree has another head), ``log.status_neighbour_missing``,
            ``log.status_order`` (it does not lie between the neighbours), ``log.status_adjacent`` (they are not next to
            each other, or not at the tree's edge) or ``log.inclusion_mismatch``.
    """
    if len(identifier) != IDENTIFIER_BYTES:
        raise FormatError("log.status_identifier")
    left, right = proof.left, proof.right
    if size == 0:
        if left is not None or right is not None or root != merkle.EMPTY_ROOT:
            raise InputError("log.status_empty")
        return
    if left is None and right is None:
        raise InputError("log.status_neighbour_missing")
    if (left is not None and left.identifier >= identifier) or (right is not None and right.identifier <= identifier):
        raise InputError("log.status_order")
    after_left = left.proof.index + 1 if left is not None else 0
    at_right = right.proof.index if right is not None else size
    if after_left != at_right:
        raise InputError("log.status_adjacent")
    for neighbour in (left, right):
        if neighbour is not None:
            verify_presence(neighbour.identifier, neighbour.proof, size, root)


def _require_identifier(identifier: bytes) -> bytes:
    if len(identifier) != IDENTIFIER_BYTES:
        raise InputError("log.status_identifier")
    return identifier


def _rebuilt(old: Sequence[Sequence[bytes]], tail: Sequence[bytes], first: int) -> tuple[tuple[bytes, ...], ...]:
    """Replace the leaves from ``first`` on by ``tail`` and hash again only the nodes above them."""
    levels = [tuple(old[0][:first]) + tuple(tail)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        # Parents of pairs that lie wholly left of the change stay; an odd pair at the edge is hashed again.
        first >>= 1
        kept = tuple(old[len(levels)][:first]) if len(levels) < len(old) else ()
        first = len(kept)
        above = merkle.level_above(below[2 * first :])
        levels.append(kept + tuple(above))
    return tuple(levels)
