"""Holder keys in custody: seeds that a city keeps for applicants who keep none themselves.

A small durable store of its own, backed up and never rebuilt. Seeds are sealed with AES-256-GCM under the node's custody
key, bound to the person's random reference; who the person is, is not known here. Every signature needs the applicant's
own confirmation (a personal number chosen at the real-name enrolment) or two witnesses of a window, and leaves a line of
what was signed. Wrong numbers lock the account for a while, so that they cannot be tried through.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from coincurve import PrivateKey
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.domain import holders
from ledger.domain.limits import LIMITS
from ledger.errors import AuthorityError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.ports import Clock, Random

__all__ = ["CustodyStore", "Witnessed"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS persons (
    person TEXT PRIMARY KEY, sealed BLOB NOT NULL, salt BLOB NOT NULL, pin BLOB NOT NULL,
    wrong INTEGER NOT NULL, locked_until INTEGER NOT NULL, materials INTEGER NOT NULL, cases INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS signatures (
    id INTEGER PRIMARY KEY, person TEXT NOT NULL REFERENCES persons (person), branch INTEGER NOT NULL,
    account INTEGER NOT NULL, leaf INTEGER NOT NULL, digest BLOB NOT NULL, witnessed INTEGER NOT NULL,
    signed_at INTEGER NOT NULL
);
"""
# Cost of the personal number's scrypt: it is short, and the lock, not the hash, is what protects it here.
_PIN_COST = 2**14


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Two witnesses' signatures instead of the applicant's number: over which key may sign which digest."""

    signatures: tuple[bytes, bytes]


class CustodyStore:
    """The seeds in custody of one city.

    Args:
        path: the store's own SQLite file.
        key: 32 bytes that seal the seeds.
        random: cryptographic randomness.
        clock: POSIX seconds.
        witnesses: says of a key's address, a digest and two signatures whether two witnesses in force stated that this
            key may sign this digest.

    Everything raises:
        UnavailableError: ``storage.unavailable``: locked, disk full, or gone.
        IntegrityError: ``custody.damaged``.
    """

    def __init__(
        self,
        path: Path,
        key: bytes,
        random: Random,
        clock: Clock,
        witnesses: Callable[[str, bytes, tuple[bytes, bytes]], bool],
    ) -> None:
        self._path = path
        self._box = AESGCM(key)
        self._random = random
        self._clock = clock
        self._witnesses = witnesses
        with self._open() as connection:
            connection.executescript(_SCHEMA)
        path.chmod(0o600)

    def enrol(self, pin: str) -> str:
        """Make a seed for somebody whose identity a clerk has just established; return the random reference.

        Raises:
            InputError: ``custody.pin`` where the number is not six to twelve digits.
        """
        if not (pin.isdecimal() and pin.isascii() and 6 <= len(pin) <= 12):
            raise InputError("custody.pin")
        person, salt, nonce = self._random(16).hex(), self._random(16), self._random(12)
        sealed = nonce + self._box.encrypt(nonce, self._random(64), person.encode())
        with self._open() as connection:
            connection.execute(
                "INSERT INTO persons VALUES (?, ?, ?, ?, 0, 0, 0, 0, ?)",
                (person, sealed, salt, _pin_hash(pin, salt), self._clock()),
            )
        return person

    def next_account(self, person: str, branch: holders.Branch) -> tuple[int, holders.ExtendedPublic]:
        """Reserve the next account of a person's seed; return its number and its public node.

        Raises:
            NotFoundError: ``custody.unknown_person``.
        """
        column = {holders.Branch.MATERIAL: "materials", holders.Branch.CASE: "cases"}[branch]
        with self._open() as connection:
            root = self._root(connection, person)
            (number,) = connection.execute(
                f"UPDATE persons SET {column} = {column} + 1 WHERE person = ? RETURNING {column} - 1",  # noqa: S608 - one of two constants
                (person,),
            ).fetchone()
        return number, holders.account(root, branch, number).public()

    def sign(
        self, person: str, branch: holders.Branch, number: int, leaf: int, digest: bytes, confirmation: str | Witnessed
    ) -> bytes:
        """Sign a digest (r ‖ s ‖ v, low s) with a leaf's or case's key, on the person's confirmation.

        Raises:
            NotFoundError: ``custody.unknown_person``.
            AuthorityError: ``custody.wrong_pin``, ``custody.locked``, ``custody.witnesses``.
        """
        with self._open() as connection:
            root = self._root(connection, person)
            key = holders.leaf_keys(holders.account(root, branch, number), leaf, 1)[0]
            witnessed = isinstance(confirmation, Witnessed)
            if isinstance(confirmation, Witnessed):
                holder = holders.address_text(holders.address_of(key))
                if not self._witnesses(holder, digest, confirmation.signatures):
                    raise AuthorityError("custody.witnesses")
            else:
                self._confirm(connection, person, confirmation)
            connection.execute(
                "INSERT INTO signatures (person, branch, account, leaf, digest, witnessed, signed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (person, int(branch), number, leaf, digest, witnessed, self._clock()),
            )
        raw = PrivateKey(key).sign_recoverable(digest, hasher=None)
        return raw[:64] + bytes((raw[64] + 27,))

    def _confirm(self, connection: sqlite3.Connection, person: str, pin: str) -> None:
        salt, expected, wrong, locked_until = connection.execute(
            "SELECT salt, pin, wrong, locked_until FROM persons WHERE person = ?", (person,)
        ).fetchone()
        now = self._clock()
        if now < locked_until:
            raise AuthorityError("custody.locked", seconds=locked_until - now)
        if hmac.compare_digest(_pin_hash(pin, salt), expected):
            connection.execute("UPDATE persons SET wrong = 0 WHERE person = ?", (person,))
            return
        wrong += 1
        lock = now + LIMITS.custody_lock_seconds if wrong >= LIMITS.custody_wrong_pins else 0
        connection.execute(
            "UPDATE persons SET wrong = ?, locked_until = ? WHERE person = ?",
            (0 if lock else wrong, lock, person),
        )
        # The count must outlive the refusal.
        connection.execute("COMMIT")
        raise AuthorityError("custody.wrong_pin", left=LIMITS.custody_wrong_pins - wrong)

    def _root(self, connection: sqlite3.Connection, person: str) -> holders.ExtendedPrivate:
        row = connection.execute("SELECT sealed FROM persons WHERE person = ?", (person,)).fetchone()
        if row is None:
            raise NotFoundError("custody.unknown_person")
        try:
            return holders.master(self._box.decrypt(row[0][:12], row[0][12:], person.encode()))
        except InvalidTag:
            raise IntegrityError("custody.damaged") from None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One immediate transaction on a connection of its own: committed at the end, rolled back by an error."""
        try:
            with closing(
                sqlite3.connect(self._path, isolation_level=None, timeout=LIMITS.database_lock_seconds)
            ) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                # Closed without it, everything is rolled back.
                if connection.in_transaction:
                    connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise UnavailableError("storage.unavailable", cause=error.sqlite_errorname) from error
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
                raise IntegrityError("custody.damaged") from error
            raise


def _pin_hash(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_PIN_COST, r=8, p=1, dklen=32)
