"""Files handed in: which kinds are taken, and the two digests by which a file is known.

SHA-256 is what the network checks; SM3 (GB/T 32905) stands beside it in every record, so that the same evidence serves
under the national-cryptography profile. Both are computed in one pass over the file.

Raises:
    InputError: ``files.type_not_allowed``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes

from ledger.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FILE_TYPES", "DoubleDigest", "FileDigests", "FileType", "digests_of", "file_type"]


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file: media type, names, the extensions that say so; ``archive`` marks a ZIP and its necessary entry."""

    media_type: str
    zh: str
    en: str
    extensions: tuple[str, ...]
    archive: str | None = None


FILE_TYPES = (
    FileType("application/pdf", "PDF 文件", "PDF document", (".pdf",)),
    FileType("image/jpeg", "JPEG 图片", "JPEG image", (".jpg", ".jpeg")),
    FileType("image/png", "PNG 图片", "PNG image", (".png",)),
    FileType("image/tiff", "TIFF 图片", "TIFF image", (".tif", ".tiff")),
    FileType("application/ofd", "OFD 文件", "OFD document", (".ofd",), "OFD.xml"),
    FileType(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "Word 文档", "Word document", (".docx",), "word/document.xml",
    ),
    FileType(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "Excel 表格", "Excel workbook", (".xlsx",), "xl/workbook.xml",
    ),
    FileType("application/zip", "ZIP 压缩包", "ZIP archive", (".zip",), ""),
)  # fmt: skip

_BY_EXTENSION = {extension: kind for kind in FILE_TYPES for extension in kind.extensions}


def file_type(name: str) -> FileType:
    """Return the kind that a file's name claims."""
    stem, dot, extension = name.rpartition(".")
    kind = _BY_EXTENSION.get(dot + extension.lower()) if stem else None
    if kind is None:
        # A name may be a person's: only an extension that looks like one is repeated.
        shown = (
            extension.lower() if stem and extension.isascii() and extension.isalnum() and len(extension) <= 5 else ""
        )
        raise InputError("files.type_not_allowed", extension=shown)
    return kind


@dataclass(frozen=True, slots=True)
class FileDigests:
    """Size in bytes, and both digests in lowercase hex."""

    size: int
    sha256: str
    sm3: str


class DoubleDigest:
    """Takes a file piece by piece and knows size and both digests at the end."""

    def __init__(self) -> None:
        self._size = 0
        self._sha256 = hashlib.sha256()
        self._sm3 = hashes.Hash(hashes.SM3())

    def update(self, piece: bytes) -> None:
        """Take the next piece."""
        self._size += len(piece)
        self._sha256.update(piece)
        self._sm3.update(piece)

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return self._size

    def result(self) -> FileDigests:
        """Return what was taken so far."""
        return FileDigests(self._size, self._sha256.hexdigest(), self._sm3.copy().finalize().hex())


def digests_of(pieces: Iterable[bytes]) -> FileDigests:
    """Return size and digests of a run of pieces."""
    digest = DoubleDigest()
    for piece in pieces:
        digest.update(piece)
    return digest.result()
