"""What a window asks of the city that keeps a person's keys: documents sealed by HPKE to that city, and its answers.

``tongban/countersigning/1``: a consent on paper, its two witnesses' signatures, and the reference of whose keys are in
custody. ``tongban/case-key/1``: a key for a case of that person. ``tongban/case-signature/1``: a signature with such a key
over a digest that two witnesses stated. RFC 8785 JSON, read strictly. A person's reference is random and says nothing
outside its city; it is sealed all the same, because it would join what one person does at several windows.

Raises:
    FormatError: ``attending.form``; codes of ``canonical``, ``envelopes`` and of the consent inside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ledger.domain import canonical
from ledger.domain.leaves import ENTRY_BYTES, leaf_text
from ledger.domain.limits import LIMITS
from ledger.wire.grants import GrantedConsent, granted_from
from ledger.wire.strict import Strict

__all__ = [
    "Ask",
    "CaseKeyAsked",
    "CaseSignatureAsked",
    "CountersignedConsent",
    "CountersigningAsked",
    "HeldLeaf",
    "ask_info",
    "decode_ask",
    "decode_case_key",
    "decode_case_signature",
    "decode_countersigned",
    "encode_ask",
    "encode_case_key",
    "encode_case_signature",
    "encode_countersigned",
]

_COUNTERSIGNING = "tongban/countersigning/1"
_CASE_KEY = "tongban/case-key/1"
_CASE_SIGNATURE = "tongban/case-signature/1"
_COUNTERSIGNED = "tongban/countersigned/1"
_PERSON = re.compile(r"[0-9A-Za-z_-]{0,64}")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_SIGNATURE_BYTES = 65
_WITNESSES = 2
_READ = Strict("attending.form")


@dataclass(frozen=True, slots=True)
class CountersigningAsked:
    """A consent on paper with its witnesses; ``person`` is empty where the leaves were set aside for a look-up."""

    granted: GrantedConsent
    witnesses: tuple[bytes, bytes]
    person: str


@dataclass(frozen=True, slots=True)
class CaseKeyAsked:
    """A key for a case of whoever is in custody under a reference; asked again, another one."""

    person: str


@dataclass(frozen=True, slots=True)
class CaseSignatureAsked:
    """A signature with a case's key over a digest, on the two witnesses' ``CustodySignature``."""

    holder: str
    digest: bytes
    witnesses: tuple[bytes, bytes]


Ask: TypeAlias = CountersigningAsked | CaseKeyAsked | CaseSignatureAsked


@dataclass(frozen=True, slots=True)
class HeldLeaf:
    """A leaf as the contract wants to see it: ``batch << 32 | index``, its 58 bytes, the path to its batch's root."""

    leaf: int
    entry: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class CountersignedConsent:
    """The custodian's answer: its own signature, and every leaf of the consent."""

    signature: bytes
    leaves: tuple[HeldLeaf, ...]


def ask_info(asker: int, asked: int) -> bytes:
    """Say what a sealed document is, as HPKE's ``info``."""
    return canonical.encode({"asked": asked, "asker": asker, "use": "tongban/attending/1"})


# ---- questions ------------------------------------------------------------------------------------------------------


def encode_ask(ask: Ask) -> bytes:
    """Write a question, to be sealed."""
    match ask:
        case CountersigningAsked():
            return canonical.encode(
                {
                    "consent": ask.granted.document(),
                    "format": _COUNTERSIGNING,
                    "person": ask.person,
                    "witnesses": [signature.hex() for signature in ask.witnesses],
                }
            )
        case CaseKeyAsked():
            return canonical.encode({"format": _CASE_KEY, "person": ask.person})
        case CaseSignatureAsked():
            return canonical.encode(
                {
                    "digest": ask.digest.hex(),
                    "format": _CASE_SIGNATURE,
                    "holder": ask.holder,
                    "witnesses": [signature.hex() for signature in ask.witnesses],
                }
            )


def decode_ask(data: bytes) -> Ask:
    """Read a question."""
    document = canonical.decode_object(data, limit=LIMITS.paper_bytes)
    kind = document.get("format")
    if kind == _COUNTERSIGNING:
        found = _READ.fields(document, {"consent", "format", "person", "witnesses"})
        return CountersigningAsked(
            granted_from(found["consent"]), _witnesses(found["witnesses"]), _READ.matching(found["person"], _PERSON)
        )
    if kind == _CASE_KEY:
        found = _READ.fields(document, {"format", "person"})
        return CaseKeyAsked(_READ.matching(found["person"], _PERSON))
    if kind == _CASE_SIGNATURE:
        found = _READ.fields(document, {"digest", "format", "holder", "witnesses"})
        return CaseSignatureAsked(
            _READ.matching(found["holder"], _ADDRESS), _READ.hex(found["digest"], 32), _witnesses(found["witnesses"])
        )
    raise _READ.wrong()


def _witnesses(value: canonical.JsonValue) -> tuple[bytes, bytes]:
    listed = [_READ.hex(item, _SIGNATURE_BYTES) for item in _READ.items(value)]
    if len(listed) != _WITNESSES:
        raise _READ.wrong()
    return listed[0], listed[1]


# ---- answers --------------------------------------------------------------------------------------------------------


def encode_countersigned(signature: bytes, leaves: Sequence[HeldLeaf]) -> bytes:
    """Write a custodian's answer to a consent on paper."""
    return canonical.encode(
        {
            "format": _COUNTERSIGNED,
            "leaves": [
                {
                    "entry": each.entry.hex(),
                    "leaf": leaf_text(each.leaf),
                    "path": [step.hex() for step in each.path],
                }
                for each in leaves
            ],
            "signature": signature.hex(),
        }
    )


def decode_countersigned(data: bytes) -> CountersignedConsent:
    """Read it."""
    document = _READ.fields(canonical.decode_object(data, limit=LIMITS.paper_bytes), {"format", "leaves", "signature"})
    if document["format"] != _COUNTERSIGNED:
        raise _READ.wrong()
    listed = [_READ.fields(item, {"entry", "leaf", "path"}) for item in _READ.items(document["leaves"])]
    return CountersignedConsent(
        _READ.hex(document["signature"], _SIGNATURE_BYTES),
        tuple(
            HeldLeaf(
                _READ.leaf(item["leaf"]),
                _READ.hex(item["entry"], ENTRY_BYTES),
                tuple(_READ.hex(step, 32) for step in _READ.items(item["path"])),
            )
            for item in listed
        ),
    )


def encode_case_key(address: str) -> bytes:
    """Write the address of a case's key."""
    return canonical.encode({"address": address, "format": _CASE_KEY})


def decode_case_key(data: bytes) -> str:
    """Read it."""
    document = _READ.fields(canonical.decode_object(data, limit=LIMITS.paper_bytes), {"address", "format"})
    if document["format"] != _CASE_KEY:
        raise _READ.wrong()
    return _READ.matching(document["address"], _ADDRESS)


def encode_case_signature(signature: bytes) -> bytes:
    """Write a signature with a case's key."""
    return canonical.encode({"format": _CASE_SIGNATURE, "signature": signature.hex()})


def decode_case_signature(data: bytes) -> bytes:
    """Read it."""
    document = _READ.fields(canonical.decode_object(data, limit=LIMITS.paper_bytes), {"format", "signature"})
    if document["format"] != _CASE_SIGNATURE:
        raise _READ.wrong()
    return _READ.hex(document["signature"], _SIGNATURE_BYTES)
