"""Taking files in: everything is checked before anything is changed.

A file is read once from end to end for its digests, and once more while it is encrypted; both passes must see the same
bytes, or it changed under our hands and is refused. Names of files may name people: no error repeats them.

Raises:
    InputError: codes of ``files``, each with its sentence.
    NotFoundError: ``files.missing``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import puremagic

from ledger.domain.files import DoubleDigest, FileDigests, FileType, file_type
from ledger.domain.limits import LIMITS
from ledger.errors import InputError, NotFoundError
from ledger.services.archives import check_archive

__all__ = ["HandedIn", "inspect_file", "inspect_folder", "read_handed_in", "resolve_inside"]

_PIECE = 1024 * 1024
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A file that was looked at and found good."""

    path: Path
    kind: FileType
    digests: FileDigests


def resolve_inside(folder: Path, name: str) -> Path:
    """Return the file of that name in the folder, refusing whatever leads out of it, by dots or by links.

    Raises:
        InputError: ``files.outside``, ``files.not_a_file``.
        NotFoundError: ``files.missing``.
    """
    root = folder.resolve()
    if not name or "\x00" in name or "\\" in name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise InputError("files.outside")
    try:
        path = (root / name).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        if isinstance(error, FileNotFoundError):
            raise NotFoundError("files.missing") from None
        raise InputError("files.outside") from None
    if not path.is_relative_to(root):
        raise InputError("files.outside")
    if not path.is_file():
        raise InputError("files.not_a_file")
    return path


def inspect_folder(folder: Path) -> tuple[HandedIn, ...]:
    """Inspect every file of a folder, in order of their names; hidden ones and subfolders are left out.

    Raises:
        InputError: ``files.too_many``, ``files.none``, and those of :func:`inspect_file`.
        NotFoundError: ``files.missing``.
    """
    if not folder.is_dir():
        raise NotFoundError("files.missing")
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith(".") and not path.is_dir())
    if not names:
        raise InputError("files.none")
    if len(names) > LIMITS.intake_files:
        raise InputError("files.too_many", count=len(names), limit=LIMITS.intake_files)
    return tuple(inspect_file(resolve_inside(folder, name)) for name in names)


def inspect_file(path: Path) -> HandedIn:
    """Look at a file: a regular file, not empty, within the limit, of an allowed kind that its bytes bear out.

    Raises:
        InputError: ``files.not_a_file``, ``files.empty``, ``files.too_large``, ``files.type_not_allowed``,
            ``files.wrong_type``, ``files.changed``, ``files.unreadable``, and codes of packages.
        NotFoundError: ``files.missing``.
    """
    kind = file_type(path.name)
    with _opened(path) as file:
        before = os.fstat(file.fileno())
        if not before.st_size:
            raise InputError("files.empty")
        if before.st_size > LIMITS.intake_file_bytes:
            raise InputError("files.too_large", size=before.st_size, limit=LIMITS.intake_file_bytes)
        head = file.read(_HEAD)
        _require_kind(kind, head)
        digests = _digests(file)
        _require_unchanged(path, file, before, digests.size)
        if kind.archive is not None:
            check_archive(file, digests.size, kind)
    return HandedIn(path, kind, digests)


def read_handed_in(file: HandedIn) -> Iterator[bytes]:
    """Yield a file's content for encryption, and require at the end that it is what was inspected.

    Raises:
        InputError: ``files.changed`` after the last piece; what was made of it is to be discarded.
    """
    digest = DoubleDigest()
    with _opened(file.path) as source:
        while piece := source.read(_PIECE):
            digest.update(piece)
            if digest.size > file.digests.size:
                raise InputError("files.changed")
            yield piece
    if digest.result() != file.digests:
        raise InputError("files.changed")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file; a pipe or a device would block or never end, so the kind is looked at on the open handle."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFoundError("files.missing") from None
    except OSError:
        raise InputError("files.unreadable") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InputError("files.not_a_file")
    with os.fdopen(handle, "rb") as file:
        try:
            yield file
        except OSError:
            # The system's own words would carry the file's name.
            raise InputError("files.unreadable") from None


def _digests(file: BinaryIO) -> FileDigests:
    digest = DoubleDigest()
    file.seek(0)
    while piece := file.read(_PIECE):
        digest.update(piece)
        if digest.size > LIMITS.intake_file_bytes:
            break
    return digest.result()


def _require_unchanged(path: Path, file: BinaryIO, before: os.stat_result, size: int) -> None:
    after = os.fstat(file.fileno())
    try:
        named = path.stat()
    except OSError:
        raise InputError("files.changed") from None
    seen = {(each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns) for each in (before, after, named)}
    if len(seen) != 1 or size != before.st_size:
        raise InputError("files.changed")


def _require_kind(kind: FileType, head: bytes) -> None:
    """Hold the first bytes against what the name claims."""
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        found = []
    if not any(match.extension in kind.extensions or _is_package(kind, match.extension) for match in found):
        raise InputError("files.wrong_type", expected=kind.en, expected_zh=kind.zh)


def _is_package(kind: FileType, extension: str) -> bool:
    return kind.archive is not None and extension == ".zip"
