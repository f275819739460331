"""Every event that the contracts emit, as the rest of the product knows it.

One dataclass for each event of ``contracts/src``, with the event's own name and its parameters' own names, in their
order; a test compares them with the checked-in ABI. Values: ``bytes`` for ``bytes32`` and ``Bytes[N]``, lowercase
``0x`` strings for addresses, ``int``, ``bool``, ``str``, and tuples for arrays.

``commitment`` is a salted SHA-256 digest of an envelope's plaintext, ``blob`` the SHA-256 digest that makes up the raw
CIDv1 of the encrypted envelope (zero where there is none). Times are POSIX seconds of the chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "EVENTS",
    "AdmissionProposed",
    "AgreementAccepted",
    "AgreementDrafted",
    "AgreementEnded",
    "Anchored",
    "Assented",
    "CalendarObjected",
    "CalendarPosted",
    "ClockChanged",
    "ConsentConfirmed",
    "ConsentRevoked",
    "DelegationSet",
    "DepartmentSet",
    "EndpointPublished",
    "ErasureRecorded",
    "Event",
    "Founded",
    "GenerationAdded",
    "Granted",
    "HandedOver",
    "KeySet",
    "LeavesRevoked",
    "LookupAnswered",
    "LookupAsked",
    "MatterPublished",
    "MatterWithdrawn",
    "MemberConfirmed",
    "MemberListed",
    "MemberStatusChanged",
    "Opened",
    "PolicySet",
    "ProposalClosed",
    "Proposed",
    "Recorded",
    "RecoveryObjected",
    "RecoveryStarted",
    "Refused",
    "ServiceKeyPublished",
    "Stepped",
    "Supervised",
    "Used",
    "Voted",
    "WalletPointed",
]

Address: TypeAlias = str


@dataclass(frozen=True, slots=True)
class Refused:
    """An operation of a batch was not done; ``subject`` is what it was about, ``reason`` a code of ``reasons``."""

    member: int
    operation: int
    index: int
    subject: bytes
    reason: int


# ---- consortium -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Founded:
    """The network's own facts, emitted once by the constructor; ``status_epoch`` is in blocks, the offset in seconds."""

    name: str
    founders: int
    pilot: bool
    status_epoch: int
    clock_offset: int


@dataclass(frozen=True, slots=True)
class MemberListed:
    """A member was listed by genesis or by a vote; it acts once it has confirmed with the administrator's key."""

    member: int
    division: int
    level: int
    parent: int
    voting: bool
    name: str
    administrator: Address


@dataclass(frozen=True, slots=True)
class MemberConfirmed:
    """A listed member confirmed itself."""

    member: int
    key: Address


@dataclass(frozen=True, slots=True)
class MemberStatusChanged:
    """A vote suspended, resumed or excluded a member; ``digest`` is that of the superior authority's decision."""

    member: int
    status: int
    proposal: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class KeySet:
    """A key's roles were set (0: removed); ``previous`` is the key it replaces, or zero."""

    member: int
    key: Address
    roles: int
    previous: Address


@dataclass(frozen=True, slots=True)
class RecoveryStarted:
    """The recovery key asked for a new administrator, effective at ``due`` unless objected to."""

    member: int
    administrator: Address
    due: int


@dataclass(frozen=True, slots=True)
class RecoveryObjected:
    """The present administrator objected: only a vote can now replace that key."""

    member: int
    administrator: Address


@dataclass(frozen=True, slots=True)
class ServiceKeyPublished:
    """A public key that is no chain key: kind 1 cosigning Ed25519, 2 cosigning ML-DSA-44, 3 HPKE, 4 requests Ed25519, 5 log Ed25519."""

    member: int
    kind: int
    version: int
    key: bytes


@dataclass(frozen=True, slots=True)
class EndpointPublished:
    """Where a member's node answers other members."""

    member: int
    url: str


@dataclass(frozen=True, slots=True)
class DepartmentSet:
    """An implementing body 实施主体 of a member."""

    member: int
    department: int
    active: bool
    name: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """A vote was opened; the electorate (bitmap of voter slots) is fixed here."""

    proposal: int
    kind: int
    member: int
    target: int
    subject: bytes
    digest: bytes
    electorate: int
    needed: int
    closes: int


@dataclass(frozen=True, slots=True)
class AdmissionProposed:
    """Whom a vote of kind 1 would list; it goes before its ``Proposed``."""

    proposal: int
    division: int
    level: int
    parent: int
    voting: bool
    name: str
    administrator: Address


@dataclass(frozen=True, slots=True)
class Voted:
    """One member's vote."""

    proposal: int
    member: int
    key: Address
    approve: bool
    approvals: int


@dataclass(frozen=True, slots=True)
class ProposalClosed:
    """A vote ended: passed, or can no longer pass."""

    proposal: int
    passed: bool


@dataclass(frozen=True, slots=True)
class GenerationAdded:
    """A contract became the current generation of its kind: 1 catalogue, 2 materials, 3 cases, 4 consents."""

    kind: int
    generation: int
    contract: Address


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The digest of the cosigning policy now in force."""

    version: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class CalendarPosted:
    """Working days of a year: bit n of ``low`` ‖ ``high`` (256 days, then the rest) is day n of the year, from 0."""

    year: int
    version: int
    member: int
    key: Address
    low: int
    high: int
    notice: bytes


@dataclass(frozen=True, slots=True)
class CalendarObjected:
    """A member objects to a posted calendar."""

    year: int
    version: int
    member: int
    commitment: bytes


# ---- catalogue ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MatterPublished:
    """A member's implementation list entry of a matter, in a version; ``matter`` is the SHA-256 of ``code``."""

    member: int
    matter: bytes
    version: int
    rule: int
    digest: bytes
    blob: bytes
    code: str


@dataclass(frozen=True, slots=True)
class MatterWithdrawn:
    """A member no longer offers a matter; running cases go on."""

    member: int
    matter: bytes
    version: int


@dataclass(frozen=True, slots=True)
class AgreementDrafted:
    """A text to be accepted by every party. Kind: 1 new, 2 amendment, 3 accession. Modes: bitmap, bit m for mode m."""

    agreement: bytes
    version: int
    kind: int
    member: int
    parent: bytes
    predecessor: bytes
    parties: tuple[int, ...]
    matters: tuple[bytes, ...]
    modes: tuple[int, ...]
    notice_days: int
    valid_from: int
    valid_until: int
    digest: bytes
    blob: bytes


@dataclass(frozen=True, slots=True)
class AgreementAccepted:
    """One party accepted with its own key; ``in_force`` once all have."""

    agreement: bytes
    version: int
    member: int
    key: Address
    accepted: int
    in_force: bool


@dataclass(frozen=True, slots=True)
class AgreementEnded:
    """A party gave notice; new cases are refused from ``effective``."""

    agreement: bytes
    member: int
    effective: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class DelegationSet:
    """Authorised here 异地授权: the grantor lets the grantee decide a matter in its name; ``valid_until`` 0 ends it."""

    grantor: int
    grantee: int
    matter: bytes
    valid_from: int
    valid_until: int
    digest: bytes
    blob: bytes


# ---- materials ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Anchored:
    """A batch of leaves; emitted only for an issue key of an active member. Flags: bit 0 small batch."""

    batch: int
    member: int
    key: Address
    root: bytes
    size: int
    blob: bytes
    flags: int


@dataclass(frozen=True, slots=True)
class LeavesRevoked:
    """Leaves of one batch may no longer be used. ``cause`` is a code of ``materials.RevocationCause``."""

    batch: int
    leaves: tuple[int, ...]
    member: int
    key: Address
    cause: int
    commitment: bytes


@dataclass(frozen=True, slots=True)
class ErasureRecorded:
    """A custodian (``consent`` zero) or a reader destroyed its wrapped keys, on the legal basis named."""

    batch: int
    leaves: tuple[int, ...]
    member: int
    key: Address
    consent: bytes
    basis: int
    commitment: bytes


@dataclass(frozen=True, slots=True)
class WalletPointed:
    """A wallet's version under its own write-once key."""

    pointer: bytes
    blob: bytes
    member: int
    key: Address


@dataclass(frozen=True, slots=True)
class LookupAsked:
    """One member asks another whether it holds something; the sealed question travels between them."""

    lookup: bytes
    asker: int
    asked: int
    purpose: int
    key: Address
    commitment: bytes


@dataclass(frozen=True, slots=True)
class LookupAnswered:
    """The asked member answered; full, empty and refused answers look alike."""

    lookup: bytes
    member: int
    key: Address
    commitment: bytes
    blob: bytes


# ---- consents (in the materials contract) ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Granted:
    """A consent was recorded. Leaves are ``batch << 32 | index``, grantees ``member << 16 | uses``.

    ``attending`` is zero for a consent signed by the holders; otherwise the member at whose window it was witnessed,
    with ``custodian`` and the salted commitment of the signed ``paper``. ``usable_from`` is later than the block's time
    where a hold of 24 hours applies.
    """

    consent: bytes
    case: bytes
    cases: Address
    matter: bytes
    purpose: int
    disclosed: bytes
    valid_from: int
    valid_until: int
    leaves: tuple[int, ...]
    grantees: tuple[int, ...]
    member: int
    key: Address
    attending: int
    custodian: int
    paper: bytes
    usable_from: int


@dataclass(frozen=True, slots=True)
class ConsentConfirmed:
    """A regulator lifted the hold of a consent witnessed at its custodian's own window."""

    consent: bytes
    member: int
    key: Address


@dataclass(frozen=True, slots=True)
class ConsentRevoked:
    """A consent, recorded or not yet, must not be used. ``holder`` is zero where ``attending`` witnessed the wish."""

    consent: bytes
    holder: Address
    recorded: bool
    attending: int
    paper: bytes
    member: int
    key: Address


@dataclass(frozen=True, slots=True)
class Used:
    """A member may now read the leaves. Basis: 1 consent, 2 statutory duty (``provision`` and ``notice`` set).

    ``remaining`` counts the readings this consent still leaves to this member.
    """

    use: int
    basis: int
    consent: bytes
    case: bytes
    cases: Address
    member: int
    key: Address
    purpose: int
    disclosed: bytes
    leaves: tuple[int, ...]
    remaining: int
    provision: bytes
    notice: bytes


# ---- cases ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assented:
    """One city's assent to a case that no agreement covers."""

    case: bytes
    member: int
    key: Address
    commitment: bytes
    blob: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A case was submitted under its own key. ``helper`` is the member whose window helped, or zero."""

    case: bytes
    case_key: Address
    receiving: int
    handling: int
    matter: bytes
    mode: int
    channel: int
    version: int
    rule: int
    agreement: bytes
    agreement_version: int
    parent: bytes
    holders: bytes
    member: int
    key: Address
    helper: int
    commitment: bytes
    blob: bytes
    head: bytes


@dataclass(frozen=True, slots=True)
class Stepped:
    """One transition. ``member`` is who sent it; ``actor`` 0 is the applicant (``helper``: the witnessing member).

    ``detail`` depends on the action (see ``domain.cases``); ``elapsed`` is the number of working days used by then,
    65,535 where the action does not need the calendar.
    """

    case: bytes
    sequence: int
    action: int
    state: int
    actor: int
    member: int
    key: Address
    helper: int
    department: int
    role: int
    detail: int
    elapsed: int
    commitment: bytes
    blob: bytes
    head: bytes


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Another office of the same case has it now."""

    case: bytes
    member: int
    key: Address
    department: int
    to_member: int
    to_department: int


@dataclass(frozen=True, slots=True)
class ClockChanged:
    """The clock of a case was stopped, started, extended or restarted; days are working days."""

    case: bytes
    started: int
    suspended: int
    extension: int


@dataclass(frozen=True, slots=True)
class Supervised:
    """A supervision order 督办: stage 1 issued by a regulator, 2 answered by the office, 3 settled by the regulator."""

    case: bytes
    order: int
    stage: int
    member: int
    key: Address
    due: int
    commitment: bytes
    blob: bytes


@dataclass(frozen=True, slots=True)
class Recorded:
    """Whatever a procedure needs besides its transitions; kinds are those of ``domain.cases.RecordKind``."""

    case: bytes
    sequence: int
    kind: int
    member: int
    key: Address
    commitment: bytes
    blob: bytes


Event: TypeAlias = (
    Refused
    | Founded
    | MemberListed
    | MemberConfirmed
    | MemberStatusChanged
    | KeySet
    | RecoveryStarted
    | RecoveryObjected
    | ServiceKeyPublished
    | EndpointPublished
    | DepartmentSet
    | Proposed
    | AdmissionProposed
    | Voted
    | ProposalClosed
    | GenerationAdded
    | PolicySet
    | CalendarPosted
    | CalendarObjected
    | MatterPublished
    | MatterWithdrawn
    | AgreementDrafted
    | AgreementAccepted
    | AgreementEnded
    | DelegationSet
    | Anchored
    | LeavesRevoked
    | ErasureRecorded
    | WalletPointed
    | LookupAsked
    | LookupAnswered
    | Granted
    | ConsentConfirmed
    | ConsentRevoked
    | Used
    | Assented
    | Opened
    | Stepped
    | HandedOver
    | ClockChanged
    | Supervised
    | Recorded
)

EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__args__}
