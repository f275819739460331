"""Cases on the real EVM: how they begin, acts at a window, silence, joint cases, orders, records, assent."""

from __future__ import annotations

import pytest

from ledger.domain.cases import Action, Mode, Organ, RecordKind, State
from ledger.domain.events import Assented, HandedOver, Opened, Recorded, Stepped, Supervised
from ledger.domain.reasons import Reason
from tests.contracts.chain import CHAIN_ID, ZERO, address_of, key
from tests.contracts.clerk import BLOB, COMMITMENT, INSTANT, PLAIN, Clerk, open_office
from tests.contracts.gas import record_gas

DAY = 86_400
DECIDER, HEAD = 3, 4


@pytest.fixture
def office(world) -> Clerk:
    return open_office(world)


def accepted(office: Clerk, **options) -> bytes:
    case = office.opened(**options)
    office.step(case, Action.ACCEPT, 1, department=1, role=1).done()
    return case


def decided(office: Clerk, **options) -> bytes:
    case = accepted(office, **options)
    office.step(case, Action.REVIEW, 1).done()
    office.step(case, Action.GRANT, 1, department=1, role=DECIDER, detail=7).done()
    return case


def test_a_case_from_submission_to_rating(office):
    case = decided(office)
    office.step(case, Action.CLOSE, 1).done()
    # Received here, decided there: the receiving city may hand the result over.
    office.step(case, Action.DELIVER, 2, detail=1).done()
    office.act(case, Action.SIGN_DELIVERY).done()
    stepped = office.act(case, Action.RATE, detail=1).done().one(Stepped)
    assert (stepped.state, stepped.actor, stepped.member, stepped.helper) == (State.RATED, 0, 3, 0)
    revoked = office.step(case, Action.REVOKE_RESULT, 1, detail=Organ.COURT, department=1, role=DECIDER)
    assert revoked.done().one(Stepped).detail == Organ.COURT


def test_an_id_cannot_be_squatted(office):
    submission = office.submission(signer=key("squatter"))
    assert office.send_open(submission).reasons == [Reason.BAD_SIGNATURE]
    assert office.send_open(office.submission()).done().one(Opened).case == office.case(submission)
    assert office.send_open(office.submission()).reasons == [Reason.ALREADY_DONE]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mode": 0}, Reason.OUT_OF_RANGE),
        ({"mode": 5}, Reason.OUT_OF_RANGE),
        ({"channel": 5}, Reason.OUT_OF_RANGE),
        ({"channel": 10}, Reason.OUT_OF_RANGE),
        ({"commitment": ZERO}, Reason.OUT_OF_RANGE),
        ({"receiving": 99}, Reason.NOT_A_PARTY),
        ({"version": 2}, Reason.BAD_VERSION),
        ({"matter": "0100000099"}, Reason.UNKNOWN_MATTER),
        ({"agreement": b"\x09" * 32}, Reason.UNKNOWN_AGREEMENT),
        ({"agreement_version": 2}, Reason.BAD_VERSION),
        ({"agreement": ZERO, "agreement_version": 0}, Reason.NO_ASSENT),
        ({"mode": Mode.JOINT}, Reason.BAD_PARENT),
        ({"parent": b"\x09" * 32}, Reason.BAD_PARENT),
        ({"mode": Mode.AUTHORISED_HERE, "receiving": 4}, Reason.NO_DELEGATION),
        ({"chain_id": CHAIN_ID + 1}, Reason.BAD_SIGNATURE),
    ],
)
def test_a_submission_that_cannot_be(office, change, reason):
    assert office.send_open(office.submission(**change)).reasons == [reason]


def test_a_city_needs_no_agreement_for_its_own(office):
    office.opened(receiving=1, handling=1, mode=Mode.FULLY_ONLINE, agreement=ZERO, agreement_version=0)


def test_a_case_by_assent_alone(office):
    submission = office.submission(agreement=ZERO, agreement_version=0)
    case = office.case(submission)
    item = (case, COMMITMENT, BLOB)
    office.world.send("mianyang", "operate", "cases", "assent", [item]).done().one(Assented)
    assert office.send_open(submission).reasons == [Reason.NO_ASSENT]
    office.world.send("wuhou", "operate", "cases", "assent", [item]).done()
    again = office.world.send("wuhou", "operate", "cases", "assent", [item, (ZERO, COMMITMENT, BLOB)])
    assert again.reasons == [Reason.ALREADY_DONE, Reason.OUT_OF_RANGE]
    office.send_open(submission).done()
    # For that case alone.
    assert office.send_open(office.submission(agreement=ZERO, agreement_version=0, salt=b"\x02" * 32)).reasons == [
        Reason.NO_ASSENT
    ]


def test_an_agreement_that_ended_covers_nothing_new_and_everything_running(office):
    case = office.opened()
    office.world.send("wuhou", "administer", "catalogue", "end", [(office.agreement, COMMITMENT)]).done()
    office.opened(salt=b"\x02" * 32)
    office.world.chain.advance(31 * DAY)
    assert office.send_open(office.submission(salt=b"\x03" * 32)).reasons == [Reason.AGREEMENT_ENDED]
    office.step(case, Action.ACCEPT, 1, department=1, role=1).done()


def test_only_the_case_key_acts_and_nothing_is_replayed(office):
    case = office.opened()
    assert office.act(case, Action.WITHDRAW, signer=key("somebody")).reasons == [Reason.BAD_SIGNATURE]
    office.step(case, Action.REQUEST_CORRECTION, 1, detail=1).done()
    signed = office.signed_act(case, Action.SUPPLY)
    assert office.world.send("yanta", "operate", "cases", "act", [signed], []).reasons == []
    office.step(case, Action.REQUEST_CORRECTION, 1, detail=2).done()
    assert office.world.send("yanta", "operate", "cases", "act", [signed], []).reasons == [Reason.BAD_SEQUENCE]
    assert office.act(b"\x09" * 32, Action.WITHDRAW, sequence=1).reasons == [Reason.UNKNOWN_CASE]


def test_corrections_are_counted_against_the_city_that_asked(office):
    case = office.opened()
    refused = office.step(case, Action.REQUEST_CORRECTION, 2, detail=2)
    assert refused.reasons == [Reason.WRONG_OFFICE]
    office.step(case, Action.REQUEST_CORRECTION, 2, detail=1).done()
    office.act(case, Action.SUPPLY).done()
    office.step(case, Action.REQUEST_CORRECTION, 1, detail=2).done()
    word = office.word(case)
    assert (word.corrections_receiving, word.corrections_handling) == (1, 1)


def test_each_act_can_be_done_at_any_window(office):
    submission = office.submission(attending=5)
    pair = office.witnessed(office.case(submission), 5)
    assert office.send_open(submission, signatures=pair[:1]).reasons == [Reason.BAD_OFFSET]
    assert office.send_open(submission, signatures=[pair[0], pair[0]]).reasons == [Reason.BAD_WITNESSES]
    opened = office.send_open(submission, signatures=pair).done().one(Opened)
    assert opened.helper == 5
    act = office.signed_act(opened.case, Action.WITHDRAW) | {
        "attending": 4,
        "signature_count": 2,
        "r": 0,
        "s": 0,
        "v": 0,
    }
    wrong = office.witnessed(opened.case, 4, action=Action.SUPPLY, sequence=1)
    assert office.world.send("yuzhong", "witness", "cases", "act", [act], wrong).reasons != []
    seen = office.witnessed(opened.case, 4, action=Action.WITHDRAW, sequence=1)
    stepped = office.world.send("yuzhong", "witness", "cases", "act", [act], seen).done().one(Stepped)
    assert (stepped.helper, stepped.actor, stepped.state) == (4, 0, State.WITHDRAWN)


def test_silence_counts_as_acceptance_after_five_working_days_and_not_a_day_earlier(office):
    # Monday 2 March 2026; the day of receipt is not counted, so the claim opens on Tuesday 10 March.
    case = office.opened()
    office.world.chain.advance(7 * DAY)
    assert office.act(case, Action.CLAIM).reasons == [Reason.TOO_EARLY]
    office.world.chain.advance(DAY)
    office.act(case, Action.CLAIM).done()
    assert office.step(case, Action.REFUSE_ACCEPTANCE, 1, department=1, role=1).reasons == [Reason.CLAIM_PENDING]
    assert office.world.send("yanta", "witness", "cases", "settle", [case]).reasons == [Reason.CLAIM_PENDING]
    office.world.chain.advance(2 * DAY)
    stepped = office.world.send("yanta", "witness", "cases", "settle", [case]).done().one(Stepped)
    assert (stepped.action, stepped.state, stepped.actor) == (Action.SETTLE, State.ACCEPTED, 0)
    assert office.clock(case).accepted == office.clock(case).started
    assert office.world.send("yanta", "witness", "cases", "settle", [case]).reasons == [Reason.CLAIM_SETTLED]
    late = office.step(case, Action.REBUT, 1, department=1, role=1, detail=1 | office.clock(case).started << 8)
    assert late.reasons == [Reason.CLAIM_SETTLED]


def test_silence_does_not_count_for_every_matter(office):
    case = office.opened(matter=PLAIN)
    office.step(case, Action.RECEIVE, 1).done()
    office.world.chain.advance(30 * DAY)
    assert office.act(case, Action.CLAIM).reasons == [Reason.SILENCE_COUNTS_NOT]


def test_a_notice_proven_to_be_in_time_rebuts(office):
    case = office.opened()
    given = office.world.chain.now + DAY
    office.world.chain.advance(8 * DAY)
    office.act(case, Action.CLAIM).done()
    office.step(case, Action.REBUT, 1, department=1, role=1, detail=1 | given << 8).done()
    assert (office.word(case).state, office.clock(case).asked) == (State.CORRECTION, given)


def test_a_regulator_claims_by_law_and_nobody_else_without_a_signature(office):
    case = office.opened()
    office.world.chain.advance(8 * DAY)
    bare = office.signed_act(case, Action.CLAIM) | {"r": 0, "s": 0, "v": 0}
    assert office.world.send("yanta", "operate", "cases", "act", [bare], []).reasons == [Reason.WRONG_ROLE]
    other = office.signed_act(case, Action.WITHDRAW) | {"r": 0, "s": 0, "v": 0}
    assert office.world.send("regulator", "regulate", "cases", "act", [other], []).reasons == [Reason.BAD_SIGNATURE]
    office.world.send("regulator", "regulate", "cases", "act", [bare], []).done()
    assert office.word(case).claim_pending


def test_a_year_without_a_calendar_is_refused_and_not_guessed(office):
    case = office.opened()
    office.world.chain.advance(330 * DAY)
    assert office.act(case, Action.CLAIM).reasons == [Reason.NO_CALENDAR]


def test_a_joint_case_closes_when_all_its_children_have(office):
    lead = {"receiving": 2, "mode": Mode.JOINT, "matter": PLAIN}
    parent = office.opened(handling=2, **lead)
    assert office.step(parent, Action.CLOSE, 2).reasons == [Reason.WRONG_STATE]
    children = [office.opened(handling=city, parent=parent, salt=bytes((city,)) * 32, **lead) for city in (1, 4)]
    stranger = office.submission(handling=1, parent=parent, salt=b"\x07" * 32, signer=key("other"), **lead)
    stranger["case_key"] = address_of(key("other"))
    assert office.send_open(stranger).reasons == [Reason.BAD_PARENT]
    office.step(parent, Action.ACCEPT, 2, department=1, role=1).done()
    late = office.submission(handling=5, parent=parent, salt=b"\x08" * 32, **lead)
    assert office.send_open(late).reasons == [Reason.BAD_PARENT]
    for city, child in zip((1, 4), children, strict=True):
        office.step(child, Action.ACCEPT, 2, department=1, role=1).done()
        office.step(child, Action.REVIEW, city).done()
        office.step(child, Action.GRANT, city, department=1, role=DECIDER).done()
        assert office.step(parent, Action.CLOSE, 2).reasons == [Reason.CHILDREN_OPEN]
        office.step(child, Action.CLOSE, city).done()
    office.step(parent, Action.CLOSE, 2).done()
    assert office.word(parent).state is State.CLOSED


def test_instant_cases_are_decided_without_review(office):
    case = office.opened(matter=INSTANT)
    office.step(case, Action.ACCEPT, 1, department=1, role=1).done()
    office.step(case, Action.GRANT, 1, department=1, role=DECIDER).done()
    other = accepted(office, salt=b"\x02" * 32)
    assert office.step(other, Action.GRANT, 1, department=1, role=DECIDER).reasons == [Reason.WRONG_STATE]


def test_department_and_officers_role_are_named(office):
    case = office.opened()
    assert office.step(case, Action.ACCEPT, 1).reasons == [Reason.UNKNOWN_DEPARTMENT]
    assert office.step(case, Action.ACCEPT, 1, department=9, role=1).reasons == [Reason.UNKNOWN_DEPARTMENT]
    assert office.step(case, Action.ACCEPT, 1, department=1).reasons == [Reason.WRONG_ROLE]
    assert office.step(case, Action.ACCEPT, 2, department=1, role=1).reasons == [Reason.WRONG_OFFICE]
    assert office.step(case, Action.ACCEPT, 4, department=1, role=1).reasons == [Reason.NOT_A_PARTY]


def test_reading_ends_with_closing(office):
    case = decided(office)
    reading = lambda member: office.world.call("cases", "reading", case, member)[0]  # noqa: E731 - one call, three times
    assert [reading(1), reading(2), reading(4)] == [0, 0, Reason.NOT_A_PARTY]
    office.step(case, Action.CLOSE, 1).done()
    assert reading(1) == Reason.CASE_NOT_READING
    assert office.world.call("cases", "reading", b"\x09" * 32, 1)[0] == Reason.UNKNOWN_CASE


def test_a_case_is_handed_over_by_whoever_has_it(office):
    case = accepted(office)

    def hand(city, to, department):
        return office.world.send(city, "operate", "cases", "hand_over", [(case, to, department)])

    assert hand("mianyang", 2, 1).reasons == [Reason.WRONG_OFFICE]
    assert hand("yuzhong", 2, 1).reasons == [Reason.NOT_A_PARTY]
    assert hand("wuhou", 4, 1).reasons == [Reason.NOT_A_PARTY]
    assert hand("wuhou", 2, 9).reasons == [Reason.UNKNOWN_DEPARTMENT]
    event = hand("wuhou", 2, 2).done().one(HandedOver)
    assert (event.department, event.to_member, event.to_department) == (1, 2, 2)
    office.act(case, Action.WITHDRAW).done()
    assert hand("mianyang", 1, 1).reasons == [Reason.WRONG_STATE]


def test_a_supervision_order_is_issued_answered_and_settled(office):
    case = office.opened()

    def order(member, name, number, stage, commitment=COMMITMENT):
        return office.world.send(member, name, "cases", "supervise", [(case, number, stage, 0, commitment, BLOB)])

    assert order("wuhou", "operate", 0, 1).reasons == [Reason.WRONG_ROLE]
    assert order("regulator", "regulate", 1, 1).reasons == [Reason.BAD_SEQUENCE]
    assert order("regulator", "regulate", 0, 1, ZERO).reasons == [Reason.DIGEST_MISSING]
    assert order("regulator", "regulate", 0, 1).done().one(Supervised).order == 1
    assert order("yanta", "operate", 1, 2).reasons == [Reason.NOT_A_PARTY]
    order("wuhou", "operate", 1, 2).done()
    assert order("wuhou", "operate", 1, 2).reasons == [Reason.ALREADY_DONE]
    order("regulator", "regulate", 1, 3).done()
    assert order("regulator", "regulate", 7, 3).reasons == [Reason.BAD_SEQUENCE]
    assert order("regulator", "regulate", 1, 4).reasons == [Reason.BAD_KIND]
    # Nothing of the case itself has changed.
    assert office.word(case).state is State.SUBMITTED


def test_who_may_record_what(office):
    case = office.opened()

    def note(member, name, kind, commitment=COMMITMENT):
        return office.world.send(member, name, "cases", "record", [(case, int(kind), commitment, BLOB)])

    assert note("wuhou", "operate", RecordKind.LETTER_ISSUED).done().one(Recorded).sequence == 1
    assert note("yanta", "operate", RecordKind.LETTER_ISSUED).reasons == [Reason.WRONG_OFFICE]
    assert note("yanta", "witness", RecordKind.NOTICE_ATTEMPTED).done().one(Recorded).sequence == 2
    assert note("wuhou", "operate", RecordKind.REGULATOR_READ).reasons == [Reason.WRONG_OFFICE]
    note("regulator", "regulate", RecordKind.REGULATOR_READ).done()
    assert note("wuhou", "operate", 64).reasons == [Reason.BAD_KIND]
    assert note("wuhou", "operate", 40).reasons == [Reason.BAD_KIND]
    note("wuhou", "operate", 50).done()
    assert note("wuhou", "operate", RecordKind.LIAISON, ZERO).reasons == [Reason.DIGEST_MISSING]


def test_strangers_and_suspended_cities_do_nothing(office):
    case = office.opened()
    item = (case, int(Action.RECEIVE), 0, 0, 0, 0, COMMITMENT, BLOB)
    refused = office.world.chain.send(key("nobody"), office.world.contract("cases"), "step", [item])
    assert refused.reasons == [Reason.NOT_A_KEY]
    assert office.world.send("wuhou", "witness", "cases", "step", [item]).reasons == [Reason.WRONG_ROLE]
    office.world.suspend("wuhou")
    assert office.world.send("wuhou", "operate", "cases", "step", [item]).reasons == [Reason.MEMBER_SUSPENDED]


def test_gas_of_cases(office):
    submissions = [office.submission(matter=PLAIN, salt=number.to_bytes(32, "big")) for number in range(1, 33)]
    receipt = office.send_open(*submissions).done()
    record_gas("cases.open, each of 32", receipt.gas // 32)
    cases = [office.case(submission) for submission in submissions]
    lone = office.step(cases[0], Action.RECEIVE, 1).done()
    record_gas("cases.step, alone", lone.gas)
    items = [(case, int(Action.ACCEPT), 0, 0, 1, 1, COMMITMENT, BLOB) for case in cases]
    each = office.world.send("wuhou", "operate", "cases", "step", items).done().gas // len(items)
    record_gas("cases.step, each of 32", each)
    reviews = [(case, int(Action.REVIEW), 0, 0, 0, 0, COMMITMENT, BLOB) for case in cases]
    record_gas(
        "cases.step, a review, each of 32",
        office.world.send("wuhou", "operate", "cases", "step", reviews).done().gas // 32,
    )
    record_gas("cases.act, alone", office.act(cases[1], Action.WITHDRAW).done().gas)
