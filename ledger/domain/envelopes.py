"""Envelopes: how content is encrypted before it is stored.

A file becomes a header and a run of authenticated chunks, so that a scan of any size is written and read in a few
hundred kilobytes of memory and nothing is handed out before its chunk is verified. The construction is STREAM with a
key of its own for each envelope: HKDF makes it from the material's key and the header's salt, the nonce is a prefix ‖
chunk number ‖ last-chunk flag, so chunks cannot be swapped, dropped, repeated or cut off. The header names version and
suite, is bound as associated data, and carries a check value that commits to the key: a wrong key is told from damaged
content, and no ciphertext opens under two keys.

Header, 70 bytes: ``TBE`` ‖ version 1 ‖ suite ‖ log2 of the chunk size ‖ salt (32) ‖ key check (32).

Suites are replaceable: 1 is AES-256-GCM with HKDF-SHA-256, 2 is SM4-GCM with HKDF-SM3 (GB/T 32907, GB/T 32905).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.errors import FormatError, InputError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ledger.domain.leaves import Randomness

__all__ = ["HEADER_BYTES", "KEY_BYTES", "Suite", "decrypt", "encrypt", "new_key", "sealed_size"]

KEY_BYTES = 32
HEADER_BYTES = 70
TAG_BYTES = 16
DEFAULT_CHUNK_BITS = 18

_MAGIC = b"TBE\x01"
_SALT_BYTES = 32
_CHECK_BYTES = 32
_PREFIX_BYTES = 7
_CHUNK_BITS = range(16, 21)


class Suite(IntEnum):
    """What encrypts the content; the number stands in the header."""

    AES_256_GCM = 1
    SM4_GCM = 2


def new_key(rand: Randomness) -> bytes:
    """Make a fresh content key, one for each material."""
    return rand(KEY_BYTES)


def sealed_size(size: int, chunk_bits: int = DEFAULT_CHUNK_BITS) -> int:
    """Return how long an envelope around ``size`` bytes is."""
    chunks = max(1, -(-size >> chunk_bits))
    return HEADER_BYTES + size + chunks * TAG_BYTES


@dataclass(frozen=True, slots=True)
class _Stream:
    """The keyed state of one envelope."""

    suite: Suite
    key: bytes = field(repr=False)
    prefix: bytes = field(repr=False)
    associated: bytes

    def nonce(self, number: int, *, last: bool) -> bytes:
        if number >> 32:
            raise InputError("envelopes.too_long")
        return self.prefix + number.to_bytes(4, "big") + bytes((last,))

    def seal(self, number: int, chunk: bytes, *, last: bool) -> bytes:
        nonce = self.nonce(number, last=last)
        if self.suite == Suite.AES_256_GCM:
            return AESGCM(self.key).encrypt(nonce, chunk, self.associated)
        encryptor = Cipher(algorithms.SM4(self.key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(self.associated)
        return encryptor.update(chunk) + encryptor.finalize() + encryptor.tag

    def open(self, number: int, sealed: bytes, *, last: bool) -> bytes:
        """Open one chunk; ``InvalidTag`` where it is not what stood at this place."""
        nonce = self.nonce(number, last=last)
        if self.suite == Suite.AES_256_GCM:
            return AESGCM(self.key).decrypt(nonce, sealed, self.associated)
        decryptor = Cipher(algorithms.SM4(self.key), modes.GCM(nonce, sealed[-TAG_BYTES:])).decryptor()
        decryptor.authenticate_additional_data(self.associated)
        return decryptor.update(sealed[:-TAG_BYTES]) + decryptor.finalize()

    def holds(self, number: int, sealed: bytes, *, last: bool) -> bool:
        try:
            self.open(number, sealed, last=last)
        except InvalidTag:
            return False
        return True


def _stream(suite: Suite, fixed: bytes, key: bytes, context: bytes) -> tuple[_Stream, bytes]:
    """Derive the state and the key check from the header's fixed part (all but the check)."""
    if len(key) != KEY_BYTES:
        raise InputError("envelopes.key_length", size=len(key))
    algorithm: hashes.HashAlgorithm = hashes.SHA256() if suite == Suite.AES_256_GCM else hashes.SM3()
    length = 32 if suite == Suite.AES_256_GCM else 16
    info = b"tongban/envelope/1" + fixed[:6] + context
    derived = HKDF(algorithm, length + _PREFIX_BYTES + _CHECK_BYTES, fixed[6:], info).derive(key)
    check = derived[length + _PREFIX_BYTES :]
    state = _Stream(suite, derived[:length], derived[length : length + _PREFIX_BYTES], fixed + check + context)
    return state, check


def encrypt(
    chunks: Iterable[bytes],
    key: bytes,
    rand: Randomness,
    *,
    suite: Suite = Suite.AES_256_GCM,
    context: bytes = b"",
    chunk_bits: int = DEFAULT_CHUNK_BITS,
) -> Iterator[bytes]:
    """Encrypt a run of pieces of any sizes; yields the header, then sealed chunks.

    Args:
        chunks: the content, in pieces.
        key: the material's key; several envelopes may share it, each derives its own from its salt.
        rand: randomness for the salt.
        suite: the algorithms.
        context: what this content is, for instance the record's field; must be given again to open.
        chunk_bits: log2 of the chunk size, 16 (64 KiB) to 20 (1 MiB).

    Raises:
        InputError: ``envelopes.key_length``, ``envelopes.chunk_size``, ``envelopes.too_long`` beyond 2**32 chunks.
    """
    if chunk_bits not in _CHUNK_BITS:
        raise InputError("envelopes.chunk_size", bits=chunk_bits)
    fixed = _MAGIC + bytes((suite, chunk_bits)) + rand(_SALT_BYTES)
    state, check = _stream(suite, fixed, key, context)
    return _sealed(chunks, state, fixed + check, 1 << chunk_bits)


def _sealed(chunks: Iterable[bytes], state: _Stream, header: bytes, size: int) -> Iterator[bytes]:
    yield header
    for number, (chunk, last) in enumerate(_pieces(chunks, size)):
        yield state.seal(number, chunk, last=last)


def _pieces(chunks: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Cut a run of bytes into equal pieces and mark the last, which may be shorter, or empty if there is nothing."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        at = 0
        while len(held) - at > size:
            yield bytes(held[at : at + size]), False
            at += size
        del held[:at]
    yield bytes(held), True


def decrypt(chunks: Iterable[bytes], key: bytes, *, context: bytes = b"") -> Iterator[bytes]:
    """Open an envelope from pieces of any sizes; yields only verified content.

    What was yielded before an error is genuine, but the content is not whole: the caller discards it.

    Raises:
        FormatError: ``envelopes.header``, ``envelopes.version``, ``envelopes.suite``, ``envelopes.chunk_size``.
        InputError: ``envelopes.wrong_key``, ``envelopes.key_length``.
        IntegrityError: ``envelopes.truncated``, ``envelopes.extended``, ``envelopes.damaged`` with the chunk's number.
    """
    source = iter(chunks)
    held = bytearray()
    while len(held) < HEADER_BYTES:
        piece = next(source, None)
        if piece is None:
            raise FormatError("envelopes.header", size=len(held))
        held += piece
    state, size = _read_header(bytes(held[:HEADER_BYTES]), key, context)
    pieces = _pieces(_chain(bytes(held[HEADER_BYTES:]), source), size)
    for number, (sealed, last) in enumerate(pieces):
        yield _opened(state, number, sealed, last=last)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _read_header(header: bytes, key: bytes, context: bytes) -> tuple[_Stream, int]:
    if header[:3] != _MAGIC[:3]:
        raise FormatError("envelopes.header", size=len(header))
    if header[3] != _MAGIC[3]:
        raise FormatError("envelopes.version", version=header[3])
    if header[4] not in (Suite.AES_256_GCM, Suite.SM4_GCM):
        raise FormatError("envelopes.suite", suite=header[4])
    if header[5] not in _CHUNK_BITS:
        raise FormatError("envelopes.chunk_size", bits=header[5])
    fixed = header[: 6 + _SALT_BYTES]
    state, check = _stream(Suite(header[4]), fixed, key, context)
    if not hmac.compare_digest(check, header[6 + _SALT_BYTES :]):
        raise InputError("envelopes.wrong_key")
    return state, (1 << header[5]) + TAG_BYTES


def _opened(state: _Stream, number: int, sealed: bytes, *, last: bool) -> bytes:
    if len(sealed) < TAG_BYTES:
        raise IntegrityError("envelopes.truncated", chunk=number)
    try:
        return state.open(number, sealed, last=last)
    except InvalidTag as error:
        if state.holds(number, sealed, last=not last):
            raise IntegrityError("envelopes.truncated" if last else "envelopes.extended", chunk=number) from error
        raise IntegrityError("envelopes.damaged", chunk=number) from error
