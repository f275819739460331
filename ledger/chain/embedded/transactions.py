"""From signed bytes to a transaction that may wait in the pool: every check that does not depend on a block.

What is let through here runs in a block without a further look at its signature, so the checks are complete: form,
network (EIP-155), signature with low ``s`` (EIP-2), sizes (EIP-3860), gas against the intrinsic cost and the calldata
floor (EIP-7623, which py-evm charges but does not demand up front) and the fields' ranges. Legacy transactions,
EIP-2930 and EIP-1559 are taken; blobs need a data layer that is not here, and EIP-7702 would let a key's nonce move
without the pool seeing it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth.constants import SECPK1_N
from eth.exceptions import PyEVMError
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException

from ledger.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eth.abc import SignedTransactionAPI

    from ledger.domain.limits import Limits

__all__ = ["decode", "decode_stored", "floor_gas"]

# EIP-3860.
_INITCODE_BYTES = 49_152
_UINT64 = 2**64 - 1
_UINT256 = 2**256 - 1
_LEGACY_PREFIX = 0xC0
_TYPES = frozenset({1, 2})


def decode(raw: bytes, *, chain_id: int, gas_limit: int, limits: Limits) -> tuple[SignedTransactionAPI, bytes]:
    """Decode and check a signed transaction.

    Returns:
        The transaction, and the address that signed it.

    Raises:
        FormatError: ``engine.transaction_form``, ``engine.transaction_size``, ``engine.transaction_type``.
        InputError: ``engine.other_chain``, ``engine.signature``, ``engine.gas_too_low``, ``engine.gas_too_high``,
            ``engine.initcode_size``, ``engine.fee_order``.
    """
    if len(raw) > limits.engine_transaction_bytes:
        raise FormatError("engine.transaction_size", size=len(raw), most=limits.engine_transaction_bytes)
    if not raw:
        raise FormatError("engine.transaction_form")
    if raw[0] < _LEGACY_PREFIX and raw[0] not in _TYPES:
        raise FormatError("engine.transaction_type", type=raw[0])
    try:
        transaction = decode_stored(raw)
        canonical = transaction.encode() == raw
    except (RLPException, ValidationError, PyEVMError, ValueError, TypeError) as error:
        raise FormatError("engine.transaction_form") from error
    if not canonical:
        raise FormatError("engine.transaction_form")
    # A legacy signature without a network number could be replayed on any other network.
    if transaction.chain_id != chain_id:
        raise InputError("engine.other_chain", found=transaction.chain_id, expected=chain_id)
    _check_fields(transaction, gas_limit)
    return transaction, _sender(transaction)


def decode_stored(raw: bytes) -> SignedTransactionAPI:
    """Decode a transaction that was checked when it was taken."""
    return PragueTransactionBuilder.decode(raw)


def floor_gas(data: bytes) -> int:
    """The least gas that a transaction with this calldata costs (EIP-7623)."""
    zeros = data.count(0)
    return 21_000 + 10 * (zeros + 4 * (len(data) - zeros))


def _check_fields(transaction: SignedTransactionAPI, gas_limit: int) -> None:
    ranges: Sequence[tuple[int, int]] = (
        (transaction.nonce, _UINT64 - 1),
        (transaction.gas, _UINT64),
        (transaction.value, _UINT256),
        (transaction.max_fee_per_gas, _UINT256),
        (transaction.max_priority_fee_per_gas, _UINT256),
    )
    if any(value > most for value, most in ranges):
        raise FormatError("engine.transaction_form")
    if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
        raise InputError("engine.fee_order")
    if not transaction.to and len(transaction.data) > _INITCODE_BYTES:
        raise InputError("engine.initcode_size", size=len(transaction.data), most=_INITCODE_BYTES)
    least = max(transaction.intrinsic_gas, floor_gas(transaction.data))
    if transaction.gas < least:
        raise InputError("engine.gas_too_low", gas=transaction.gas, least=least)
    if transaction.gas > gas_limit:
        raise InputError("engine.gas_too_high", gas=transaction.gas, most=gas_limit)


def _sender(transaction: SignedTransactionAPI) -> bytes:
    if not (0 < transaction.r < SECPK1_N and 0 < transaction.s <= SECPK1_N // 2 and transaction.y_parity in (0, 1)):
        raise InputError("engine.signature")
    try:
        return bytes(transaction.sender)
    except (BadSignature, ValidationError, ValueError) as error:
        raise InputError("engine.signature") from error
