"""Backing a node up and bringing it back: settings, keys as they lie (sealed), databases copied while they are in use.

An archive is a tar file with a manifest of SHA-256 digests; nothing is written back before every digest has been checked,
and never over anything that is there. The log's files are left out: they are made again from the picture.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath

from ledger.errors import ConflictError, InputError, IntegrityError, NotFoundError, UnavailableError

__all__ = ["backup", "restore"]

FORMAT = "tongban/backup/1"
_MANIFEST = "manifest.json"
_LEFT_OUT = frozenset({"log", "blobs"})
_PIECE = 1024 * 1024
_PLACE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS})


def backup(folder: Path, target: Path, *, blobs: bool) -> int:
    """Write a node's archive, readable by its owner alone; return the number of files in it.

    Args:
        folder: the node's, which may be running.
        target: the archive; must not exist.
        blobs: whether the encrypted content is taken too (for the directory store).

    Raises:
        NotFoundError: ``backup.no_node``.
        ConflictError: ``backup.exists``.
        InputError: ``backup.no_place``: no such folder, or it may not be written to.
        UnavailableError: ``backup.disk``.
    """
    if not (folder / "node.toml").is_file():
        raise NotFoundError("backup.no_node")
    if target.exists():
        raise ConflictError("backup.exists")
    part = target.with_name(target.name + ".part")
    digests: dict[str, str] = {}
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out, tempfile.TemporaryDirectory(dir=folder) as copies:
            with tarfile.open(fileobj=out, mode="w") as archive:
                for name, path in _files(folder, Path(copies), blobs=blobs):
                    digests[name] = _digest(path)
                    archive.add(path, name, recursive=False)
                manifest = json.dumps({"format": FORMAT, "files": digests}, sort_keys=True).encode()
                head = tarfile.TarInfo(_MANIFEST)
                head.size, head.mode = len(manifest), 0o600
                archive.addfile(head, io.BytesIO(manifest))
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if error.errno in _PLACE:
            raise _no_place(error) from error
        raise UnavailableError("backup.disk", retry_after=60) from error
    return len(digests)


def restore(source: Path, folder: Path) -> int:
    """Bring a node back into an empty folder; return the number of files.

    Raises:
        NotFoundError: ``backup.missing``.
        ConflictError: ``backup.not_empty``; nothing was written.
        IntegrityError: ``backup.damaged``, naming the file; nothing was written.
        InputError: ``backup.no_place``.
        UnavailableError: ``backup.not_restored``: the disk is full; what was written is taken away again.
    """
    if not source.is_file():
        raise NotFoundError("backup.missing")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError("backup.not_empty")
    try:
        with tarfile.open(source, "r:") as archive:
            digests = _checked(archive)
            _write(archive, digests, folder)
    except (tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise IntegrityError("backup.damaged", file=source.name) from error
    return len(digests)


def _write(archive: tarfile.TarFile, names: Iterable[str], folder: Path) -> None:
    """Write beside the folder and put it in its place whole; nothing of an attempt that was cut short goes with it."""
    staging = folder.with_name(f".{folder.name}.part")
    try:
        if staging.exists():
            shutil.rmtree(staging)
        for name in names:
            _put(archive, name, staging)
        if folder.exists():
            folder.rmdir()
        staging.replace(folder)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        if error.errno in _PLACE:
            raise _no_place(error) from error
        raise UnavailableError("backup.not_restored", retry_after=60) from error


def _no_place(error: OSError) -> InputError:
    return InputError("backup.no_place", cause=errno.errorcode.get(error.errno or 0, ""))


def _files(folder: Path, copies: Path, *, blobs: bool) -> Iterator[tuple[str, Path]]:
    """Name every file of an archive; databases are copied by SQLite itself, so that a copy is of one instant."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        top = relative.parts[0]
        if not path.is_file() or path.is_relative_to(copies):
            continue
        if (top in _LEFT_OUT and not (blobs and top == "blobs")) or path.suffix in {".log", ".part"}:
            continue
        if path.name.endswith(("-wal", "-shm", "-journal")) or path.name in {"ready.json", "web.json"}:
            continue
        if path.suffix == ".db":
            copy = copies / relative.name
            with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(copy)) as other:
                one.backup(other)
        yield str(PurePosixPath(relative)), copies / relative.name if path.suffix == ".db" else path


def _checked(archive: tarfile.TarFile) -> dict[str, str]:
    head = archive.extractfile(_MANIFEST)
    if head is None:
        raise KeyError(_MANIFEST)
    manifest = json.loads(head.read())
    if manifest["format"] != FORMAT:
        raise ValueError(FORMAT)
    digests: dict[str, str] = manifest["files"]
    if {member.name for member in archive.getmembers()} != {*digests, _MANIFEST}:
        raise ValueError(_MANIFEST)
    for name, expected in digests.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(name)
        member = archive.extractfile(name)
        if member is None:
            raise KeyError(name)
        hasher = hashlib.sha256()
        while piece := member.read(_PIECE):
            hasher.update(piece)
        if hasher.hexdigest() != expected:
            raise ValueError(name)
    return digests


def _put(archive: tarfile.TarFile, name: str, staging: Path) -> None:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    path = staging / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        while piece := member.read(_PIECE):
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
