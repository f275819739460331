"""The consortium: members, roles, keys and votes, as a model of what the contract decides.

Members vote on admission, suspension, exclusion, contracts and policy: two thirds, rounded up, of the voting members
that were in good standing when the vote was opened, whom the vote is about left out; a vote ends after thirty days.
The model is driven beside the contract by a property test and gives the same answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag

from ledger.domain.reasons import Reason

__all__ = [
    "FULL_NETWORK",
    "LEVELS_OF_REGULATORS",
    "RECOVERY_DELAY",
    "VOTING_PERIOD",
    "ContractKind",
    "Level",
    "MemberStatus",
    "Outcome",
    "ProposalKind",
    "Role",
    "ServiceKeyKind",
    "Standing",
    "Vote",
    "electorate",
    "is_about_member",
    "key_change_reason",
    "threshold",
]

VOTING_PERIOD = 30 * 86_400
RECOVERY_DELAY = 7 * 86_400
# Under four voters one member can block every vote: a pilot, and labelled so.
FULL_NETWORK = 4


class Role(IntFlag):
    """What a chain key may do for its member."""

    ADMINISTER = 1
    OPERATE = 2
    WITNESS = 4
    ISSUE = 8
    REGULATE = 16
    RECOVER = 32


class MemberStatus(IntEnum):
    """A member's standing; only an active one acts, and its past acts stay valid."""

    NONE = 0
    LISTED = 1
    ACTIVE = 2
    SUSPENDED = 3
    EXCLUDED = 4


class Level(IntEnum):
    """What a member is; an attribute that gives no power over another, but for who may hold a regulator's role."""

    NATION = 1
    PROVINCE = 2
    CITY = 3
    DISTRICT = 4
    NEW_AREA = 5
    PARK = 6
    REGULATOR_NATIONAL = 7
    REGULATOR_PROVINCIAL = 8


LEVELS_OF_REGULATORS = frozenset(
    {Level.NATION, Level.PROVINCE, Level.REGULATOR_NATIONAL, Level.REGULATOR_PROVINCIAL},
)


class ProposalKind(IntEnum):
    """What members vote on."""

    ADMIT = 1
    SUSPEND = 2
    RESUME = 3
    EXCLUDE = 4
    GENERATION = 5
    POLICY = 6
    REPLACE_ADMINISTRATOR = 7
    VOTING = 8


class ContractKind(IntEnum):
    """Contracts whose generations the consortium registers."""

    CATALOGUE = 1
    MATERIALS = 2
    CASES = 3
    CONSENTS = 4


class ServiceKeyKind(IntEnum):
    """Public keys that are no chain keys."""

    COSIGN_ED25519 = 1
    COSIGN_ML_DSA_44 = 2
    HPKE = 3
    REQUESTS_ED25519 = 4
    LOG_ED25519 = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose key an address is, and what it may do: the contract's one word, taken apart."""

    member: int
    roles: Role
    status: MemberStatus
    parent: int
    level: int

    @classmethod
    def unpack(cls, word: int) -> Standing:
        """Read the word: bits 0-15 member, 16-31 roles, 32-39 status, 40-55 parent, 56-63 level."""
        return cls(
            member=word & 0xFFFF,
            roles=Role(word >> 16 & 0xFFFF),
            status=MemberStatus(word >> 32 & 0xFF),
            parent=word >> 40 & 0xFFFF,
            level=word >> 56 & 0xFF,
        )

    def pack(self) -> int:
        """The word that ``unpack`` reads."""
        return self.member | self.roles << 16 | self.status << 32 | self.parent << 40 | self.level << 56

    def refusal(self, needed: Role) -> Reason:
        """The reason why this key may not act in any of the roles ``needed``; OK where it may."""
        if self.member == 0:
            return Reason.NOT_A_KEY
        if self.status is MemberStatus.LISTED:
            return Reason.MEMBER_UNCONFIRMED
        if self.status is not MemberStatus.ACTIVE:
            return Reason.MEMBER_SUSPENDED
        return Reason.OK if self.roles & needed else Reason.WRONG_ROLE


def threshold(voters: int) -> int:
    """Votes needed of ``voters``: two thirds, rounded up."""
    return (2 * voters + 2) // 3


def is_about_member(kind: ProposalKind) -> bool:
    """Whether a vote's target is a member, which then has no vote in it."""
    return kind not in {ProposalKind.ADMIT, ProposalKind.GENERATION, ProposalKind.POLICY}


def electorate(voters: int, kind: ProposalKind, target_seat: int) -> int:
    """Who votes, a bit for each seat: all ``voters`` but whom the vote is about (``target_seat``, a bit or 0)."""
    return voters & ~target_seat if is_about_member(kind) else voters


class Outcome(IntEnum):
    """Where a vote stands."""

    OPEN = 0
    PASSED = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote as it stands: seats are bits."""

    electorate: int
    closes: int
    approvals: int = 0
    rejections: int = 0
    outcome: Outcome = Outcome.OPEN

    @property
    def needed(self) -> int:
        """Approvals needed, fixed with the electorate."""
        return threshold(self.electorate.bit_count())

    def cast(self, seat: int, *, approve: bool, now: int) -> tuple[Vote, Reason]:  # one return a rule
        """Count one ballot.

        Args:
            seat: the voter's bit; 0 for a member without a seat.
            approve: yes or no.
            now: the block's time.

        Returns:
            The vote after it, and the reason why the ballot did not count, or OK. A ballot after the end closes it.
        """
        if self.outcome is not Outcome.OPEN:
            return self, Reason.PROPOSAL_CLOSED
        if not self.electorate & seat:
            return self, Reason.NOT_AN_ELECTOR
        if (self.approvals | self.rejections) & seat:
            return self, Reason.ALREADY_VOTED
        if now > self.closes:
            return replace(self, outcome=Outcome.FAILED), Reason.PROPOSAL_CLOSED
        after = (
            replace(self, approvals=self.approvals | seat)
            if approve
            else replace(self, rejections=self.rejections | seat)
        )
        if after.approvals.bit_count() >= after.needed:
            return replace(after, outcome=Outcome.PASSED), Reason.OK
        if after.electorate.bit_count() - after.rejections.bit_count() < after.needed:
            return replace(after, outcome=Outcome.FAILED), Reason.OK
        return after, Reason.OK


_SOLE = Role.ADMINISTER | Role.RECOVER


def key_change_reason(  # one return a rule
    *, level: int, roles: int, owned: bool | None, held: Role, previous: Role | None = None, replaces: bool = False
) -> Reason:
    """The reason why an administrator may not set a key so; the contract's rule, for a check before sending.

    Args:
        level: the member's level; only regulators' levels may hold ``REGULATE``.
        roles: the roles wanted; 0 removes the key.
        owned: whether the key is this member's, another's (False) or nobody's yet (None).
        held: the roles it has now.
        previous: the roles of the key that it replaces; None where that is not a live key of this member.
        replaces: whether it replaces one.
    """
    if roles > 63:
        return Reason.OUT_OF_RANGE
    if roles & Role.REGULATE and level not in LEVELS_OF_REGULATORS:
        return Reason.WRONG_ROLE
    if replaces:
        return _replacement_reason(roles=roles, known=owned is not None, previous=previous)
    if owned is False:
        return Reason.KEY_TAKEN
    if owned is None and roles == 0:
        return Reason.NOT_A_KEY
    if owned and held & _SOLE:
        return Reason.WRONG_ROLE
    if owned and held == roles:
        return Reason.ALREADY_DONE
    return Reason.WRONG_ROLE if roles & _SOLE else Reason.OK


def _replacement_reason(*, roles: int, known: bool, previous: Role | None) -> Reason:
    if not previous:
        return Reason.NOT_A_KEY
    if known:
        return Reason.KEY_TAKEN
    if roles == 0:
        return Reason.OUT_OF_RANGE
    sole = previous & _SOLE
    if (sole and roles != sole) or (not sole and roles & _SOLE):
        return Reason.WRONG_ROLE
    return Reason.OK
