"""The engine's store: one SQLite file, one transaction per block, a checksum on every row.

Five tables. ``kv`` holds what py-evm keys by itself (trie nodes, code, headers, its chain records); ``blocks``,
``transactions`` and ``logs`` are the engine's index (their columns are explained in ``index``); ``meta`` holds the
network's settings and the head. A block's rows in all five become visible together or not at all: py-evm's own
``AtomicDB`` applies a batch key by key, and a crash in between leaves a head without its index.

Write-ahead log with ``synchronous=FULL``: a block that was answered is on disk. Readers have connections of their own
and are never in the way of the one writer. Without a path the store lives in memory, for tests, behind one lock.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lru import LRU

from ledger.chain.embedded.checksums import checksum, matches, require
from ledger.chain.embedded.errors import damaged, sqlite_errors
from ledger.chain.embedded.watermark import Watermark
from ledger.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["BlockRows", "Connect", "Store"]

# "TBCE" in ASCII: SQLite keeps it in the file's head, and `file` shows it.
_APPLICATION_ID = 0x54424345
_FORMAT = 1
_HASH_BYTES = 32
# Pages of SQLite's own cache in KiB (negative means KiB): the hot part of the b-trees at 100,000 cases.
_PAGE_CACHE_KIB = -65_536

_SCHEMA = """
CREATE TABLE meta(k TEXT PRIMARY KEY, v BLOB NOT NULL, c INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE kv(k BLOB PRIMARY KEY, v BLOB NOT NULL, c INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks(number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, header BLOB NOT NULL,
 hashes BLOB NOT NULL, c INTEGER NOT NULL, bloom BLOB NOT NULL, bloom_c INTEGER NOT NULL);
CREATE TABLE transactions(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, sender BLOB NOT NULL,
 receipt BLOB NOT NULL, log_start INTEGER NOT NULL, log_end INTEGER NOT NULL, raw BLOB NOT NULL, c INTEGER NOT NULL);
CREATE TABLE logs(number INTEGER PRIMARY KEY, addresses BLOB NOT NULL, keys BLOB NOT NULL, body BLOB NOT NULL,
 c INTEGER NOT NULL);
"""


class Connect(Protocol):
    """What opens a database: ``sqlite3.connect``, or a test's version that fails at a chosen statement."""

    def __call__(
        self, database: str, *, isolation_level: None, check_same_thread: bool, timeout: float
    ) -> sqlite3.Connection:
        """Open the database."""


@dataclass(frozen=True, slots=True)
class BlockRows:
    """The index rows of one block, checksums included, in the order of the tables' columns."""

    number: int
    hash: bytes
    block: tuple[bytes | int, ...]
    transactions: Sequence[tuple[bytes | int, ...]]
    logs: tuple[bytes | int, ...] | None


@dataclass(slots=True)
class Store:
    """An open store. Use :meth:`open`.

    Args:
        path: the database file, or ``None`` for memory.
        writer: the connection of the one thread that closes blocks.
        nodes: the most recently used values under a hash (trie nodes, code, headers); they never change.
        watermark: see ``watermark``; ``None`` in memory.
        connect: opens further connections for readers.
    """

    path: Path | None
    writer: sqlite3.Connection
    nodes: LRU[bytes, bytes]
    watermark: Watermark | None
    connect: Connect
    _readers: list[sqlite3.Connection] = field(default_factory=list)
    _local: threading.local = field(default_factory=threading.local)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def open(cls, path: Path | None, *, cached_nodes: int, connect: Connect = sqlite3.connect) -> Store:
        """Open the file, creating it with its tables if it is not there.

        Raises:
            SetupError: ``engine.store_format``, the file is another program's or of another version.
            IntegrityError: ``engine.store_damaged``.
            UnavailableError: ``engine.store_unavailable``.
        """
        with sqlite_errors():
            writer = connect(
                ":memory:" if path is None else str(path), isolation_level=None, check_same_thread=False, timeout=10.0
            )
            try:
                _prepare(writer)
            except BaseException:
                writer.close()
                raise
        watermark = None if path is None else Watermark.open(path.with_name(path.name + ".head"))
        return cls(path, writer, LRU(cached_nodes), watermark, connect)

    def close(self) -> None:
        """Close every connection; SQLite folds the write-ahead log into the file."""
        with self._lock:
            for connection in (*self._readers, self.writer):
                connection.close()
            self._readers.clear()
            if self.watermark is not None:
                self.watermark.close()
                self.watermark = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading, this thread's own; SQLite's errors are translated."""
        if self.path is None:
            with self._lock, sqlite_errors():
                yield self.writer
            return
        with sqlite_errors():
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = self.connect(str(self.path), isolation_level=None, check_same_thread=False, timeout=10.0)
                # From here on ``close`` closes it, whatever becomes of the next statement.
                with self._lock:
                    self._readers.append(connection)
                connection.execute("PRAGMA query_only=ON")
                self._local.connection = connection
            yield connection

    def value(self, key: bytes) -> bytes | None:
        """What py-evm stored under the key, or ``None``.

        Raises:
            IntegrityError: ``engine.store_damaged``, naming the key.
        """
        hashed = len(key) == _HASH_BYTES
        if hashed:
            known = self.nodes.get(key)
            if known is not None:
                return known
        with self.reading() as connection:
            row = connection.execute("SELECT v, c FROM kv WHERE k = ?", (key,)).fetchone()
        if row is None:
            return None
        if not matches("kv", row[1], key, row[0]):
            raise damaged("kv", key.hex())
        value: bytes = row[0]
        if hashed:
            self.nodes[key] = value
        return value

    def meta(self, key: str) -> bytes | None:
        """A setting of the network, or ``None`` if it was never written.

        Raises:
            IntegrityError: ``engine.store_damaged``.
        """
        with self.reading() as connection:
            row = connection.execute("SELECT v, c FROM meta WHERE k = ?", (key,)).fetchone()
        if row is None:
            return None
        require("meta", key, row[1], key.encode(), row[0])
        value: bytes = row[0]
        return value

    def set_meta(self, values: Mapping[str, bytes]) -> None:
        """Write settings, all or none.

        Raises:
            UnavailableError: ``engine.store_unavailable``; nothing was written.
        """
        with self._writing() as connection:
            _put_meta(connection, values)

    def commit(self, rows: BlockRows, values: Mapping[bytes, bytes | None], meta: Mapping[str, bytes]) -> None:
        """Write a block: its index rows, py-evm's values (``None`` deletes) and the head, in one transaction.

        Raises:
            UnavailableError: ``engine.store_unavailable``; nothing was written.
        """
        kept = [(key, value, checksum("kv", key, value)) for key, value in values.items() if value is not None]
        gone = [(key,) for key, value in values.items() if value is None]
        with self._writing() as connection:
            connection.executemany(
                "INSERT INTO kv(k, v, c) VALUES(?, ?, ?) ON CONFLICT(k) DO UPDATE SET v = excluded.v, c = excluded.c",
                kept,
            )
            if gone:
                connection.executemany("DELETE FROM kv WHERE k = ?", gone)
            connection.execute("INSERT INTO blocks VALUES(?, ?, ?, ?, ?, ?, ?)", rows.block)
            if rows.transactions:
                connection.executemany("INSERT INTO transactions VALUES(?, ?, ?, ?, ?, ?, ?, ?)", rows.transactions)
            if rows.logs is not None:
                connection.execute("INSERT INTO logs VALUES(?, ?, ?, ?, ?)", rows.logs)
            _put_meta(connection, meta)
        for key, value, _ in kept:
            if len(key) == _HASH_BYTES:
                self.nodes[key] = value
        if self.watermark is not None:
            self.watermark.write(rows.number, rows.hash)

    def size(self) -> int:
        """Bytes of the database, its write-ahead log not counted."""
        with self.reading() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            page = connection.execute("PRAGMA page_size").fetchone()[0]
        return int(pages) * int(page)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, sqlite_errors():
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                yield self.writer
                self.writer.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself after a full disk; a second ROLLBACK would hide the first error.
                if self.writer.in_transaction:
                    self.writer.execute("ROLLBACK")
                raise


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA cache_size={_PAGE_CACHE_KIB}")
    identity = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if (identity, version) == (_APPLICATION_ID, _FORMAT):
        return
    if identity != 0 or version != 0 or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise SetupError("engine.store_format", found=version, expected=_FORMAT)
    connection.execute("BEGIN IMMEDIATE")
    for statement in filter(None, _SCHEMA.strip().split(";")):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={_FORMAT}")
    connection.execute("COMMIT")


def _put_meta(connection: sqlite3.Connection, values: Mapping[str, bytes]) -> None:
    connection.executemany(
        "INSERT INTO meta(k, v, c) VALUES(?, ?, ?) ON CONFLICT(k) DO UPDATE SET v = excluded.v, c = excluded.c",
        [(key, value, checksum("meta", key.encode(), value)) for key, value in values.items()],
    )
