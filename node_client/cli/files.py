"""Files that are named on the command line: reading one, and writing one that may tell of a person."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ledger.errors import NotFoundError

__all__ = ["read_file", "write_file"]


def read_file(path: Path) -> bytes:
    """Return a file's bytes; what else the machine may refuse is said by the command itself (``misuse``).

    Raises:
        NotFoundError: ``files.missing``.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFoundError("files.missing") from None


def write_file(path: Path, pieces: Iterable[bytes]) -> Path:
    """Write a file that its owner alone reads, and return its path; it has its name only once it is whole.

    Receipts, consents and what is to be signed say what is in somebody's papers.
    """
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
