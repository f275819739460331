"""Votes: who votes on whom, what passes when, and what it then does."""

from __future__ import annotations

import pytest

from ledger.domain.consortium import ContractKind, MemberStatus, ProposalKind, Role, Standing
from ledger.domain.events import (
    AdmissionProposed,
    GenerationAdded,
    KeySet,
    MemberConfirmed,
    MemberListed,
    MemberStatusChanged,
    PolicySet,
    ProposalClosed,
    Proposed,
    Voted,
)
from ledger.domain.reasons import Reason
from tests.contracts.chain import ZERO, Receipt, address_of, key
from tests.contracts.world import CITIES, World, found

DIGEST = b"\x07" * 32
DAY = 86_400
CANDIDATE = (500109, 4, 0, True, "重庆市北碚区", address_of(key("beibei.administer")))


def subject(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


def ballot(world: World, city: str, number: int, *, approve: bool = True) -> Receipt:
    return world.send(city, "administer", "consortium", "vote", [(number, approve)])


def propose(world: World, *motions: tuple[int, int, bytes, bytes], by: str = "wuhou") -> Receipt:
    return world.send(by, "administer", "consortium", "propose", list(motions), [])


def test_a_candidate_is_shown_voted_in_and_confirms(world: World) -> None:
    receipt = world.send("wuhou", "administer", "consortium", "propose", [(1, 0, ZERO, DIGEST)], [CANDIDATE]).done()
    shown, proposed = receipt.one(AdmissionProposed), receipt.one(Proposed)
    assert (shown.name, shown.administrator) == (CANDIDATE[4], CANDIDATE[5])
    assert proposed == Proposed(
        proposed.proposal, 1, 1, 0, subject(CANDIDATE[5]), DIGEST, 0b11111, 4, world.chain.now + 30 * DAY
    )
    for city in CITIES[:3]:
        assert ballot(world, city, proposed.proposal).done().of(ProposalClosed) == []
    receipt = ballot(world, "yuzhong", proposed.proposal).done()
    assert receipt.one(ProposalClosed).passed is True
    listed = receipt.one(MemberListed)
    assert (listed.member, listed.voting) == (7, True)
    # Listed is not seated: only its own confirmation gives it voice and hand.
    assert world.call("consortium", "voters") == 0b11111
    confirmed = world.chain.send(
        key("beibei.administer"), world.consortium, "confirm", address_of(key("beibei.recover")), []
    )
    assert confirmed.done().one(MemberConfirmed).member == 7
    assert world.call("consortium", "voters") == 0b111111


def test_a_sub_member_has_a_parent_and_no_vote(world: World) -> None:
    district = (510199, 6, 1, False, "某园区", address_of(key("park.administer")))
    listed = world.pass_vote(world.propose(ProposalKind.ADMIT, candidates=(district,))).one(MemberListed)
    assert listed.parent == 1
    world.chain.send(key("park.administer"), world.consortium, "confirm", address_of(key("park.recover")), []).done()
    motion = (ProposalKind.VOTING, listed.member, (1).to_bytes(32, "big"), ZERO)
    assert propose(world, motion).reasons == [Reason.OUT_OF_RANGE]
    own = world.chain.send(
        key("park.administer"), world.consortium, "propose", [(ProposalKind.POLICY, 0, ZERO, DIGEST)], []
    )
    assert own.reasons == [Reason.NOT_AN_ELECTOR]


def test_candidates_who_cannot_be(world: World) -> None:
    fresh = address_of(key("fresh"))
    cases = [
        ((0, 4, 0, True, "甲", fresh), Reason.OUT_OF_RANGE),
        ((1, 0, 0, True, "甲", fresh), Reason.OUT_OF_RANGE),
        ((1, 9, 0, True, "甲", fresh), Reason.OUT_OF_RANGE),
        ((1, 4, 0, True, "", fresh), Reason.OUT_OF_RANGE),
        ((1, 4, 0, True, "甲", "0x" + "00" * 20), Reason.OUT_OF_RANGE),
        ((1, 4, 1, True, "甲", fresh), Reason.OUT_OF_RANGE),
        ((1, 4, 99, False, "甲", fresh), Reason.UNKNOWN_MEMBER),
        ((1, 4, 0, True, "甲", world.members["yanta"].address("issue")), Reason.KEY_TAKEN),
    ]
    motions = [(ProposalKind.ADMIT, place, ZERO, ZERO) for place in range(len(cases))]
    receipt = world.send("wuhou", "administer", "consortium", "propose", motions, [candidate for candidate, _ in cases])
    assert receipt.reasons_by_index(8) == [reason for _, reason in cases]
    receipt = world.send(
        "wuhou", "administer", "consortium", "propose", [(ProposalKind.ADMIT, 1, ZERO, ZERO)], [CANDIDATE]
    )
    assert receipt.reasons == [Reason.BAD_OFFSET]


def test_motions_that_cannot_be(world: World) -> None:
    stranger = subject(address_of(key("stranger")))
    cases = [
        ((0, 1, ZERO, ZERO), Reason.OUT_OF_RANGE),
        ((9, 1, ZERO, ZERO), Reason.OUT_OF_RANGE),
        ((ProposalKind.SUSPEND, 99, ZERO, ZERO), Reason.UNKNOWN_MEMBER),
        ((ProposalKind.SUSPEND, 1, ZERO, ZERO), Reason.TARGET_VOTES_NOT),
        ((ProposalKind.RESUME, 2, ZERO, ZERO), Reason.ALREADY_DONE),
        ((ProposalKind.EXCLUDE, 2, ZERO, ZERO), Reason.DIGEST_MISSING),
        ((ProposalKind.POLICY, 0, ZERO, ZERO), Reason.DIGEST_MISSING),
        ((ProposalKind.GENERATION, 0, stranger, ZERO), Reason.OUT_OF_RANGE),
        ((ProposalKind.GENERATION, 5, stranger, ZERO), Reason.OUT_OF_RANGE),
        ((ProposalKind.GENERATION, 1, b"\x01" * 32, ZERO), Reason.OUT_OF_RANGE),
        ((ProposalKind.GENERATION, 1, stranger, ZERO), Reason.UNKNOWN_CONTRACT),
        ((ProposalKind.GENERATION, 1, subject(world.contracts["catalogue"].address), ZERO), Reason.ALREADY_DONE),
        ((ProposalKind.REPLACE_ADMINISTRATOR, 2, ZERO, ZERO), Reason.OUT_OF_RANGE),
        ((ProposalKind.REPLACE_ADMINISTRATOR, 2, b"\x01" * 32, ZERO), Reason.OUT_OF_RANGE),
        (
            (ProposalKind.REPLACE_ADMINISTRATOR, 2, subject(world.members["yanta"].address("issue")), ZERO),
            Reason.KEY_TAKEN,
        ),
        ((ProposalKind.VOTING, 2, (1).to_bytes(32, "big"), ZERO), Reason.ALREADY_DONE),
        ((ProposalKind.VOTING, 2, (2).to_bytes(32, "big"), ZERO), Reason.OUT_OF_RANGE),
        ((ProposalKind.VOTING, 1, ZERO, ZERO), Reason.TARGET_VOTES_NOT),
    ]
    found_reasons: list[Reason] = []
    for start in range(0, len(cases), 8):
        part = [motion for motion, _ in cases[start : start + 8]]
        found_reasons += propose(world, *part).reasons_by_index(len(part))
    assert found_reasons == [reason for _, reason in cases]
    assert propose(world, (ProposalKind.POLICY, 0, ZERO, DIGEST), by="regulator").reasons == [Reason.NOT_AN_ELECTOR]


def test_suspension_stops_a_member_and_resumption_lets_it_on(world: World) -> None:
    number = world.propose(ProposalKind.SUSPEND, target=2)
    assert world.call("consortium", "proposal", number)[4:6] == (0b11101, 3)
    assert ballot(world, "mianyang", number).reasons == [Reason.TARGET_VOTES_NOT]
    receipt = world.pass_vote(number, without="mianyang")
    assert receipt.one(MemberStatusChanged) == MemberStatusChanged(2, MemberStatus.SUSPENDED, number, ZERO)
    assert world.call("consortium", "voters") == 0b11101
    refused = world.send("mianyang", "operate", "consortium", "publish_endpoint", "https://a.example")
    assert refused.reasons == [Reason.MEMBER_SUSPENDED]
    assert propose(world, (ProposalKind.SUSPEND, 2, ZERO, ZERO)).reasons == [Reason.ALREADY_DONE]
    number = world.propose(ProposalKind.RESUME, target=2)
    assert world.pass_vote(number, without="mianyang").one(MemberStatusChanged).status == MemberStatus.ACTIVE
    assert world.call("consortium", "voters") == 0b11111
    world.send("mianyang", "operate", "consortium", "publish_endpoint", "https://a.example").done()


def test_exclusion_is_for_ever(world: World) -> None:
    number = world.propose(ProposalKind.EXCLUDE, target=2, digest=DIGEST)
    receipt = world.pass_vote(number, without="mianyang")
    assert receipt.one(MemberStatusChanged) == MemberStatusChanged(2, MemberStatus.EXCLUDED, number, DIGEST)
    for kind in (ProposalKind.RESUME, ProposalKind.EXCLUDE, ProposalKind.SUSPEND, ProposalKind.VOTING):
        assert propose(world, (kind, 2, ZERO, DIGEST)).reasons == [Reason.UNKNOWN_MEMBER]
    assert ballot(world, "mianyang", number).reasons == [Reason.MEMBER_SUSPENDED]
    taken = [(world.members["mianyang"].address("issue"), Role.ISSUE, "0x" + "00" * 20)]
    assert world.send("wuhou", "administer", "consortium", "set_keys", taken).reasons == [Reason.KEY_TAKEN]


def test_a_vote_replaces_a_lost_administrator_whatever_it_objects_to(world: World) -> None:
    world.send("yanta", "recover", "consortium", "start_recovery", address_of(key("thief"))).done()
    world.send("yanta", "administer", "consortium", "object_recovery").done()
    fresh = address_of(key("yanta new"))
    number = world.propose(ProposalKind.REPLACE_ADMINISTRATOR, target=5, subject=subject(fresh))
    receipt = world.pass_vote(number)
    assert receipt.one(KeySet) == KeySet(5, fresh, Role.ADMINISTER, world.members["yanta"].address("administer"))
    assert Standing.unpack(world.call("consortium", "standing", fresh)).roles == Role.ADMINISTER
    # The recovery objected to is over as well.
    world.send("yanta", "recover", "consortium", "start_recovery", address_of(key("other"))).done()


def test_the_vote_is_given_and_taken_by_vote(world: World) -> None:
    number = world.propose(ProposalKind.VOTING, target=6, subject=(1).to_bytes(32, "big"))
    world.pass_vote(number)
    assert world.call("consortium", "voters") == 0b111111
    assert world.call("consortium", "voting", 6) is True
    number = world.propose(ProposalKind.VOTING, target=6)
    assert world.call("consortium", "proposal", number)[4] == 0b11111
    world.pass_vote(number)
    assert world.call("consortium", "voters") == 0b11111


def test_policy_is_set_in_versions(world: World) -> None:
    assert world.pass_vote(world.propose(ProposalKind.POLICY, digest=DIGEST)).one(PolicySet) == PolicySet(1, DIGEST)
    second = b"\x08" * 32
    assert world.pass_vote(world.propose(ProposalKind.POLICY, digest=second)).one(PolicySet) == PolicySet(2, second)
    assert (world.call("consortium", "policy"), world.call("consortium", "policy_version")) == (second, 2)


def test_a_second_generation_replaces_the_first(world: World) -> None:
    first = world.contracts["catalogue"]
    second = world.chain.deploy("catalogue", world.consortium.address)
    assert world.call("consortium", "kind_of", first.address) == ContractKind.CATALOGUE
    assert world.call("consortium", "kind_of", second.address) == 0
    receipt = world.register(second, ContractKind.CATALOGUE)
    assert receipt.one(GenerationAdded) == GenerationAdded(1, 2, second.address)
    assert world.call("consortium", "kind_of", first.address) == ContractKind.CATALOGUE | 256
    assert world.call("consortium", "kind_of", second.address) == ContractKind.CATALOGUE
    assert world.call("consortium", "current", 1) == second.address
    assert [world.call("consortium", "generation", 1, number) for number in (1, 2)] == [first.address, second.address]
    assert [world.call("consortium", "generation_of", item.address) for item in (first, second)] == [1, 2]
    assert world.call("consortium", "generation_of", world.consortium.address) == 0


def test_ballots_that_do_not_count(world: World) -> None:
    number = world.propose(ProposalKind.POLICY, digest=DIGEST)
    assert ballot(world, "wuhou", 99).reasons == [Reason.UNKNOWN_PROPOSAL]
    assert ballot(world, "regulator", number).reasons == [Reason.NOT_AN_ELECTOR]
    counted = ballot(world, "wuhou", number).done().one(Voted)
    assert counted == Voted(number, 1, world.members["wuhou"].address("administer"), approve=True, approvals=1)
    assert ballot(world, "wuhou", number, approve=False).reasons == [Reason.ALREADY_VOTED]


def test_a_vote_that_can_no_longer_pass_is_over(world: World) -> None:
    number = world.propose(ProposalKind.POLICY, digest=DIGEST)
    assert ballot(world, "wuhou", number, approve=False).done().of(ProposalClosed) == []
    assert ballot(world, "yanta", number, approve=False).done().one(ProposalClosed).passed is False
    assert ballot(world, "yuzhong", number).reasons == [Reason.PROPOSAL_CLOSED]


@pytest.mark.parametrize(("wait", "open_"), [(30 * DAY, True), (30 * DAY + 1, False)])
def test_a_vote_ends_after_thirty_days(world: World, wait: int, open_: bool) -> None:  # noqa: FBT001  # a column of the table above
    number = world.propose(ProposalKind.POLICY, digest=DIGEST)
    world.chain.advance(wait)
    receipt = ballot(world, "wuhou", number)
    if open_:
        assert receipt.done().one(Voted).approvals == 1
        return
    assert receipt.reasons == [Reason.PROPOSAL_CLOSED]
    assert receipt.of(ProposalClosed) == [ProposalClosed(number, passed=False)]
    assert ballot(world, "wuhou", number).of(ProposalClosed) == []


def test_what_has_become_impossible_does_not_pass(world: World) -> None:
    numbers = [world.propose(ProposalKind.ADMIT, candidates=(CANDIDATE,)) for _ in range(2)]
    world.pass_vote(numbers[0])
    for city in CITIES[:3]:
        ballot(world, city, numbers[1]).done()
    receipt = ballot(world, "yuzhong", numbers[1])
    assert receipt.reasons == [Reason.KEY_TAKEN]
    assert receipt.of(ProposalClosed) == [ProposalClosed(numbers[1], passed=False)]
    assert receipt.of(MemberListed) == []


def test_the_electorate_is_that_of_the_day_of_the_proposal(world: World) -> None:
    number = world.propose(ProposalKind.POLICY, digest=DIGEST)
    world.suspend("yanta")
    assert ballot(world, "yanta", number).reasons == [Reason.MEMBER_SUSPENDED]
    assert world.call("consortium", "proposal", number)[4:6] == (0b11111, 4)
    later = world.propose(ProposalKind.POLICY, digest=b"\x09" * 32)
    assert world.call("consortium", "proposal", later)[4:6] == (0b01111, 3)


def test_the_first_to_confirm_decides_nothing_alone() -> None:
    world = found(confirmed=False)
    recovery = world.members["wuhou"].address("recover")
    world.send("wuhou", "administer", "consortium", "confirm", recovery, []).done()
    number = propose(world, (ProposalKind.POLICY, 0, ZERO, DIGEST)).done().one(Proposed).proposal
    assert ballot(world, "wuhou", number).done().of(ProposalClosed) == []
    assert ballot(world, "mianyang", number).reasons == [Reason.MEMBER_UNCONFIRMED]


def test_a_candidate_is_kept_until_the_vote(world: World) -> None:
    number = world.propose(ProposalKind.ADMIT, candidates=(CANDIDATE,))
    assert world.call("consortium", "candidate", number) == CANDIDATE
    assert world.call("consortium", "proposal_count") == number
