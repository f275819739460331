"""Methods about the state: accounts, storage, proofs, calls and estimates, at any block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.embedded import execution
from ledger.chain.embedded.documents import data, quantity
from ledger.chain.embedded.rpc.errors import invalid_params

if TYPE_CHECKING:
    from eth.rlp.accounts import Account

    from ledger.chain.embedded.rpc.params import Params

__all__ = ["METHODS"]


def balance(params: Params) -> object:
    """``eth_getBalance``."""
    return quantity(_account(params).balance)


def transaction_count(params: Params) -> object:
    """``eth_getTransactionCount``; ``pending`` counts what is ready in the pool."""
    if params.block(1) is None:
        return quantity(params.engine.pool.next_nonce(params.address(0)))
    return quantity(_account(params).nonce)


def code(params: Params) -> object:
    """``eth_getCode``."""
    return data(execution.code_at(params.engine.snapshot(), _root(params, 1), params.address(0)))


def storage(params: Params) -> object:
    """``eth_getStorageAt``."""
    slot = params.number(1)
    word = execution.storage_at(params.engine.snapshot(), _root(params, 2), params.address(0), slot)
    return data(word.to_bytes(32, "big"))


def proof(params: Params) -> object:
    """``eth_getProof`` (EIP-1186)."""
    address, keys = params.address(0), params.at(1)
    if not isinstance(keys, list) or len(keys) > params.engine.limits.engine_batch_requests:
        raise invalid_params("storageKeys: expected a list")
    slots = [_slot(key) for key in keys]
    proven = execution.prove(params.engine.snapshot(), _root(params, 2), address, slots)
    return {
        "address": data(address),
        "balance": quantity(proven.account.balance),
        "nonce": quantity(proven.account.nonce),
        "codeHash": data(proven.account.code_hash),
        "storageHash": data(proven.account.storage_root),
        "accountProof": [data(node) for node in proven.nodes],
        "storageProof": [
            {"key": key, "value": quantity(value), "proof": [data(node) for node in nodes]}
            for key, (_, value, nodes) in zip(keys, proven.slots, strict=True)
        ],
    }


def call(params: Params) -> object:
    """``eth_call``. At ``pending`` the contract sees the time of now, at a block the time of that block."""
    _no_overrides(params, 2)
    state = params.engine.state(params.block(1))
    return data(execution.call(state, params.call_request(0), cap=params.engine.limits.engine_call_gas))


def estimate(params: Params) -> object:
    """``eth_estimateGas``, by search; by default for the next block, because that is where it will run."""
    _no_overrides(params, 2)
    state = params.engine.state(params.block(1, default="pending"))
    cap = params.engine.head.header.gas_limit
    return quantity(execution.estimate(state, params.call_request(0), cap=cap))


def _no_overrides(params: Params, position: int) -> None:
    if params.at(position):
        raise invalid_params("state overrides are not supported")


def _root(params: Params, position: int) -> bytes:
    number = params.block(position)
    head = params.engine.head
    header = head.header if number is None or number == head.number else params.engine.header(number)
    return bytes(header.state_root)


def _account(params: Params) -> Account:
    return execution.account_at(params.engine.snapshot(), _root(params, 1), params.address(0))


def _slot(key: object) -> int:
    if not isinstance(key, str) or not key.startswith("0x") or not 3 <= len(key) <= 66:
        raise invalid_params("storageKeys: expected words in hexadecimal")
    try:
        return int(key, 16)
    except ValueError as error:
        raise invalid_params("storageKeys: expected words in hexadecimal") from error


METHODS = {
    "eth_getBalance": (balance, 1, 2),
    "eth_getTransactionCount": (transaction_count, 1, 2),
    "eth_getCode": (code, 1, 2),
    "eth_getStorageAt": (storage, 2, 3),
    "eth_getProof": (proof, 2, 3),
    "eth_call": (call, 1, 3),
    "eth_estimateGas": (estimate, 1, 3),
}
