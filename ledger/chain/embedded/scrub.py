"""Reading the whole store once, so that damage is found before anybody asks for the row that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.embedded.checksums import require
from ledger.chain.embedded.errors import damaged

if TYPE_CHECKING:
    from ledger.chain.embedded.store import Store

__all__ = ["scrub"]

# Each row's checksum stands after the columns it is over; a block's row has two.
_QUERIES = {
    "kv": "SELECT k, v, c FROM kv",
    "blocks": "SELECT number, hash, header, hashes, c FROM blocks",
    "bloom": "SELECT number, bloom, bloom_c FROM blocks",
    "transactions": "SELECT id, hash, sender, receipt, log_start, log_end, raw, c FROM transactions",
    "logs": "SELECT number, addresses, keys, body, c FROM logs",
}


def scrub(store: Store) -> int:
    """Check SQLite's own structure and the checksum of every row.

    Takes as long as reading the file; other readers and the writer go on meanwhile.

    Returns:
        How many rows were read.

    Raises:
        IntegrityError: ``engine.store_damaged``, the first damage found.
        UnavailableError: ``engine.store_unavailable``.
    """
    count = 0
    with store.reading() as connection:
        verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            raise damaged("file", "structure")
        for part, query in _QUERIES.items():
            for row in connection.execute(query):
                key = row[0].hex() if isinstance(row[0], bytes) else str(row[0])
                require(part, key, row[-1], *row[:-1])
                count += 1
        for key, value, stored in connection.execute("SELECT k, v, c FROM meta"):
            require("meta", str(key), stored, str(key).encode(), value)
            count += 1
    return count
