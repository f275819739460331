"""Packages handed in (OFD, Word, Excel, ZIP): what they unpack to is bounded before anybody unpacks them.

A ZIP of some kilobytes can claim petabytes. The directory is looked at first, with its own size bounded because it is
read whole; then every entry is read through once, so that the claims are checked too.

Raises:
    InputError: ``files.archive_form``, ``files.archive_entries``, ``files.archive_bomb``, ``files.archive_path``,
        ``files.archive_damaged``, ``files.archive_kind``.
"""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

from ledger.domain.limits import LIMITS
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.domain.files import FileType

__all__ = ["check_archive"]

_END = b"PK\x05\x06"
_END_BYTES = 22
_LOCATOR_64 = b"PK\x06\x07"
_ENCRYPTED = 0x1
_PIECE = 256 * 1024


def check_archive(file: BinaryIO, size: int, kind: FileType) -> None:
    """Require that a file is a package of its kind, whole and bounded.

    Args:
        file: the open file; its position is left anywhere.
        size: its length.
        kind: what its name claims.
    """
    _require_bounded_directory(file, size)
    try:
        with zipfile.ZipFile(file) as archive:
            _require_bounded_entries(archive)
            _require_kind(archive, kind)
            _read_through(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InputError("files.archive_damaged") from error


def _require_bounded_directory(file: BinaryIO, size: int) -> None:
    """Find the end record as zipfile will, and refuse what would make it read a huge directory."""
    tail_size = min(size, _END_BYTES + 65_535)
    file.seek(size - tail_size)
    tail = file.read(tail_size)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise InputError("files.archive_form")
    entries = int.from_bytes(tail[at + 10 : at + 12], "little")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    # Packages with 64-bit sizes are far beyond what is taken here, and their second record could contradict the first.
    if _LOCATOR_64 in tail[max(0, at - 20) : at]:
        raise InputError("files.archive_form")
    if entries > LIMITS.archive_entries or directory > LIMITS.archive_directory_bytes:
        raise InputError("files.archive_entries", limit=LIMITS.archive_entries)


def _require_bounded_entries(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > LIMITS.archive_entries:
        raise InputError("files.archive_entries", limit=LIMITS.archive_entries)
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if total > LIMITS.archive_bytes or total > LIMITS.archive_ratio * max(packed, 1024):
        raise InputError("files.archive_bomb", limit=LIMITS.archive_bytes)
    names = {entry.filename for entry in entries}
    if len(names) != len(entries):
        raise InputError("files.archive_form")
    for entry in entries:
        parts = entry.filename.replace("\\", "/").split("/")
        if entry.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            raise InputError("files.archive_path")
        if entry.flag_bits & _ENCRYPTED:
            raise InputError("files.archive_encrypted")


def _require_kind(archive: zipfile.ZipFile, kind: FileType) -> None:
    if kind.archive and kind.archive not in archive.namelist():
        raise InputError("files.archive_kind", expected=kind.en)


def _read_through(archive: zipfile.ZipFile) -> None:
    """Unpack every entry into nothing: zipfile stops at the claimed size and compares the checksum."""
    for entry in archive.infolist():
        with archive.open(entry) as unpacked:
            while unpacked.read(_PIECE):
                pass
