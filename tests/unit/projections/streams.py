"""Random but lawful histories of a network, as the events that its contracts would emit.

A seed gives one history: members join and vote, matters and agreements come and go, materials are anchored, cases run
through the machine of ``case_steps`` itself, consents are granted, used and revoked. Blocks are irregular and sometimes
empty.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from ledger.domain import case_history
from ledger.domain import events as happened
from ledger.domain.case_model import CaseModel, opened
from ledger.domain.case_steps import Applied, Step, apply, possible
from ledger.domain.case_tables import ACTION_RULES
from ledger.domain.cases import CASE_READING, Action, Mode, State
from ledger.domain.catalogue import LimitRule
from ledger.domain.events import Event
from ledger.ports import Block, LocatedEvent
from tests.unit.projections.scenery import (
    CALENDARS,
    CASES,
    CATALOGUE,
    CHAIN_ID,
    CITIES,
    CONSORTIUM,
    MATERIALS,
    NOBODY,
    REGULATOR,
    TYPES,
    ZERO,
    Case,
    World,
    calendar,
)

__all__ = [
    "CALENDARS",
    "CASES",
    "CATALOGUE",
    "CHAIN_ID",
    "CONSORTIUM",
    "MATERIALS",
    "NOBODY",
    "TYPES",
    "ZERO",
    "History",
    "history",
]


@dataclass
class History:
    """What happened, block by block, and each case as the machine left it."""

    blocks: list[Block]
    cases: dict[bytes, CaseModel]

    @property
    def events(self) -> list[LocatedEvent]:
        """All events in order."""
        return [located for block in self.blocks for located in block.events]


def history(seed: int, steps: int = 60, *, epoch: int = 4) -> History:
    """One history of about so many things that happen."""
    world = World(random.Random(seed))  # noqa: S311  # repeatable, not secret
    world.close(1)
    _found(world, epoch)
    doings = [
        _key, _vote, _services, _matter, _agreement, _delegation, _anchor, _anchor, _revoke, _erase, _lookup,
        _open, _open, _act, _act, _act, _act, _act, _beside, _grant, _grant, _use, _use, _consent_end, _refuse,
    ]  # fmt: skip
    for _ in range(steps):
        world.random.choice(doings)(world)
        if world.random.random() < 0.5:
            world.close(world.random.choice((1, 2, 60, 3_600, 86_400)))
            if world.random.random() < 0.3:
                world.close(2)
    world.close(1)
    return History(world.blocks, {case: one.model for case, one in world.cases.items()})


def _found(world: World, epoch: int) -> None:
    for number, (member, level) in enumerate(zip((*CITIES, REGULATOR), (4, 3, 5, 4, 4, 8), strict=True)):
        world.emit(
            happened.MemberListed(
                member, 510_100 + number, level, 0, member != REGULATOR, f"样本市{member}", world.key(member)
            ),
            CONSORTIUM,
        )
    world.emit(happened.Founded("样本网络", 6, False, epoch, 120), CONSORTIUM)  # noqa: FBT003  # the event's own order
    world.close(1)
    for member in (*CITIES, REGULATOR):
        world.emit(happened.MemberConfirmed(member, world.key(member)), CONSORTIUM)
        world.emit(happened.KeySet(member, "0x" + f"{member:02x}" * 19 + "ee", 32, NOBODY), CONSORTIUM)
        world.emit(happened.KeySet(member, "0x" + f"{member:02x}" * 19 + "aa", 2 | 8, NOBODY), CONSORTIUM)
        world.emit(happened.DepartmentSet(member, 1, True, "样本局"), CONSORTIUM)  # noqa: FBT003  # the event's own order
        world.statuses[member] = 2
    for kind, contract in enumerate((CATALOGUE, MATERIALS, CASES), 1):
        world.emit(happened.GenerationAdded(kind, 1, contract), CONSORTIUM)
    for year in (2026, 2027):
        posted = calendar(year)
        world.emit(
            happened.CalendarPosted(year, 1, REGULATOR, world.key(6), posted.low, posted.high, world.digest()),
            CONSORTIUM,
        )
    world.close(5)


def _key(world: World) -> None:
    member = world.city()
    old = "0x" + f"{member:02x}" * 19 + "aa"
    fresh = world.address()
    world.emit(happened.KeySet(member, fresh, 4, NOBODY), CONSORTIUM)
    if world.random.random() < 0.5:
        world.emit(happened.KeySet(member, world.address(), 4, fresh), CONSORTIUM)
    if world.random.random() < 0.3:
        world.emit(happened.RecoveryStarted(member, world.address(), world.now + 604_800), CONSORTIUM)
        if world.random.random() < 0.5:
            world.emit(happened.RecoveryObjected(member, world.key(member)), CONSORTIUM)
        world.emit(happened.KeySet(member, world.address(), 32, old), CONSORTIUM)


def _vote(world: World) -> None:
    target = world.city()
    kind = world.random.choice((1, 6, 8, 2 if world.statuses[target] == 2 else 3))
    world.proposals += 1
    number, member = world.proposals, 1 if target != 1 else 2
    subject = world.random.choice((ZERO, ZERO[:31] + b"\1")) if kind == 8 else world.digest()
    if kind == 1:
        world.emit(
            happened.AdmissionProposed(number, 330_483, 4, 0, True, "样本新市", world.address()), CONSORTIUM  # noqa: FBT003
        )  # fmt: skip
    world.emit(
        happened.Proposed(
            number, kind, member, target if kind in {2, 3, 8} else 0, subject, world.digest(), 31, 4, world.now + 1
        ),
        CONSORTIUM,
    )
    for voter in CITIES[: world.random.randrange(5)]:
        world.emit(happened.Voted(number, voter, world.key(voter), voter != 3, voter), CONSORTIUM)
    passed = world.random.random() < 0.6
    world.emit(happened.ProposalClosed(number, passed), CONSORTIUM)
    if passed and kind in {2, 3}:
        world.statuses[target] = 3 if kind == 2 else 2
        world.emit(happened.MemberStatusChanged(target, world.statuses[target], number, ZERO), CONSORTIUM)
    if passed and kind == 6:
        world.emit(happened.PolicySet(number, world.digest()), CONSORTIUM)


def _services(world: World) -> None:
    member, version = world.city(), len(world.blocks)
    world.emit(
        happened.ServiceKeyPublished(
            member, world.random.randrange(1, 6), world.proposals * 1000 + world.random.randrange(10**9), world.digest()
        ),
        CONSORTIUM,
    )
    world.emit(happened.EndpointPublished(member, f"http://127.0.0.1:{9000 + version}"), CONSORTIUM)
    world.emit(
        happened.DepartmentSet(member, world.random.randrange(1, 4), world.random.random() < 0.8, "样本局"), CONSORTIUM
    )
    posted = calendar(2027)
    world.emit(
        happened.CalendarPosted(
            2027, 2 + world.random.randrange(10**9), 6, world.key(6), posted.low, posted.high, ZERO
        ),
        CONSORTIUM,
    )
    world.emit(happened.CalendarObjected(2027, world.random.randrange(10**9), member, world.digest()), CONSORTIUM)


def _matter(world: World) -> None:
    member, code = world.city(), f"local:{world.random.randrange(4)}"
    matter = hashlib.sha256(code.encode()).digest()
    version = world.versions.get((member, matter), 0)
    if version and world.random.random() < 0.3:
        world.emit(happened.MatterWithdrawn(member, matter, version), CATALOGUE)
        return
    world.versions[member, matter] = version + 1
    rule = LimitRule.licence(supply_days=5)
    world.emit(
        happened.MatterPublished(member, matter, version + 1, rule.pack(), world.digest(), world.digest(), code),
        CATALOGUE,
    )


def _agreement(world: World) -> None:
    if world.agreements and world.random.random() < 0.4:
        agreement, (version, in_force) = world.random.choice(sorted(world.agreements.items()))
        if in_force and world.random.random() < 0.4:
            world.emit(happened.AgreementEnded(agreement, 1, world.now + 86_400, world.digest()), CATALOGUE)
            del world.agreements[agreement]
            return
    else:
        agreement, (version, in_force) = world.digest(), (0, 0)
    parties = tuple(sorted(world.random.sample(CITIES, 2 + version % 2)))
    matters = tuple(sorted(hashlib.sha256(f"local:{n}".encode()).digest() for n in range(2)))
    kind = 1 if version == 0 else 2
    world.emit(
        happened.AgreementDrafted(
            agreement,
            version + 1,
            kind,
            parties[0],
            ZERO,
            ZERO,
            parties,
            matters,
            (6, 18),
            30,
            world.now,
            0,
            world.digest(),
            ZERO,
        ),
        CATALOGUE,
    )
    complete = world.random.random() < 0.7
    for count, party in enumerate(parties if complete else parties[:1], 1):
        last = complete and party == parties[-1]
        world.emit(happened.AgreementAccepted(agreement, version + 1, party, world.key(party), count, last), CATALOGUE)
    world.agreements[agreement] = (version + 1, version + 1 if complete else in_force)


def _delegation(world: World) -> None:
    grantor, grantee = world.random.sample(CITIES, 2)
    matter = hashlib.sha256(b"local:1").digest()
    until = world.random.choice((0, world.now + 10**7))
    world.emit(happened.DelegationSet(grantor, grantee, matter, world.now, until, world.digest(), ZERO), CATALOGUE)


def _anchor(world: World) -> None:
    number, member = len(world.batches) + 1, world.city()
    world.batches[number] = (member, 256)
    world.emit(
        happened.Anchored(number, member, world.key(member), world.digest(), 256, world.digest(), number % 2), MATERIALS
    )
    world.emit(happened.WalletPointed(world.digest(), world.digest(), member, world.key(member)), MATERIALS)


def _leaves(world: World, taken: set[tuple[int, int]], count: int) -> tuple[int, tuple[int, ...]]:
    if not world.batches:
        _anchor(world)
    batch = world.random.choice(sorted(world.batches))
    free = [index for index in range(24) if (batch, index) not in taken]
    return batch, tuple(sorted(world.random.sample(free, min(count, len(free)))))


def _revoke(world: World) -> None:
    batch, leaves = _leaves(world, world.revoked, 3)
    member = world.batches[batch][0]
    world.revoked |= {(batch, index) for index in leaves}
    world.emit(happened.LeavesRevoked(batch, leaves, member, world.key(member), 3, world.digest()), MATERIALS)


def _erase(world: World) -> None:
    batch, leaves = _leaves(world, set(), 4)
    member = world.batches[batch][0]
    world.emit(happened.ErasureRecorded(batch, leaves, member, world.key(member), ZERO, 2, world.digest()), MATERIALS)


def _lookup(world: World) -> None:
    lookup = world.digest()
    asker, asked = world.random.sample(CITIES, 2)
    world.emit(happened.LookupAsked(lookup, asker, asked, 1, world.key(asker), world.digest()), MATERIALS)
    if world.random.random() < 0.7:
        world.emit(happened.LookupAnswered(lookup, asked, world.key(asked), world.digest(), world.digest()), MATERIALS)


def _open(world: World) -> None:
    receiving, handling = world.city(), world.city()
    case, mode = world.digest(), Mode(world.random.randrange(1, 5))
    parents = [
        key
        for key, one in sorted(world.cases.items())
        if one.model.is_parent and one.model.word.state is State.SUBMITTED
    ]
    parent = world.random.choice(parents) if parents and mode is Mode.JOINT and world.random.random() < 0.7 else ZERO
    if parent != ZERO:
        receiving = world.cases[parent].model.word.receiving
    rule = LimitRule.licence(supply_days=5)
    matter = hashlib.sha256(f"local:{world.random.randrange(4)}".encode()).digest()
    agreed = sorted(key for key, (_, in_force) in world.agreements.items() if in_force)
    agreement = world.random.choice([*agreed, ZERO])
    if agreement == ZERO:
        for member in {receiving, handling}:
            world.emit(happened.Assented(case, member, world.key(member), world.digest(), world.digest()), CASES)
    world.emit(
        happened.Opened(
            case, world.address(), receiving, handling, matter, mode, 1, 1, rule.pack(), agreement,
            world.agreements[agreement][1] if agreement != ZERO else 0, parent, ZERO, receiving, world.key(receiving), 0,
            world.digest(), world.digest(), world.digest(),
        ),
        CASES,
    )  # fmt: skip
    model = opened(mode, receiving, handling, rule, world.now, child=parent != ZERO)
    world.cases[case] = Case(model, rule, matter, parent)
    if parent != ZERO:
        world.cases[parent].model = case_history.with_child(world.cases[parent].model)


def _act(world: World) -> None:
    """Some steps of one case, in blocks of their own."""
    if world.cases:
        case = world.random.choice(sorted(world.cases))
        for _ in range(world.random.randrange(1, 5)):
            _step(world, case, world.cases[case])
            world.close(world.random.choice((1, 30, 7_200, 86_400)))


def _step(world: World, case: bytes, one: Case) -> None:
    """One step that the machine allows, reported with the machine's own numbers."""
    before = one.model
    actor = world.random.choice((0, before.word.receiving, before.word.handling))
    choices = possible(before, actor, world.now, CALENDARS)
    if not choices:
        return
    # Most people wait for their decision.
    weights = [1 if action in {Action.WITHDRAW, Action.CLAIM, Action.REFUSE_ACCEPTANCE} else 8 for action in choices]
    (action,) = world.random.choices(choices, weights)
    rule = ACTION_RULES[action]
    detail = {Action.REBUT: 1 | (world.now - 5) << 8, Action.EXTEND: 5}.get(
        action, max(1, rule.details[0]) if rule.details[1] else 0
    )
    role = min(rule.roles, default=0)
    step = Step(
        action=action,
        member=actor,
        sequence=before.word.sequence,
        detail=detail,
        department=1 if rule.office else 0,
        role=role,
    )
    done = apply(before, step, world.now, CALENDARS, lambda _member, _code: True)
    if not isinstance(done, Applied):
        member = actor or before.word.receiving
        world.emit(happened.Refused(member, 73, 0, case, int(done)), CASES)
        return
    if done.settled is not None:
        before = before.settled()
        _report(world, case, before, Action.SETTLE, 0, step, done.settled)
    _report(world, case, done.case, action, actor, step, done.elapsed)
    if (done.case.clock.started, done.case.clock.suspended, done.case.clock.extension) != (
        one.model.clock.started, one.model.clock.suspended, one.model.clock.extension,
    ):  # fmt: skip
        clock = done.case.clock
        world.emit(happened.ClockChanged(case, clock.started, clock.suspended, clock.extension), CASES)
    if one.parent != ZERO and case_history.ended_by(one.model, done.case):
        world.cases[one.parent].model = case_history.with_child_ended(world.cases[one.parent].model)
    one.model = done.case


def _report(world: World, case: bytes, after: CaseModel, action: Action, actor: int, step: Step, elapsed: int) -> None:
    sender = actor or after.word.receiving
    settle = action is Action.SETTLE
    world.emit(
        happened.Stepped(
            case, after.word.sequence - 1, action, after.word.state, actor, sender, world.key(sender), 0 if actor else sender,
            0 if settle else step.department, 0 if settle else step.role, 0 if settle else step.detail, elapsed,
            world.digest(), world.digest(), world.digest(),
        ),
        CASES,
    )  # fmt: skip


def _beside(world: World) -> None:
    """What happens to a case besides its transitions."""
    if not world.cases:
        return
    case, one = world.random.choice(sorted(world.cases.items()))
    word, member = one.model.word, one.model.word.office
    which = world.random.randrange(3)
    if which == 0:
        event: Event = happened.Recorded(
            case, word.records + 1, 10, member, world.key(member), world.digest(), world.digest()
        )
        one.model = case_history.with_record(one.model, event)
    elif which == 1:
        event = happened.HandedOver(case, member, world.key(member), word.department, word.handling, 2)
        one.model = case_history.with_handover(one.model, event)
    else:
        event = happened.Supervised(
            case, word.orders + 1, 1, REGULATOR, world.key(6), world.now + 10**6, world.digest(), ZERO
        )
        one.model = case_history.with_order(one.model, event)
    world.emit(event, CASES)


def _grant(world: World) -> None:
    reading = sorted(case for case, one in world.cases.items() if one.model.word.state in CASE_READING)
    batch, leaves = _leaves(world, world.spent | world.revoked, 2)
    consent = world.digest()
    if world.random.random() < 0.15:
        world.emit(happened.ConsentRevoked(consent, world.address(), False, 0, ZERO, 1, world.key(1)), MATERIALS)  # noqa: FBT003
        return
    if not reading or not leaves:
        return
    case = world.random.choice(reading)
    word = world.cases[case].model.word
    world.spent |= {(batch, index) for index in leaves}
    packed = tuple(batch << 32 | index for index in leaves)
    grantees = tuple(sorted(member << 16 | 3 for member in {word.receiving, word.handling}))
    attending = world.random.choice((0, word.receiving))
    world.consents[consent] = {"case": case, "leaves": packed, "left": {member >> 16: 3 for member in grantees}}
    world.emit(
        happened.Granted(
            consent, case, CASES, world.cases[case].matter, 1, world.digest(), world.now, world.now + 10**7, packed, grantees,
            word.receiving, world.key(word.receiving), attending, world.batches[batch][0] if attending else 0,
            world.digest() if attending else ZERO, world.now,
        ),
        MATERIALS,
    )  # fmt: skip
    if attending and world.random.random() < 0.5:
        world.emit(happened.ConsentConfirmed(consent, REGULATOR, world.key(6)), MATERIALS)


def _use(world: World) -> None:
    if not world.consents:
        return
    consent, one = world.random.choice(sorted(world.consents.items()))
    left: dict[int, int] = one["left"]  # type: ignore[assignment]  # as written above
    member = world.random.choice(sorted(left))
    world.uses += 1
    leaves: tuple[int, ...] = one["leaves"]  # type: ignore[assignment]  # as written above
    case: bytes = one["case"]  # type: ignore[assignment]  # as written above
    duty = left[member] == 0
    if not duty:
        left[member] -= 1
    world.emit(
        happened.Used(
            world.uses, 2 if duty else 1, ZERO if duty else consent, case, CASES, member, world.key(member), 1, world.digest(),
            leaves, left[member], world.digest() if duty else ZERO, world.digest() if duty else ZERO,
        ),
        MATERIALS,
    )  # fmt: skip


def _consent_end(world: World) -> None:
    if world.consents:
        consent = world.random.choice(sorted(world.consents))
        del world.consents[consent]
        world.emit(happened.ConsentRevoked(consent, world.address(), True, 0, ZERO, 2, world.key(2)), MATERIALS)  # noqa: FBT003


def _refuse(world: World) -> None:
    subject = world.random.choice([*sorted(world.cases), world.digest()])
    world.emit(happened.Refused(world.city(), 71, world.random.randrange(9), subject, 46), CASES)
