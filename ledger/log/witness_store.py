"""What a witness must never forget, in a small SQLite database of its own.

It is no picture of the chain and is never rebuilt: a city that has lost it no longer knows what it signed, so it rotates
its cosigning keys and begins a new one. That is why opening never creates, and why the store knows whose it is. Every
row carries a digest of itself, so that a flipped bit is found before anything is signed over it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ledger.domain.checkpoints import parse_checkpoint
from ledger.domain.notes import VerifierKey
from ledger.errors import ConflictError, IntegrityError, NotFoundError, SetupError, UnavailableError
from ledger.log.evidence import Evidence
from ledger.log.witness import Seen

__all__ = ["WitnessStore"]

_SCHEMA = """
CREATE TABLE identity (vkey TEXT PRIMARY KEY) STRICT;
CREATE TABLE latest (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE TABLE evidence (
    number INTEGER PRIMARY KEY, scope TEXT NOT NULL, size INTEGER NOT NULL, "left" BLOB NOT NULL, "right" BLOB NOT NULL,
    right_is_view INTEGER NOT NULL, found_at INTEGER NOT NULL, resolution BLOB, digest BLOB NOT NULL
) STRICT;
"""
_EVIDENCE = 'number, scope, size, "left", "right", right_is_view, found_at, resolution, digest'


class WitnessStore:
    """A :class:`ledger.log.witness.WitnessState` on disk; each call opens, commits with full sync, and closes.

    Methods raise:
        IntegrityError: ``log.damaged`` with the file's name when a row is not what was written.
        UnavailableError: ``log.disk`` when the database refuses (full disk, locked too long).
    """

    def __init__(self, path: Path, *, timeout: float = 10) -> None:
        self._path = path
        # Seconds to wait for another writer: transactions here take milliseconds.
        self._timeout = timeout

    @classmethod
    def create(cls, path: Path, keys: Iterable[VerifierKey]) -> WitnessStore:
        """Begin the store of new cosigning keys.

        Raises:
            ConflictError: ``log.witness_exists``.
        """
        store = cls(path)
        with store._transaction(mode="rwc") as database:
            if _is_begun(database):
                raise ConflictError("log.witness_exists")
            for statement in _SCHEMA.split(";\n"):
                database.execute(statement)
            database.executemany("INSERT INTO identity VALUES (?)", [(key.vkey(),) for key in keys])
        return store

    @classmethod
    def open(cls, path: Path, keys: Iterable[VerifierKey]) -> WitnessStore:
        """Open the store of these very keys.

        Raises:
            SetupError: ``log.witness_lost`` when there is none, ``log.witness_keys`` when it belongs to other keys: in
                both cases the keys must be rotated before anything is cosigned.
        """
        if not path.is_file():
            raise SetupError("log.witness_lost")
        store = cls(path)
        with store._transaction() as database:
            if not _is_begun(database):
                raise SetupError("log.witness_lost")
            known = {row[0] for row in database.execute("SELECT vkey FROM identity")}
        if known != {key.vkey() for key in keys}:
            raise SetupError("log.witness_keys")
        return store

    def latest(self, origin: str) -> Seen | None:
        """The newest checkpoint cosigned for this origin."""
        with self._transaction() as database:
            return self._latest(database, origin)

    def advance(self, origin: str, before: Seen | None, after: Seen) -> bool:
        """Replace the newest checkpoint if it still is ``before``; says whether it did."""
        with self._transaction() as database:
            if self._latest(database, origin) != before:
                return False
            _put_latest(database, origin, after)
        return True

    def origins(self) -> tuple[str, ...]:
        """Origins for which something was cosigned."""
        with self._transaction() as database:
            return tuple(row[0] for row in database.execute("SELECT origin FROM latest ORDER BY origin"))

    def keep_evidence(self, evidence: Evidence) -> None:
        """Keep evidence for good and stop cosigning its scope until it is resolved; the same again is kept once."""
        with self._transaction() as database:
            if any(_same(evidence, kept) for _, kept, _ in self._evidence(database)):
                return
            number = database.execute("SELECT coalesce(max(number), 0) + 1 FROM evidence").fetchone()[0]
            row = (
                number,
                evidence.scope,
                evidence.size,
                evidence.left,
                evidence.right,
                int(evidence.right_is_view),
                evidence.found_at,
                None,
            )
            database.execute(
                f"INSERT INTO evidence ({_EVIDENCE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 -- a constant of this module
                (*row, _digest(row)),
            )

    def is_halted(self, scope: str) -> bool:
        """Whether unresolved evidence concerns this scope."""
        return any(resolution is None and kept.scope == scope for _, kept, resolution in self.evidence())

    def evidence(self) -> tuple[tuple[int, Evidence, bytes | None], ...]:
        """All evidence: its number, itself, and the note that resolved it."""
        with self._transaction() as database:
            return tuple(self._evidence(database))

    def resolve(self, number: int, resolution: bytes, lost: Iterable[str] = ()) -> None:
        """Note how a split ended. Whoever calls has verified it (:func:`ledger.log.evidence.verify_resolution`).

        Args:
            number: of the evidence.
            resolution: the note.
            lost: origins whose newest checkpoint cosigned here is of the history that did not survive; for them what was
                cosigned begins again with the surviving head.

        Raises:
            NotFoundError: ``log.evidence_absent``.
            FormatError: the note is malformed.
        """
        head, _ = parse_checkpoint(resolution)
        with self._transaction() as database:
            select = f"SELECT {_EVIDENCE} FROM evidence WHERE number = ?"  # noqa: S608 -- a constant of this module
            found = database.execute(select, (number,)).fetchone()
            if found is None:
                raise NotFoundError("log.evidence_absent")
            row = (*found[:7], resolution)
            database.execute(
                "UPDATE evidence SET resolution = ?, digest = ? WHERE number = ?", (resolution, _digest(row), number)
            )
            for origin in lost:
                _put_latest(database, origin, Seen(head.size, head.root, resolution))

    def _latest(self, database: sqlite3.Connection, origin: str) -> Seen | None:
        found = database.execute("SELECT origin, size, root, note, digest FROM latest WHERE origin = ?", (origin,))
        row = found.fetchone()
        if row is None:
            return None
        self._check(row)
        return Seen(row[1], row[2], row[3])

    def _evidence(self, database: sqlite3.Connection) -> Iterator[tuple[int, Evidence, bytes | None]]:
        select = f"SELECT {_EVIDENCE} FROM evidence ORDER BY number"  # noqa: S608 -- a constant of this module
        for row in database.execute(select).fetchall():
            self._check(row)
            number, scope, size, left, right, is_view, found_at, resolution, _ = row
            yield number, Evidence(scope, size, left, right, bool(is_view), found_at), resolution

    def _check(self, row: tuple[Any, ...]) -> None:
        if _digest(row[:-1]) != row[-1]:
            raise IntegrityError("log.damaged", file=self._path.name)

    @contextmanager
    def _transaction(self, *, mode: str = "rw") -> Iterator[sqlite3.Connection]:
        # Without "c" a store that vanished is an error and not a new, forgetful one.
        address = f"{self._path.absolute().as_uri()}?mode={mode}"
        try:
            database = sqlite3.connect(address, uri=True, timeout=self._timeout, isolation_level=None)
        except sqlite3.Error as error:
            raise UnavailableError("log.disk", errno=error.sqlite_errorcode) from error
        try:
            # The journal is forced to the disk before and after, and so is its directory.
            database.execute("PRAGMA synchronous = EXTRA")
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
                raise IntegrityError("log.damaged", file=self._path.name) from error
            raise UnavailableError("log.disk", errno=error.sqlite_errorcode) from error
        finally:
            # Closing without COMMIT rolls back.
            database.close()


def _is_begun(database: sqlite3.Connection) -> bool:
    """Whether the tables are there; a crash while they are made leaves an empty file."""
    return database.execute("SELECT 1 FROM sqlite_master WHERE name = 'identity'").fetchone() is not None


def _put_latest(database: sqlite3.Connection, origin: str, seen: Seen) -> None:
    row = (origin, seen.size, seen.root, seen.note)
    database.execute("INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?)", (*row, _digest(row)))


def _same(one: Evidence, other: Evidence) -> bool:
    return one.scope == other.scope and one.size == other.size and set(one.roots()) == set(other.roots())


def _digest(row: tuple[Any, ...]) -> bytes:
    hasher = hashlib.sha256()
    for value in row:
        octets = value if isinstance(value, bytes) else repr(value).encode()
        hasher.update(len(octets).to_bytes(8, "big") + octets)
    return hasher.digest()
