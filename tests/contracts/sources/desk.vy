# pragma version 0.4.3
"""
@title Desk: another generation of the cases contract, which answers what it was told
@license Apache-2.0
"""

from interfaces import ICases

implements: ICases

reasons: HashMap[bytes32, HashMap[uint256, uint256]]
matters: HashMap[bytes32, bytes32]
parents: HashMap[bytes32, bytes32]


@external
def put(case: bytes32, matter: bytes32, parent: bytes32, member: uint256, reason: uint256):
    """
    @notice Say what `reading` answers for a case and a member.
    """
    self.matters[case] = matter
    self.parents[case] = parent
    self.reasons[case][member] = reason


@external
@view
def reading(case: bytes32, member: uint256) -> (uint256, bytes32, bytes32):
    """
    @notice As it was put; a case never put is unknown (100).
    """
    if self.matters[case] == empty(bytes32):
        return 100, empty(bytes32), empty(bytes32)
    return self.reasons[case][member], self.matters[case], self.parents[case]
