"""One event as a line of a timeline: who, what in names, on which evidence. No database, no clock."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, TypeAlias

from ledger.blobs.cids import cid_from_digest
from ledger.domain import cases, consents, consortium, materials
from ledger.domain import events as happened
from ledger.domain.events import Event
from ledger.domain.leaves import leaf_text
from ledger.domain.operations import Operation
from ledger.ports import LocatedEvent
from ledger.wire.traces import Actor, Days, Fact, Line, Place

__all__ = ["actor_of", "facts_of", "kind_of", "line_of"]

_ZERO: Final = bytes(32)
_NO_ADDRESS: Final = "0x" + "00" * 20
_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")
_Facts: TypeAlias = tuple[Fact, ...]
_Make: TypeAlias = Callable[[Any], _Facts]


def line_of(located: LocatedEvent, entry: int, who: Actor | None, days: Days | None) -> Line:
    """The line of an event, with who sent it in names and the working days of the case that it moved."""
    event = located.event
    commitment, blob = getattr(event, "commitment", _ZERO), getattr(event, "blob", _ZERO)
    if commitment == _ZERO:
        commitment = getattr(event, "digest", _ZERO)
    return Line(
        kind=kind_of(event),
        time=located.time,
        place=Place(located.block, located.log_index, located.transaction, located.contract, entry),
        who=who,
        facts=facts_of(event),
        case=getattr(event, "case", None),
        commitment=commitment if commitment != _ZERO else None,
        blob=cid_from_digest(blob) if blob != _ZERO else None,
        days=days,
        refused=event.reason if isinstance(event, happened.Refused) else None,
    )


def kind_of(event: Event) -> str:
    """The name under which ``trace.toml`` has the event's line."""
    match event:
        case happened.AgreementAccepted() if event.in_force:
            return "agreement_in_force"
        case happened.DelegationSet() if event.valid_until == 0:
            return "delegation_ended"
        case happened.Granted() if event.attending:
            return "granted_witnessed"
        case _:
            return _WORD_START.sub("_", type(event).__name__).lower()


def facts_of(event: Event) -> _Facts:
    """What the line's words need, by name; codes of the contracts as the names that the field has for them."""
    make = _FACTS.get(type(event))
    return () if make is None else make(event)


def actor_of(event: Event) -> Actor | None:
    """Who sent an event, by number and key; the names of roles and departments are the caller's to add."""
    member = getattr(event, "member", None)
    key = getattr(event, "key", "")
    match event:
        case happened.DelegationSet():
            return Actor(event.grantor)
        case happened.LookupAsked():
            return Actor(event.asker, event.key)
        case happened.KeySet() | happened.ServiceKeyPublished():
            return Actor(event.member)
        case happened.Stepped():
            return Actor(
                event.member,
                event.key,
                applicant=event.actor == 0 and event.action != cases.Action.SETTLE,
                helper=event.helper,
                department=event.department,
                role=_name(cases.OfficerRole, event.role) if event.role else "",
            )
        case happened.HandedOver():
            return Actor(event.member, event.key, department=event.department)
        case happened.Opened():
            return Actor(event.member, event.key, helper=event.helper)
        case _:
            return Actor(member, key) if isinstance(member, int) and isinstance(key, str) else None


def _name(kind: type[IntEnum], code: int) -> str:
    """The code's name, or its number where this software does not know it."""
    try:
        return kind(code).name.lower()
    except ValueError:
        return str(code)


def _roles(bits: int) -> str:
    return " ".join(role.name.lower() for role in consortium.Role if role & bits and role.name)


def _detail(event: happened.Stepped) -> _Facts:
    """What the step's detail says, for the actions whose detail is a code."""
    match event.action:
        case cases.Action.REQUEST_CORRECTION:
            return (("notice", "notice_kinds", _name(cases.NoticeKind, event.detail)),)
        case cases.Action.REBUT:
            return (
                ("notice", "notice_kinds", _name(cases.NoticeKind, event.detail & 255)),
                ("given", "moments", event.detail >> 8),
            )
        case cases.Action.SUSPEND:
            return (("procedure", "special_procedures", _name(cases.SpecialProcedure, event.detail)),)
        case cases.Action.EXTEND:
            return (("days", "", event.detail),)
        case cases.Action.DELIVER:
            return (("channel", "channels", _name(cases.Channel, event.detail)),)
        case cases.Action.RATE:
            return (("rating", "satisfactions", _name(cases.Satisfaction, event.detail)),)
        case cases.Action.GRANT if event.detail:
            return (("leaf", "", leaf_text(event.detail)),)
        case cases.Action.TRANSFER_UP if event.detail:
            return (("superior", "members", event.detail),)
        case (
            cases.Action.REVOKE_RESULT
            | cases.Action.CHANGE_RESULT
            | cases.Action.DECLARE_UNLAWFUL
            | cases.Action.DEREGISTER
        ):
            return (("organ", "organs", _name(cases.Organ, event.detail)),)
        case _:
            return ()


_FACTS: Final[dict[type[Event], _Make]] = {
    happened.Refused: lambda e: (
        ("operation", "operations", _name(Operation, e.operation)),
        ("reason", "reasons", e.reason),
        ("index", "", e.index),
    ),
    happened.Founded: lambda e: (("name", "", e.name), ("founders", "", e.founders)),
    happened.MemberListed: lambda e: (
        ("level", "levels", _name(consortium.Level, e.level)),
        ("division", "", e.division),
    ),
    happened.MemberStatusChanged: lambda e: (
        ("status", "member_statuses", _name(consortium.MemberStatus, e.status)),
        ("proposal", "", e.proposal),
    ),
    happened.KeySet: lambda e: (
        ("roles", "key_roles", _roles(e.roles)),
        ("key", "", e.key),
        *((("previous", "", e.previous),) if e.previous != _NO_ADDRESS else ()),
    ),
    happened.RecoveryStarted: lambda e: (("due", "moments", e.due),),
    happened.ServiceKeyPublished: lambda e: (
        ("kind", "service_key_kinds", _name(consortium.ServiceKeyKind, e.kind)),
        ("version", "", e.version),
    ),
    happened.DepartmentSet: lambda e: (
        ("name", "", e.name),
        ("department", "", e.department),
        ("active", "", e.active),
    ),
    happened.Proposed: lambda e: (
        ("proposal", "", e.proposal),
        ("kind", "proposal_kinds", _name(consortium.ProposalKind, e.kind)),
        ("needed", "", e.needed),
        ("closes", "moments", e.closes),
    ),
    happened.AdmissionProposed: lambda e: (
        ("proposal", "", e.proposal),
        ("name", "", e.name),
        ("division", "", e.division),
    ),
    happened.Voted: lambda e: (("proposal", "", e.proposal), ("approve", "yes_no", e.approve)),
    happened.ProposalClosed: lambda e: (("proposal", "", e.proposal), ("passed", "passed", e.passed)),
    happened.GenerationAdded: lambda e: (
        ("kind", "contract_kinds", _name(consortium.ContractKind, e.kind)),
        ("generation", "", e.generation),
    ),
    happened.PolicySet: lambda e: (("version", "", e.version),),
    happened.CalendarPosted: lambda e: (("year", "", e.year), ("version", "", e.version)),
    happened.CalendarObjected: lambda e: (("year", "", e.year), ("version", "", e.version)),
    happened.MatterPublished: lambda e: (("code", "", e.code), ("version", "", e.version)),
    happened.MatterWithdrawn: lambda e: (("version", "", e.version),),
    happened.AgreementDrafted: lambda e: (
        ("version", "", e.version),
        ("kind", "agreement_kinds", {1: "new", 2: "amendment", 3: "accession"}.get(e.kind, str(e.kind))),
        ("parties", "", len(e.parties)),
        ("matters", "", len(e.matters)),
    ),
    happened.AgreementAccepted: lambda e: (("version", "", e.version), ("accepted", "", e.accepted)),
    happened.AgreementEnded: lambda e: (("effective", "moments", e.effective),),
    happened.DelegationSet: lambda e: (("grantee", "members", e.grantee), ("valid_until", "moments", e.valid_until)),
    happened.Anchored: lambda e: (("batch", "", e.batch), ("size", "", e.size)),
    happened.LeavesRevoked: lambda e: (
        ("batch", "", e.batch),
        ("count", "", len(e.leaves)),
        ("cause", "revocation_causes", _name(materials.RevocationCause, e.cause)),
    ),
    happened.ErasureRecorded: lambda e: (
        ("batch", "", e.batch),
        ("count", "", len(e.leaves)),
        ("basis", "erasure_bases", _name(materials.ErasureBasis, e.basis)),
    ),
    happened.LookupAsked: lambda e: (
        ("asked", "members", e.asked),
        ("purpose", "purposes", _name(consents.Purpose, e.purpose)),
    ),
    happened.Granted: lambda e: (
        ("consent", "", e.consent.hex()),
        ("count", "", len(e.leaves)),
        ("purpose", "purposes", _name(consents.Purpose, e.purpose)),
        ("valid_until", "moments", e.valid_until),
        *((("attending", "members", e.attending), ("custodian", "members", e.custodian)) if e.attending else ()),
    ),
    happened.ConsentConfirmed: lambda e: (("consent", "", e.consent.hex()),),
    happened.ConsentRevoked: lambda e: (
        ("consent", "", e.consent.hex()),
        ("recorded", "", e.recorded),
        *((("attending", "members", e.attending),) if e.attending else ()),
    ),
    happened.Used: lambda e: (
        ("use", "", e.use),
        ("count", "", len(e.leaves)),
        ("basis", "use_bases", _name(consents.Basis, e.basis)),
        ("purpose", "purposes", _name(consents.Purpose, e.purpose)),
        ("remaining", "", e.remaining),
        *((("consent", "", e.consent.hex()),) if e.consent != _ZERO else ()),
    ),
    happened.Opened: lambda e: (
        ("mode", "modes", _name(cases.Mode, e.mode)),
        ("channel", "channels", _name(cases.Channel, e.channel)),
        ("receiving", "members", e.receiving),
        ("handling", "members", e.handling),
        ("version", "", e.version),
        *((("agreement", "", e.agreement.hex()),) if e.agreement != _ZERO else ()),
        *((("parent", "", e.parent.hex()),) if e.parent != _ZERO else ()),
    ),
    happened.Stepped: lambda e: (
        ("action", "actions", _name(cases.Action, e.action)),
        ("state", "states", _name(cases.State, e.state)),
        ("sequence", "", e.sequence),
        *_detail(e),
    ),
    happened.HandedOver: lambda e: (("to_member", "members", e.to_member), ("to_department", "", e.to_department)),
    happened.ClockChanged: lambda e: (("suspended", "", e.suspended), ("extension", "", e.extension)),
    happened.Supervised: lambda e: (
        ("order", "", e.order),
        ("stage", "supervision_stages", _name(cases.SupervisionStage, e.stage)),
        ("due", "moments", e.due),
    ),
    happened.Recorded: lambda e: (("kind", "records", _name(cases.RecordKind, e.kind)), ("sequence", "", e.sequence)),
}
