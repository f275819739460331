"""Every operation on a case, in every state that a case can reach in each mode, from every role; the table is generated.

The states are found by trying every step on the pure model, breadth first, and each is built on the chain once. What the
contract must answer is what the model (``case_steps``), the standing of the sender and the table of records say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ledger.domain.case_model import CaseModel
from ledger.domain.case_steps import Applied, Step, apply, settle
from ledger.domain.case_tables import record_rule
from ledger.domain.cases import CASE_READING, Action, Mode, State
from ledger.domain.consortium import Role, Standing
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from tests.contracts.chain import address_of, key
from tests.contracts.clerk import BLOB, COMMITMENT, LICENCE, PLAIN, Clerk, calendars, open_office
from tests.contracts.test_cases_model import HANDLING, MODES, OTHER, RECEIVING, begin
from tests.contracts.world import CITIES, DEPARTMENTS

APPLICANTS = tuple(action for action in Action if action <= Action.CLAIM)
OFFICES = tuple(action for action in Action if action >= Action.RECEIVE)
ANY_WINDOW, REGULATOR = 4, 8
DAY = 86_400
# For each action a detail that is within its range, and the officer who may do all of them.
DETAILS = dict.fromkeys(Action, 0) | {
    Action.RATE: 1, Action.REQUEST_CORRECTION: 1, Action.SUSPEND: 1, Action.EXTEND: 1, Action.DELIVER: 1,
    Action.REVOKE_RESULT: 1, Action.CHANGE_RESULT: 1, Action.DECLARE_UNLAWFUL: 1, Action.DEREGISTER: 1,
}  # fmt: skip
HEAD = 4
RECORD = 17


@dataclass
class Reached:
    """A state of a case on the chain: how to come back to it, and the model beside it."""

    case: bytes
    model: CaseModel
    snapshot: Any


@pytest.fixture(scope="module")
def office(founded):
    before, contracts = founded.chain.snapshot(), dict(founded.contracts)
    yield open_office(founded)
    founded.chain.revert(before)
    founded.contracts = contracts


def expected(model: CaseModel, step: Step, now: int) -> Reason | Applied:
    return apply(model, step, now, calendars(), lambda _member, code: code in DEPARTMENTS)


def step_of(action: Action, member: int, model: CaseModel) -> Step:
    """A step with everything right but what the case itself forbids."""
    sequence = model.word.sequence
    if member == 0:
        return Step(action=action, sequence=sequence, detail=DETAILS[action])
    return Step(action=action, member=member, sequence=sequence, detail=DETAILS[action], department=1, role=HEAD)


def submit(office: Clerk, case: bytes, steps: list[Step]) -> list[Reason]:
    """Send steps of one member, or acts of the applicant, as one batch; answers the reason of each."""
    member = steps[0].member
    if member:
        items = [
            (case, int(one.action), one.sequence, one.detail, one.department, one.role, COMMITMENT, BLOB)
            for one in steps
        ]
        receipt = office.world.send(CITIES[member - 1], "operate", "cases", "step", items)
    else:
        acts = [office.signed_act(case, one.action, sequence=one.sequence, detail=one.detail) for one in steps]
        receipt = office.world.send("xiongan", "witness", "cases", "act", acts, [])
    return receipt.reasons_by_index(len(steps))


def reached(office: Clerk, mode: Mode, matter: str, *, child: bool, days: int = 0) -> Iterator[Reached]:
    """Every state that a case of this mode comes to when each step takes so many days, each built on the chain once."""
    chain = office.world.chain
    case, model, _ = begin(office, mode, matter, child=child)
    chain.advance(days * DAY)
    found = {_name(model): Reached(case, model, chain.snapshot())}
    waiting = deque(found.values())
    while waiting:
        here = waiting.popleft()
        yield here
        for action in Action:
            for member in (0, RECEIVING, HANDLING):
                if action is Action.SETTLE or (member == 0) != (action in APPLICANTS):
                    continue
                chain.revert(here.snapshot)
                step = step_of(action, member, here.model)
                answer = expected(here.model, step, chain.now)
                if not isinstance(answer, Applied):
                    continue
                name = _name(answer.case)
                if name in found:
                    continue
                assert submit(office, case, [step]) == [Reason.OK]
                assert office.word(case) == answer.case.word
                chain.advance(days * DAY)
                found[name] = Reached(case, answer.case, chain.snapshot())
                waiting.append(found[name])


def _name(model: CaseModel) -> tuple[object, ...]:
    """What tells one state from another for the steps that are possible."""
    word = model.word
    return word.state, word.received, word.claim_pending, word.claim_accepted


# At once; after a week, when a silent office can be claimed against; after forty days, when every limit is overdue.
@pytest.mark.parametrize(("matter", "days"), [(LICENCE, 0), (PLAIN, 0), (LICENCE, 8), (LICENCE, 40)])
@pytest.mark.parametrize("name", MODES)
def test_every_step_in_every_state_from_every_party(office, name, matter, days):
    mode, child = MODES[name]
    chain, seen, claimed = office.world.chain, set(), False
    before = chain.snapshot()
    for here in reached(office, mode, matter, child=child, days=days):
        seen.add(here.model.word.state)
        claimed |= here.model.word.claim_pending
        for member in (0, RECEIVING, HANDLING, OTHER):
            chain.revert(here.snapshot)
            steps = [step_of(action, member, here.model) for action in Action]
            wanted = [expected(here.model, step, chain.now) for step in steps]
            # What is refused changes nothing, so all of it travels as one batch; what is done goes alone.
            refused = [place for place, answer in enumerate(wanted) if not isinstance(answer, Applied)]
            answers = submit(office, here.case, [steps[place] for place in refused])
            assert answers == [wanted[place] for place in refused], (here.model.word.state, member)
            assert office.word(here.case) == here.model.word
            for place, answer in enumerate(wanted):
                if isinstance(answer, Applied):
                    chain.revert(here.snapshot)
                    assert submit(office, here.case, [steps[place]]) == [Reason.OK], (
                        here.model.word.state,
                        member,
                        place,
                    )
                    assert office.word(here.case) == answer.case.word
        chain.revert(here.snapshot)
        answer = settle(here.model, chain.now, calendars())
        receipt = office.world.send("yanta", "operate", "cases", "settle", [here.case])
        assert receipt.reasons_by_index(1) == [answer if isinstance(answer, Reason) else Reason.OK]
    chain.revert(before)
    if days == 8 and name != "joint":
        assert claimed
    assert {State.SUBMITTED, State.ACCEPTED, State.WITHDRAWN} <= seen
    # Corrections are asked for within the time for a notice, or not at all.
    assert (State.CORRECTION in seen) is (days == 0)
    if not (mode is Mode.JOINT and not child):
        assert {State.REVIEW, State.GRANTED, State.REFUSED, State.CLOSED, State.DELIVERED, State.TRANSFERRED} <= seen


ROLES = {
    "act": Role.OPERATE | Role.WITNESS | Role.REGULATE,
    "step": Role.OPERATE,
    "assent": Role.OPERATE,
    "open": Role.OPERATE | Role.WITNESS | Role.REGULATE,
    "hand_over": Role.OPERATE,
    "record": Role.OPERATE | Role.WITNESS | Role.REGULATE,
    "settle": Role.OPERATE | Role.WITNESS | Role.REGULATE,
    # Issuing an order; answering it is the office's, and is tried with the other stages below.
    "supervise": Role.REGULATE,
}


def calls(office: Clerk, here: Reached) -> dict[str, tuple[Any, ...]]:
    """Every operation with arguments that are right."""
    return {
        "act": ([office.signed_act(here.case, Action.WITHDRAW, sequence=here.model.word.sequence)], []),
        "step": ([(here.case, int(Action.ACCEPT), here.model.word.sequence, 0, 1, HEAD, COMMITMENT, BLOB)],),
        "assent": ([(b"\x77" * 32, COMMITMENT, BLOB)],),
        "open": ([office.submission(salt=b"\x55" * 32)], []),
        "hand_over": ([(here.case, HANDLING, 1)],),
        "record": ([(here.case, RECORD, COMMITMENT, BLOB)],),
        "settle": ([here.case],),
        "supervise": ([(here.case, 0, 1, 0, COMMITMENT, BLOB)],),
    }


def answered(function: str, here: Reached, member: int, role: Role, now: int) -> Reason:
    """What an operation with these arguments comes to for a sender that has the role, by the model and the design."""
    model = here.model
    match function:
        case "act":
            # Whoever relays: the applicant's signature decides.
            found = expected(model, Step(action=Action.WITHDRAW, sequence=model.word.sequence), now)
            return found if isinstance(found, Reason) else Reason.OK
        case "step":
            found = expected(model, step_of(Action.ACCEPT, member, model), now)
            return found if isinstance(found, Reason) else Reason.OK
        case "hand_over":
            if not model.who(member) or not model.who(HANDLING):
                return Reason.NOT_A_PARTY
            if model.word.office != member:
                return Reason.WRONG_OFFICE
            return Reason.OK if model.word.state in CASE_READING else Reason.WRONG_STATE
        case "record":
            who = REGULATOR if role is Role.REGULATE else model.who(member) | ANY_WINDOW
            return Reason.OK if record_rule(RECORD) & who else Reason.WRONG_OFFICE
        case "settle":
            settled = settle(model, now, calendars())
            return settled if isinstance(settled, Reason) else Reason.OK
    # Another case is opened or assented to, or an order issued, whatever this case has come to.
    return Reason.OK


@pytest.mark.parametrize("name", MODES)
def test_every_operation_from_every_role(office, name):
    """Whoever has not the role is told so whatever state the case is in; to whoever has it the model's answer is given."""
    mode, child = MODES[name]
    world = office.world
    before = world.chain.snapshot()
    # A key of each role, one of nobody's, and those of the other city of the case and of a city that has no part in it.
    senders = {(label, RECEIVING): sender for label, sender in world.members["mianyang"].keys.items()}
    senders |= {("regulate", 6): world.key("regulator", "regulate"), ("stranger", 0): key("stranger")}
    senders |= {("operate", place): world.key(CITIES[place - 1], "operate") for place in (HANDLING, OTHER)}
    for here in list(reached(office, mode, LICENCE, child=child)):
        for (label, member), sender in senders.items():
            standing = Standing.unpack(world.call("consortium", "standing", address_of(sender)))
            for function, arguments in calls(office, here).items():
                world.chain.revert(here.snapshot)
                receipt = world.chain.send(sender, world.contract("cases"), function, *arguments)
                (answer,) = receipt.reasons_by_index(1)
                wanted = standing.refusal(ROLES[function])
                if wanted is Reason.OK:
                    wanted = answered(function, here, member, standing.roles, world.chain.now)
                assert answer is wanted, (here.model.word.state, label, member, function)
    world.chain.revert(before)


def test_a_suspended_member_does_nothing_on_a_case(office):
    world = office.world
    before = world.chain.snapshot()
    case, model, _ = begin(office, Mode.RECEIVED_HERE, LICENCE, child=False)
    world.suspend("mianyang")
    here = Reached(case, model, world.chain.snapshot())
    for holder in world.members["mianyang"].keys.values():
        for function, arguments in calls(office, here).items():
            world.chain.revert(here.snapshot)
            receipt = world.chain.send(holder, world.contract("cases"), function, *arguments)
            assert receipt.reasons_by_index(1) == [Reason.MEMBER_SUSPENDED], function
    world.chain.revert(before)


@pytest.mark.parametrize("name", MODES)
def test_every_kind_of_record_by_whoever_the_table_names(office, name):
    mode, child = MODES[name]
    world = office.world
    before = world.chain.snapshot()
    case, model, _ = begin(office, mode, LICENCE, child=child)
    snapshot = world.chain.snapshot()
    senders = (
        ("mianyang", "operate", RECEIVING),
        ("wuhou", "operate", HANDLING),
        ("yanta", "operate", 5),
        ("regulator", "regulate", 6),
    )
    for label, role, member in senders:
        kinds = range(64)
        entries = [(case, kind, COMMITMENT, BLOB) for kind in kinds]
        answers = world.send(label, role, "cases", "record", entries).reasons_by_index(64)
        world.chain.revert(snapshot)
        who = REGULATOR if role == "regulate" else model.who(member) | ANY_WINDOW
        for kind, answer in zip(kinds, answers, strict=True):
            allowed = bool(record_rule(kind) & who)
            assert (answer is Reason.OK) is allowed, (label, kind, answer)
    world.chain.revert(before)


STAGES = ("issued", "answered", "settled")


@pytest.mark.parametrize("name", MODES)
def test_every_stage_of_an_order_in_every_state_by_everybody(office, name):
    """A regulator issues and settles, a city of the case answers; each once, in this order, in every state of the case."""
    mode, child = MODES[name]
    world = office.world
    before = world.chain.snapshot()
    senders = {"regulator": "regulate", "mianyang": "operate", "yuzhong": "operate"}
    for here in list(reached(office, mode, LICENCE, child=child)):
        world.chain.revert(here.snapshot)
        for done in range(3):
            known = world.chain.snapshot()
            for label, role in senders.items():
                for place, stage in enumerate(STAGES):
                    world.chain.revert(known)
                    order = 0 if stage == "issued" else 1
                    receipt = world.send(
                        label, role, "cases", "supervise", [(here.case, order, place + 1, 0, COMMITMENT, BLOB)]
                    )
                    (answer,) = receipt.reasons_by_index(1)
                    assert answer is expected_stage(label, place, done), (here.model.word.state, label, stage, done)
            world.chain.revert(known)
            sender = ("mianyang", "operate") if done == 1 else ("regulator", "regulate")
            item = (here.case, 0 if done == 0 else 1, done + 1, 0, COMMITMENT, BLOB)
            world.send(*sender, "cases", "supervise", [item]).done()
    world.chain.revert(before)


def expected_stage(label: str, place: int, done: int) -> Reason:
    """What a sender is told about a stage (0 issued, 1 answered, 2 settled) of an order that has come to ``done``."""
    regulators = place != 1
    if (label == "regulator") is not regulators:
        return Reason.WRONG_ROLE
    if label == "yuzhong":
        return Reason.NOT_A_PARTY
    if place == 0:
        # Another order: there may be several.
        return Reason.OK
    if done == 0:
        return Reason.BAD_SEQUENCE
    return Reason.ALREADY_DONE if done > place else Reason.OK


def test_an_act_without_a_signature_or_with_somebody_elses_does_nothing(office):
    world = office.world
    before = world.chain.snapshot()
    for name, (mode, child) in MODES.items():
        snapshot = world.chain.snapshot()
        case, model, _ = begin(office, mode, LICENCE, child=child)
        for action in APPLICANTS:
            right = office.signed_act(case, action, sequence=model.word.sequence, detail=DETAILS[action])
            other = office.signed_act(
                case, action, sequence=model.word.sequence, detail=DETAILS[action], signer=key("other")
            )
            none = right | {"r": 0, "s": 0, "v": 0}
            high = right | {
                "s": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - right["s"],
                "v": 55 - right["v"],
            }
            answers = world.send("xiongan", "witness", "cases", "act", [other, none, high], []).reasons_by_index(3)
            # A claim by law needs no signature, but a regulator's key.
            second = Reason.WRONG_ROLE if action is Action.CLAIM else Reason.BAD_SIGNATURE
            assert answers == [Reason.BAD_SIGNATURE, second, Reason.BAD_SIGNATURE], (name, action)
        assert office.word(case) == model.word
        world.chain.revert(snapshot)
    world.chain.revert(before)


@pytest.mark.parametrize("name", MODES)
def test_every_act_at_a_window_counts_as_the_applicants_own(office, name):
    """Two witnesses of a city that has no part in the case stand in for the signature, in every state; one does not."""
    mode, child = MODES[name]
    world = office.world
    before = world.chain.snapshot()
    for here in list(reached(office, mode, LICENCE, child=child)):
        sequence = here.model.word.sequence
        for action in APPLICANTS:
            step = step_of(action, 0, here.model)
            world.chain.revert(here.snapshot)
            wanted = expected(here.model, step, world.chain.now)
            pair = office.witnessed(here.case, OTHER, action=action, sequence=sequence, detail=step.detail)
            act = office.signed_act(here.case, action, sequence=sequence, detail=step.detail) | {
                "attending": OTHER, "signature_count": 2, "r": 0, "s": 0, "v": 0,
            }  # fmt: skip
            once = world.send("yuzhong", "witness", "cases", "act", [act], [pair[0], pair[0]])
            assert once.reasons_by_index(1) == [Reason.BAD_WITNESSES], (here.model.word.state, action)
            both = world.send("yuzhong", "witness", "cases", "act", [act], pair)
            assert both.reasons_by_index(1) == [wanted if isinstance(wanted, Reason) else Reason.OK]
    world.chain.revert(before)


def test_the_matrix_leaves_no_operation_out():
    named = {Operation[name.upper()] for name in ROLES}
    assert named == {operation for operation in Operation if operation >= 70}
    assert set(APPLICANTS) | set(OFFICES) | {Action.SETTLE} == set(Action)
