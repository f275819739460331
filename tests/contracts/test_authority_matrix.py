"""Every operation of consortium and catalogue, from every role, of members in every standing; the table is generated.

Whoever may act gets OK for arguments that are right; whoever may not gets the reason that ``Standing.refusal`` of the
domain gives, and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ledger.domain.catalogue import LimitRule, MatterCode
from ledger.domain.consortium import MemberStatus, ProposalKind, Role, Standing
from ledger.domain.events import AgreementDrafted, Refused
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.domain.workdays import YearCalendar
from tests.contracts.chain import ZERO, address_of, key
from tests.contracts.world import World, found

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth_keys.datatypes import PrivateKey

NOBODY = "0x" + "00" * 20
DIGEST = b"\x01" * 32
FRESH = address_of(key("a key of nobody"))
RULE = LimitRule.licence().pack()
LOAN, CARD = sorted((MatterCode("local:loan"), MatterCode("local:card")), key=lambda code: code.id)
STATUSES = (MemberStatus.ACTIVE, MemberStatus.SUSPENDED, MemberStatus.EXCLUDED)
# The city and the regulator whose standing varies; both have agreed with Wuhou beforehand.
SUBJECTS = ("mianyang", "regulator")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A network in which the subjects have reached a standing, and what operations need to name."""

    world: World
    agreements: dict[str, bytes]
    drafts: dict[str, bytes]
    proposal: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """How to try one operation: which roles may, and arguments that are right for a member."""

    roles: Role
    contract: str
    arguments: Callable[[Prepared, str], tuple[Any, ...]]


def _draft(salt: int) -> dict[str, Any]:
    return {
        "agreement": salt.to_bytes(32, "big"),
        "kind": 1,
        "parent": ZERO,
        "predecessor": ZERO,
        "party_offset": 0,
        "party_count": 2,
        "matter_offset": 0,
        "matter_count": 1,
        "notice_days": 1,
        "valid_from": 0,
        "valid_until": 0,
        "digest": DIGEST,
        "blob": ZERO,
    }


def _publication(code: MatterCode) -> tuple[bytes, int, bytes, bytes, str]:
    return code.id, RULE, DIGEST, ZERO, code.text


ATTEMPTS: dict[Operation, Attempt] = {
    Operation.PROPOSE: Attempt(
        Role.ADMINISTER, "consortium", lambda _, __: ([(ProposalKind.POLICY, 0, ZERO, DIGEST)], [])
    ),
    Operation.VOTE: Attempt(Role.ADMINISTER, "consortium", lambda state, _: ([(state.proposal, True)],)),
    Operation.SET_KEYS: Attempt(Role.ADMINISTER, "consortium", lambda _, __: ([(FRESH, Role.WITNESS, NOBODY)],)),
    Operation.START_RECOVERY: Attempt(Role.RECOVER, "consortium", lambda _, __: (FRESH,)),
    Operation.PUBLISH_KEYS: Attempt(Role.ADMINISTER, "consortium", lambda _, __: ([(1, b"k" * 32)],)),
    Operation.PUBLISH_ENDPOINT: Attempt(
        Role.ADMINISTER | Role.OPERATE, "consortium", lambda _, __: ("https://node.example",)
    ),
    Operation.SET_DEPARTMENTS: Attempt(
        Role.ADMINISTER | Role.OPERATE, "consortium", lambda _, __: ([(9, True, "公积金中心")],)
    ),
    Operation.POST_CALENDARS: Attempt(
        Role.REGULATE, "consortium", lambda _, __: ([(2027, YearCalendar(2027, 1).low, 0, DIGEST)],)
    ),
    Operation.OBJECT_CALENDARS: Attempt(
        Role.ADMINISTER | Role.OPERATE, "consortium", lambda _, __: ([(2026, 1, DIGEST)],)
    ),
    Operation.PUBLISH: Attempt(Role.OPERATE, "catalogue", lambda _, __: ([_publication(CARD)],)),
    Operation.WITHDRAW: Attempt(Role.OPERATE, "catalogue", lambda _, __: ([LOAN.id],)),
    Operation.DRAFT: Attempt(
        Role.ADMINISTER,
        "catalogue",
        lambda state, member: ([_draft(99)], [1, state.world.number(member)], [LOAN.id], [2]),
    ),
    Operation.ACCEPT: Attempt(Role.ADMINISTER, "catalogue", lambda state, member: ([(state.drafts[member], 1)],)),
    Operation.END: Attempt(Role.ADMINISTER, "catalogue", lambda state, member: ([(state.agreements[member], DIGEST)],)),
    Operation.DELEGATE: Attempt(
        Role.ADMINISTER,
        "catalogue",
        lambda state, _: ([(1, LOAN.id, 0, state.world.chain.now + 9, DIGEST, ZERO)],),
    ),
}
# Operations that other tests drive from every role, because what they answer depends on more than the sender.
ELSEWHERE = {Operation.CONFIRM, Operation.FINISH_RECOVERY, Operation.OBJECT_RECOVERY}


def _prepare(status: MemberStatus) -> Prepared:
    world = found()
    agreements: dict[str, bytes] = {}
    drafts: dict[str, bytes] = {}
    for place, member in enumerate(SUBJECTS):
        world.send(member, "operate", "catalogue", "publish", [_publication(LOAN)]).done()
        lists = ([1, world.number(member)], [LOAN.id], [2])
        texts = [_draft(10 * place + 1), _draft(10 * place + 2)]
        drafted = world.send("wuhou", "administer", "catalogue", "draft", texts, *lists).done().of(AgreementDrafted)
        agreements[member], drafts[member] = (event.agreement for event in drafted)
        for party in ("wuhou", member):
            world.send(party, "administer", "catalogue", "accept", [(agreements[member], 1)]).done()
        # A key that was and is no more.
        gone = [(address_of(key(f"{member} gone")), role, NOBODY) for role in (Role.OPERATE, 0)]
        world.send(member, "administer", "consortium", "set_keys", gone).done()
    # The regulator votes here, so that its ballot counts where its standing lets it.
    vote = world.propose(ProposalKind.VOTING, target=world.number("regulator"), subject=(1).to_bytes(32, "big"))
    world.pass_vote(vote)
    proposal = world.propose(ProposalKind.POLICY, digest=DIGEST)
    kinds = {MemberStatus.SUSPENDED: ProposalKind.SUSPEND, MemberStatus.EXCLUDED: ProposalKind.EXCLUDE}
    for member in SUBJECTS if status in kinds else ():
        number = world.propose(kinds[status], target=world.number(member), digest=DIGEST)
        world.pass_vote(number, without="mianyang")
    return Prepared(world, agreements, drafts, proposal)


@pytest.fixture(scope="module")
def prepared() -> dict[MemberStatus, Prepared]:
    """One network for each standing."""
    return {status: _prepare(status) for status in STATUSES}


def _try(state: Prepared, sender: PrivateKey, member: str, operation: Operation) -> tuple[Reason, list[Any]]:
    attempt = ATTEMPTS[operation]
    snapshot = state.world.chain.snapshot()
    contract = state.world.contract(attempt.contract)
    receipt = state.world.chain.send(sender, contract, operation.name.lower(), *attempt.arguments(state, member))
    state.world.chain.revert(snapshot)
    assert all(event.operation == operation and event.index == 0 for event in receipt.refused)
    return receipt.reasons_by_index(1)[0], [event for event in receipt.events if not isinstance(event, Refused)]


@pytest.mark.parametrize("operation", ATTEMPTS, ids=lambda operation: operation.name.lower())
@pytest.mark.parametrize("status", STATUSES, ids=lambda status: status.name.lower())
def test_operation_from_every_role(
    prepared: dict[MemberStatus, Prepared], operation: Operation, status: MemberStatus
) -> None:
    state = prepared[status]
    tried: set[tuple[Role, Reason]] = set()
    for member in SUBJECTS:
        keys = {**state.world.members[member].keys, "gone": key(f"{member} gone"), "stranger": key("stranger")}
        for name, sender in keys.items():
            word = state.world.call("consortium", "standing", address_of(sender))
            standing = Standing.unpack(word)
            assert standing.status == (MemberStatus.NONE if name == "stranger" else status)
            expected = standing.refusal(ATTEMPTS[operation].roles)
            reason, events = _try(state, sender, member, operation)
            assert reason is expected, (member, name)
            assert bool(events) is (expected is Reason.OK), (member, name, events)
            tried.add((standing.roles, reason))
    held = {roles for roles, _ in tried}
    assert {*Role, Role(0)} <= held
    assert any(reason is Reason.OK for _, reason in tried) is (status is MemberStatus.ACTIVE)


@pytest.mark.parametrize("operation", ATTEMPTS, ids=lambda operation: operation.name.lower())
def test_operation_of_a_member_that_has_not_confirmed(operation: Operation) -> None:
    world = found(confirmed=False)
    world.contracts["catalogue"] = world.chain.deploy("catalogue", world.consortium.address)
    state = Prepared(world, dict.fromkeys(SUBJECTS, DIGEST), dict.fromkeys(SUBJECTS, DIGEST), 1)
    reason, events = _try(state, world.key("mianyang", "administer"), "mianyang", operation)
    assert (reason, events) == (Reason.MEMBER_UNCONFIRMED, [])


def test_recovery_from_every_role(prepared: dict[MemberStatus, Prepared]) -> None:
    world = prepared[MemberStatus.ACTIVE].world
    snapshot = world.chain.snapshot()
    world.send("mianyang", "recover", "consortium", "start_recovery", FRESH).done()
    world.chain.advance(8 * 86_400)
    for operation, needed in ((Operation.FINISH_RECOVERY, Role.RECOVER), (Operation.OBJECT_RECOVERY, Role.ADMINISTER)):
        for sender in (*world.members["mianyang"].keys.values(), key("stranger"), key("mianyang gone")):
            before = world.chain.snapshot()
            standing = Standing.unpack(world.call("consortium", "standing", address_of(sender)))
            receipt = world.chain.send(sender, world.consortium, operation.name.lower())
            assert receipt.reasons_by_index(1) == [standing.refusal(needed)]
            world.chain.revert(before)
    world.chain.revert(snapshot)


def test_confirmation_from_every_role(prepared: dict[MemberStatus, Prepared]) -> None:
    expected = {
        MemberStatus.ACTIVE: Reason.ALREADY_DONE,
        MemberStatus.SUSPENDED: Reason.MEMBER_SUSPENDED,
        MemberStatus.EXCLUDED: Reason.MEMBER_SUSPENDED,
    }
    for status, state in prepared.items():
        for sender in state.world.members["mianyang"].keys.values():
            receipt = state.world.chain.send(sender, state.world.consortium, "confirm", FRESH, [])
            assert receipt.reasons == [expected[status]]


def test_no_operation_is_left_out() -> None:
    both = {operation for operation in Operation if operation < 40}
    assert set(ATTEMPTS) | ELSEWHERE == both
