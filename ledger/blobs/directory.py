"""The directory store: one file for each block, named by its identifier.

A block is written to a temporary file, synced, renamed, and the folder synced: a crash at any instant leaves the whole
block or none. Every read is hashed again, because disks flip bits; a damaged block is named, never returned, and
putting the right one again repairs it. Files are spread over folders by the identifier's last two characters.

The file ``format`` marks the folder as a store, so that a volume that is not mounted is told from a missing block.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import time
from typing import TYPE_CHECKING, NoReturn

from ledger.blobs.cids import cid_of, digest_of
from ledger.domain.limits import LIMITS
from ledger.errors import InputError, IntegrityError, NotFoundError, SetupError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

__all__ = ["FORMAT", "DirectoryStore"]

FORMAT = "tongban/blobs/1\n"
# A write takes seconds; what lies there for a day was cut off.
_LEFT_BEHIND = 86_400.0
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class DirectoryStore:
    """Blocks in a folder.

    Args:
        root: the folder.

    Raises:
        SetupError: ``blobs.not_a_store`` by :meth:`create` for a folder that holds something else.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._marker = root / "format"
        self._temporary = root / "tmp"

    @classmethod
    def create(cls, root: Path) -> DirectoryStore:
        """Make the folder a store, or open it if it is one."""
        store = cls(root)
        try:
            store._temporary.mkdir(parents=True, exist_ok=True)
            if not store._marker.exists():
                store._write(store._marker, FORMAT.encode())
            if store._marker.read_text("utf-8") != FORMAT:
                raise SetupError("blobs.not_a_store")
        except OSError as error:
            _refuse(error)
        return store

    def put(self, block: bytes) -> str:
        """Store a block and return its identifier once it is on the disk; a damaged copy is replaced."""
        if len(block) > LIMITS.block_bytes:
            raise InputError("blobs.block_too_large", size=len(block), limit=LIMITS.block_bytes)
        cid = cid_of(block)
        path = self._path(cid)
        self._require_store()
        try:
            if self._read(path) != block:
                if not path.parent.exists():
                    path.parent.mkdir(exist_ok=True)
                    _sync(self._root)
                self._write(path, block)
        except OSError as error:
            _refuse(error)
        return cid

    def get(self, cid: str) -> bytes:
        """Return a block, hashed again.

        Raises:
            NotFoundError: ``blobs.not_found``.
            IntegrityError: ``blobs.damaged``, naming the block.
            UnavailableError: ``blobs.unreachable`` when the folder or the disk does not answer.
        """
        try:
            block = self._read(self._path(cid))
        except OSError as error:
            _refuse(error)
        if block is None:
            self._require_store()
            raise NotFoundError("blobs.not_found", cid=cid)
        if cid_of(block) != cid:
            raise IntegrityError("blobs.damaged", cid=cid)
        return block

    def local(self, cid: str) -> bytes:
        """Return a block as ``get`` does: a folder has nobody else to ask."""
        return self.get(cid)

    def has(self, cid: str) -> bool:
        """Say whether the block is there and whole."""
        try:
            self.get(cid)
        except (NotFoundError, IntegrityError):
            return False
        return True

    def check(self, now: Callable[[], float] = time.time) -> None:
        """Find out whether a block could be stored: a small file is written and taken away again.

        What writes that were cut off left behind a day ago is taken away too.

        Raises:
            UnavailableError: ``blobs.full``, ``blobs.low``, ``blobs.unreachable``.
        """
        self._require_store()
        try:
            handle, name = tempfile.mkstemp(dir=self._temporary)
            try:
                os.write(handle, FORMAT.encode())
                os.fsync(handle)
                found = os.fstatvfs(handle)
            finally:
                os.close(handle)
                os.unlink(name)  # noqa: PTH108 -- a name from mkstemp
            self._sweep(now() - _LEFT_BEHIND)
        except OSError as error:
            _refuse(error)
        free = found.f_bavail * found.f_frsize
        if free < LIMITS.store_free_bytes:
            raise UnavailableError("blobs.low", retry_after=60, free=free)

    def delete(self, cids: Iterable[str]) -> int:
        """Delete blocks, durably, and say how many were there."""
        folders = set()
        count = 0
        self._require_store()
        try:
            for cid in cids:
                path = self._path(cid)
                if path.exists():
                    path.unlink(missing_ok=True)
                    folders.add(path.parent)
                    count += 1
            for folder in folders:
                _sync(folder)
        except OSError as error:
            _refuse(error)
        return count

    def cids(self) -> Iterator[str]:
        """Yield the identifiers of all blocks, in order of their folders."""
        self._require_store()
        try:
            for folder in sorted(self._root.iterdir()):
                if len(folder.name) == 2:
                    yield from sorted(path.name for path in folder.iterdir())
        except OSError as error:
            _refuse(error)

    def _path(self, cid: str) -> Path:
        digest_of(cid)
        return self._root / cid[-2:] / cid

    def _sweep(self, before: float) -> None:
        for path in self._temporary.iterdir():
            # A write that goes on meanwhile takes its own file away.
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()

    def _require_store(self) -> None:
        if not self._marker.exists():
            raise UnavailableError("blobs.unreachable", retry_after=30)

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            with path.open("rb") as file:
                # One byte more than a block can have: a file that grew is read as damaged, not into memory.
                return file.read(LIMITS.block_bytes + 1)
        except FileNotFoundError:
            return None

    def _write(self, path: Path, content: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self._temporary)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)  # noqa: PTH105 -- the call that faults are injected at
        except BaseException:
            # The temporary file only: the block's own place is written by the rename alone.
            if os.path.exists(name):  # noqa: PTH110 -- a name from mkstemp
                os.unlink(name)  # noqa: PTH108 -- a name from mkstemp
            raise
        _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse(error: OSError) -> NoReturn:
    if error.errno in _FULL:
        raise UnavailableError("blobs.full", retry_after=60) from error
    raise UnavailableError("blobs.unreachable", retry_after=30) from error
