"""The watermark: how far the engine has answered, kept outside the database.

SQLite drops a damaged tail of its write-ahead log without a word, and a copy of the database from yesterday opens like
any other: both would take blocks back that have been answered for. After each commit the height and the hash of the
head are written into a small file beside the database; a store that opens below its watermark is refused.

Two slots take turns, so that a write cut in the middle leaves the one before it. The file may lag behind the database
(it is not synchronised to disk on its own), never run ahead of it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.chain.embedded.checksums import checksum
from ledger.errors import IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Watermark"]

_SLOT = 44  # height (8), hash (32), checksum (4)


@dataclass(slots=True)
class Watermark:
    """An open watermark file.

    Args:
        descriptor: of the file, owned by this object until :meth:`close`.
    """

    descriptor: int

    @classmethod
    def open(cls, path: Path) -> Watermark:
        """Open the file, creating an empty one."""
        return cls(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def read(self) -> tuple[int, bytes] | None:
        """The highest height that was written whole and its hash, or ``None`` in an empty file.

        Raises:
            IntegrityError: ``engine.watermark_damaged``, there are bytes but neither slot is whole.
        """
        raw = os.pread(self.descriptor, 2 * _SLOT, 0)
        found = [slot for slot in (_decode(raw[:_SLOT]), _decode(raw[_SLOT:])) if slot is not None]
        if found:
            return max(found)
        if raw.strip(b"\0"):
            raise IntegrityError("engine.watermark_damaged")
        return None

    def write(self, height: int, block_hash: bytes) -> None:
        """Note that the store holds this block."""
        slot = height.to_bytes(8, "big") + block_hash
        os.pwrite(self.descriptor, slot + checksum("head", slot).to_bytes(4, "big"), (height % 2) * _SLOT)

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)


def _decode(slot: bytes) -> tuple[int, bytes] | None:
    if len(slot) != _SLOT or checksum("head", slot[:40]) != int.from_bytes(slot[40:], "big"):
        return None
    return int.from_bytes(slot[:8], "big"), slot[8:40]
