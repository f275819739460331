"""The contract of cases and its pure model, driven with the same operations: the same answers, the same words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.domain.case_model import CaseModel, opened
from ledger.domain.case_steps import Applied, Step, apply, settle
from ledger.domain.case_words import first_head, next_head
from ledger.domain.cases import Action, LimitFlag, Mode
from ledger.domain.catalogue import LimitRule
from ledger.domain.events import Opened, Stepped
from ledger.domain.reasons import Reason
from tests.contracts.clerk import COMMITMENT, INSTANT, LICENCE, PLAIN, RULES, Clerk, calendars, open_office
from tests.contracts.world import DEPARTMENTS

RECEIVING, HANDLING, OTHER = 2, 1, 4
DAY = 86_400
MODES = {
    "online": (Mode.FULLY_ONLINE, False),
    "received": (Mode.RECEIVED_HERE, False),
    "authorised": (Mode.AUTHORISED_HERE, False),
    "joint": (Mode.JOINT, False),
    "child": (Mode.JOINT, True),
}

likely = st.sampled_from(
    [Action.SUPPLY, Action.CLAIM, Action.RECEIVE, Action.REQUEST_CORRECTION, Action.ACCEPT, Action.REVIEW, Action.SUSPEND,
     Action.RESUME, Action.EXTEND, Action.GRANT, Action.REFUSE, Action.CLOSE, Action.DELIVER, Action.RATE, Action.REBUT]
)  # fmt: skip
steps = st.fixed_dictionaries(
    {
        "action": st.one_of(likely, likely, st.sampled_from(sorted(Action)), st.sampled_from([0, 7, 29, 40])),
        "who": st.sampled_from([0, RECEIVING, HANDLING, HANDLING, RECEIVING, OTHER]),
        "right": st.sampled_from([True, True, True, True, False]),
        "detail": st.sampled_from([0, 1, 1, 2, 3, 5, 9, 300]),
        "department": st.sampled_from([0, 1, 1, 1, 2, 9]),
        "role": st.sampled_from([0, 1, 3, 4, 4, 4]),
        "proven": st.sampled_from([True, True, False]),
        "given": st.integers(-3, 8),
    }
)
waits = st.sampled_from([DAY // 2, DAY, DAY, 3 * DAY, 9 * DAY, 40 * DAY, 320 * DAY])
operations = st.lists(st.one_of(steps, steps, steps, waits, st.just("settle")), min_size=4, max_size=16)


@pytest.fixture(scope="module")
def office(founded):
    before, contracts = founded.chain.snapshot(), dict(founded.contracts)
    yield open_office(founded)
    founded.chain.revert(before)
    founded.contracts = contracts


def begin(office: Clerk, mode: Mode, matter: str, *, child: bool) -> tuple[bytes, CaseModel, bytes]:
    """Open a case of a mode; a child gets its parent first."""
    receiving, handling = (RECEIVING, RECEIVING) if mode is Mode.JOINT and not child else (RECEIVING, HANDLING)
    options = {"receiving": receiving, "handling": handling, "mode": mode, "matter": matter}
    if child:
        options["parent"] = office.opened(**(options | {"handling": RECEIVING, "salt": b"\x09" * 32}))
    submission = office.submission(**options)
    event = office.send_open(submission).done().one(Opened)
    model = opened(mode, receiving, handling, RULES[matter], office.world.chain.now, child=child)
    return event.case, model, event.head


def refused(receipt) -> Reason:
    return receipt.reasons[0] if receipt.reasons else Reason.OK


def do(
    office: Clerk, case: bytes, model: CaseModel, given_step: dict[str, Any]
) -> tuple[Reason, Reason | Applied, list[Stepped]]:
    """The same step on the contract and on the model."""
    now = office.world.chain.now
    action, who = int(given_step["action"]), given_step["who"]
    sequence = model.word.sequence if given_step["right"] else model.word.sequence + 1
    detail = given_step["detail"]
    if action == Action.REBUT:
        detail = detail & 3 | max(0, model.clock.started + given_step["given"] * DAY) << 8
    commitment = COMMITMENT if given_step["proven"] else bytes(32)
    if who == 0:
        receipt = office.act(case, action, sequence=sequence, detail=detail, commitment=commitment)
        step = Step(action=action, sequence=sequence, detail=detail)
    else:
        shown = {name: given_step[name] for name in ("department", "role")}
        receipt = office.step(case, action, who, sequence=sequence, detail=detail, commitment=commitment, **shown)
        step = Step(action=action, member=who, sequence=sequence, detail=detail, proven=given_step["proven"], **shown)
    if action not in set(Action):
        return refused(receipt), Reason.BAD_KIND, receipt.of(Stepped)
    step = Step(**{name: getattr(step, name) for name in step.__slots__} | {"action": Action(action)})
    expected = apply(model, step, now, calendars(), lambda _member, code: code in DEPARTMENTS)
    return refused(receipt), expected, receipt.of(Stepped)


@pytest.mark.parametrize("matter", [LICENCE, PLAIN, INSTANT])
@pytest.mark.parametrize("name", MODES)
def test_the_contract_answers_as_the_model(office, name, matter):
    mode, child = MODES[name]

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operations)
    def compare(given_operations):
        before = office.world.chain.snapshot()
        case, model, head = begin(office, mode, matter, child=child)
        for operation in given_operations:
            if isinstance(operation, int):
                office.world.chain.advance(operation)
                check_limits(office, case, model)
                continue
            if operation == "settle":
                answer = refused(office.world.send("yanta", "operate", "cases", "settle", [case]))
                expected = settle(model, office.world.chain.now, calendars())
                stepped: list[Stepped] = []
            else:
                answer, expected, stepped = do(office, case, model, operation)
            assert answer == (Reason.OK if isinstance(expected, Applied) else expected), operation
            if isinstance(expected, Applied):
                model = expected.case
                if stepped:
                    assert stepped[-1].elapsed == expected.elapsed
                    assert len(stepped) == (2 if expected.settled is not None else 1)
            for event in stepped:
                head = follow(head, event, office.world.chain.now)
            assert office.word(case) == model.word, operation
            assert office.clock(case) == model.clock, operation
            if operation != "settle":
                assert office.world.call("cases", "case_of", case)[3] == head
            else:
                head = office.world.call("cases", "case_of", case)[3]
        office.world.chain.revert(before)

    compare()


def follow(head: bytes, event: Stepped, time: int) -> bytes:
    """The head that the event must have brought."""
    names = (
        "sequence",
        "action",
        "state",
        "actor",
        "member",
        "helper",
        "department",
        "role",
        "elapsed",
        "detail",
        "commitment",
        "blob",
    )
    expected = next_head(head, time=time, **{name: getattr(event, name) for name in names})
    assert event.head == expected
    return expected


def check_limits(office: Clerk, case: bytes, model: CaseModel) -> None:
    """The contract's limits are the model's."""
    elapsed, allowed, flags = office.world.call("cases", "limits", case)
    expected = model.limits(office.world.chain.now, calendars())
    assert (elapsed, allowed, LimitFlag(flags & ~15) if flags & ~15 in set(LimitFlag) else flags & ~15) == (
        expected.elapsed, expected.allowed, expected.flags & ~15
    )  # fmt: skip
    assert flags & 15 == expected.clock


def test_a_head_begins_with_what_was_signed(office):
    before = office.world.chain.snapshot()
    submission = office.submission()
    event = office.send_open(submission).done().one(Opened)
    from ledger.domain import typed  # noqa: PLC0415 - beside its one use
    from tests.contracts.chain import CHAIN_ID  # noqa: PLC0415 - as above

    names = {"agreement_version": "agreementVersion"}
    message = {
        names.get(name, name): submission[name]
        for name in submission
        if names.get(name, name) in dict(typed.STRUCTS["Submission"])
    }
    digest = typed.digest("Submission", message, CHAIN_ID, office.contract)
    assert event.head == first_head(event.case, digest, office.world.chain.now)
    assert LimitRule.unpack(event.rule) == RULES[LICENCE]
    office.world.chain.revert(before)
