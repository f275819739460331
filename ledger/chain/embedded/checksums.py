"""Checksums of stored rows: one flipped bit is found when the row is read, and named.

CRC-32 finds every single flipped bit and every burst of up to 32 bits; it guards against a failing disk, not against
a forger. What a forger would have to change (accounts, storage, code, headers) hangs together by Keccak hashes from
the head down, and other cities' cosignatures hold the head.
"""

from __future__ import annotations

from zlib import crc32

from ledger.chain.embedded.errors import damaged

__all__ = ["checksum", "matches", "require"]

Field = bytes | int


def checksum(part: str, *fields: Field) -> int:
    """The checksum over the fields in order.

    The length of each is included, so that no boundary can move unseen, and the part that the row belongs to, so that
    a page of one table is never read as another's.

    Raises:
        AttributeError: a field is neither bytes nor a whole number.
        OverflowError: a number is negative or needs more than 64 bits.
    """
    pieces = [part.encode()]
    for field in fields:
        raw = field if isinstance(field, bytes) else field.to_bytes(8, "big")
        pieces += (len(raw).to_bytes(4, "big"), raw)
    # Over all at once: the same value as piece by piece, for a fraction of the calls.
    return crc32(b"".join(pieces))


def matches(part: str, stored: object, *fields: object) -> bool:
    """Whether the fields read from a row are the ones that were written with the stored checksum."""
    try:
        return stored == checksum(part, *fields)  # type: ignore[arg-type]  # a wrong type raises, see below
    except (AttributeError, OverflowError):
        # A flipped bit in a row's head turns a blob into a number or into nothing.
        return False


def require(part: str, key: str, stored: object, *fields: object) -> None:
    """Refuse a row whose checksum does not match.

    Raises:
        IntegrityError: ``engine.store_damaged`` with the part and the row's key.
    """
    if not matches(part, stored, *fields):
        raise damaged(part, key)
