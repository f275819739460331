"""A granted consent as it is handed on: everything that was signed, the signatures, and what it lets be seen.

The chain keeps only a digest of the terms. Whoever reads under a consent therefore gets this document from the applicant
(or the window that helped), and a receipt that shows a use carries it, so that anybody can check the signatures again.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass

from ledger.domain import canonical
from ledger.domain.consents import ConsentTerms, Grantee, Purpose, consent_digest
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError
from ledger.wire.consents import Disclosed, read_disclosed

__all__ = ["FORMAT", "GrantedConsent", "granted_from", "read_granted"]

FORMAT = "tongban/consent/1"
_MEMBERS = frozenset({"attending", "chain_id", "contract", "disclosed", "format", "paper", "signatures", "terms"})
_TERMS = frozenset(
    {
        "case", "cases", "disclosed", "grantees", "leaves", "matter", "purpose", "salt", "valid_from", "valid_until",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedConsent:
    """A consent with its signatures.

    Attributes:
        chain_id: of the chain.
        contract: the materials contract that holds the leaves.
        terms: what was signed.
        disclosed: which fields of which leaf.
        signatures: of each leaf's holder, in the order of the leaves; empty where two witnesses and the custodian signed
            for a paper.
        attending: the window where it was witnessed, or 0.
        paper: the commitment of the paper signed there, zero where there is none.
    """

    chain_id: int
    contract: str
    terms: ConsentTerms
    disclosed: Disclosed
    signatures: tuple[bytes, ...]
    attending: int = 0
    paper: bytes = bytes(32)

    @property
    def digest(self) -> bytes:
        """The consent's name on the chain."""
        return consent_digest(self.terms, self.chain_id, self.contract)

    def document(self) -> canonical.JsonObject:
        """Return the document."""
        terms = self.terms
        return {
            "attending": self.attending,
            "chain_id": str(self.chain_id),
            "contract": self.contract,
            "disclosed": b64encode(self.disclosed.encode()).decode(),
            "format": FORMAT,
            "paper": self.paper.hex(),
            "signatures": [signature.hex() for signature in self.signatures],
            "terms": {
                "case": terms.case.hex(),
                "cases": terms.cases,
                "disclosed": terms.disclosed.hex(),
                "grantees": [[grantee.member, grantee.uses] for grantee in terms.grantees],
                "leaves": [f"{leaf >> 32}:{leaf & 0xFFFFFFFF}" for leaf in terms.leaves],
                "matter": terms.matter.hex(),
                "purpose": int(terms.purpose),
                "salt": terms.salt.hex(),
                "valid_from": terms.valid_from,
                "valid_until": terms.valid_until,
            },
        }

    def encode(self) -> bytes:
        """Return its canonical bytes."""
        return canonical.encode(self.document())


def read_granted(data: bytes) -> GrantedConsent:
    """Read a granted consent strictly; its signatures are not verified here.

    Raises:
        FormatError: ``consents.granted_form``, and the codes of canonical JSON and of the disclosed document.
    """
    if len(data) > LIMITS.paper_bytes:
        raise FormatError("consents.granted_form")
    granted = granted_from(canonical.decode(data, limit=LIMITS.paper_bytes))
    if granted.encode() != data:
        raise FormatError("consents.granted_form")
    return granted


def granted_from(value: canonical.JsonValue) -> GrantedConsent:
    """Read a granted consent that stands inside another document."""
    document, terms = value, value.get("terms") if isinstance(value, dict) else None
    if not isinstance(document, dict) or set(document) != _MEMBERS or document["format"] != FORMAT:
        raise FormatError("consents.granted_form")
    if not isinstance(terms, dict) or set(terms) != _TERMS:
        raise FormatError("consents.granted_form")
    try:
        granted = GrantedConsent(
            chain_id=int(_text(document["chain_id"])),
            contract=_text(document["contract"]),
            terms=ConsentTerms(
                leaves=tuple(_leaf(_text(item)) for item in _list(terms["leaves"])),
                grantees=tuple(Grantee(*(_number(part) for part in _list(item))) for item in _list(terms["grantees"])),
                matter=_word(terms["matter"]),
                cases=_text(terms["cases"]),
                case=_word(terms["case"]),
                purpose=Purpose(_number(terms["purpose"])),
                disclosed=_word(terms["disclosed"]),
                valid_from=_number(terms["valid_from"]),
                valid_until=_number(terms["valid_until"]),
                salt=_word(terms["salt"]),
            ),
            disclosed=read_disclosed(b64decode(_text(document["disclosed"]), validate=True)),
            signatures=tuple(bytes.fromhex(_text(item)) for item in _list(document["signatures"])),
            attending=_number(document["attending"]),
            paper=_word(document["paper"]),
        )
    except (ValueError, TypeError, binascii.Error):
        raise FormatError("consents.granted_form") from None
    if granted.disclosed.digest != granted.terms.disclosed:
        raise FormatError("consents.granted_form")
    return granted


def _leaf(text: str) -> int:
    batch, _, index = text.partition(":")
    if not (batch.isdecimal() and index.isdecimal() and len(batch) <= 20 and len(index) <= 10):
        raise FormatError("consents.granted_form")
    return int(batch) << 32 | int(index)


def _word(value: canonical.JsonValue) -> bytes:
    raw = bytes.fromhex(_text(value))
    if len(raw) != 32:
        raise FormatError("consents.granted_form")
    return raw


def _number(value: canonical.JsonValue) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FormatError("consents.granted_form")
    return value


def _text(value: canonical.JsonValue) -> str:
    if not isinstance(value, str):
        raise FormatError("consents.granted_form")
    return value


def _list(value: canonical.JsonValue) -> list[canonical.JsonValue]:
    if not isinstance(value, list):
        raise FormatError("consents.granted_form")
    return value
