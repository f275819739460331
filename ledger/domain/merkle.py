"""Merkle trees of RFC 9162, section 2.1: heads, inclusion and consistency proofs, and their verification.

One hash tree serves batches of materials, the transparency log and the status tree, so that whoever can check one of
them can check all. Leaves are hashed with the prefix 0x00 and inner nodes with 0x01, which is why an inner node can
never pass for a leaf. A tree of *n* leaves is split at the largest power of two below *n*; kept level by level, that is
the same as pairing neighbours and carrying an odd last node up unchanged.

Functions take *leaf hashes* unless their name says entries. Verification raises and never answers by a value that a
caller could forget to look at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ledger.errors import FormatError, InputError

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "MAX_TREE_SIZE",
    "CompactRange",
    "NodeSource",
    "consistency_proof",
    "consistency_proof_from",
    "consistency_ranges",
    "inclusion_proof",
    "inclusion_proof_from",
    "inclusion_proof_from_levels",
    "inclusion_ranges",
    "leaf_hash",
    "leaf_hashes",
    "level_above",
    "levels",
    "node_hash",
    "range_hash",
    "root",
    "root_from_inclusion",
    "root_of_entries",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES = 32
# C2SP formats bound tree sizes by a signed 64-bit integer; a proof therefore never has more than 63 hashes.
MAX_TREE_SIZE = 2**63 - 1

_sha256 = hashlib.sha256

EMPTY_ROOT = _sha256(b"").digest()

# Answers the hash of the complete subtree of 2**level leaves that begins at leaf index * 2**level.
NodeSource = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry as a leaf: SHA-256(0x00 ‖ entry)."""
    return _sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Hash many entries as leaves, in order."""
    sha256 = _sha256
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children into their parent: SHA-256(0x01 ‖ left ‖ right)."""
    return _sha256(b"\x01" + left + right).digest()


def _parents(level: Sequence[bytes]) -> list[bytes]:
    sha256 = _sha256
    nodes = iter(level)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(nodes, nodes, strict=False)]


def level_above(level: Sequence[bytes]) -> list[bytes]:
    """Hash a level's nodes in pairs; an odd last one is carried up unchanged."""
    above = _parents(level)
    if len(level) & 1:
        above.append(level[-1])
    return above


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Compute every level of the tree over ``leaves``, leaves first, head last.

    An odd last node stands unchanged in the level above, so the last node of a level may be a ragged subtree. The tree
    without leaves has one empty level.
    """
    tree = [list(leaves)]
    while len(tree[-1]) > 1:
        tree.append(level_above(tree[-1]))
    return tree


def root(leaves: Sequence[bytes]) -> bytes:
    """Compute the head of the tree over ``leaves``; without leaves it is the hash of nothing."""
    if not leaves:
        return EMPTY_ROOT
    level: Sequence[bytes] = leaves
    while len(level) > 1:
        level = level_above(level)
    return level[0]


def root_of_entries(entries: Iterable[bytes]) -> bytes:
    """Compute the head of the tree over raw entries."""
    return root(leaf_hashes(entries))


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Prove leaf ``index`` of the tree over ``leaves`` (RFC 9162, 2.1.3.1).

    Raises:
        InputError: ``log.index_range`` when there is no such leaf.
    """
    return inclusion_proof_from_levels(levels(leaves), index)


def inclusion_proof_from_levels(tree: Sequence[Sequence[bytes]], index: int) -> tuple[bytes, ...]:
    """Prove leaf ``index`` from the :func:`levels` of a tree, without hashing anything again.

    Raises:
        InputError: ``log.index_range`` when there is no such leaf.
    """
    _require_index(index, len(tree[0]))
    proof = []
    for level in tree[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        index >>= 1
    return tuple(proof)


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """List the leaf ranges ``[low, high)`` whose subtree hashes make up an inclusion proof, the leaf's sibling first.

    Raises:
        InputError: ``log.index_range`` or ``log.size_range``.
    """
    _require_size(size)
    _require_index(index, size)
    ranges = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    ranges.reverse()
    return ranges


def consistency_ranges(old_size: int, new_size: int) -> list[tuple[int, int]]:
    """List the leaf ranges whose subtree hashes make up a consistency proof (RFC 9162, 2.1.4.1).

    The list is empty when the sizes are equal or the old tree was empty.

    Raises:
        InputError: ``log.size_range``, or ``log.consistency_sizes`` when the old tree is the larger one.
    """
    _require_sizes(old_size, new_size)
    if old_size in (0, new_size):
        return []
    ranges = []
    low, high, whole = 0, new_size, True
    while old_size != high:
        middle = low + _split(high - low)
        if old_size <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low, whole = middle, False
    if not whole:
        ranges.append((low, high))
    ranges.reverse()
    return ranges


def range_hash(node: NodeSource, low: int, high: int) -> bytes:
    """Compute the head over the leaves ``[low, high)`` from complete subtrees.

    ``low`` is a multiple of the largest power of two that is not above the range's length, as it is for every subtree
    that proofs name.
    """
    if high <= low:
        return EMPTY_ROOT
    pieces = []
    while low < high:
        level = (high - low).bit_length() - 1
        pieces.append(node(level, low >> level))
        low += 1 << level
    head = pieces.pop()
    while pieces:
        head = node_hash(pieces.pop(), head)
    return head


def inclusion_proof_from(node: NodeSource, index: int, size: int) -> tuple[bytes, ...]:
    """Prove a leaf with hashes from any store of complete subtrees, tiles for instance."""
    return tuple(range_hash(node, low, high) for low, high in inclusion_ranges(index, size))


def consistency_proof_from(node: NodeSource, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """Prove that the tree of ``old_size`` is a prefix of that of ``new_size``, from any store of complete subtrees."""
    return tuple(range_hash(node, low, high) for low, high in consistency_ranges(old_size, new_size))


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Prove that the tree over the first ``old_size`` leaves is a prefix of the tree over all of them."""
    tree = levels(leaves)
    return consistency_proof_from(lambda level, index: tree[level][index], old_size, len(leaves))


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Compute the head that an inclusion proof leads to (RFC 9162, 2.1.3.2).

    The number of hashes follows from index and size alone, so a proof of any other length is refused before anything
    is hashed.

    Raises:
        FormatError: ``log.size_range``, ``log.index_range``, ``log.hash_length``, ``log.proof_short`` or
            ``log.proof_long``.
    """
    if not 0 < size <= MAX_TREE_SIZE:
        raise FormatError("log.size_range")
    if not 0 <= index < size:
        raise FormatError("log.index_range")
    inner = (index ^ (size - 1)).bit_length()
    _require_shape((leaf,), 1)
    _require_shape(proof, inner + (index >> inner).bit_count())
    head, sha256 = leaf, _sha256
    # Above the split between this leaf and the tree's right edge every remaining sibling is on the left.
    lefts = index | -1 << inner
    for step, sibling in enumerate(proof):
        head = sha256(b"\x01" + (sibling + head if lefts >> step & 1 else head + sibling)).digest()
    return head


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Require that ``leaf`` (a leaf hash) stands at ``index`` in the tree of ``size`` leaves with head ``root``.

    Raises:
        FormatError: the proof has not the form that index and size demand (see :func:`root_from_inclusion`).
        InputError: ``log.inclusion_mismatch`` when it leads to another head.
    """
    if root_from_inclusion(leaf, index, size, proof) != root:
        raise InputError("log.inclusion_mismatch")


def verify_consistency(old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Require that the tree of ``old_size`` leaves is a prefix of the tree of ``new_size`` (RFC 9162, 2.1.4.2).

    Raises:
        FormatError: ``log.size_range``, ``log.consistency_sizes``, ``log.hash_length``, ``log.proof_short`` or
            ``log.proof_long``.
        InputError: ``log.consistency_old`` or ``log.consistency_new`` when the proof leads to another old or new head.
    """
    if not (0 <= old_size <= MAX_TREE_SIZE and 0 <= new_size <= MAX_TREE_SIZE):
        raise FormatError("log.size_range")
    if old_size > new_size:
        raise FormatError("log.consistency_sizes")
    _require_shape((old_root, new_root), 2)
    if old_size in (0, new_size):
        _require_shape(proof, 0)
        if old_size == 0 and old_root != EMPTY_ROOT:
            raise InputError("log.consistency_old")
        if old_size == new_size and old_root != new_root:
            raise InputError("log.consistency_new")
        return
    # The last complete subtree of the old tree is where both computations start; its trailing zeros need no sibling.
    shift = (old_size & -old_size).bit_length() - 1
    position = (old_size - 1) >> shift
    inner = ((old_size - 1) ^ (new_size - 1)).bit_length() - shift
    border = (position >> inner).bit_count()
    given = 0 if position == 0 else 1
    _require_shape(proof, given + inner + border)
    old = new = proof[0] if given else old_root
    for step, sibling in enumerate(proof[given:]):
        if step >= inner or (position >> step) & 1:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    if old != old_root:
        raise InputError("log.consistency_old")
    if new != new_root:
        raise InputError("log.consistency_new")


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The head of a growing tree: the complete subtrees along its right edge, largest first.

    It holds at most 63 hashes whatever the size, and is all that is needed to go on appending.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a range whose hashes do not fit its size."""
        _require_size(self.size)
        if len(self.nodes) != self.size.bit_count() or any(len(node) != HASH_BYTES for node in self.nodes):
            raise InputError("log.compact_range", size=self.size, nodes=len(self.nodes))

    def extended(self, leaves: Sequence[bytes]) -> CompactRange:
        """Append leaf hashes, level by level, and return the new range."""
        if not leaves:
            return self
        pending = list(self.nodes)
        edge: list[bytes] = []
        run: Sequence[bytes] = leaves
        level = 0
        while run:
            if (self.size >> level) & 1:
                run = [pending.pop(), *run]
            if len(run) & 1:
                edge.append(run[-1])
            run = _parents(run)
            level += 1
        return CompactRange(self.size + len(leaves), (*pending, *reversed(edge)))

    def root(self) -> bytes:
        """Compute the head of the tree so far."""
        if not self.nodes:
            return EMPTY_ROOT
        head = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            head = node_hash(node, head)
        return head


def _split(size: int) -> int:
    """Largest power of two below ``size``, for sizes above one."""
    return 1 << ((size - 1).bit_length() - 1)


def _require_size(size: int) -> None:
    if not 0 <= size <= MAX_TREE_SIZE:
        raise InputError("log.size_range")


def _require_sizes(old_size: int, new_size: int) -> None:
    _require_size(old_size)
    _require_size(new_size)
    if old_size > new_size:
        raise InputError("log.consistency_sizes")


def _require_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise InputError("log.index_range")


def _require_shape(hashes: Sequence[bytes], expected: int) -> None:
    if len(hashes) < expected:
        raise FormatError("log.proof_short", expected=expected, given=len(hashes))
    if len(hashes) > expected:
        raise FormatError("log.proof_long", expected=expected, given=len(hashes))
    if not {HASH_BYTES}.issuperset(map(len, hashes)):
        raise FormatError("log.hash_length")
