"""What an event is about: the keys under which a trace finds it.

Subjects are text, so that one index serves all kinds: digests and ids as hex, leaves as ``contract:batch:index``,
batches and uses as ``contract:number``, members and years as numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TypeAlias

from ledger.domain import events as happened
from ledger.domain.events import Event
from ledger.ports import LocatedEvent

__all__ = ["Subject", "SubjectKind", "batch_key", "leaf_key", "matter_key", "subjects", "use_key"]


class SubjectKind(StrEnum):
    """Kinds of things that have a trace."""

    CASE = "case"
    CONSENT = "consent"
    LEAF = "leaf"
    BATCH = "batch"
    USE = "use"
    MEMBER = "member"
    KEY = "key"
    AGREEMENT = "agreement"
    MATTER = "matter"
    LOOKUP = "lookup"
    POINTER = "pointer"
    PROPOSAL = "proposal"
    CALENDAR = "calendar"
    CONTRACT = "contract"
    # What a refused operation was about, by its 32 bytes: a case, a consent, an agreement, a number.
    REFUSED = "refused"


Subject: TypeAlias = tuple[SubjectKind, str]
_ZERO = bytes(32)
_INDEX = 0xFFFFFFFF
_K = SubjectKind


def leaf_key(contract: str, batch: int, index: int) -> str:
    """A leaf's key."""
    return f"{contract}:{batch}:{index}"


def batch_key(contract: str, batch: int) -> str:
    """A batch's key."""
    return f"{contract}:{batch}"


def use_key(contract: str, use: int) -> str:
    """A use's key."""
    return f"{contract}:{use}"


def matter_key(member: int, matter: bytes) -> str:
    """The key of a member's entry for a matter."""
    return f"{member}:{matter.hex()}"


def subjects(located: LocatedEvent) -> tuple[Subject, ...]:
    """What the event is about, each once."""
    return tuple(dict.fromkeys((*_plain(located.event), *_of_materials(located), *_of_catalogue(located.event))))


# Fields that name a subject of a kind in whichever event they occur.
_FIELDS = {
    "case": _K.CASE,
    "consent": _K.CONSENT,
    "lookup": _K.LOOKUP,
    "pointer": _K.POINTER,
    "proposal": _K.PROPOSAL,
    "agreement": _K.AGREEMENT,
    "parent": _K.CASE,
}
# Members that an event is about; whoever merely sent it is found by the key's or the member's own rows.
_MEMBERS = {
    happened.MemberListed: ("member",),
    happened.MemberConfirmed: ("member",),
    happened.MemberStatusChanged: ("member",),
    happened.KeySet: ("member",),
    happened.RecoveryStarted: ("member",),
    happened.RecoveryObjected: ("member",),
    happened.ServiceKeyPublished: ("member",),
    happened.EndpointPublished: ("member",),
    happened.DepartmentSet: ("member",),
    happened.DelegationSet: ("grantor", "grantee"),
    happened.MatterPublished: ("member",),
    happened.MatterWithdrawn: ("member",),
    happened.AgreementAccepted: ("member",),
    happened.AgreementEnded: ("member",),
    happened.CalendarPosted: ("member",),
    happened.CalendarObjected: ("member",),
    happened.Voted: ("member",),
}


def _plain(event: Event) -> Iterator[Subject]:
    for field, kind in _FIELDS.items():
        value = getattr(event, field, None)
        if isinstance(value, bytes) and value != _ZERO:
            yield (_K.AGREEMENT if isinstance(event, happened.AgreementDrafted) else kind), value.hex()
        elif kind is _K.PROPOSAL and isinstance(value, int) and value:
            yield kind, str(value)
    for field in _MEMBERS.get(type(event), ()):
        yield _K.MEMBER, str(getattr(event, field))
    match event:
        case happened.Refused():
            yield _K.REFUSED, event.subject.hex()
        case happened.KeySet():
            yield _K.KEY, event.key
        case happened.CalendarPosted() | happened.CalendarObjected():
            yield _K.CALENDAR, str(event.year)
        case happened.GenerationAdded():
            yield _K.CONTRACT, event.contract
        case happened.Proposed() if event.target and event.kind not in {1, 5, 6}:
            yield _K.MEMBER, str(event.target)
        case _:
            pass


def _of_materials(located: LocatedEvent) -> Iterator[Subject]:
    contract, event = located.contract, located.event
    match event:
        case happened.Anchored():
            yield _K.BATCH, batch_key(contract, event.batch)
        case happened.LeavesRevoked() | happened.ErasureRecorded():
            yield _K.BATCH, batch_key(contract, event.batch)
            for index in event.leaves:
                yield _K.LEAF, leaf_key(contract, event.batch, index)
        case happened.Granted() | happened.Used():
            for leaf in event.leaves:
                yield _K.LEAF, leaf_key(contract, leaf >> 32, leaf & _INDEX)
            if isinstance(event, happened.Used):
                yield _K.USE, use_key(contract, event.use)
        case happened.LookupAsked():
            yield _K.MEMBER, str(event.asker)
            yield _K.MEMBER, str(event.asked)
        case _:
            pass


def _of_catalogue(event: Event) -> Iterator[Subject]:
    match event:
        case happened.MatterPublished() | happened.MatterWithdrawn():
            yield _K.MATTER, matter_key(event.member, event.matter)
        case happened.DelegationSet():
            yield _K.MATTER, matter_key(event.grantor, event.matter)
        case happened.AgreementDrafted():
            for party in event.parties:
                yield _K.MEMBER, str(party)
        case _:
            pass
