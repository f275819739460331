"""Signing with a chain key: transactions in the legacy form with replay protection (EIP-155), and digests.

Zero-fee networks of every kind take the legacy form. Signatures are deterministic (RFC 6979), so that a transaction
signed again after a crash is the same transaction.
"""

from __future__ import annotations

import coincurve

from ledger.chain.abi import keccak, rlp_encode
from ledger.errors import SetupError
from ledger.ports import SignedTransaction, UnsignedTransaction

__all__ = ["KeySigner", "address_of"]

_DIGEST_BYTES = 32


class KeySigner:
    """A ``Signer`` over a private key in memory.

    Raises:
        SetupError: ``chain.key_invalid``: these 32 bytes are no secp256k1 key.
    """

    def __init__(self, secret: bytes) -> None:
        try:
            # The library would fill up a short one with zeros.
            self._key = coincurve.PrivateKey(secret if len(secret) == _DIGEST_BYTES else b"")
        except ValueError as error:
            raise SetupError("chain.key_invalid") from error
        self._address = address_of(self._key.public_key)

    def __repr__(self) -> str:
        return f"KeySigner({self._address})"

    @property
    def address(self) -> str:
        """The key's address, lowercase."""
        return self._address

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign a 32-byte digest: r ‖ s ‖ v, low s, v 27 or 28."""
        if len(digest) != _DIGEST_BYTES:
            raise ValueError("a digest has 32 bytes")
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([27 + signature[64]])

    def sign_transaction(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """Sign a transaction that pays nothing."""
        body = [
            transaction.nonce,
            0,
            transaction.gas,
            bytes.fromhex(transaction.contract[2:]),
            0,
            transaction.data,
        ]
        digest = keccak(rlp_encode([*body, transaction.chain_id, 0, 0]))
        signature = self._key.sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
        raw: bytes = rlp_encode([*body, transaction.chain_id * 2 + 35 + signature[64], r, s])
        return SignedTransaction(raw, keccak(raw))


def address_of(key: coincurve.PublicKey) -> str:
    """The Ethereum address of a public key, lowercase."""
    return "0x" + keccak(key.format(compressed=False)[1:])[12:].hex()
