"""Materials: papers of applicants as this product knows them.

*Anchored is not genuine.* A material names who issued it, which member anchored it and how far that member looked: its
assurance. Only from level 3 on may anything be called genuine. What may be done with a material later is its reuse
policy, which comes from its type.

Codes carry the name of their code set and edition, because editions differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from ledger.domain.identifiers import check_credit_code, check_identity_number
from ledger.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.domain.canonical import JsonValue

__all__ = [
    "MATERIAL_TYPES",
    "TYPE_SET",
    "Assurance",
    "AssuranceLevel",
    "ErasureBasis",
    "FileFact",
    "Issuer",
    "MaterialDraft",
    "MaterialType",
    "Reuse",
    "ReusePolicy",
    "RevocationCause",
    "SourceChannel",
    "material_type",
    "require_statement",
]

TYPE_SET = "tongban-materials-2026"
_CODE = re.compile(r"[a-z][a-z-]{1,39}")
_IDENTITY_FIELDS = frozenset(
    {
        "number", "holder_number", "spouse_number", "buyer_number", "borrower_number", "principal_number", "agent_number",
    }
)  # fmt: skip
_SHORTEST_IDENTITY = 15


class AssuranceLevel(IntEnum):
    """How far the anchoring member looked. Each requirement states the least it accepts."""

    UPLOADED = 1
    INSPECTED = 2
    FETCHED = 3
    ISSUED = 4


@dataclass(frozen=True, slots=True)
class Assurance:
    """The level, and for everything above an upload the role that looked and when (POSIX seconds)."""

    level: AssuranceLevel
    role: str = ""
    at: int = 0

    def __post_init__(self) -> None:
        """Refuse an inspection that nobody made."""
        if (self.level == AssuranceLevel.UPLOADED) != (not self.role and not self.at):
            raise InputError("materials.assurance", level=int(self.level))

    @property
    def genuine(self) -> bool:
        """Say whether a verdict may use the word."""
        return self.level >= AssuranceLevel.FETCHED


class Reuse(StrEnum):
    """Whether a material may serve again."""

    REUSABLE = "reusable"
    SAME_PURPOSE = "same_purpose"
    NEVER = "never"
    FRESH = "fresh"


@dataclass(frozen=True, slots=True)
class ReusePolicy:
    """Reuse, with the stated purpose where it binds, or the days for which the material counts as fresh."""

    kind: Reuse = Reuse.REUSABLE
    purpose: str = ""
    days: int = 0

    def __post_init__(self) -> None:
        """Refuse a policy without the fact that it rests on."""
        if (self.kind == Reuse.SAME_PURPOSE) != bool(self.purpose) or (self.kind == Reuse.FRESH) != (self.days > 0):
            raise InputError("materials.reuse", kind=self.kind.value)

    def allows(self, *, issued_at: int, now: int, purpose: str) -> bool:
        """Say whether the material may be used now for ``purpose`` (the key of a matter)."""
        if self.kind == Reuse.SAME_PURPOSE:
            return purpose == self.purpose
        if self.kind == Reuse.FRESH:
            return now - issued_at <= self.days * 86_400
        return self.kind == Reuse.REUSABLE


class SourceChannel(StrEnum):
    """Where the anchoring member has the material from (材料来源渠道)."""

    APPLICANT = "applicant"
    DEPARTMENT = "department"
    ARCHIVE = "archive"
    DECISION = "decision"


class RevocationCause(IntEnum):
    """Why leaves are revoked; the code stands in ``LeavesRevoked``, words only in its sealed envelope."""

    PAPER_WITHDRAWN = 1
    INSPECTION_WITHDRAWN = 2
    KEY_LOST = 3
    REPLACED = 4
    HOLDER_ASKED = 5
    ANCHORED_IN_ERROR = 6
    DECISION_REVOKED = 7
    DECISION_CHANGED = 8
    DECISION_UNLAWFUL = 9
    DEREGISTERED = 10
    DECEASED = 11


class ErasureBasis(IntEnum):
    """Personal Information Protection Law art. 47, one number for each of its grounds."""

    PURPOSE_ENDED = 1
    RETENTION_ENDED = 2
    CONSENT_WITHDRAWN = 3
    UNLAWFUL_PROCESSING = 4
    OTHER_LAW = 5


@dataclass(frozen=True, slots=True)
class Issuer:
    """The issuing authority: its code, the code set, its public name."""

    code: str
    name: str
    code_set: str = "GB 32100-2015"


@dataclass(frozen=True, slots=True)
class FileFact:
    """What a record says of one file: enough to recognise it, and where its encrypted content lies.

    ``sha256`` and ``sm3`` are lowercase hex of the file itself, ``blob`` the CID of the encrypted content's manifest.
    """

    media_type: str
    size: int
    sha256: str
    sm3: str
    blob: str


@dataclass(frozen=True, slots=True)
class MaterialDraft:
    """Everything a record will state, before it is salted and sealed.

    ``subjects`` are the indices of the data subjects within this material, each of whom has leaves of its own: 0 alone
    for an identity card, 0 and 1 for a marriage certificate. ``derived_from`` holds the record digests (hex) of what a
    translation, notarisation or apostille was made from.
    """

    issuer: Issuer
    anchor_member: int
    anchor_division: str
    assurance: Assurance
    type_code: str
    fields: Mapping[str, JsonValue]
    files: tuple[FileFact, ...] = ()
    subjects: tuple[int, ...] = (0,)
    reuse: ReusePolicy = field(default_factory=ReusePolicy)
    issued_at: int = 0
    expires_at: int = 0
    source: SourceChannel = SourceChannel.APPLICANT
    derived_from: tuple[str, ...] = ()
    type_set: str = TYPE_SET


@dataclass(frozen=True, slots=True)
class MaterialType:
    """A kind of paper: code, names, the fields that it states, and what it may be reused for.

    ``sensitive`` asks for a consent of its own (Personal Information Protection Law art. 29). ``lookup`` says whether a
    window of another city may ask for it by a person's identity.
    """

    code: str
    zh: str
    en: str
    fields: tuple[str, ...]
    subjects: int = 1
    reuse: Reuse = Reuse.REUSABLE
    days: int = 0
    sensitive: bool = False
    lookup: bool = True


MATERIAL_TYPES = {
    kind.code: kind
    for kind in (
        MaterialType(
            "identity-card", "居民身份证", "Resident identity card",
            ("name", "sex", "nation", "birth_date", "address", "number", "authority", "valid_from", "valid_until"),
        ),
        MaterialType(
            "household-register", "居民户口簿", "Household register",
            ("head_name", "name", "relation", "number", "address", "register_number", "household_type"),
        ),
        MaterialType(
            "marriage-certificate", "结婚证", "Marriage certificate",
            ("holder_name", "holder_number", "spouse_name", "spouse_number", "registered_on", "certificate_number"),
            subjects=2,
        ),
        MaterialType(
            "fund-contribution", "异地贷款职工住房公积金缴存使用证明", "Certificate of provident-fund contributions",
            ("name", "number", "account", "unit", "opened_on", "months", "monthly_amount", "balance", "loans"),
            reuse=Reuse.FRESH, days=90, sensitive=True,
        ),
        MaterialType(
            "purchase-contract", "购房合同", "Purchase contract",
            ("buyer_name", "buyer_number", "address", "area", "price", "signed_on", "contract_number"),
            sensitive=True,
        ),
        MaterialType(
            "loan-contract", "借款合同", "Loan contract",
            ("borrower_name", "borrower_number", "lender", "amount", "signed_on", "contract_number"),
            sensitive=True,
        ),
        MaterialType(
            "employment-proof", "工作证明", "Proof of employment",
            ("name", "number", "unit", "since"),
            reuse=Reuse.FRESH, days=180,
        ),
        MaterialType(
            "no-criminal-record", "无犯罪记录证明", "Certificate of no criminal record",
            ("name", "number", "purpose", "issued_on"),
            reuse=Reuse.SAME_PURPOSE, sensitive=True, lookup=False,
        ),
        MaterialType(
            "partnership-agreement", "合伙协议", "Partnership agreement",
            ("enterprise_name", "partners", "signed_on"),
        ),
        MaterialType(
            "premises-proof", "住所（经营场所）使用证明", "Proof of premises",
            ("address", "owner", "area", "valid_until"),
        ),
        MaterialType(
            "application-form", "申请表", "Application form",
            ("name", "number", "matter", "signed_on"),
            reuse=Reuse.NEVER,
        ),
        MaterialType(
            "photo", "证件照片", "Photograph",
            ("name",),
            reuse=Reuse.FRESH, days=180, sensitive=True,
        ),
        MaterialType(
            "mandate", "授权委托书", "Mandate",
            ("principal_name", "principal_number", "agent_name", "agent_number", "scope", "valid_until"),
            reuse=Reuse.NEVER,
        ),
        MaterialType(
            "decision", "办理结果", "Decision",
            ("name", "number", "matter", "case", "result", "decided_on", "document_number"),
        ),
    )
}  # fmt: skip


def material_type(code: str) -> MaterialType:
    """Return a type of the pilot's code set.

    Raises:
        InputError: ``materials.unknown_type``, with the codes that there are.
    """
    try:
        return MATERIAL_TYPES[code]
    except KeyError:
        # Whatever was typed into the wrong column is not repeated: only what looks like a code is.
        shown = code if _CODE.fullmatch(code) else ""
        raise InputError("materials.unknown_type", type_code=shown, known=", ".join(MATERIAL_TYPES)) from None


def require_statement(kind: MaterialType, issuer: Issuer, fields: Mapping[str, JsonValue]) -> None:
    """Require of what a paper states that others can read it by, and that its codes can be right.

    A field of another name could never be asked for; a number with a wrong check digit is a slip of the pen that would
    be anchored for ever.

    Raises:
        InputError: ``materials.no_issuer``, ``materials.unknown_field`` with the fields that the type has; codes of
            ``identifiers`` for the issuer's credit code (GB 32100) and for identity numbers (GB 11643).
    """
    if not issuer.code.strip():
        raise InputError("materials.no_issuer")
    check_credit_code(issuer.code)
    if not set(fields) <= set(kind.fields):
        # The name is not repeated: it may be a value that was typed into the wrong place.
        raise InputError("materials.unknown_field", type_code=kind.code, known=", ".join(kind.fields))
    for name in _IDENTITY_FIELDS.intersection(fields):
        value = str(fields[name]).strip()
        # Passports and permits of other places are shorter and have letters.
        if len(value) >= _SHORTEST_IDENTITY and value[:-1].isdigit():
            check_identity_number(value, historical=True)
