"""Reading the whole store once, so that damage is found before anybody asks for the row that has it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from ledger.chain.embedded.checksums import require
from ledger.chain.embedded.errors import damaged, sqlite_errors

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.chain.embedded.store import Store

__all__ = ["scrub", "scrub_file"]

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
    with store.reading() as connection:
        return _scrub(connection)


def scrub_file(path: Path) -> int:
    """The same of a store's file, without opening the store: its engine may run meanwhile.

    Raises:
        IntegrityError, UnavailableError: as :func:`scrub`.
    """
    with (
        sqlite_errors(),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10.0)) as connection,
    ):
        return _scrub(connection)


def _scrub(connection: sqlite3.Connection) -> int:
    count = 0
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
