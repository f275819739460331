"""Keys wrapped for those who may read: HPKE (RFC 9180), post-quantum hybrid by default.

The hybrid is ML-KEM-768 with X25519, so that content recorded today stays closed to a quantum computer of tomorrow as
long as either holds. ``info`` binds what is wrapped to material, grantee and consent: a wrapped key moved to another
grantee's file, or shown for another consent, does not open.

Serialisation: a public key is 1,184 bytes of ML-KEM-768 ‖ 32 bytes of X25519 (or the 32 alone); a private key the 64
bytes of ML-KEM's seed ‖ 32 bytes (or the 32 alone). The length tells which. A sealed value is version 1 ‖ suite ‖ HPKE
encapsulation and ciphertext.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from ledger.domain import canonical
from ledger.domain.envelopes import KEY_BYTES
from ledger.errors import FormatError, InputError

if TYPE_CHECKING:
    from ledger.domain.leaves import Randomness

__all__ = [
    "RecipientPrivate",
    "RecipientPublic",
    "WrapSuite",
    "info_for",
    "new_recipient",
    "seal",
    "unseal",
    "unwrap_key",
    "wrap_key",
]

_VERSION = 1
_MLKEM_PUBLIC = 1184
_MLKEM_SEED = 64
_X25519 = 32


class WrapSuite(IntEnum):
    """Key encapsulation; AES-256-GCM and HKDF-SHA-256 with both. The number stands in every sealed value."""

    HYBRID = 1
    X25519 = 2


_SUITES = {
    WrapSuite.HYBRID: Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
    WrapSuite.X25519: Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
}


@dataclass(frozen=True, slots=True)
class RecipientPublic:
    """A recipient's public key, as it is published; checked when made.

    Raises:
        FormatError: ``envelopes.public_key``.
    """

    data: bytes

    def __post_init__(self) -> None:
        """Refuse bytes that are no key of either suite."""
        try:
            self._key()
        except ValueError as error:
            raise FormatError("envelopes.public_key", size=len(self.data)) from error

    @property
    def suite(self) -> WrapSuite:
        """The suite, known by the length."""
        return WrapSuite.X25519 if len(self.data) == _X25519 else WrapSuite.HYBRID

    def _key(self) -> X25519PublicKey | MLKEM768X25519PublicKey:
        if self.suite == WrapSuite.X25519:
            return X25519PublicKey.from_public_bytes(self.data)
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(self.data[:_MLKEM_PUBLIC]),
            X25519PublicKey.from_public_bytes(self.data[_MLKEM_PUBLIC:]),
        )


@dataclass(frozen=True, slots=True)
class RecipientPrivate:
    """A recipient's private key; its representation shows nothing.

    Raises:
        FormatError: ``envelopes.private_key``.
    """

    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse bytes of another length."""
        if len(self.data) not in (_X25519, _MLKEM_SEED + _X25519):
            raise FormatError("envelopes.private_key", size=len(self.data))

    @property
    def suite(self) -> WrapSuite:
        """The suite, known by the length."""
        return WrapSuite.X25519 if len(self.data) == _X25519 else WrapSuite.HYBRID

    def public(self) -> RecipientPublic:
        """Return the public key to publish."""
        classical = X25519PrivateKey.from_private_bytes(self.data[-_X25519:]).public_key().public_bytes_raw()
        if self.suite == WrapSuite.X25519:
            return RecipientPublic(classical)
        lattice = MLKEM768PrivateKey.from_seed_bytes(self.data[:_MLKEM_SEED]).public_key().public_bytes_raw()
        return RecipientPublic(lattice + classical)

    def _key(self) -> X25519PrivateKey | MLKEM768X25519PrivateKey:
        classical = X25519PrivateKey.from_private_bytes(self.data[-_X25519:])
        if self.suite == WrapSuite.X25519:
            return classical
        return MLKEM768X25519PrivateKey(MLKEM768PrivateKey.from_seed_bytes(self.data[:_MLKEM_SEED]), classical)


def new_recipient(rand: Randomness, suite: WrapSuite = WrapSuite.HYBRID) -> RecipientPrivate:
    """Make a recipient's key pair."""
    return RecipientPrivate(rand(_X25519 if suite == WrapSuite.X25519 else _MLKEM_SEED + _X25519))


def info_for(material: bytes, grantee: int, consent: bytes = b"") -> bytes:
    """Say what a wrapped key is for, as HPKE's ``info``.

    Args:
        material: what identifies the material between both sides, normally its record's SHA-256.
        grantee: number of the member that may read; at anchoring the anchoring member itself.
        consent: digest of the consent under which it may, empty for the custodian's own copy.
    """
    return canonical.encode(
        {"consent": consent.hex(), "grantee": grantee, "material": material.hex(), "use": "tongban/key/1"}
    )


def seal(plaintext: bytes, recipient: RecipientPublic, info: bytes) -> bytes:
    """Encrypt a short text for one recipient; the result differs each time.

    Raises:
        FormatError: ``envelopes.public_key`` for a point of low order, with which no secret can be agreed.
    """
    try:
        body = _SUITES[recipient.suite].encrypt(plaintext, recipient._key(), info)  # noqa: SLF001 -- same module
    except ValueError as error:
        raise FormatError("envelopes.public_key", size=len(recipient.data)) from error
    return bytes((_VERSION, recipient.suite)) + body


def unseal(sealed: bytes, recipient: RecipientPrivate, info: bytes) -> bytes:
    """Open what was sealed for this recipient and this ``info``.

    Raises:
        FormatError: ``envelopes.sealed_version``, ``envelopes.sealed_suite``.
        InputError: ``envelopes.unseal``: for somebody else, for another purpose, or altered; HPKE does not tell which.
    """
    if len(sealed) < 2 or sealed[0] != _VERSION:
        raise FormatError("envelopes.sealed_version", expected=_VERSION)
    if sealed[1] not in (WrapSuite.HYBRID, WrapSuite.X25519):
        raise FormatError("envelopes.sealed_suite", suite=sealed[1])
    if sealed[1] != recipient.suite:
        raise InputError("envelopes.unseal")
    try:
        return _SUITES[recipient.suite].decrypt(sealed[2:], recipient._key(), info)  # noqa: SLF001 -- same module
    except (InvalidTag, ValueError) as error:
        raise InputError("envelopes.unseal") from error


def wrap_key(key: bytes, recipient: RecipientPublic, info: bytes) -> bytes:
    """Wrap a content key for one reader.

    Raises:
        InputError: ``envelopes.key_length``.
    """
    if len(key) != KEY_BYTES:
        raise InputError("envelopes.key_length", size=len(key))
    return seal(key, recipient, info)


def unwrap_key(wrapped: bytes, recipient: RecipientPrivate, info: bytes) -> bytes:
    """Unwrap a content key.

    Raises:
        FormatError, InputError: as :func:`unseal`; ``envelopes.key_length`` if what was wrapped is no content key.
    """
    key = unseal(wrapped, recipient, info)
    if len(key) != KEY_BYTES:
        raise InputError("envelopes.key_length", size=len(key))
    return key
