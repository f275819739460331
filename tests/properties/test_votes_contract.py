"""Votes: the model and the contract give the same answers to the same ballots."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import consortium
from ledger.domain.consortium import Outcome, ProposalKind, Vote
from ledger.domain.events import ProposalClosed, Voted
from ledger.domain.reasons import Reason
from tests.contracts.world import MEMBERS, World, found

DAY = 86_400
_VOTERS = 0b11111


@pytest.fixture(scope="module")
def network() -> World:
    """The five cities, formed once."""
    return found()


def _seat(label: str) -> int:
    place = MEMBERS.index(label)
    return 1 << place & _VOTERS


@settings(max_examples=60, deadline=None)
@given(
    target=st.sampled_from((None, "mianyang", "yanta")),
    ballots=st.lists(
        st.tuples(st.sampled_from(MEMBERS), st.booleans(), st.sampled_from((0, 0, 0, 9 * DAY, 16 * DAY))), max_size=9
    ),
)
def test_contract_counts_as_the_model_does(
    network: World, target: str | None, ballots: list[tuple[str, bool, int]]
) -> None:
    snapshot = network.chain.snapshot()
    kind = ProposalKind.POLICY if target is None else ProposalKind.EXCLUDE
    number = network.propose(kind, target=network.number(target) if target else 0, digest=b"\x01" * 32)
    seats = consortium.electorate(_VOTERS, kind, _seat(target) if target else 0)
    vote = Vote(seats, network.chain.now + consortium.VOTING_PERIOD)
    assert network.call("consortium", "proposal", number)[4:7] == (seats, vote.needed, vote.closes)
    for member, approve, wait in ballots:
        network.chain.advance(wait)
        before = vote
        vote, reason = before.cast(_seat(member), approve=approve, now=network.chain.now)
        if reason is Reason.NOT_AN_ELECTOR and member == target:
            reason = Reason.TARGET_VOTES_NOT
        if member == target and before.outcome is Outcome.PASSED:
            # What was passed is the exclusion of this very member.
            reason = Reason.MEMBER_SUSPENDED
        receipt = network.send(member, "administer", "consortium", "vote", [(number, approve)])
        assert receipt.reasons_by_index(1) == [reason]
        assert len(receipt.of(Voted)) == (reason is Reason.OK)
        closed = [event.passed for event in receipt.of(ProposalClosed)]
        assert closed == ([vote.outcome is Outcome.PASSED] if vote.outcome is not before.outcome else [])
    network.chain.revert(snapshot)
