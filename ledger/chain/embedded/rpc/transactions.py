"""Methods about single transactions: sending, finding, receipts, and what became of one that is in no block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from ledger.chain.embedded import index
from ledger.chain.embedded.documents import data, quantity, transaction_fields
from ledger.chain.embedded.rpc.blocks import mined_fields
from ledger.chain.embedded.rpc.errors import METHOD_NOT_FOUND, RpcError
from ledger.chain.embedded.rpc.params import hex_bytes

if TYPE_CHECKING:
    from ledger.chain.embedded.rpc.params import Params

__all__ = ["METHODS"]


def send_raw(params: Params) -> object:
    """``eth_sendRawTransaction``."""
    return data(params.engine.send_raw(hex_bytes(params.at(0), "transaction")))


def by_hash(params: Params) -> object:
    """``eth_getTransactionByHash``, mined or waiting."""
    wanted = params.hash(0)
    row = index.transaction_by_hash(params.engine.store, wanted)
    if row is not None:
        return mined_fields(row, index.block_by_number(params.engine.store, row.number).hash)
    waiting = params.engine.pool.get(wanted)
    return None if waiting is None else transaction_fields(waiting.transaction, waiting.sender, None)


def raw_by_hash(params: Params) -> object:
    """``eth_getRawTransactionByHash``: the signed bytes as they were sent."""
    wanted = params.hash(0)
    row = index.transaction_by_hash(params.engine.store, wanted)
    if row is not None:
        return data(row.raw)
    waiting = params.engine.pool.get(wanted)
    return None if waiting is None else data(waiting.raw)


def receipt(params: Params) -> object:
    """``eth_getTransactionReceipt``, also of a reverted transaction."""
    row = index.transaction_by_hash(params.engine.store, params.hash(0))
    return None if row is None else orjson.Fragment(index.receipt_of(params.engine.store, row))


def status(params: Params) -> object:
    """``tongban_transaction``: mined, ready, waiting, replaced, expired, refused or unknown, and why."""
    wanted, engine = params.hash(0), params.engine
    waiting = engine.pool.get(wanted)
    row = index.transaction_by_hash(engine.store, wanted)
    if row is not None:
        return {"state": "mined", "blockNumber": quantity(row.number)}
    if waiting is not None:
        ready = waiting.nonce < engine.pool.next_nonce(waiting.sender)
        return {"state": "ready" if ready else "waiting", "nonce": quantity(waiting.nonce)}
    outcome = engine.pool.outcome(wanted)
    return {"state": "unknown"} if outcome is None else {"state": outcome.state, "detail": outcome.detail}


def no_keys(params: Params) -> object:
    """``eth_sendTransaction`` and the signing methods: there is no account here to sign with."""
    del params
    raise RpcError(METHOD_NOT_FOUND, "the engine holds no keys: sign the transaction and use eth_sendRawTransaction")


METHODS = {
    "eth_sendRawTransaction": (send_raw, 1, 1),
    "eth_getTransactionByHash": (by_hash, 1, 1),
    "eth_getRawTransactionByHash": (raw_by_hash, 1, 1),
    "eth_getTransactionReceipt": (receipt, 1, 1),
    "tongban_transaction": (status, 1, 1),
    "eth_sendTransaction": (no_keys, 0, 9),
    "eth_signTransaction": (no_keys, 0, 9),
    "eth_sign": (no_keys, 0, 9),
}
