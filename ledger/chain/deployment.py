"""Bringing the contracts onto a chain: once for a network, and again for each new generation of one of them.

Deploying gives a contract no authority: a new one counts from the block in which the consortium's members have voted it
in (``propose`` with kind ``GENERATION``). Until then it refuses new things by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts import load
from ledger.chain.abi import keccak, rlp_encode
from ledger.chain.codec import constructor_arguments
from ledger.domain.limits import LIMITS
from ledger.errors import ConflictError
from ledger.ports import Chain, Signer, UnsignedTransaction

__all__ = ["CREATION", "Founder", "contract_address", "deploy", "deploy_consortium"]

# The address of a transaction that creates a contract: none.
CREATION = "0x"


@dataclass(frozen=True, slots=True)
class Founder:
    """A member that genesis lists."""

    division: int
    level: int
    parent: int
    voting: bool
    name: str
    administrator: str


def deploy_consortium(
    chain: Chain,
    signer: Signer,
    *,
    name: str,
    status_epoch: int,
    clock_offset: int,
    founders: Sequence[Founder],
    wait: Callable[[], None],
) -> str:
    """Deploy the contract that everything else follows from.

    Args:
        chain: where to.
        signer: any key that the engine admits; it has no say afterwards.
        name: the network's.
        status_epoch: blocks between two status entries of the log.
        clock_offset: seconds by which the engine's clock is ahead of the world's; zero but in a pilot.
        founders: the members listed; each confirms itself afterwards.
        wait: called between looking for the receipt; returns after a moment, raises when it is too long.

    Returns:
        The contract's address, lowercase.

    Raises:
        ConflictError: ``chain.reverted``: the constructor refused.
    """
    listed = [(one.division, one.level, one.parent, one.voting, one.name, one.administrator) for one in founders]
    return deploy(chain, signer, "consortium", name, status_epoch, clock_offset, listed, wait=wait)


def deploy(chain: Chain, signer: Signer, kind: str, *arguments: object, wait: Callable[[], None]) -> str:
    """Deploy one contract from its artifact and wait until it is mined.

    The transaction is the same whenever it is made from the same nonce, so that a deployment that was cut short can be
    repeated: a nonce that has been used in between makes another contract at another address, and the first one, which
    nobody voted in, does no harm.

    Returns:
        The contract's address, lowercase.

    Raises:
        ConflictError: ``chain.reverted``: the constructor refused; or what ``Chain.send`` raises.
    """
    nonce = chain.nonce(signer.address)
    data = load(kind).bytecode + constructor_arguments(kind, arguments)
    signed = signer.sign_transaction(
        UnsignedTransaction(chain.chain_id(), nonce, CREATION, data, LIMITS.deployment_gas)
    )
    chain.send(signed.raw)
    while (receipt := chain.receipt(signed.hash)) is None:
        wait()
    if not receipt.succeeded:
        raise ConflictError("chain.reverted", why=f"deployment of {kind}")
    return contract_address(signer.address, nonce)


def contract_address(sender: str, nonce: int) -> str:
    """The address of the contract that a sender's transaction creates."""
    return "0x" + keccak(rlp_encode([bytes.fromhex(sender[2:]), nonce]))[12:].hex()
