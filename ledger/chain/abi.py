"""What codec, logs and gateway share of Ethereum's contract ABI: types, selectors, hexadecimal quantities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import eth_hash.auto

from ledger.errors import IntegrityError

__all__ = ["canonical_type", "data_of", "keccak", "quantity", "rlp_encode", "selector"]


def keccak(data: bytes) -> bytes:
    """Ethereum's digest: Keccak-256, before SHA-3 changed the padding."""
    return bytes(eth_hash.auto.keccak(data))


def rlp_encode(value: bytes | int | Sequence[Any]) -> bytes:
    """Recursive length prefix encoding of bytes, non-negative integers and lists of these.

    Receipts by the thousand are encoded again while catching up; the general library first asks each value what it is.
    """
    if isinstance(value, int):
        value = value.to_bytes((value.bit_length() + 7) // 8)
    if isinstance(value, bytes):
        return value if len(value) == 1 and value[0] < 0x80 else _rlp_length(len(value), 0x80) + value
    payload = b"".join([rlp_encode(item) for item in value])
    return _rlp_length(len(payload), 0xC0) + payload


def _rlp_length(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes([offset + length])
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([offset + 55 + len(size)]) + size


def canonical_type(parameter: Mapping[str, Any]) -> str:
    """The type as signatures have it: a struct is the tuple of its components."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(canonical_type(component) for component in parameter["components"])
    return f"({inner}){kind[5:]}"


def selector(entry: Mapping[str, Any]) -> bytes:
    """The four bytes by which a transaction names a function."""
    signature = ",".join(canonical_type(parameter) for parameter in entry["inputs"])
    return keccak(f"{entry['name']}({signature})".encode())[:4]


def quantity(value: object) -> int:
    """Read a number that an engine sent (``0x1a``).

    Raises:
        IntegrityError: ``chain.answer_malformed``.
    """
    # ``int`` alone would also take signs, spaces and underscores.
    if isinstance(value, str) and value[:2] == "0x" and value.isascii() and value.isalnum():
        try:
            return int(value, 16)
        except ValueError as error:
            raise IntegrityError("chain.answer_malformed") from error
    raise IntegrityError("chain.answer_malformed")


def data_of(value: object) -> bytes:
    """Read bytes that an engine sent (``0x…``).

    Raises:
        IntegrityError: ``chain.answer_malformed``.
    """
    # ``fromhex`` alone would also take spaces.
    if isinstance(value, str) and value[:2] == "0x" and value.isalnum():
        try:
            return bytes.fromhex(value[2:])
        except ValueError as error:
            raise IntegrityError("chain.answer_malformed") from error
    raise IntegrityError("chain.answer_malformed")
