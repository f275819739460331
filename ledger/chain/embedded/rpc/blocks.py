"""Methods about blocks, and about transactions by their place in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from ledger.chain.embedded import index
from ledger.chain.embedded.documents import data, hash_list, header_fields, quantity, transaction_fields
from ledger.chain.embedded.transactions import decode_stored
from ledger.errors import NotFoundError

if TYPE_CHECKING:
    from ledger.chain.embedded.chain import Engine
    from ledger.chain.embedded.rpc.params import Params

__all__ = ["METHODS", "mined_fields"]


def block_number(params: Params) -> object:
    """``eth_blockNumber``."""
    return quantity(params.engine.head.number)


def block_by_number(params: Params) -> object:
    """``eth_getBlockByNumber``; null above the head."""
    found = _by_number(params)
    if found is _PENDING:
        return _pending_block(params.engine)
    return None if found is None else _block(params, found)


def block_by_hash(params: Params) -> object:
    """``eth_getBlockByHash``."""
    found = index.block_by_hash(params.engine.store, params.hash(0))
    return None if found is None else _block(params, found)


def block_receipts(params: Params) -> object:
    """``eth_getBlockReceipts``."""
    found = _by_number(params)
    if not isinstance(found, index.BlockRow):
        return None
    return orjson.Fragment(b"[" + b",".join(index.block_receipts(params.engine.store, found)) + b"]")


def count_by_number(params: Params) -> object:
    """``eth_getBlockTransactionCountByNumber``."""
    found = _by_number(params)
    if found is _PENDING:
        return quantity(params.engine.pool.counts()[0])
    return None if found is None else quantity(len(found.transactions))


def count_by_hash(params: Params) -> object:
    """``eth_getBlockTransactionCountByHash``."""
    found = index.block_by_hash(params.engine.store, params.hash(0))
    return None if found is None else quantity(len(found.transactions))


def transaction_by_number(params: Params) -> object:
    """``eth_getTransactionByBlockNumberAndIndex``."""
    found = _by_number(params)
    return _transaction_at(params, found) if isinstance(found, index.BlockRow) else None


def transaction_by_block_hash(params: Params) -> object:
    """``eth_getTransactionByBlockHashAndIndex``."""
    found = index.block_by_hash(params.engine.store, params.hash(0))
    return None if found is None else _transaction_at(params, found)


def uncle_count(params: Params) -> object:
    """``eth_getUncleCountByBlock…``: there are none."""
    del params
    return "0x0"


def no_uncle(params: Params) -> object:
    """``eth_getUncleByBlock…AndIndex``: there are none."""
    del params
    return None  # null is the answer


def mined_fields(row: index.TransactionRow, block_hash: bytes) -> dict[str, Any]:
    """A mined transaction as JSON-RPC writes it."""
    return transaction_fields(decode_stored(row.raw), row.sender, (row.number, block_hash, row.index))


_PENDING = object()


def _by_number(params: Params) -> Any:  # noqa: ANN401  # a block, the mark for the pending one, or None
    try:
        number = params.block(0)
    except NotFoundError:
        return None
    return _PENDING if number is None else index.block_by_number(params.engine.store, number)


def _block(params: Params, found: index.BlockRow) -> object:
    if params.flag(1):
        rows = index.block_transactions(params.engine.store, found)
        listed = orjson.dumps([mined_fields(row, found.hash) for row in rows])
    else:
        listed = hash_list(found.transactions)
    return orjson.Fragment(found.header + b',"transactions":' + listed + b"}")


def _transaction_at(params: Params, found: index.BlockRow) -> object:
    position = params.number(1)
    if position >= len(found.transactions):
        return None
    row = index.transaction_by_hash(params.engine.store, found.transactions[position])
    return None if row is None else mined_fields(row, found.hash)


def _pending_block(engine: Engine) -> object:
    """What the next block would be now: hash and nonce are null, as the specification has it."""
    ready = engine.pool.select(engine.head.header.gas_limit)
    fields = header_fields(engine.pending(), 0)
    return {**fields, "hash": None, "nonce": None, "size": None, "transactions": [data(one.hash) for one in ready]}


METHODS = {
    "eth_blockNumber": (block_number, 0, 0),
    "eth_getBlockByNumber": (block_by_number, 1, 2),
    "eth_getBlockByHash": (block_by_hash, 1, 2),
    "eth_getBlockReceipts": (block_receipts, 1, 1),
    "eth_getBlockTransactionCountByNumber": (count_by_number, 1, 1),
    "eth_getBlockTransactionCountByHash": (count_by_hash, 1, 1),
    "eth_getTransactionByBlockNumberAndIndex": (transaction_by_number, 2, 2),
    "eth_getTransactionByBlockHashAndIndex": (transaction_by_block_hash, 2, 2),
    "eth_getUncleCountByBlockNumber": (uncle_count, 1, 1),
    "eth_getUncleCountByBlockHash": (uncle_count, 1, 1),
    "eth_getUncleByBlockNumberAndIndex": (no_uncle, 2, 2),
    "eth_getUncleByBlockHashAndIndex": (no_uncle, 2, 2),
}
