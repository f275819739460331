"""Agreements between members, as a model of what the catalogue contract decides.

A text binds when every party has accepted it; an amendment or an accession asks everyone again, old parties and new,
and puts the next version in force; a party's notice ends it, after the notice period, for new cases only. The model
takes events, so a city that follows the chain knows what covers a case without asking the chain, and a property test
holds it against the contract.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from ledger.domain import canonical
from ledger.domain.events import AgreementAccepted, AgreementDrafted, AgreementEnded
from ledger.domain.reasons import Reason

__all__ = ["Agreement", "AgreementKind", "Version", "text_digest"]


class AgreementKind(IntEnum):
    """What a draft is."""

    NEW = 1
    AMENDMENT = 2
    ACCESSION = 3


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an agreement: its terms, who was asked, who has accepted."""

    number: int
    parties: frozenset[int]
    matters: Mapping[bytes, int]
    notice_days: int
    valid_from: int
    valid_until: int
    asked: frozenset[int]
    accepted: frozenset[int] = frozenset()

    @property
    def complete(self) -> bool:
        """Whether everyone asked has accepted."""
        return self.accepted == self.asked


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement with all its versions; ``in_force`` is 0 until the first binds, ``ends`` 0 without notice."""

    agreement: bytes
    parent: bytes
    predecessor: bytes
    in_force: int = 0
    ends: int = 0
    versions: Mapping[int, Version] = field(default_factory=dict)

    @classmethod
    def drafted(cls, event: AgreementDrafted) -> Agreement:
        """A new agreement, from its first draft."""
        return cls(event.agreement, event.parent, event.predecessor).with_draft(event)

    def with_draft(self, event: AgreementDrafted) -> Agreement:
        """This agreement with one more draft: it asks its own parties, and those of the version in force."""
        parties = frozenset(event.parties)
        present = self.versions.get(self.in_force)
        version = Version(
            number=event.version,
            parties=parties,
            matters=dict(zip(event.matters, event.modes, strict=True)),
            notice_days=event.notice_days,
            valid_from=event.valid_from,
            valid_until=event.valid_until,
            asked=parties | (present.parties if present else frozenset()),
        )
        return replace(self, versions={**self.versions, event.version: version})

    def with_acceptance(self, event: AgreementAccepted) -> Agreement:
        """This agreement with one more acceptance, which may put a version in force."""
        version = self.versions[event.version]
        version = replace(version, accepted=version.accepted | {event.member})
        return replace(
            self,
            versions={**self.versions, event.version: version},
            in_force=event.version if version.complete else self.in_force,
        )

    def with_notice(self, event: AgreementEnded) -> Agreement:
        """This agreement once notice was given."""
        return replace(self, ends=event.effective)

    def covers(
        self, version: int, receiving: int, handling: int, matter: bytes, mode: int, now: int
    ) -> Reason:  # one return a rule
        """Whether it lets a new case be received and handled so, as the contract answers.

        The contract also looks whether both members are in good standing, which an agreement does not know.
        """
        if not self.in_force:
            return Reason.NOT_IN_FORCE
        if version != self.in_force:
            return Reason.BAD_VERSION
        if self.ends and now >= self.ends:
            return Reason.AGREEMENT_ENDED
        terms = self.versions[version]
        if now < terms.valid_from or (terms.valid_until and now >= terms.valid_until):
            return Reason.NOT_IN_FORCE
        if not {receiving, handling} <= terms.parties:
            return Reason.NOT_A_PARTY
        if not terms.matters.get(matter, 0) >> mode & 1:
            return Reason.NOT_COVERED
        return Reason.OK


def text_digest(text: canonical.JsonObject) -> bytes:
    """The digest under which a document (an agreement's text, a matter's content) stands on the chain.

    SHA-256 of its RFC 8785 form: published documents are not secret and carry no salt.

    Raises:
        InputError: ``canonical.unsupported``.
    """
    return hashlib.sha256(canonical.encode(text)).digest()
