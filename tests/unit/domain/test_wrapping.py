from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from ledger.domain import wrapping
from ledger.domain.wrapping import RecipientPrivate, RecipientPublic, WrapSuite
from ledger.errors import FormatError, InputError

KEY = bytes(range(32))
INFO = wrapping.info_for(b"\x01" * 32, 3, b"\x02" * 32)


@pytest.mark.parametrize(("suite", "public", "private"), [(WrapSuite.HYBRID, 1216, 96), (WrapSuite.X25519, 32, 32)])
def test_keys_survive_their_bytes(suite: WrapSuite, public: int, private: int) -> None:
    recipient = wrapping.new_recipient(os.urandom, suite)
    assert recipient.suite == recipient.public().suite == suite
    assert (len(recipient.public().data), len(recipient.data)) == (public, private)
    wrapped = wrapping.wrap_key(KEY, RecipientPublic(recipient.public().data), INFO)
    assert wrapping.unwrap_key(wrapped, RecipientPrivate(recipient.data), INFO) == KEY
    assert wrapped != wrapping.wrap_key(KEY, recipient.public(), INFO)
    assert repr(recipient.data) not in repr(recipient)


@pytest.mark.parametrize("suite", WrapSuite)
def test_a_wrapped_key_opens_for_its_reader_and_purpose_only(suite: WrapSuite) -> None:
    recipient, other = (wrapping.new_recipient(os.urandom, suite) for _ in range(2))
    wrapped = wrapping.wrap_key(KEY, recipient.public(), INFO)
    altered = wrapped[:-1] + bytes((wrapped[-1] ^ 1,))
    for attempt in (
        (wrapped, other, INFO),
        (wrapped, recipient, wrapping.info_for(b"\x01" * 32, 4, b"\x02" * 32)),
        (wrapped, recipient, wrapping.info_for(b"\x01" * 32, 3, b"\x03" * 32)),
        (wrapped, recipient, wrapping.info_for(b"\x00" * 32, 3, b"\x02" * 32)),
        (altered, recipient, INFO),
        (wrapped[:40], recipient, INFO),
        (wrapped[:2], recipient, INFO),
    ):
        with pytest.raises(InputError, match=r"envelopes.unseal"):
            wrapping.unwrap_key(*attempt)


def test_the_suites_are_told_apart() -> None:
    hybrid, classical = (wrapping.new_recipient(os.urandom, suite) for suite in WrapSuite)
    with pytest.raises(InputError, match=r"envelopes.unseal"):
        wrapping.unseal(wrapping.seal(b"x", hybrid.public(), b""), classical, b"")


def test_the_classical_suite_is_plain_hpke() -> None:
    private = X25519PrivateKey.generate()
    sealed = wrapping.seal(b"text", RecipientPublic(private.public_key().public_bytes_raw()), b"info")
    assert Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM).decrypt(sealed[2:], private, b"info") == b"text"


@pytest.mark.parametrize(
    ("sealed", "code"), [(b"", "sealed_version"), (b"\x02\x01x", "sealed_version"), (b"\x01\x07x", "sealed_suite")]
)
def test_unknown_forms_are_named(sealed: bytes, code: str) -> None:
    with pytest.raises(FormatError, match=rf"envelopes.{code}"):
        wrapping.unseal(sealed, wrapping.new_recipient(os.urandom), INFO)


@pytest.mark.parametrize("size", [0, 31, 33, 1215, 1217])
def test_public_keys_have_one_of_two_lengths(size: int) -> None:
    with pytest.raises(FormatError, match=r"envelopes.public_key"):
        RecipientPublic(bytes(size))


def test_a_point_of_low_order_is_refused() -> None:
    with pytest.raises(FormatError, match=r"envelopes.public_key"):
        wrapping.seal(b"text", RecipientPublic(bytes(32)), INFO)


@pytest.mark.parametrize("size", [0, 31, 64, 95, 97])
def test_private_keys_have_one_of_two_lengths(size: int) -> None:
    with pytest.raises(FormatError, match=r"envelopes.private_key"):
        RecipientPrivate(bytes(size))


def test_only_content_keys_are_wrapped() -> None:
    recipient = wrapping.new_recipient(os.urandom)
    with pytest.raises(InputError, match=r"envelopes.key_length"):
        wrapping.wrap_key(b"short", recipient.public(), INFO)
    with pytest.raises(InputError, match=r"envelopes.key_length"):
        wrapping.unwrap_key(wrapping.seal(b"short", recipient.public(), INFO), recipient, INFO)
