# pragma version 0.4.3
"""
@title Drafts: the form of an agreement's text as it is handed in, and what may be wrong with it by itself
@license Apache-2.0
@notice Keeps nothing: whether a draft fits what is already agreed is asked in `agreements`.
"""

from modules import access
from modules import standing

uses: access


# For a new agreement (kind 1) `agreement` is a salt; matters and modes share one offset and count.
struct Draft:
    agreement: bytes32
    kind: uint8
    parent: bytes32
    predecessor: bytes32
    party_offset: uint16
    party_count: uint16
    matter_offset: uint16
    matter_count: uint16
    notice_days: uint16
    valid_from: uint40
    valid_until: uint40
    digest: bytes32
    blob: bytes32


UNKNOWN_MEMBER: constant(uint256) = 20
DIGEST_MISSING: constant(uint256) = 27

# Kinds of drafts.
NEW: constant(uint256) = 1
AMENDMENT: constant(uint256) = 2
ACCESSION: constant(uint256) = 3

# The largest group known to us, the Yangtze delta's, has 41 cities.
MAX_PARTIES: constant(uint256) = 64
# Each matter is a slot of 22,000 gas: 200 and 64 parties fit a transaction of 8 M gas.
MAX_MATTERS: constant(uint256) = 200
# A year's notice is the longest that any published agreement has.
MAX_NOTICE_DAYS: constant(uint256) = 366
# Modes 1 to 4.
MODES: constant(uint256) = 30


@internal
@view
def _check_shape(text: Draft, parties: uint256, matters: uint256, modes: uint256) -> uint256:
    """
    @notice The reason not to read a draft's lists: offsets, counts, times, digest.
    """
    party_end: uint256 = convert(text.party_offset, uint256) + convert(text.party_count, uint256)
    matter_end: uint256 = convert(text.matter_offset, uint256) + convert(text.matter_count, uint256)
    if party_end > parties or matter_end > matters or matter_end > modes:
        return standing.BAD_OFFSET
    if convert(text.party_count, uint256) < 2 or convert(text.party_count, uint256) > MAX_PARTIES:
        return standing.OUT_OF_RANGE
    if text.matter_count == 0 or convert(text.matter_count, uint256) > MAX_MATTERS:
        return standing.OUT_OF_RANGE
    until: uint256 = convert(text.valid_until, uint256)
    if until != 0 and (until <= block.timestamp or until <= convert(text.valid_from, uint256)):
        return standing.OUT_OF_RANGE
    if convert(text.notice_days, uint256) > MAX_NOTICE_DAYS:
        return standing.OUT_OF_RANGE
    if text.digest == empty(bytes32):
        return DIGEST_MISSING
    return 0


@internal
@view
def _check_lists(
    parties: DynArray[uint16, MAX_PARTIES],
    matters: DynArray[bytes32, MAX_MATTERS],
    modes: DynArray[uint8, MAX_MATTERS],
) -> uint256:
    """
    @notice The reason not to take a draft's lists: order (which also keeps doubles out), unknown members, modes.
    """
    last: uint256 = 0
    for party: uint16 in parties:
        number: uint256 = convert(party, uint256)
        if number <= last:
            return standing.OUT_OF_RANGE
        status: uint256 = standing._status(access._of_member(number))
        if status == 0 or status == standing.EXCLUDED:
            return UNKNOWN_MEMBER
        last = number
    last = 0
    for matter: bytes32 in matters:
        if convert(matter, uint256) <= last:
            return standing.OUT_OF_RANGE
        last = convert(matter, uint256)
    for mode: uint8 in modes:
        if mode == 0 or convert(mode, uint256) & ~MODES != 0:
            return standing.OUT_OF_RANGE
    return 0
