"""Reading a file that was named on the command line."""

from __future__ import annotations

from pathlib import Path

from ledger.errors import NotFoundError

__all__ = ["read_file"]


def read_file(path: Path) -> bytes:
    """Return a file's bytes; what else the machine may refuse is said by the command itself (``misuse``).

    Raises:
        NotFoundError: ``files.missing``.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFoundError("files.missing") from None
