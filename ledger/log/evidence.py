"""Evidence of a split view: two heads of one size, each vouched for, that cannot both be true.

All publishers of a network log the same events, so two different roots at one size are evidence whichever origins they
have. Both notes are kept, cosigning stops, and the two trees are compared to find the first entry where they part. A
split ends by a note that two thirds of the cities cosign and that names the surviving root.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ledger.domain import merkle
from ledger.domain.checkpoints import (
    Checkpoint,
    parse_checkpoint,
    parse_checkpoint_text,
    resolution_origin,
    verify_signatures,
)
from ledger.domain.merkle import NodeSource
from ledger.domain.notes import VerifierKey
from ledger.domain.policies import Policy, Verdict, evaluate
from ledger.errors import InputError

__all__ = [
    "Difference",
    "Evidence",
    "LogReader",
    "diagnose",
    "evidence_against_view",
    "evidence_of",
    "first_difference",
    "resolution_checkpoint",
    "verify_resolution",
]

# Evidence about any publisher of our own network concerns all of them.
NETWORK_SCOPE = "network"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two heads of one size that differ.

    ``left`` is a signed note; ``right`` is another, or, where ``right_is_view`` says so, the unsigned text of the head
    that this city built from its own view of the chain. ``scope`` is whom it concerns: the network, or one outside log.
    """

    scope: str
    size: int
    left: bytes
    right: bytes
    right_is_view: bool
    found_at: int

    def roots(self) -> tuple[bytes, bytes]:
        """The two heads."""
        right = parse_checkpoint_text(self.right.decode()) if self.right_is_view else parse_checkpoint(self.right)[0]
        return parse_checkpoint(self.left)[0].root, right.root


@dataclass(frozen=True, slots=True)
class Difference:
    """The first entry where two trees part."""

    index: int
    left: bytes
    right: bytes


class LogReader(Protocol):
    """A log to read from: a store of one's own or somebody's served files."""

    def node(self, level: int, index: int) -> bytes:
        """Hash of a complete subtree."""
        ...

    def entry(self, index: int) -> bytes:
        """Bytes of an entry."""
        ...


def evidence_of(
    left: bytes, right: bytes, keys: Iterable[VerifierKey], *, found_at: int, scope: str = NETWORK_SCOPE
) -> Evidence | None:
    """Say whether two signed checkpoints contradict each other; each must be signed by its log or by a cosigner.

    Args:
        left: a signed note.
        right: another.
        keys: keys of the logs and cosigners whose word counts.
        found_at: POSIX seconds.
        scope: whom it concerns.

    Raises:
        InputError: ``log.evidence_unsigned`` when nobody known signed one of them, ``log.signature_invalid``.
        FormatError: a note is malformed.
    """
    known = tuple(keys)
    heads = []
    for data in (left, right):
        checkpoint, note = parse_checkpoint(data)
        signed = verify_signatures(checkpoint, note.signatures, known)
        if not any(found.key.type.is_cosignature or found.key.name == checkpoint.origin for found in signed):
            raise InputError("log.evidence_unsigned")
        heads.append(checkpoint)
    if heads[0].size != heads[1].size or heads[0].root == heads[1].root:
        return None
    return Evidence(scope, heads[0].size, left, right, right_is_view=False, found_at=found_at)


def evidence_against_view(note: bytes, own_root: bytes, *, found_at: int) -> Evidence:
    """Keep a signed checkpoint whose head is not what this city's own view of the chain gives."""
    checkpoint, _ = parse_checkpoint(note)
    own = Checkpoint(checkpoint.origin, checkpoint.size, own_root).text().encode()
    return Evidence(NETWORK_SCOPE, checkpoint.size, note, own, right_is_view=True, found_at=found_at)


def first_difference(left: NodeSource, right: NodeSource, size: int) -> int | None:
    """Find the first leaf in which two trees of ``size`` leaves differ; ``None`` when they are the same.

    It descends from the head and so compares few hashes, however large the trees.
    """
    low, high = 0, size
    if merkle.range_hash(left, low, high) == merkle.range_hash(right, low, high):
        return None
    while high - low > 1:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        if merkle.range_hash(left, low, middle) != merkle.range_hash(right, low, middle):
            high = middle
        else:
            low = middle
    return low


def diagnose(left: LogReader, right: LogReader, size: int) -> Difference | None:
    """Find the first entry where two logs part, with what each says there.

    Args:
        left: one log.
        right: the other.
        size: a size that both have.
    """
    index = first_difference(left.node, right.node, size)
    return None if index is None else Difference(index, left.entry(index), right.entry(index))


def resolution_checkpoint(network: str, size: int, root: bytes) -> Checkpoint:
    """Head that survives a split, for the cities to cosign under a name that is no publisher's."""
    return Checkpoint(resolution_origin(network), size, root)


def verify_resolution(data: bytes, network: str, evidence: Evidence, policy: Policy) -> Verdict:
    """Require that a note ends a split: it names one of the two roots and the policy's quorum cosigned it.

    Raises:
        InputError: ``log.resolution_other`` when it is about something else, ``log.policy_quorum``,
            ``log.signature_invalid``.
        FormatError: the note is malformed.
    """
    checkpoint, note = parse_checkpoint(data)
    if (
        checkpoint.origin != resolution_origin(network)
        or checkpoint.size != evidence.size
        or checkpoint.root not in evidence.roots()
    ):
        raise InputError("log.resolution_other")
    return evaluate(policy, checkpoint, note, need_log=False)
