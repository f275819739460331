# pragma version 0.4.3
"""
@title Witnesses: two officers who saw a person do something at a window
@license Apache-2.0
@notice The first is of the attending city; the second may be another city's, by video, where a window has one clerk.
"""

from modules import access
from modules import eip712
from modules import standing

uses: access


struct Signature:
    r: uint256
    s: uint256
    v: uint8


# Two witnesses.
WITNESSES: constant(uint256) = 2


@internal
@pure
def _check_count(offset: uint32, count: uint32, wanted: uint256, length: uint256) -> uint256:
    """
    @notice Why an operation's signatures cannot be read; 0: there are as many as it takes.
    """
    if convert(count, uint256) != wanted:
        return standing.BAD_WITNESSES
    if convert(offset, uint256) + wanted > length:
        return standing.BAD_OFFSET
    return 0


@internal
@view
def _check(digest: bytes32, attending: uint16, first: Signature, second: Signature) -> uint256:
    """
    @notice 0 where two different witness keys in force signed, the first of the attending city.
    """
    one: address = eip712._signer(digest, first.r, first.s, convert(first.v, uint256))
    two: address = eip712._signer(digest, second.r, second.s, convert(second.v, uint256))
    if one == empty(address) or two == empty(address):
        return standing.BAD_SIGNATURE
    if one == two:
        return standing.BAD_WITNESSES
    here: uint256 = access._of(one)
    if standing._authority(here, standing.WITNESS) != 0 or standing._member(here) != convert(attending, uint256):
        return standing.BAD_WITNESSES
    if standing._authority(access._of(two), standing.WITNESS) != 0:
        return standing.BAD_WITNESSES
    return 0
