"""Signed notes (C2SP signed-note): text, signature lines, and the keys that verify them.

A note is text ending in a newline, an empty line, and lines of the form ``— <key name> base64(key id ‖ signature)``.
A key is known by its name and its id together; signatures of unknown keys are ignored, and a signature of a known key
that does not verify spoils the whole note. Keys travel as *vkeys*: ``name+hex(key id)+base64(type ‖ public key)``.

Three signature types are used here: 0x01 Ed25519 over the text, by which a log signs; 0x04 and 0x06, cosignatures with
Ed25519 and ML-DSA-44 (C2SP tlog-cosignature), whose messages are made in :mod:`ledger.domain.checkpoints`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "KeySigner",
    "KeyType",
    "NoteSignature",
    "NoteSigner",
    "SignedNote",
    "VerifierKey",
    "decode_base64",
    "encode_base64",
    "format_note",
    "parse_note",
    "parse_signature_lines",
    "parse_vkey",
    "require_key_name",
]

KEY_ID_BYTES = 4
# ML-DSA-44 cosignatures carry the name behind a single length byte.
KEY_NAME_BYTES = 255

_DASH = "\u2014 "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_HEX_ID = re.compile(r"[0-9a-f]{8}\Z")


class KeyType(IntEnum):
    """Signature types of C2SP signed-note that this ledger uses."""

    LOG_ED25519 = 0x01
    COSIGN_ED25519 = 0x04
    COSIGN_ML_DSA_44 = 0x06

    @property
    def public_bytes(self) -> int:
        """Length of the public key."""
        return 1312 if self is KeyType.COSIGN_ML_DSA_44 else 32

    @property
    def raw_signature_bytes(self) -> int:
        """Length of the bare signature, without key id and timestamp."""
        return 2420 if self is KeyType.COSIGN_ML_DSA_44 else 64

    @property
    def is_cosignature(self) -> bool:
        """Whether signatures of this type are cosignatures, which carry a timestamp."""
        return self is not KeyType.LOG_ED25519


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name and type: everything that is needed to find and check its signatures."""

    name: str
    type: KeyType
    public: bytes

    def __post_init__(self) -> None:
        """Refuse names that the format forbids and keys of the wrong length."""
        require_key_name(self.name)
        if len(self.public) != self.type.public_bytes:
            raise FormatError("log.key_length", expected=self.type.public_bytes, given=len(self.public))

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ newline ‖ type ‖ public key)."""
        return _key_id(self.name, self.type, self.public)

    def vkey(self) -> str:
        """Write the key as one string."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.type]) + self.public)}"

    def verify_raw(self, signature: bytes, message: bytes) -> bool:
        """Check a bare signature over the message that its type prescribes."""
        try:
            _load(self.type, self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: key name, key id, and what follows the id (a cosignature's timestamp included)."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Write the line with its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n"

    def is_by(self, key: VerifierKey) -> bool:
        """Whether name and id are those of ``key``; says nothing about validity."""
        return self.name == key.name and self.key_id == key.key_id


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A parsed note; nothing in it is trusted before a signature of a known key has been verified."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """Write the note as it is stored and sent."""
        return format_note(self.text, self.signatures)


@runtime_checkable
class NoteSigner(Protocol):
    """Whoever holds a key for notes; the bytes to sign come from :mod:`ledger.domain.checkpoints`."""

    @property
    def key(self) -> VerifierKey:
        """The public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the bare signature over ``message``."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class KeySigner:
    """A :class:`NoteSigner` over a private key in memory; its representation never shows the key."""

    key: VerifierKey
    private: Ed25519PrivateKey | MLDSA44PrivateKey

    @classmethod
    def from_seed(cls, name: str, key_type: KeyType, seed: bytes) -> KeySigner:
        """Derive the key pair from its 32-byte seed (RFC 8032, FIPS 204).

        Raises:
            FormatError: ``log.key_seed`` when the seed has another length, ``log.key_name``.
        """
        if len(seed) != 32:
            raise FormatError("log.key_seed")
        private: Ed25519PrivateKey | MLDSA44PrivateKey = (
            MLDSA44PrivateKey.from_seed_bytes(seed)
            if key_type is KeyType.COSIGN_ML_DSA_44
            else Ed25519PrivateKey.from_private_bytes(seed)
        )
        return cls(VerifierKey(name, key_type, private.public_key().public_bytes_raw()), private)

    def sign(self, message: bytes) -> bytes:
        """Sign; ML-DSA draws its own randomness (the hedged variant of FIPS 204)."""
        return self.private.sign(message)

    def __repr__(self) -> str:
        return f"KeySigner({self.key.name!r}, {self.key.type.name}, id={self.key.key_id.hex()})"


def parse_vkey(text: str) -> VerifierKey:
    """Read a vkey and check that its id belongs to it.

    Raises:
        FormatError: ``log.vkey_malformed``, ``log.key_type``, ``log.key_length``, ``log.key_name``, ``log.key_id`` or
            ``log.base64``.
    """
    if len(text) > LIMITS.log_vkey_chars:
        raise FormatError("log.vkey_malformed")
    # Base64 has plus signs of its own, so only the first two separate.
    parts = text.split("+", 2)
    if len(parts) != 3 or not _HEX_ID.match(parts[1]):
        raise FormatError("log.vkey_malformed")
    material = decode_base64(parts[2])
    if not material or material[0] not in tuple(KeyType):
        raise FormatError("log.key_type")
    key = VerifierKey(parts[0], KeyType(material[0]), material[1:])
    if key.key_id.hex() != parts[1]:
        raise FormatError("log.key_id")
    return key


def parse_note(data: bytes) -> SignedNote:
    """Read a signed note within the limits; checks form only, no signature.

    Raises:
        FormatError: ``log.note_long``, ``log.note_utf8``, ``log.note_control``, ``log.note_malformed``,
            ``log.note_signatures``, ``log.signature_line``, ``log.key_name`` or ``log.base64``.
    """
    if len(data) > LIMITS.log_note_bytes:
        raise FormatError("log.note_long", limit=LIMITS.log_note_bytes)
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError("log.note_utf8") from None
    if _CONTROL.search(note):
        raise FormatError("log.note_control")
    split = note.rfind("\n\n")
    if split < 0:
        raise FormatError("log.note_malformed")
    lines = note[split + 2 :]
    if not lines:
        raise FormatError("log.note_malformed")
    return SignedNote(note[: split + 1], parse_signature_lines(lines))


def parse_signature_lines(lines: str) -> tuple[NoteSignature, ...]:
    """Read one or more signature lines, as a note ends with them and as a witness answers with them.

    Raises:
        FormatError: ``log.note_signatures``, ``log.signature_line``, ``log.key_name`` or ``log.base64``.
    """
    if not lines.endswith("\n"):
        raise FormatError("log.signature_line")
    if lines.count("\n") > LIMITS.log_note_signatures:
        raise FormatError("log.note_signatures", limit=LIMITS.log_note_signatures)
    return tuple(_parse_signature_line(line) for line in lines[:-1].split("\n"))


def format_note(text: str, signatures: Iterable[NoteSignature]) -> bytes:
    """Write a signed note.

    Raises:
        InputError: ``log.note_text`` when the text has not the form that a note needs.
    """
    if not text.endswith("\n") or _CONTROL.search(text):
        raise InputError("log.note_text")
    return (text + "\n" + "".join(signature.line() for signature in signatures)).encode()


def require_key_name(name: str) -> None:
    """Refuse a key name with spaces, plus signs or control characters, an empty one and one above 255 bytes.

    Raises:
        FormatError: ``log.key_name``.
    """
    if (
        # Without a name nothing is left, and any space takes it apart.
        name.split() != [name]
        or "+" in name
        or _CONTROL.search(name)
        or len(name.encode(errors="replace")) > KEY_NAME_BYTES
    ):
        raise FormatError("log.key_name")


def encode_base64(data: bytes) -> str:
    """Write standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Read standard base64 in its one canonical spelling.

    Raises:
        FormatError: ``log.base64``.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise FormatError("log.base64") from None
    # Two spellings of one signature would let a note be altered without breaking it.
    if base64.b64encode(data).decode("ascii") != text:
        raise FormatError("log.base64")
    return data


def _parse_signature_line(line: str) -> NoteSignature:
    if not line.startswith(_DASH):
        raise FormatError("log.signature_line")
    name, space, encoded = line[len(_DASH) :].partition(" ")
    if not space:
        raise FormatError("log.signature_line")
    require_key_name(name)
    raw = decode_base64(encoded)
    if len(raw) <= KEY_ID_BYTES:
        raise FormatError("log.signature_line")
    return NoteSignature(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


# Pure functions of public keys, called for every signature of every proof: a few dozen keys serve a whole network.
@lru_cache(maxsize=128)
def _key_id(name: str, key_type: KeyType, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([key_type]) + public).digest()[:KEY_ID_BYTES]


@lru_cache(maxsize=128)
def _load(key_type: KeyType, public: bytes) -> Ed25519PublicKey | MLDSA44PublicKey:
    if key_type is KeyType.COSIGN_ML_DSA_44:
        return MLDSA44PublicKey.from_public_bytes(public)
    return Ed25519PublicKey.from_public_bytes(public)
