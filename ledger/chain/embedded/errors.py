"""What the engine answers besides a result: one error of its own, and how SQLite's errors become the product's.

Everything else that the engine refuses is raised as a :class:`~ledger.errors.LedgerError` with a code ``engine.…``;
``rpc.errors`` gives each its JSON-RPC number and the English words by which other people's clients know it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from eth.exceptions import PyEVMError
from eth.vm.interrupt import EVMMissingData
from trie.exceptions import MissingTraversalNode, MissingTrieNode

from ledger.errors import ConflictError, IntegrityError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ExecutionRevertedError", "damaged", "missing_data_is_damage", "sqlite_errors"]

# Primary result codes (sqlite.org/rescode.html) that speak of the machine and pass when their cause does: PERM, BUSY,
# LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL, NOLFS. All others, raised by our fixed
# statements, mean that the file's bytes are not what was written.
_PASSING = frozenset({3, 5, 6, 7, 8, 9, 10, 13, 14, 15, 22})


class ExecutionRevertedError(ConflictError):
    """A call or an estimate ended in an error of the virtual machine.

    Args:
        reason: short English words, as ``eth_call`` gives them (the revert string if there is one).
        data: the bytes that the contract returned with ``REVERT``; a client decodes the contract's own error from it.
        reverted: false when the machine stopped it (out of gas, invalid opcode) instead of the contract.
    """

    def __init__(self, reason: str, data: bytes, *, reverted: bool) -> None:
        super().__init__("engine.reverted", reason=reason)
        self.reason = reason
        self.data = data
        self.reverted = reverted

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the returned bytes across process boundaries."""
        return _rebuild, (self.reason, self.data, self.reverted)


def _rebuild(reason: str, data: bytes, reverted: bool) -> ExecutionRevertedError:  # noqa: FBT001  # pickle passes by position
    return ExecutionRevertedError(reason, data, reverted=reverted)


def damaged(part: str, key: str) -> IntegrityError:
    """The error for stored bytes that do not match their checksum, or are gone: names the part and the row."""
    return IntegrityError("engine.store_damaged", part=part, key=key)


@contextlib.contextmanager
def sqlite_errors() -> Iterator[None]:
    """Translate what SQLite raises.

    Raises:
        IntegrityError: ``engine.store_damaged``, the file is malformed.
        UnavailableError: ``engine.store_unavailable``, disk full, file locked, input/output error.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        # SQLite quotes a damaged schema in its message.
        raise damaged("file", "schema") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        name = str(getattr(error, "sqlite_errorname", type(error).__name__))
        # Python's own "could not decode" has no code and is an OperationalError; a closed connection is not.
        lasting = isinstance(error, sqlite3.OperationalError) if code is None else code & 0xFF not in _PASSING
        if lasting:
            raise damaged("file", name) from error
        raise UnavailableError("engine.store_unavailable", retry_after=10, cause=name) from error


@contextlib.contextmanager
def missing_data_is_damage() -> Iterator[None]:
    """Turn "node missing" into "store damaged": everything below a stored state root has been stored with it.

    Raises:
        IntegrityError: ``engine.store_damaged``.
    """
    try:
        yield
    except (MissingTrieNode, MissingTraversalNode, EVMMissingData, PyEVMError) as error:
        raise damaged("state", type(error).__name__) from error
