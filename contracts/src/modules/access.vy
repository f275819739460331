# pragma version 0.4.3
"""
@title Access: what the consortium says about a key or a contract
@license Apache-2.0
@notice A contract asks once a transaction for its sender (`_sender`) and once for each distinct signer (`_of`), and
        judges the word it got with `standing`. Nothing is remembered: a key removed a block ago is removed here.
"""

from interfaces import IConsortium
from modules import standing

CONSORTIUM: immutable(IConsortium)


@deploy
def __init__(consortium: IConsortium):
    """
    @notice Bind to the network's consortium for ever.
    """
    assert consortium.address.is_contract, "access: consortium is no contract"
    CONSORTIUM = consortium


@internal
@view
def _sender() -> uint256:
    """
    @notice The standing of whoever sent this transaction.
    """
    return staticcall CONSORTIUM.standing(msg.sender)


@internal
@view
def _of(key: address) -> uint256:
    """
    @notice The standing of a key that signed something off the transaction.
    """
    return staticcall CONSORTIUM.standing(key)


@internal
@view
def _of_member(member: uint256) -> uint256:
    """
    @notice The standing of a member, without roles.
    """
    return staticcall CONSORTIUM.standing_of(member)


@internal
@view
def _closed() -> uint256:
    """
    @notice GENERATION_CLOSED where this contract takes no new things: replaced, or not registered by a vote yet.
    """
    kind: uint256 = staticcall CONSORTIUM.kind_of(self)
    if kind == 0 or kind & 256 != 0:
        return standing.GENERATION_CLOSED
    return 0


@internal
@view
def _is_kind(subject: address, kind: uint256) -> bool:
    """
    @notice Whether an address is a contract of this kind, of any generation.
    """
    return (staticcall CONSORTIUM.kind_of(subject)) & 255 == kind


@internal
@view
def _working_days(first_day: uint256, last_day: uint256) -> int256:
    """
    @notice Working days after `first_day` up to and with `last_day`; -1: a calendar is missing.
    """
    return staticcall CONSORTIUM.working_days(first_day, last_day)


@internal
@view
def _department(member: uint256, code: uint256) -> bool:
    """
    @notice Whether a member has this implementing body now.
    """
    return staticcall CONSORTIUM.department(member, code)


@internal
@view
def _current(kind: uint256) -> address:
    """
    @notice The present contract of a kind.
    """
    return staticcall CONSORTIUM.current(kind)


@internal
@view
def _generation(subject: address) -> uint256:
    """
    @notice Which generation of its kind a contract is.
    """
    return staticcall CONSORTIUM.generation_of(subject)
