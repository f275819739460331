# pragma version 0.4.3
"""
@title RFC 9162: inclusion of a leaf in a batch
@license Apache-2.0
@notice Merkle trees of SHA-256 with the prefixes 0x00 for leaves and 0x01 for nodes. Stateless.
"""

# A batch has at most 2**20 leaves, so no path is longer.
LONGEST: constant(uint256) = 20


@internal
@pure
def _leaf_hash(version: uint256, holder: address, valid_until: uint256, commitment: bytes32) -> bytes32:
    """
    @notice SHA-256(0x00 ‖ entry), the entry being version (1) ‖ holder (20) ‖ valid until (5) ‖ commitment (32).
    """
    head: uint256 = (version << 200) | (convert(holder, uint256) << 40) | valid_until
    return sha256(concat(x"00", slice(convert(head, bytes32), 6, 26), commitment))


@internal
@pure
def _included(leaf: bytes32, index: uint256, size: uint256, path: DynArray[bytes32, LONGEST], root: bytes32) -> bool:
    """
    @notice Section 2.1.3.2: whether the path leads from the leaf at `index` to the root of a tree of `size` leaves. A
            path that is too long or too short for index and size leads nowhere.
    """
    if index >= size:
        return False
    place: uint256 = index
    last: uint256 = size - 1
    node: bytes32 = leaf
    for sibling: bytes32 in path:
        if last == 0:
            return False
        if place & 1 == 1 or place == last:
            node = sha256(concat(x"01", sibling, node))
            for _: uint256 in range(LONGEST):
                if place & 1 == 1 or place == 0:
                    break
                place = place >> 1
                last = last >> 1
        else:
            node = sha256(concat(x"01", node, sibling))
        place = place >> 1
        last = last >> 1
    return last == 0 and node == root
