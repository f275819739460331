"""Checkpoints of a transparency log (C2SP tlog-checkpoint) and cosignatures on them (C2SP tlog-cosignature).

A checkpoint's text is origin, tree size and head, one a line, perhaps with extension lines. The log signs the text
(Ed25519, type 0x01). A cosigner signs a message of its own form with the time in it: Ed25519 (0x04) over the whole text,
ML-DSA-44 (0x06) over origin, size and head and its own name, without extension lines. Here the log's publisher writes
no extension lines, so both say the same.

The origin of a publisher is network and city, ``tongban.example/five-cities/510107``: the trees of all publishers are
identical, yet no city can spoil another's standing at an outside witness.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.domain.merkle import HASH_BYTES, MAX_TREE_SIZE
from ledger.domain.notes import (
    KeyType,
    NoteSignature,
    NoteSigner,
    SignedNote,
    VerifierKey,
    decode_base64,
    encode_base64,
    parse_note,
    require_key_name,
)
from ledger.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "MAX_TIMESTAMP",
    "Checkpoint",
    "VerifiedSignature",
    "cosign",
    "cosigned_message",
    "cosigner_name",
    "origin",
    "parse_checkpoint",
    "parse_checkpoint_text",
    "parse_size",
    "resolution_origin",
    "sign_checkpoint",
    "verify_signature",
    "verify_signatures",
]

MAX_TIMESTAMP = 2**63 - 1
TIMESTAMP_BYTES = 8

_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z", re.ASCII)
_DIVISION = re.compile(r"[0-9A-Za-z-]{1,32}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log at one size, as the note's text says it."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what the text could not carry."""
        if not self.origin or "\n" in self.origin or len(self.origin.encode(errors="replace")) > 255:
            raise FormatError("log.checkpoint_origin")
        if not 0 <= self.size <= MAX_TREE_SIZE:
            raise FormatError("log.size_range")
        if len(self.root) != HASH_BYTES:
            raise FormatError("log.hash_length")
        if any(not line or "\n" in line for line in self.extensions):
            raise FormatError("log.checkpoint_lines")

    def text(self) -> str:
        """Write the note text."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A signature that verified, with its time for a cosignature (0: no statement about being the newest)."""

    key: VerifierKey
    timestamp: int | None


def origin(network: str, division: str) -> str:
    """Name a publisher's log: network and the city's place code.

    Raises:
        FormatError: ``log.checkpoint_origin``.
    """
    if not _DIVISION.match(division) or network.endswith("/"):
        raise FormatError("log.checkpoint_origin")
    name = f"{network}/{division}"
    require_key_name(name)
    return name


def cosigner_name(network: str, division: str) -> str:
    """Name a city as cosigner, apart from its name as a log."""
    return f"{origin(network, division)}/cosigner"


def resolution_origin(network: str) -> str:
    """Name under which the cities cosign the surviving head after a split: no publisher's, so never mistaken for one."""
    return f"{network}/resolution"


def parse_size(text: str) -> int:
    """Read a tree size or index: decimal, no leading zeros, below 2^63.

    Raises:
        FormatError: ``log.number``.
    """
    if not _DECIMAL.match(text) or int(text) > MAX_TREE_SIZE:
        raise FormatError("log.number")
    return int(text)


def parse_checkpoint_text(text: str) -> Checkpoint:
    """Read the text of a checkpoint note.

    Raises:
        FormatError: ``log.checkpoint_lines``, ``log.checkpoint_origin``, ``log.number``, ``log.base64`` or
            ``log.hash_length``.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise FormatError("log.checkpoint_lines")
    return Checkpoint(lines[0], parse_size(lines[1]), decode_base64(lines[2]), tuple(lines[3:-1]))


def parse_checkpoint(data: bytes) -> tuple[Checkpoint, SignedNote]:
    """Read a signed checkpoint: the head and the note that carries it, nothing verified yet.

    Raises:
        FormatError: as :func:`ledger.domain.notes.parse_note` and :func:`parse_checkpoint_text`.
    """
    note = parse_note(data)
    return parse_checkpoint_text(note.text), note


def cosigned_message(key: VerifierKey, checkpoint: Checkpoint, timestamp: int) -> bytes:
    """Build what a cosigner signs (C2SP tlog-cosignature).

    Raises:
        FormatError: ``log.timestamp``.
        InputError: ``log.key_purpose`` for a key that is no cosigner's.
    """
    if not 0 <= timestamp <= MAX_TIMESTAMP:
        raise FormatError("log.timestamp")
    if key.type is KeyType.COSIGN_ED25519:
        return f"cosignature/v1\ntime {timestamp}\n{checkpoint.text()}".encode()
    if key.type is KeyType.COSIGN_ML_DSA_44:
        name, log = key.name.encode(), checkpoint.origin.encode()
        return b"".join(
            (
                b"subtree/v1\n\x00",
                bytes([len(name)]),
                name,
                timestamp.to_bytes(TIMESTAMP_BYTES, "big"),
                bytes([len(log)]),
                log,
                (0).to_bytes(8, "big"),
                checkpoint.size.to_bytes(8, "big"),
                checkpoint.root,
            )
        )
    raise InputError("log.key_purpose")


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> NoteSignature:
    """Sign as the log; the key's name is the origin.

    Raises:
        InputError: ``log.key_purpose`` when the key is a cosigner's or is named otherwise.
    """
    key = signer.key
    if key.type is not KeyType.LOG_ED25519 or key.name != checkpoint.origin:
        raise InputError("log.key_purpose")
    return NoteSignature(key.name, key.key_id, signer.sign(checkpoint.text().encode()))


def cosign(checkpoint: Checkpoint, signer: NoteSigner, timestamp: int) -> NoteSignature:
    """Cosign at ``timestamp`` (POSIX seconds).

    Raises:
        FormatError: ``log.timestamp``.
        InputError: ``log.key_purpose`` for a key that is no cosigner's.
    """
    raw = signer.sign(cosigned_message(signer.key, checkpoint, timestamp))
    return NoteSignature(signer.key.name, signer.key.key_id, timestamp.to_bytes(TIMESTAMP_BYTES, "big") + raw)


def verify_signature(checkpoint: Checkpoint, signature: NoteSignature, key: VerifierKey) -> VerifiedSignature:
    """Require that ``signature`` is a good one by ``key``.

    Raises:
        FormatError: ``log.signature_length`` or ``log.timestamp``.
        InputError: ``log.signature_key`` when it names another key, ``log.signature_invalid`` when it does not verify.
    """
    if not signature.is_by(key):
        raise InputError("log.signature_key")
    carried = TIMESTAMP_BYTES if key.type.is_cosignature else 0
    if len(signature.signature) != carried + key.type.raw_signature_bytes:
        raise FormatError("log.signature_length")
    raw = signature.signature[carried:]
    if not key.type.is_cosignature:
        timestamp, message = None, checkpoint.text().encode()
    else:
        timestamp = int.from_bytes(signature.signature[:carried], "big")
        message = cosigned_message(key, checkpoint, timestamp)
    if not key.verify_raw(raw, message):
        raise InputError("log.signature_invalid", key=key.name)
    return VerifiedSignature(key, timestamp)


def verify_signatures(
    checkpoint: Checkpoint, signatures: Iterable[NoteSignature], keys: Iterable[VerifierKey]
) -> tuple[VerifiedSignature, ...]:
    """Verify every signature by a known key; unknown ones are ignored, a second one by the same key too.

    An empty answer means that no known key signed: the caller must then refuse the note.

    Raises:
        InputError: ``log.signature_invalid`` when a known key's signature does not verify: the whole note is refused.
        FormatError: ``log.signature_length`` or ``log.timestamp`` for a known key.
    """
    known = {(key.name, key.key_id): key for key in keys}
    verified = []
    for signature in signatures:
        # Taking the key out makes each count once, however often its line is repeated.
        key = known.pop((signature.name, signature.key_id), None)
        if key is not None:
            verified.append(verify_signature(checkpoint, signature, key))
    return tuple(verified)
