"""Content identifiers: CIDv1 of a raw block under SHA-256, in lowercase base32.

``b`` ‖ base32(0x01 ‖ 0x55 ‖ 0x12 ‖ 0x20 ‖ digest): multibase, version, codec raw, multihash sha2-256 of 32 bytes
(multiformats). One block has one identifier, the same here and in IPFS; on the chain stands the digest alone.

Raises:
    FormatError: ``blobs.cid`` for any other text.
"""

from __future__ import annotations

import base64
import hashlib

from ledger.errors import FormatError

__all__ = ["CID_CHARS", "cid_from_digest", "cid_of", "digest_of"]

CID_CHARS = 59
_PREFIX = bytes((0x01, 0x55, 0x12, 0x20))


def cid_from_digest(digest: bytes) -> str:
    """Write the identifier of the raw block that has this SHA-256 digest."""
    if len(digest) != 32:
        raise FormatError("blobs.cid")
    return "b" + base64.b32encode(_PREFIX + digest).decode("ascii").rstrip("=").lower()


def cid_of(block: bytes) -> str:
    """Write the identifier of a raw block."""
    return cid_from_digest(hashlib.sha256(block).digest())


def digest_of(cid: str) -> bytes:
    """Read the digest out of an identifier; every digest has exactly one spelling."""
    if len(cid) != CID_CHARS or not cid.isascii() or cid[0] != "b" or not cid.islower():
        raise FormatError("blobs.cid")
    try:
        data = base64.b32decode(cid[1:].upper() + "======")
    except ValueError as error:
        raise FormatError("blobs.cid") from error
    digest = data[4:]
    # The last character carries two bits that say nothing: only the spelling with zeros is taken.
    if data[:4] != _PREFIX or cid_from_digest(digest) != cid:
        raise FormatError("blobs.cid")
    return digest
