"""Files under one directory, written so that a crash at any instant leaves what was there before or what was meant.

The port :class:`Files` has the few operations that the store needs, each one a place where power can fail; tests stand
in for the disk there. A file is replaced by writing beside it, forcing that to the disk, and renaming; a rename is
certain once the directory has been forced to the disk too.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from ledger.domain import canonical
from ledger.domain.canonical import JsonObject
from ledger.domain.limits import LIMITS
from ledger.errors import IntegrityError, LedgerError, UnavailableError
from ledger.log.reader import Source

__all__ = ["DirectoryFiles", "Files", "seal", "unseal", "write_all"]

_SUFFIX = ".new"


class Files(Source, Protocol):
    """Operations on files by their path relative to the store, with ``/`` between names."""

    def create(self, path: str, data: bytes) -> None:
        """Write a file's content and force it to the disk; directories are made as needed."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Put ``source`` in place of ``target``."""
        ...

    def sync_directory(self, path: str) -> None:
        """Force a directory's names to the disk."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file, or a directory with the files in it, if it is there."""
        ...


def write_all(files: Files, contents: Iterable[tuple[str, bytes]]) -> None:
    """Replace files and return once all of it is on the disk.

    Each file is replaced whole or not at all. Which of several are replaced when power fails in between is open, so
    whatever names them must be written afterwards, by a call of its own.
    """
    directories: dict[str, None] = {}
    for path, data in contents:
        files.create(path + _SUFFIX, data)
        files.rename(path + _SUFFIX, path)
        directories[path.rpartition("/")[0]] = None
    for directory in directories:
        files.sync_directory(directory)


def seal(body: JsonObject) -> bytes:
    """Write a small record with its own digest in it, so that a flipped bit shows when it is read."""
    return canonical.encode({**body, "check": hashlib.sha256(canonical.encode(body)).hexdigest()})


def unseal(data: bytes, path: str) -> JsonObject:
    """Read a sealed record.

    Raises:
        IntegrityError: ``log.damaged`` with the file's name.
    """
    try:
        body = canonical.decode_object(data, limit=2 * LIMITS.log_note_bytes + 4096)
    except LedgerError:
        raise IntegrityError("log.damaged", file=path) from None
    check = body.pop("check", None)
    if check != hashlib.sha256(canonical.encode(body)).hexdigest():
        raise IntegrityError("log.damaged", file=path)
    return body


class DirectoryFiles:
    """Files of a real directory.

    Raises:
        UnavailableError: ``log.disk`` for whatever the operating system refuses, a full disk above all; the error number
            is among the facts.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes | None:
        """Return the content, or ``None`` when there is no such file."""
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unavailable(error) from error

    def create(self, path: str, data: bytes) -> None:
        """Write a file's content and force it to the disk; directories are made as needed."""
        target = self.root / path
        try:
            self._make_directory(target.parent)
            with target.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unavailable(error) from error

    def rename(self, source: str, target: str) -> None:
        """Put ``source`` in place of ``target``."""
        try:
            (self.root / source).replace(self.root / target)
        except OSError as error:
            raise _unavailable(error) from error

    def sync_directory(self, path: str) -> None:
        """Force a directory's names to the disk."""
        try:
            _sync(self.root / path)
        except OSError as error:
            raise _unavailable(error) from error

    def remove(self, path: str) -> None:
        """Remove a file, or a directory with the files in it, if it is there."""
        target = self.root / path
        try:
            if target.is_dir():
                for file in target.iterdir():
                    file.unlink()
                target.rmdir()
            else:
                target.unlink(missing_ok=True)
        except OSError as error:
            raise _unavailable(error) from error

    def _make_directory(self, directory: Path) -> None:
        missing: list[Path] = []
        while not directory.is_dir():
            missing.append(directory)
            directory = directory.parent
        for made in reversed(missing):
            made.mkdir(exist_ok=True)
            _sync(made.parent)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unavailable(error: OSError) -> UnavailableError:
    # The path may hold a user's name; the number says enough.
    return UnavailableError("log.disk", retry_after=30, errno=error.errno or 0)
