# pragma version 0.4.3
"""
@title Batches: what a member anchored, and which of it no longer counts
@license Apache-2.0
@notice A batch is one root; nothing is stored for a material until it is used or revoked. A leaf is known by its batch's
        number and its index, in one word `batch << 32 | index`. Only the member that anchored a batch may revoke in it.
"""

from modules import access
from modules import rfc9162
from modules import standing

uses: access


event Anchored:
    batch: indexed(uint64)
    member: indexed(uint16)
    key: address
    root: bytes32
    size: uint32
    blob: bytes32
    flags: uint8


event LeavesRevoked:
    batch: indexed(uint64)
    leaves: DynArray[uint32, 16]
    member: indexed(uint16)
    key: address
    cause: uint8
    commitment: bytes32


struct Batch:
    root: bytes32
    size: uint32
    blob: bytes32
    flags: uint8


struct Revocation:
    batch: uint64
    leaf_offset: uint32
    leaf_count: uint32
    cause: uint8
    commitment: bytes32


# A leaf as it was anchored, and where its proof of inclusion stands in the shared path.
struct Leaf:
    leaf: uint256
    version: uint8
    holder: address
    valid_until: uint40
    commitment: bytes32
    path_offset: uint32
    path_count: uint32


OPERATION_ANCHOR: constant(uint256) = 40
OPERATION_REVOKE: constant(uint256) = 41

UNKNOWN_BATCH: constant(uint256) = 60
EMPTY_BATCH: constant(uint256) = 61
NOT_YOUR_BATCH: constant(uint256) = 62
LEAF_REVOKED: constant(uint256) = 63
NOT_INCLUDED: constant(uint256) = 65
LEAF_EXPIRED: constant(uint256) = 66

# A city anchors a handful of batches a minute at most.
MAX_BATCHES: constant(uint256) = 16
# Proofs of inclusion have at most 20 steps.
MAX_SIZE: constant(uint256) = 1048576
MAX_REVOCATIONS: constant(uint256) = 32
# Two data subjects with eight leaves each.
MAX_LEAVES: constant(uint256) = 16
MAX_LISTED: constant(uint256) = 512
# Eight causes and room for more.
MAX_CAUSE: constant(uint256) = 31

batch_count: public(uint64)
roots: HashMap[uint256, bytes32]
# member | size << 16 | time << 48
facts: HashMap[uint256, uint256]
# cause << 40 | time; zero: not revoked
revocations: HashMap[uint256, uint256]


@external
def anchor(batches: DynArray[Batch, MAX_BATCHES]):
    """
    @notice Anchor batches under the next numbers. An issue key.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.ISSUE)
    if authority == 0:
        authority = access._closed()
    number: uint64 = self.batch_count
    index: uint256 = 0
    for batch: Batch in batches:
        reason: uint256 = authority
        if reason == 0:
            reason = self._check_batch(batch)
        if reason != 0:
            standing._refuse(member, OPERATION_ANCHOR, index, batch.root, reason)
        else:
            number += 1
            self.roots[convert(number, uint256)] = batch.root
            self.facts[convert(number, uint256)] = (
                member | (convert(batch.size, uint256) << 16) | (block.timestamp << 48)
            )
            log Anchored(
                batch=number,
                member=convert(member, uint16),
                key=msg.sender,
                root=batch.root,
                size=batch.size,
                blob=batch.blob,
                flags=batch.flags,
            )
        index += 1
    self.batch_count = number


@external
def revoke(items: DynArray[Revocation, MAX_REVOCATIONS], leaves: DynArray[uint32, MAX_LISTED]):
    """
    @notice Revoke leaves of one's own batches, with the cause and the time. An issue key. All leaves of an operation or
            none: one that is revoked already spoils it.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.ISSUE)
    index: uint256 = 0
    for item: Revocation in items:
        batch: uint256 = convert(item.batch, uint256)
        listed: DynArray[uint32, MAX_LEAVES] = []
        reason: uint256 = authority
        if reason == 0:
            reason = self._check_owner(batch, member)
        if reason == 0:
            reason = self._check_list(item.leaf_offset, item.leaf_count, len(leaves))
        if reason == 0 and convert(item.cause, uint256) > MAX_CAUSE:
            reason = standing.OUT_OF_RANGE
        if reason == 0:
            start: uint256 = convert(item.leaf_offset, uint256)
            for i: uint256 in range(convert(item.leaf_count, uint256), bound=MAX_LEAVES):
                listed.append(leaves[start + i])
            reason = self._check_leaves(batch, listed)
        if reason != 0:
            standing._refuse(member, OPERATION_REVOKE, index, convert(batch, bytes32), reason)
        else:
            word: uint256 = (convert(item.cause, uint256) << 40) | block.timestamp
            for leaf: uint32 in listed:
                self.revocations[(batch << 32) | convert(leaf, uint256)] = word
            log LeavesRevoked(
                batch=item.batch,
                leaves=listed,
                member=convert(member, uint16),
                key=msg.sender,
                cause=item.cause,
                commitment=item.commitment,
            )
        index += 1


@external
@view
def batch_of(batch: uint256) -> (bytes32, uint256, uint256, uint256):
    """
    @notice A batch's root, the member that anchored it, its size and its time; zeros: no such batch.
    """
    fact: uint256 = self.facts[batch]
    return self.roots[batch], fact & 65535, (fact >> 16) & 4294967295, fact >> 48


@external
@view
def revoked_at(leaf: uint256) -> (uint256, uint256):
    """
    @notice Cause and time of a leaf's revocation; zeros: not revoked.
    """
    word: uint256 = self.revocations[leaf]
    return word >> 40, word & 1099511627775


@internal
@view
def _check_batch(batch: Batch) -> uint256:
    """
    @notice Why a batch cannot be anchored; 0: it can.
    """
    if batch.size == 0 or batch.root == empty(bytes32) or batch.blob == empty(bytes32):
        return EMPTY_BATCH
    if convert(batch.size, uint256) > MAX_SIZE or batch.flags > 1:
        return standing.OUT_OF_RANGE
    return 0


@internal
@view
def _check_owner(batch: uint256, member: uint256) -> uint256:
    """
    @notice Why a member may not speak for a batch; 0: it is its own.
    """
    owner: uint256 = self.facts[batch] & 65535
    if owner == 0:
        return UNKNOWN_BATCH
    if owner != member:
        return NOT_YOUR_BATCH
    return 0


@internal
@pure
def _check_list(offset: uint32, count: uint32, length: uint256) -> uint256:
    """
    @notice Why a list of leaves cannot be read from the shared array; 0: it can.
    """
    if count == 0 or convert(count, uint256) > MAX_LEAVES:
        return standing.OUT_OF_RANGE
    if convert(offset, uint256) + convert(count, uint256) > length:
        return standing.BAD_OFFSET
    return 0


@internal
@view
def _check_leaves(batch: uint256, listed: DynArray[uint32, MAX_LEAVES]) -> uint256:
    """
    @notice Why leaves cannot be revoked; 0: ascending, in the batch, none revoked yet.
    """
    size: uint256 = (self.facts[batch] >> 16) & 4294967295
    previous: uint256 = 0
    first: bool = True
    for leaf: uint32 in listed:
        place: uint256 = convert(leaf, uint256)
        if place >= size:
            return NOT_INCLUDED
        if not first and place <= previous:
            return standing.OUT_OF_RANGE
        if self.revocations[(batch << 32) | place] != 0:
            return standing.ALREADY_DONE
        previous = place
        first = False
    return 0


@internal
@view
def _member_of(leaf: uint256) -> uint256:
    """
    @notice The member that anchored a leaf's batch; 0: no such batch.
    """
    return self.facts[leaf >> 32] & 65535


@internal
@view
def _check_leaf(leaf: Leaf, path: DynArray[bytes32, rfc9162.LONGEST]) -> uint256:
    """
    @notice Why a leaf does not count now; 0: anchored as shown, not revoked, not past its time.
    """
    batch: uint256 = leaf.leaf >> 32
    fact: uint256 = self.facts[batch]
    if fact == 0:
        return UNKNOWN_BATCH
    digest: bytes32 = rfc9162._leaf_hash(
        convert(leaf.version, uint256), leaf.holder, convert(leaf.valid_until, uint256), leaf.commitment
    )
    if not rfc9162._included(digest, leaf.leaf & 4294967295, (fact >> 16) & 4294967295, path, self.roots[batch]):
        return NOT_INCLUDED
    if self.revocations[leaf.leaf] != 0:
        return LEAF_REVOKED
    if leaf.valid_until != 0 and block.timestamp > convert(leaf.valid_until, uint256):
        return LEAF_EXPIRED
    return 0
