# pragma version 0.4.3
"""
@title Standing: who a key belongs to and what it may do, and how an operation is refused
@license Apache-2.0
@notice Stateless. Every contract of the network refuses with the same event, the same numbers (`ledger/domain/reasons`)
        and the same order of questions: whose key, is the member in good standing, has the key the role.
"""

# An operation of a batch was not done; the others of the batch go on.
event Refused:
    member: indexed(uint16)
    operation: uint8
    index: uint32
    subject: indexed(bytes32)
    reason: uint16


# Roles of a key, a bitmap.
ADMINISTER: constant(uint256) = 1
OPERATE: constant(uint256) = 2
WITNESS: constant(uint256) = 4
ISSUE: constant(uint256) = 8
REGULATE: constant(uint256) = 16
RECOVER: constant(uint256) = 32

# Statuses of a member.
LISTED: constant(uint256) = 1
ACTIVE: constant(uint256) = 2
SUSPENDED: constant(uint256) = 3
EXCLUDED: constant(uint256) = 4

# Reasons that every contract uses.
NOT_A_KEY: constant(uint256) = 1
WRONG_ROLE: constant(uint256) = 2
MEMBER_SUSPENDED: constant(uint256) = 3
MEMBER_UNCONFIRMED: constant(uint256) = 4
BAD_SIGNATURE: constant(uint256) = 5
BAD_WITNESSES: constant(uint256) = 6
ALREADY_DONE: constant(uint256) = 7
NOT_A_PARTY: constant(uint256) = 8
GENERATION_CLOSED: constant(uint256) = 9
UNKNOWN_CONTRACT: constant(uint256) = 10
BAD_OFFSET: constant(uint256) = 11
OUT_OF_RANGE: constant(uint256) = 12

# China Standard Time is eight hours ahead of UTC, all year.
ZONE: constant(uint256) = 28800
DAY: constant(uint256) = 86400


@internal
@pure
def _member(standing: uint256) -> uint256:
    """
    @notice The member number in a standing.
    """
    return standing & 65535


@internal
@pure
def _status(standing: uint256) -> uint256:
    """
    @notice The member's status in a standing.
    """
    return (standing >> 32) & 255


@internal
@pure
def _level(standing: uint256) -> uint256:
    """
    @notice The member's level in a standing.
    """
    return (standing >> 56) & 255


@internal
@pure
def _active(standing: uint256) -> uint256:
    """
    @notice 0 where the standing belongs to an active member, else the reason why not.
    """
    if standing & 65535 == 0:
        return NOT_A_KEY
    status: uint256 = (standing >> 32) & 255
    if status == ACTIVE:
        return 0
    if status == LISTED:
        return MEMBER_UNCONFIRMED
    return MEMBER_SUSPENDED


@internal
@pure
def _authority(standing: uint256, roles: uint256) -> uint256:
    """
    @notice 0 where the key belongs to an active member and has at least one of `roles`, else the reason why not.
    """
    reason: uint256 = self._active(standing)
    if reason != 0:
        return reason
    if (standing >> 16) & roles == 0:
        return WRONG_ROLE
    return 0


@internal
def _refuse(member: uint256, operation: uint256, index: uint256, subject: bytes32, reason: uint256):
    """
    @notice Emit that one operation of a batch was not done.
    """
    log Refused(
        member=convert(member, uint16),
        operation=convert(operation, uint8),
        index=convert(index, uint32),
        subject=subject,
        reason=convert(reason, uint16),
    )


@internal
@pure
def _day(time: uint256) -> uint256:
    """
    @notice The number of the day of China Standard Time in which a POSIX time lies.
    """
    return (time + ZONE) // DAY
