"""One daemon for one folder: two would sign with the same keys without knowing of each other.

The kernel gives the lock back when its holder ends, however it ends; so there is nothing to take away after a kill.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ledger.errors import ConflictError

__all__ = ["LOCK", "hold", "release"]

LOCK = "keys.lock"
"""The file's name, beside the socket; it is empty and stays."""


def hold(path: Path) -> int:
    """Take the lock and return what ``release`` takes.

    Args:
        path: of the lock's file, made if missing.

    Raises:
        ConflictError: ``keys.held``: another process has it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConflictError("keys.held") from None
    return descriptor


def release(descriptor: int) -> None:
    """Give the lock back."""
    os.close(descriptor)
