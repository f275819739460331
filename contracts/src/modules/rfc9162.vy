# pragma version 0.4.3
"""
@title RFC 9162: inclusion of a leaf in a batch
@license Apache-2.0
@notice Merkle trees of SHA-256 with the prefixes 0x00 for leaves and 0x01 for nodes, verified as in section 2.1.3.2,
        which also holds an index and a size against the length of the path.
"""

# A batch has at most 2**20 leaves.
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
def _step(node: bytes32, sibling: bytes32, index: uint256, last: uint256) -> (bytes32, uint256, uint256):
    """
    @notice One step towards the root: the parent, and its place and the last node's place in its level.
    """
    place: uint256 = index
    end: uint256 = last
    if place & 1 == 1 or place == end:
        parent: bytes32 = sha256(concat(x"01", sibling, node))
        if place & 1 == 0:
            for _: uint256 in range(LONGEST):
                if place & 1 == 1 or place == 0:
                    break
                place = place >> 1
                end = end >> 1
        return parent, place >> 1, end >> 1
    return sha256(concat(x"01", node, sibling)), place >> 1, end >> 1
