"""Typed data that people and officers sign (EIP-712), encoded fast.

Encoding, not the curve, is what costs in EIP-712: type hashes are computed once, the domain separator once for each
contract, and structs by joining words. The digests are those of any wallet's ``eth_signTypedData_v4``;
:func:`full_message` gives the document that such a wallet shows.

Signatures are r ‖ s ‖ v, 65 bytes, low s, v 27 or 28.

Raises:
    InputError: ``typed.field`` for a value that does not fit its type, ``typed.kind`` for an unknown message.
    FormatError: ``typed.signature`` for bytes that are no such signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from coincurve import PrivateKey, PublicKey
from sha3 import keccak_256

from ledger.errors import FormatError, InputError

__all__ = ["DOMAIN_NAME", "DOMAIN_VERSION", "STRUCTS", "Fields", "Value", "digest", "full_message", "recover", "sign"]

DOMAIN_NAME = "Tongban Ledger"
DOMAIN_VERSION = "1"

Value: TypeAlias = "int | str | bytes | Sequence[Fields]"
Fields: TypeAlias = "Mapping[str, Value]"

_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_ACT = (
    ("caseId", "bytes32"),
    ("action", "uint8"),
    ("sequence", "uint32"),
    ("detail", "uint256"),
    ("commitment", "bytes32"),
    ("blob", "bytes32"),
)
_PAPER = (("consent", "bytes32"), ("paper", "bytes32"), ("attending", "uint16"))

STRUCTS: dict[str, tuple[tuple[str, str], ...]] = {
    "Leaf": (("batch", "uint64"), ("index", "uint32")),
    "Grantee": (("member", "uint16"), ("uses", "uint16")),
    "Consent": (
        ("leaves", "Leaf[]"),
        ("grantees", "Grantee[]"),
        ("matter", "bytes32"),
        ("cases", "address"),
        ("caseId", "bytes32"),
        ("purpose", "uint8"),
        ("disclosed", "bytes32"),
        ("validFrom", "uint40"),
        ("validUntil", "uint40"),
        ("salt", "bytes32"),
    ),
    "ConsentRevocation": (("consent", "bytes32"),),
    "PaperConsent": _PAPER,
    "PaperRevocation": _PAPER,
    "Submission": (
        ("receiving", "uint16"),
        ("handling", "uint16"),
        ("matter", "bytes32"),
        ("mode", "uint8"),
        ("channel", "uint8"),
        ("version", "uint32"),
        ("agreement", "bytes32"),
        ("agreementVersion", "uint16"),
        ("parent", "bytes32"),
        ("holders", "bytes32"),
        ("commitment", "bytes32"),
        ("blob", "bytes32"),
        ("salt", "bytes32"),
    ),
    "CaseAct": _ACT,
    "WitnessedAct": (*_ACT, ("attending", "uint16")),
    # No contract reads this one: two witnesses tell a custodian whose key may sign what (``services.custody``).
    "CustodySignature": (("holder", "address"), ("digest", "bytes32")),
    # Nor this one: two witnesses tell another city that a person at their window wants it to look (``services.lookups``).
    "LookupRequest": (
        ("lookup", "bytes32"),
        ("asker", "uint16"),
        ("asked", "uint16"),
        ("purpose", "uint8"),
        ("commitment", "bytes32"),
    ),
}
_DOMAIN = (("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address"))


@dataclass(frozen=True, slots=True)
class _Encoder:
    """One field's encoder: bits of an unsigned integer, or what else the type is."""

    name: str
    kind: str
    bits: int = 0

    def word(self, value: Value) -> bytes:
        """Return the field's 32 bytes."""
        if self.bits:
            if not isinstance(value, int) or isinstance(value, bool) or value < 0 or value.bit_length() > self.bits:
                raise InputError("typed.field", field=self.name)
            return value.to_bytes(32, "big")
        if self.kind == "bytes32":
            if not isinstance(value, bytes) or len(value) != 32:
                raise InputError("typed.field", field=self.name)
            return value
        if self.kind == "address":
            return _address(self.name, value)
        if isinstance(value, str | bytes | int):
            raise InputError("typed.field", field=self.name)
        return _keccak(b"".join([_struct_hash(self.kind, item) for item in value]))


def digest(kind: str, fields: Fields, chain_id: int, contract: str) -> bytes:
    """Return the digest that is signed: keccak(0x1901 ‖ domain separator ‖ struct hash)."""
    return _keccak(b"\x19\x01" + _separator(chain_id, contract.lower()) + _struct_hash(kind, fields))


def sign(message: bytes, key: bytes) -> bytes:
    """Sign a digest with a private key (RFC 6979, low s)."""
    raw = PrivateKey(key).sign_recoverable(message, hasher=None)
    return raw[:64] + bytes((raw[64] + 27,))


def recover(message: bytes, signature: bytes) -> str:
    """Return the address whose key signed the digest, under the contracts' own rules."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise FormatError("typed.signature")
    if not 0 < int.from_bytes(signature[32:64], "big") <= _HALF_ORDER:
        raise FormatError("typed.signature")
    try:
        raw = signature[:64] + bytes((signature[64] - 27,))
        point = PublicKey.from_signature_and_message(raw, message, hasher=None).format(compressed=False)
    except ValueError:
        raise FormatError("typed.signature") from None
    return "0x" + _keccak(point[1:])[12:].hex()


def full_message(kind: str, fields: Fields, chain_id: int, contract: str) -> dict[str, object]:
    """Return the whole document as wallets take it: types, domain, primary type and message, bytes as hex."""
    wanted = [kind] + [
        base for _, base in ((name, kind_.removesuffix("[]")) for name, kind_ in _struct(kind)) if base in STRUCTS
    ]
    types = {"EIP712Domain": _DOMAIN} | {name: _struct(name) for name in wanted}
    return {
        "domain": {
            "chainId": chain_id,
            "name": DOMAIN_NAME,
            "verifyingContract": contract.lower(),
            "version": DOMAIN_VERSION,
        },
        "message": _shown(fields),
        "primaryType": kind,
        "types": {name: [{"name": item, "type": type_} for item, type_ in members] for name, members in types.items()},
    }


def _shown(value: Value | Fields) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {name: _shown(item) for name, item in value.items()}
    if isinstance(value, str | int):
        return value
    return [_shown(item) for item in value]


def _struct(kind: str) -> tuple[tuple[str, str], ...]:
    try:
        return STRUCTS[kind]
    except KeyError:
        raise InputError("typed.kind", kind=kind[:40]) from None


@lru_cache(maxsize=64)
def _plan(kind: str) -> tuple[bytes, tuple[_Encoder, ...]]:
    members = _struct(kind)
    inner = sorted({type_.removesuffix("[]") for _, type_ in members} & STRUCTS.keys())
    text = "".join(_type_text(name) for name in [kind, *inner])
    encoders = tuple(
        _Encoder(name, type_.removesuffix("[]"), int(type_[4:]) if type_.startswith("uint") else 0)
        for name, type_ in members
    )
    return _keccak(text.encode()), encoders


def _type_text(kind: str) -> str:
    return f"{kind}({','.join(f'{type_} {name}' for name, type_ in _struct(kind))})"


def _struct_hash(kind: str, fields: Fields) -> bytes:
    type_hash, encoders = _plan(kind)
    if len(fields) != len(encoders):
        raise InputError("typed.field", field=kind)
    try:
        return _keccak(type_hash + b"".join([encoder.word(fields[encoder.name]) for encoder in encoders]))
    except KeyError:
        raise InputError("typed.field", field=kind) from None


@lru_cache(maxsize=256)
def _separator(chain_id: int, contract: str) -> bytes:
    text = "EIP712Domain(" + ",".join(f"{type_} {name}" for name, type_ in _DOMAIN) + ")"
    parts = (_keccak(text.encode()), _keccak(DOMAIN_NAME.encode()), _keccak(DOMAIN_VERSION.encode()))
    return _keccak(b"".join(parts) + chain_id.to_bytes(32, "big") + _address("verifyingContract", contract))


def _address(name: str, value: object) -> bytes:
    try:
        if not isinstance(value, str) or not value.startswith("0x"):
            raise InputError("typed.field", field=name)
        raw = bytes.fromhex(value[2:])
    except ValueError:
        raise InputError("typed.field", field=name) from None
    if len(raw) != 20:
        raise InputError("typed.field", field=name)
    return raw.rjust(32, b"\0")


def _keccak(data: bytes) -> bytes:
    return bytes(keccak_256(data).digest())
