"""Holder keys: a fresh secp256k1 key for each leaf, each case and each version of a wallet (BIP-32).

From one seed, ``m/44'/60'/branch'/account'/index``: a hardened account for every material, whose extended public key
the holder hands over. From it the anchoring city derives the leaves' addresses, now and when more are needed, without
ever being able to sign; a leaf key that leaks endangers, together with that public key, that one material alone.

An extended public key is written in the standard form but with an empty parent fingerprint: the fingerprint is the same
in all accounts of one seed and would join a person's materials.

Raises:
    FormatError: ``holders.extended_key`` for text that is not an extended public key.
    InputError: ``holders.index``, ``holders.seed``, ``holders.key``.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from coincurve import PrivateKey, PublicKey
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sha3 import keccak_256

from ledger.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "HARDENED",
    "Branch",
    "ExtendedPrivate",
    "ExtendedPublic",
    "account",
    "address_of",
    "address_text",
    "find_case_key",
    "leaf_addresses",
    "leaf_keys",
    "master",
    "wallet_content_key",
]

HARDENED = 1 << 31
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_XPUB_VERSION = bytes.fromhex("0488b21e")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class Branch(IntEnum):
    """What a seed's keys are for; the hardened third level of the path."""

    MATERIAL = 0
    CASE = 1
    WALLET = 2


@dataclass(frozen=True, slots=True)
class ExtendedPublic:
    """A public node: derives addresses, signs nothing."""

    key: bytes
    chain: bytes
    depth: int = 0
    number: int = 0

    def child(self, index: int) -> ExtendedPublic:
        """Derive a child that is not hardened (a hardened one needs the private key)."""
        _require_index(index, HARDENED)
        tweak, chain = _split(_digest(self.chain, self.key + index.to_bytes(4, "big")))
        return ExtendedPublic(PublicKey(self.key).add(tweak).format(), chain, self.depth + 1, index)

    def encode(self) -> str:
        """Write the ``xpub`` text, its parent fingerprint empty."""
        payload = (
            _XPUB_VERSION + bytes((self.depth,)) + bytes(4) + self.number.to_bytes(4, "big") + self.chain + self.key
        )
        number = int.from_bytes(payload + _checksum(payload), "big")
        text = ""
        while number:
            number, digit = divmod(number, 58)
            text = _BASE58[digit] + text
        return text

    @classmethod
    def decode(cls, text: str) -> ExtendedPublic:
        """Read an ``xpub``; the fingerprint is not kept."""
        if not text.startswith("xpub") or len(text) != 111:
            raise FormatError("holders.extended_key")
        number = 0
        for character in text:
            digit = _BASE58.find(character)
            if digit < 0:
                raise FormatError("holders.extended_key")
            number = number * 58 + digit
        data = number.to_bytes(82, "big")
        if _checksum(data[:78]) != data[78:] or data[:4] != _XPUB_VERSION:
            raise FormatError("holders.extended_key")
        key = data[45:78]
        try:
            PublicKey(key)
        except ValueError as error:
            raise FormatError("holders.extended_key") from error
        return cls(key, data[13:45], data[4], int.from_bytes(data[9:13], "big"))


@dataclass(frozen=True, slots=True)
class ExtendedPrivate:
    """A private node; its representation shows nothing."""

    key: bytes = field(repr=False)
    chain: bytes = field(repr=False)
    depth: int = 0
    number: int = 0

    def child(self, index: int) -> ExtendedPrivate:
        """Derive a child; from ``HARDENED`` on it cannot be derived from the public node."""
        _require_index(index, 2 * HARDENED)
        point = b"\x00" + self.key if index >= HARDENED else _public(self.key)
        tweak, chain = _split(_digest(self.chain, point + index.to_bytes(4, "big")))
        return ExtendedPrivate(_add(self.key, tweak), chain, self.depth + 1, index)

    def derive(self, path: Iterable[int]) -> ExtendedPrivate:
        """Derive along a path of indices."""
        node = self
        for index in path:
            node = node.child(index)
        return node

    def public(self) -> ExtendedPublic:
        """Return the public node, which is what a holder hands over."""
        return ExtendedPublic(_public(self.key), self.chain, self.depth, self.number)


def master(seed: bytes) -> ExtendedPrivate:
    """Return the root node of a seed of 16 to 64 bytes."""
    if not 16 <= len(seed) <= 64:
        raise InputError("holders.seed", size=len(seed))
    key, chain = _split(_digest(b"Bitcoin seed", seed))
    return ExtendedPrivate(key, chain)


def account(root: ExtendedPrivate, branch: Branch, number: int) -> ExtendedPrivate:
    """Derive the hardened account ``m/44'/60'/branch'/number'`` of one material, case or wallet version."""
    _require_index(number, HARDENED)
    return root.derive((44 | HARDENED, 60 | HARDENED, branch | HARDENED, number | HARDENED))


def leaf_keys(node: ExtendedPrivate, start: int, count: int) -> list[bytes]:
    """Derive the private keys of ``count`` leaves of an account, from leaf ``start`` on."""
    _require_index(start, HARDENED)
    _require_index(start + count, HARDENED + 1)
    chain, parent = node.chain, int.from_bytes(node.key, "big")
    point = _public(node.key)
    digest, from_bytes = hmac.digest, int.from_bytes
    keys = []
    for index in range(start, start + count):
        tweak = from_bytes(digest(chain, point + index.to_bytes(4, "big"), "sha512")[:32], "big")
        key = (tweak + parent) % _ORDER
        if tweak >= _ORDER or not key:
            raise InputError("holders.index", index=index)
        keys.append(key.to_bytes(32, "big"))
    return keys


def find_case_key(root: ExtendedPrivate, address: str, count: int) -> bytes | None:
    """Return the private key of a case by its address, of the first ``count`` accounts; ``None`` where none has it.

    So nobody has to remember which account a case was opened with, and no city is told how many cases there were before.
    """
    cases = root.derive((44 | HARDENED, 60 | HARDENED, Branch.CASE | HARDENED))
    for number in range(count):
        key = leaf_keys(cases.child(number | HARDENED), 0, 1)[0]
        if address_text(address_of(key)) == address:
            return key
    return None


def leaf_addresses(node: ExtendedPublic, start: int, count: int) -> list[bytes]:
    """Derive the addresses of ``count`` leaves from an account's public node alone."""
    _require_index(start, HARDENED)
    _require_index(start + count, HARDENED + 1)
    point, chain = node.key, node.chain
    parent = PublicKey(point)
    found = []
    for index in range(start, start + count):
        tweak = hmac.digest(chain, point + index.to_bytes(4, "big"), "sha512")[:32]
        found.append(keccak_256(parent.add(tweak).format(compressed=False)[1:]).digest()[12:])
    return found


def address_of(key: bytes) -> bytes:
    """Return the Ethereum address of a private key: the last 20 bytes of Keccak-256 of the public point."""
    try:
        point = PublicKey.from_secret(key).format(compressed=False)
    except ValueError as error:
        raise InputError("holders.key") from error
    return bytes(keccak_256(point[1:]).digest()[12:])


def address_text(address: bytes) -> str:
    """Write an address as the rest of the product does: 0x and lowercase hex."""
    return "0x" + address.hex()


def wallet_content_key(node: ExtendedPrivate) -> bytes:
    """Derive the key that encrypts one wallet version from its account, child 1; child 0 signs the pointer."""
    return HKDF(hashes.SHA256(), 32, None, b"tongban/wallet/1").derive(node.child(1).key)


def _digest(chain: bytes, data: bytes) -> bytes:
    return hmac.digest(chain, data, "sha512")


def _split(digest: bytes) -> tuple[bytes, bytes]:
    # BIP-32 asks for the next index in this case, which has a chance below 2**-127.
    if not 0 < int.from_bytes(digest[:32], "big") < _ORDER:
        raise InputError("holders.index")
    return digest[:32], digest[32:]


def _add(key: bytes, tweak: bytes) -> bytes:
    return ((int.from_bytes(key, "big") + int.from_bytes(tweak, "big")) % _ORDER).to_bytes(32, "big")


def _public(key: bytes) -> bytes:
    return PrivateKey(key).public_key.format()


def _checksum(payload: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]


def _require_index(index: int, end: int) -> None:
    if not 0 <= index < end:
        raise InputError("holders.index", index=index)
