"""Signatures are those that everybody else computes."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_keys.datatypes import Signature

from ledger.chain.abi import keccak
from ledger.chain.signing import KeySigner
from ledger.errors import SetupError
from ledger.ports import UnsignedTransaction

# The example of EIP-155: nonce 9, 20 gwei, one ether; its key is 32 times 0x46.
_SECRET = bytes.fromhex("46" * 32)
_ADDRESS = "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"


def test_the_address_is_that_of_the_published_example():
    assert KeySigner(_SECRET).address == _ADDRESS


@pytest.mark.parametrize("contract", ["0x" + "35" * 20, "0x"])
def test_a_transaction_is_the_one_that_another_library_signs(contract):
    signer = KeySigner(_SECRET)
    signed = signer.sign_transaction(UnsignedTransaction(20_261, 9, contract, b"\x00\x01data", 21_000))
    fields = {
        "nonce": 9, "gasPrice": 0, "gas": 21_000, "to": bytes.fromhex(contract[2:]), "value": 0,
        "data": b"\x00\x01data", "chainId": 20_261,
    }  # fmt: skip
    other = Account.sign_transaction(fields, _SECRET)
    assert signed.raw == bytes(other.raw_transaction)
    assert signed.hash == bytes(other.hash)
    assert signer.sign_transaction(UnsignedTransaction(20_261, 9, contract, b"\x00\x01data", 21_000)) == signed
    assert Account.recover_transaction(signed.raw).lower() == _ADDRESS


def test_a_digest_is_signed_with_low_s_and_recovers_to_the_key():
    signer = KeySigner(_SECRET)
    for number in range(16):
        digest = keccak(bytes([number]))
        signature = signer.sign_digest(digest)
        assert signature[64] in {27, 28}
        assert int.from_bytes(signature[32:64]) <= 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
        plain = Signature(signature[:64] + bytes([signature[64] - 27]))
        assert plain.recover_public_key_from_msg_hash(digest).to_address() == _ADDRESS
    with pytest.raises(ValueError, match="32 bytes"):
        signer.sign_digest(b"short")


def test_what_is_no_key_is_refused_and_never_shown():
    for secret in (bytes(32), b"\xff" * 32, b"short"):
        with pytest.raises(SetupError, match="key_invalid"):
            KeySigner(secret)
    assert _SECRET.hex() not in repr(KeySigner(_SECRET))
