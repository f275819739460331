"""A granted consent as it is handed on: everything that was signed, the signatures, and what it lets be seen.

The chain keeps only a digest of the terms. Whoever reads under a consent therefore gets this document from the applicant
(or the window that helped), and a receipt that shows a use carries it, so that anybody can check the signatures again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.domain import canonical
from ledger.domain.consents import MAX_GRANTEES, MAX_LEAVES, ConsentTerms, Grantee, Purpose, consent_digest
from ledger.domain.leaves import leaf_text
from ledger.domain.limits import LIMITS
from ledger.wire.consents import Disclosed, read_disclosed
from ledger.wire.strict import Strict, base64_text

__all__ = ["FORMAT", "GrantedConsent", "granted_from", "read_granted"]

FORMAT = "tongban/consent/1"
_MEMBERS = {"attending", "chain_id", "contract", "disclosed", "format", "paper", "signatures", "terms"}
_TERMS = {
    "case", "cases", "disclosed", "grantees", "leaves", "matter", "purpose", "salt", "valid_from", "valid_until",
}  # fmt: skip
_SIGNATURE_BYTES = 65
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
# As many digits as a word of the chain has at most, less one: no chain has such a number.
_CHAIN_ID = re.compile(r"[1-9][0-9]{0,76}")
_READ = Strict("consents.granted_form")


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
            "contract": self.contract.lower(),
            "disclosed": base64_text(self.disclosed.encode()),
            "format": FORMAT,
            "paper": self.paper.hex(),
            "signatures": [signature.hex() for signature in self.signatures],
            "terms": {
                "case": terms.case.hex(),
                "cases": terms.cases.lower(),
                "disclosed": terms.disclosed.hex(),
                "grantees": [[grantee.member, grantee.uses] for grantee in terms.grantees],
                "leaves": [leaf_text(leaf) for leaf in terms.leaves],
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
        raise _READ.wrong()
    return granted_from(canonical.decode(data, limit=LIMITS.paper_bytes))


def granted_from(value: canonical.JsonValue) -> GrantedConsent:
    """Read a granted consent that stands inside another document: every value in its one spelling and within its width.

    Raises:
        FormatError: as :func:`read_granted`.
    """
    document = _READ.fields(value, _MEMBERS)
    if document["format"] != FORMAT:
        raise _READ.wrong()
    signatures = tuple(_READ.hex(item, _SIGNATURE_BYTES) for item in _READ.items(document["signatures"]))
    granted = GrantedConsent(
        chain_id=int(_READ.matching(document["chain_id"], _CHAIN_ID)),
        contract=_READ.matching(document["contract"], _ADDRESS),
        terms=_terms(_READ.fields(document["terms"], _TERMS)),
        disclosed=read_disclosed(_READ.base64(document["disclosed"])),
        signatures=signatures,
        attending=_number(document["attending"], 16),
        paper=_READ.hex(document["paper"], 32),
    )
    if granted.disclosed.digest != granted.terms.disclosed or len(signatures) > MAX_LEAVES:
        raise _READ.wrong()
    return granted


def _terms(terms: canonical.JsonObject) -> ConsentTerms:
    leaves = tuple(_READ.leaf(item) for item in _READ.items(terms["leaves"]))
    grantees = tuple(_grantee(item) for item in _READ.items(terms["grantees"]))
    purpose = _READ.number(terms["purpose"])
    if not 0 < len(leaves) <= MAX_LEAVES or not 0 < len(grantees) <= MAX_GRANTEES:
        raise _READ.wrong()
    if purpose not in Purpose.__members__.values():
        raise _READ.wrong()
    return ConsentTerms(
        leaves=leaves,
        grantees=grantees,
        matter=_READ.hex(terms["matter"], 32),
        cases=_READ.matching(terms["cases"], _ADDRESS),
        case=_READ.hex(terms["case"], 32),
        purpose=Purpose(purpose),
        disclosed=_READ.hex(terms["disclosed"], 32),
        valid_from=_number(terms["valid_from"], 40),
        valid_until=_number(terms["valid_until"], 40),
        salt=_READ.hex(terms["salt"], 32),
    )


def _grantee(value: canonical.JsonValue) -> Grantee:
    pair = _READ.items(value)
    if len(pair) != 2:
        raise _READ.wrong()
    return Grantee(_number(pair[0], 16), _number(pair[1], 16))


def _number(value: canonical.JsonValue, bits: int) -> int:
    number = _READ.number(value)
    if number.bit_length() > bits:
        raise _READ.wrong()
    return number
