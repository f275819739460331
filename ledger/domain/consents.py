"""Consents: what an applicant lets be used, for which case, by whom and how often (用证授权).

A consent is EIP-712 typed data over one-time leaves; its digest is its name everywhere. The checks here are those of the
contract, in its order, so that a city can say beforehand what the chain would answer.

Refusing consent never ends the service: it leads to paper (Personal Information Protection Law art. 16). Where a statute
obliges the city to share, the basis is a duty, named and told, with the same public trace (art. 13, 35).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise

from ledger.domain import typed
from ledger.domain.reasons import Reason
from ledger.errors import InputError

__all__ = [
    "Basis",
    "ConsentState",
    "ConsentTerms",
    "Grantee",
    "Purpose",
    "check_reading",
    "check_terms",
    "consent_digest",
    "provision_digest",
    "reading_done",
]

# The same bounds as the contract's, which says why.
MAX_LEAVES = 16
MAX_GRANTEES = 8
LONGEST_VALIDITY = 157_766_400
HOLD = 86_400


class Purpose(IntEnum):
    """What the reading is for; every grantee sees it, and no other purpose is covered."""

    HANDLE = 1  # 办理该事项
    VERIFY = 2  # 核验
    ARCHIVE = 3  # 归档
    REVIEW = 4  # 复核


class Basis(IntEnum):
    """What a reading rests on."""

    CONSENT = 1
    DUTY = 2


@dataclass(frozen=True, slots=True, order=True)
class Grantee:
    """A member that may read, and how often."""

    member: int
    uses: int

    def packed(self) -> int:
        """Return ``member << 16 | uses``, the contract's form."""
        return self.member << 16 | self.uses


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentTerms:
    """All that is signed. Leaves are ``batch << 32 | index``; both lists ascend; times are POSIX seconds."""

    leaves: tuple[int, ...]
    grantees: tuple[Grantee, ...]
    matter: bytes
    cases: str
    case: bytes
    purpose: Purpose
    disclosed: bytes
    valid_from: int
    valid_until: int
    salt: bytes

    def fields(self) -> typed.Fields:
        """Return the typed data's message."""
        return {
            "leaves": [{"batch": leaf >> 32, "index": leaf & 0xFFFFFFFF} for leaf in self.leaves],
            "grantees": [{"member": grantee.member, "uses": grantee.uses} for grantee in self.grantees],
            "matter": self.matter,
            "cases": self.cases,
            "caseId": self.case,
            "purpose": int(self.purpose),
            "disclosed": self.disclosed,
            "validFrom": self.valid_from,
            "validUntil": self.valid_until,
            "salt": self.salt,
        }


@dataclass(frozen=True, slots=True)
class ConsentState:
    """What stands of a recorded consent."""

    terms: ConsentTerms
    valid_until: int
    usable_from: int
    remaining: tuple[Grantee, ...]
    revoked: bool = False


def consent_digest(terms: ConsentTerms, chain_id: int, contract: str) -> bytes:
    """Return a consent's name: its EIP-712 digest for the materials contract that holds the leaves."""
    return typed.digest("Consent", terms.fields(), chain_id, contract)


def check_terms(terms: ConsentTerms, now: int) -> Reason:
    """Say why a consent cannot be recorded at this time, leaves and signatures aside."""
    if not 0 < len(terms.leaves) <= MAX_LEAVES or not 0 < len(terms.grantees) <= MAX_GRANTEES:
        return Reason.OUT_OF_RANGE
    if terms.valid_until < now:
        return Reason.CONSENT_EXPIRED
    if terms.valid_until <= terms.valid_from or terms.valid_until > now + LONGEST_VALIDITY:
        return Reason.OUT_OF_RANGE
    if not terms.purpose or not any(terms.disclosed) or not any(terms.case):
        return Reason.OUT_OF_RANGE
    if not _ascending((0, *terms.leaves)):
        return Reason.OUT_OF_RANGE
    if not _ascending((0, *(grantee.member for grantee in terms.grantees))):
        return Reason.OUT_OF_RANGE
    return Reason.OK if all(grantee.uses for grantee in terms.grantees) else Reason.OUT_OF_RANGE


def check_reading(
    state: ConsentState | None,
    *,
    member: int,
    leaves: tuple[int, ...],
    revoked_leaves: frozenset[int],
    now: int,
) -> Reason:
    """Say why a member may not read under a consent now, the case aside."""
    if not 0 < len(leaves) <= MAX_LEAVES:
        return Reason.OUT_OF_RANGE
    if state is None:
        return Reason.UNKNOWN_CONSENT
    if state.revoked:
        return Reason.CONSENT_REVOKED
    if now < state.terms.valid_from:
        return Reason.CONSENT_NOT_YET
    if now > state.valid_until:
        return Reason.CONSENT_EXPIRED
    mine = next((grantee for grantee in state.remaining if grantee.member == member), None)
    if mine is None:
        return Reason.NOT_A_GRANTEE
    if not mine.uses:
        return Reason.USED_UP
    if now < state.usable_from:
        return Reason.CONSENT_HELD
    for leaf in leaves:
        if leaf not in state.terms.leaves:
            return Reason.LEAF_NOT_IN_CONSENT
        if leaf in revoked_leaves:
            return Reason.LEAF_REVOKED
    return Reason.OK


def reading_done(state: ConsentState, member: int) -> ConsentState:
    """Count one reading down.

    Raises:
        InputError: ``consents.not_readable`` where the member has none left.
    """
    if not any(grantee.member == member and grantee.uses for grantee in state.remaining):
        raise InputError("consents.not_readable", member=member)
    remaining = tuple(
        Grantee(grantee.member, grantee.uses - 1) if grantee.member == member else grantee
        for grantee in state.remaining
    )
    return replace(state, remaining=remaining)


def _ascending(values: tuple[int, ...]) -> bool:
    return all(low < high for low, high in pairwise(values))


def provision_digest(provision: str) -> bytes:
    """Return what the chain holds of a statutory provision: SHA-256 of its text, which is public and needs no salt."""
    return hashlib.sha256(provision.encode()).digest()
