"""RLP by the ``rlp`` library, which has no type annotations: the three uses of it, typed here once."""

from __future__ import annotations

from eth.rlp.accounts import Account
from rlp import codec
from rlp.sedes.big_endian_int import big_endian_int

__all__ = ["decode_account", "decode_number", "encode"]


def encode(value: object) -> bytes:
    """RLP of anything that ``rlp`` serialises."""
    encoded: bytes = codec.encode(value)  # type: ignore[no-untyped-call]  # rlp is not annotated
    return encoded


def decode_account(encoded: bytes) -> Account:
    """An account from a leaf of the state trie; an empty leaf is the empty account."""
    if not encoded:
        return Account()
    account: Account = codec.decode(encoded, Account)  # type: ignore[no-untyped-call]  # as above
    return account


def decode_number(encoded: bytes) -> int:
    """A word from a leaf of a storage trie; an empty leaf is zero."""
    return int(codec.decode(encoded, big_endian_int)) if encoded else 0  # type: ignore[no-untyped-call]  # as above
