"""The engine's index: the rows that a block leaves, and the reading of them back.

* ``blocks``: number, hash, header as JSON, the hashes of its transactions one after another, a checksum over these;
  the bloom filter of its logs (empty if it has none) with a checksum of its own.
* ``transactions``: id (block number and index), hash, sender, receipt as JSON without logs, where its logs stand in
  the block's body of logs, the signed bytes, a checksum.
* ``logs``, only for blocks that have any: the distinct addresses, a binary key per log (address, topics, length of its
  JSON), all logs as JSON joined by commas, a checksum.

Completeness can be checked, so that "not found" is never the work of a damaged page: block numbers have no gap, a
block's row lists its transactions, a bloom filter that matches must be followed by its row of logs, and a hash that
the index does not know is looked for once more among py-evm's own records, which stand in another tree of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from eth.db.chain import ChainDB
from eth.db.schema import SchemaV1
from eth_typing import Hash32

from ledger.chain.embedded.checksums import checksum, require
from ledger.chain.embedded.documents import block_size, header_fields, log_fragment, receipt_fragment
from ledger.chain.embedded.errors import damaged, missing_data_is_damage
from ledger.chain.embedded.overlay import Snapshot
from ledger.chain.embedded.store import BlockRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eth.abc import BlockAPI, BlockHeaderAPI, LogAPI, ReceiptAPI

    from ledger.chain.embedded.store import Store

__all__ = [
    "BlockRow",
    "TransactionRow",
    "block_by_hash",
    "block_by_number",
    "block_receipts",
    "block_transactions",
    "blocks_between",
    "build_rows",
    "header_of",
    "receipt_of",
    "transaction_by_hash",
]

# A block holds far fewer than a million transactions: 200 M gas are 9,523 of the cheapest.
_INDEX_BITS = 20
_TRANSACTION_COLUMNS = "id, hash, sender, receipt, log_start, log_end, raw, c"


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A block as stored: ``header`` is a JSON object without its closing brace and without transactions."""

    number: int
    hash: bytes
    header: bytes
    transactions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """A mined transaction: ``receipt`` is a JSON object without its closing brace and without logs."""

    number: int
    index: int
    hash: bytes
    sender: bytes
    receipt: bytes
    log_start: int
    log_end: int
    raw: bytes


def build_rows(block: BlockAPI, receipts: Sequence[ReceiptAPI], raws: Sequence[bytes]) -> BlockRows:
    """The index rows of a block that has just been closed."""
    header = block.header
    number = header.block_number
    fragments: list[bytes] = []
    keys: list[bytes] = []
    addresses: dict[bytes, None] = {}
    transactions: list[tuple[bytes | int, ...]] = []
    gas_before = length = 0
    for index, (transaction, receipt, raw) in enumerate(zip(block.transactions, receipts, raws, strict=True)):
        sender = transaction.sender
        document, tail = receipt_fragment(
            transaction, receipt, sender=sender, header=header, index=index, gas_before=gas_before
        )
        gas_before = receipt.gas_used
        start = length
        for log in receipt.logs:
            fragment = log_fragment(log, len(fragments), tail)
            fragments.append(fragment)
            keys.append(_log_key(log, len(fragment)))
            addresses[log.address] = None
            length += len(fragment) + 1
        row = (number << _INDEX_BITS | index, transaction.hash, sender, document, start, max(length - 1, start), raw)
        transactions.append((*row, checksum("transactions", *row)))
    hashes = b"".join(transaction.hash for transaction in block.transactions)
    fields = orjson.dumps(header_fields(header, block_size(block, raws)))[:-1]
    bloom = header.bloom.to_bytes(256, "big") if fragments else b""
    front = (number, header.hash, fields, hashes)
    logs = None
    if fragments:
        packed = (
            number,
            b"".join(addresses),
            len(keys).to_bytes(4, "big") + b"".join(keys),
            b",".join(fragments),
        )
        logs = (*packed, checksum("logs", *packed))
    return BlockRows(
        number=number,
        hash=header.hash,
        block=(*front, checksum("blocks", *front), bloom, checksum("bloom", number, bloom)),
        transactions=transactions,
        logs=logs,
    )


def _log_key(log: LogAPI, length: int) -> bytes:
    topics = b"".join(topic.to_bytes(32, "big") for topic in log.topics)
    return log.address + bytes([len(log.topics)]) + topics + length.to_bytes(4, "big")


def blocks_between(store: Store, first: int, last: int) -> Iterator[BlockRow]:
    """The blocks of a range that the caller knows to be stored.

    Raises:
        IntegrityError: ``engine.store_damaged``, a block is missing or changed.
    """
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT number, hash, header, hashes, c FROM blocks WHERE number BETWEEN ? AND ? ORDER BY number",
            (first, last),
        ).fetchall()
    expected = first
    for number, block_hash, header, hashes, stored in rows:
        require("blocks", str(expected), stored, number, block_hash, header, hashes)
        if number != expected:
            raise damaged("blocks", str(expected))
        expected += 1
        yield BlockRow(number, block_hash, header, tuple(hashes[at : at + 32] for at in range(0, len(hashes), 32)))
    if expected != last + 1:
        raise damaged("blocks", str(expected))


def block_by_number(store: Store, number: int) -> BlockRow:
    """One block that the caller knows to be stored (its number is not above the head's).

    Raises:
        IntegrityError: ``engine.store_damaged``.
    """
    return next(blocks_between(store, number, number))


def block_by_hash(store: Store, block_hash: bytes) -> BlockRow | None:
    """The block with the hash, or ``None`` if there is none.

    Raises:
        IntegrityError: ``engine.store_damaged``, also if only one of two indexes knows the hash.
    """
    with store.reading() as connection:
        row = connection.execute("SELECT number FROM blocks WHERE hash = ?", (block_hash,)).fetchone()
    if row is None:
        if store.value(SchemaV1.make_block_hash_to_score_lookup_key(block_hash)) is not None:  # type: ignore[arg-type]  # eth_typing names for bytes
            raise damaged("blocks", block_hash.hex())
        return None
    block = block_by_number(store, row[0])
    if block.hash != block_hash:
        raise damaged("blocks", block_hash.hex())
    return block


def transaction_by_hash(store: Store, transaction_hash: bytes) -> TransactionRow | None:
    """The mined transaction with the hash, or ``None`` if there is none.

    Raises:
        IntegrityError: ``engine.store_damaged``, also if only one of two indexes knows the hash.
    """
    with store.reading() as connection:
        row = connection.execute(
            f"SELECT {_TRANSACTION_COLUMNS} FROM transactions WHERE hash = ?",  # noqa: S608  # a constant of this module
            (transaction_hash,),
        ).fetchone()
    if row is None:
        if store.value(SchemaV1.make_transaction_hash_to_block_lookup_key(transaction_hash)) is not None:  # type: ignore[arg-type]  # eth_typing names for bytes
            raise damaged("transactions", transaction_hash.hex())
        return None
    found = _transaction(row)
    if found.hash != transaction_hash:
        raise damaged("transactions", transaction_hash.hex())
    return found


def block_transactions(store: Store, block: BlockRow) -> list[TransactionRow]:
    """The transactions of a block, in order.

    Raises:
        IntegrityError: ``engine.store_damaged``, they are not the ones that the block lists.
    """
    base = block.number << _INDEX_BITS
    with store.reading() as connection:
        rows = connection.execute(
            f"SELECT {_TRANSACTION_COLUMNS} FROM transactions WHERE id BETWEEN ? AND ? ORDER BY id",  # noqa: S608  # as above
            (base, base + (1 << _INDEX_BITS) - 1),
        ).fetchall()
    found = [_transaction(row) for row in rows]
    if tuple(one.hash for one in found) != block.transactions:
        raise damaged("transactions", f"of block {block.number}")
    return found


def _transaction(row: Sequence[object]) -> TransactionRow:
    require("transactions", str(row[0]), row[-1], *row[:-1])
    place, transaction_hash, sender, receipt, start, end, raw = row[:-1]
    number, index = divmod(place, 1 << _INDEX_BITS)  # type: ignore[operator]  # the checksum above holds the types too
    return TransactionRow(number, index, transaction_hash, sender, receipt, start, end, raw)  # type: ignore[arg-type]  # as above


def log_body(store: Store, number: int) -> bytes:
    """All logs of a block that has any, as JSON objects joined by commas.

    Raises:
        IntegrityError: ``engine.store_damaged``.
    """
    with store.reading() as connection:
        row = connection.execute(
            "SELECT number, addresses, keys, body, c FROM logs WHERE number = ?", (number,)
        ).fetchone()
    if row is None:
        raise damaged("logs", str(number))
    require("logs", str(number), row[-1], *row[:-1])
    body: bytes = row[3]
    return body


def receipt_document(transaction: TransactionRow, body: bytes) -> bytes:
    """A receipt as JSON, its logs cut from its block's body of logs."""
    logs = body[transaction.log_start : transaction.log_end]
    return b'%s,"logs":[%s]}' % (transaction.receipt, logs)


def receipt_of(store: Store, transaction: TransactionRow) -> bytes:
    """A receipt as JSON, also of a transaction that was reverted.

    Raises:
        IntegrityError: ``engine.store_damaged``.
    """
    has_logs = transaction.log_end > transaction.log_start
    return receipt_document(transaction, log_body(store, transaction.number) if has_logs else b"")


def block_receipts(store: Store, block: BlockRow) -> list[bytes]:
    """The receipts of a block as JSON, in order.

    Raises:
        IntegrityError: ``engine.store_damaged``.
    """
    found = block_transactions(store, block)
    body = log_body(store, block.number) if any(one.log_end > one.log_start for one in found) else b""
    return [receipt_document(one, body) for one in found]


def header_of(store: Store, block_hash: bytes) -> BlockHeaderAPI:
    """The header of a block that the caller knows to be stored, as the virtual machine takes it.

    Raises:
        IntegrityError: ``engine.store_damaged``.
    """
    with missing_data_is_damage():
        return ChainDB(Snapshot(store)).get_block_header_by_hash(Hash32(block_hash))
