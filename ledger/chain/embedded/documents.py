"""Blocks, transactions, receipts and logs as the JSON of the Ethereum JSON-RPC (execution-apis), made once when stored.

Reading ten thousand logs is then a join of stored bytes, not ten thousand objects. Hex is lower case, quantities have
no leading zeros, and the fields are those that go-ethereum answers with on Prague.
"""

from __future__ import annotations

from binascii import hexlify
from typing import TYPE_CHECKING, Any

import orjson
from eth._utils.address import generate_contract_address
from eth_typing import Address

from ledger.chain.embedded.codec import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eth.abc import BlockAPI, BlockHeaderAPI, LogAPI, ReceiptAPI, SignedTransactionAPI

__all__ = [
    "block_size",
    "data",
    "hash_list",
    "header_fields",
    "log_fragment",
    "quantity",
    "receipt_fragment",
    "transaction_fields",
]


def data(raw: bytes) -> str:
    """Bytes as JSON-RPC writes them."""
    return "0x" + raw.hex()


def quantity(number: int) -> str:
    """A number as JSON-RPC writes it."""
    return hex(number)


def hash_list(hashes: Sequence[bytes]) -> bytes:
    """A JSON array of hashes."""
    return b"[" + b",".join(b'"0x%s"' % hexlify(one) for one in hashes) + b"]"


def header_fields(header: BlockHeaderAPI, size: int) -> dict[str, Any]:
    """Everything of a block but its transactions."""
    stored: dict[Any, Any] = header.as_dict()
    return {
        "number": quantity(stored["block_number"]),
        "hash": data(header.hash),
        "parentHash": data(stored["parent_hash"]),
        "nonce": data(stored["nonce"]),
        "mixHash": data(stored["mix_hash"]),
        "sha3Uncles": data(stored["uncles_hash"]),
        "logsBloom": data(stored["bloom"].to_bytes(256, "big")),
        "transactionsRoot": data(stored["transaction_root"]),
        "stateRoot": data(stored["state_root"]),
        "receiptsRoot": data(stored["receipt_root"]),
        "miner": data(stored["coinbase"]),
        "difficulty": quantity(stored["difficulty"]),
        "extraData": data(stored["extra_data"]),
        "gasLimit": quantity(stored["gas_limit"]),
        "gasUsed": quantity(stored["gas_used"]),
        "timestamp": quantity(stored["timestamp"]),
        "baseFeePerGas": quantity(stored["base_fee_per_gas"]),
        "withdrawalsRoot": data(stored["withdrawals_root"]),
        "blobGasUsed": quantity(stored["blob_gas_used"]),
        "excessBlobGas": quantity(stored["excess_blob_gas"]),
        "parentBeaconBlockRoot": data(stored["parent_beacon_block_root"]),
        "requestsHash": data(stored["requests_hash"]),
        "size": quantity(size),
        "uncles": [],
        "withdrawals": [],
    }


def block_size(block: BlockAPI, encoded: Sequence[bytes]) -> int:
    """Bytes of the block in RLP: header, transactions, no ommers, no withdrawals."""
    # A typed transaction is a string inside the list, a legacy one is itself a list and is embedded as it stands.
    transactions = sum(len(raw) if raw[0] >= 0xC0 else _rlp_length(len(raw)) for raw in encoded)
    return _rlp_length(len(encode(block.header)) + _rlp_length(transactions) + 2)


def _rlp_length(payload: int) -> int:
    return payload + (1 if payload < 56 else 1 + (payload.bit_length() + 7) // 8)


def transaction_fields(
    transaction: SignedTransactionAPI, sender: bytes, place: tuple[int, bytes, int] | None
) -> dict[str, Any]:
    """A transaction; ``place`` is block number, block hash and index, or ``None`` while it waits in the pool."""
    kind = transaction.type_id or 0
    fields: dict[str, Any] = {
        "type": quantity(kind),
        "hash": data(transaction.hash),
        "nonce": quantity(transaction.nonce),
        "blockHash": None if place is None else data(place[1]),
        "blockNumber": None if place is None else quantity(place[0]),
        "transactionIndex": None if place is None else quantity(place[2]),
        "from": data(sender),
        "to": data(transaction.to) if transaction.to else None,
        "value": quantity(transaction.value),
        "gas": quantity(transaction.gas),
        "gasPrice": quantity(min(transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas)),
        "input": data(transaction.data),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
        "chainId": quantity(transaction.chain_id or 0),
    }
    if kind == 0:
        fields["v"] = quantity(transaction.v)  # type: ignore[attr-defined]  # legacy transactions have it, py-evm's port does not name it
        return fields
    fields["v"] = fields["yParity"] = quantity(transaction.y_parity)
    fields["accessList"] = [
        {"address": data(address), "storageKeys": [data(slot.to_bytes(32, "big")) for slot in slots]}
        for address, slots in transaction.access_list
    ]
    if kind == 2:
        fields["maxFeePerGas"] = quantity(transaction.max_fee_per_gas)
        fields["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas)
    return fields


def log_fragment(log: LogAPI, log_index: int, place: bytes) -> bytes:
    """One log; ``place`` is the JSON tail that all logs of its transaction share (see :func:`receipt_fragment`)."""
    topics = b",".join(b'"0x%064x"' % topic for topic in log.topics)
    return b'{"address":"0x%s","topics":[%s],"data":"0x%s","logIndex":"0x%x",%s}' % (
        hexlify(log.address),
        topics,
        hexlify(log.data),
        log_index,
        place,
    )


def receipt_fragment(
    transaction: SignedTransactionAPI,
    receipt: ReceiptAPI,
    *,
    sender: bytes,
    header: BlockHeaderAPI,
    index: int,
    gas_before: int,
) -> tuple[bytes, bytes]:
    """A receipt without its logs and its closing brace, and the tail that places each of its logs."""
    place = {
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(index),
        "blockHash": data(header.hash),
        "blockNumber": quantity(header.block_number),
    }
    created = None if transaction.to else generate_contract_address(Address(sender), transaction.nonce)
    fields = {
        **place,
        "type": quantity(transaction.type_id or 0),
        "from": data(sender),
        "to": data(transaction.to) if transaction.to else None,
        "contractAddress": None if created is None else data(created),
        "status": quantity(int.from_bytes(receipt.state_root, "big")),
        "gasUsed": quantity(receipt.gas_used - gas_before),
        "cumulativeGasUsed": quantity(receipt.gas_used),
        "effectiveGasPrice": quantity(min(transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas)),
        "logsBloom": data(receipt.bloom.to_bytes(256, "big")),
    }
    tail = {**place, "blockTimestamp": quantity(header.timestamp), "removed": False}
    return orjson.dumps(fields)[:-1], orjson.dumps(tail)[1:-1]
