"""Standing, thresholds, votes and key rules; the contract is the judge in ``tests/contracts``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.consortium import (
    Level,
    MemberStatus,
    Outcome,
    ProposalKind,
    Role,
    Standing,
    Vote,
    electorate,
    is_about_member,
    key_change_reason,
    threshold,
)
from ledger.domain.reasons import Reason


@pytest.mark.parametrize(("voters", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (64, 43)])
def test_two_thirds_rounded_up(voters: int, needed: int) -> None:
    assert threshold(voters) == needed
    assert 3 * needed >= 2 * voters > 3 * (needed - 1)


@given(
    st.integers(0, 65_535),
    st.integers(0, 63),
    st.sampled_from(MemberStatus),
    st.integers(0, 65_535),
    st.integers(0, 255),
)
def test_a_standing_is_one_word(member: int, roles: int, status: MemberStatus, parent: int, level: int) -> None:
    standing = Standing(member, Role(roles), status, parent, level)
    assert Standing.unpack(standing.pack()) == standing
    assert standing.pack() < 1 << 64


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Standing(0, Role(0), MemberStatus.NONE, 0, 0), Reason.NOT_A_KEY),
        (Standing(1, Role.OPERATE, MemberStatus.LISTED, 0, 3), Reason.MEMBER_UNCONFIRMED),
        (Standing(1, Role.OPERATE, MemberStatus.SUSPENDED, 0, 3), Reason.MEMBER_SUSPENDED),
        (Standing(1, Role.OPERATE, MemberStatus.EXCLUDED, 0, 3), Reason.MEMBER_SUSPENDED),
        (Standing(1, Role.WITNESS, MemberStatus.ACTIVE, 0, 3), Reason.WRONG_ROLE),
        (Standing(1, Role.OPERATE | Role.WITNESS, MemberStatus.ACTIVE, 0, 3), Reason.OK),
    ],
)
def test_who_may_act(standing: Standing, reason: Reason) -> None:
    assert standing.refusal(Role.OPERATE) is reason


def test_whom_a_vote_is_about_has_none() -> None:
    about = {kind for kind in ProposalKind if is_about_member(kind)}
    assert about == set(ProposalKind) - {ProposalKind.ADMIT, ProposalKind.GENERATION, ProposalKind.POLICY}
    assert electorate(0b111, ProposalKind.SUSPEND, 0b10) == 0b101
    assert electorate(0b111, ProposalKind.POLICY, 0b10) == 0b111


def test_a_vote_passes_fails_and_ends() -> None:
    vote = Vote(0b11111, closes=100)
    for seat in (1, 2, 4):
        vote, reason = vote.cast(seat, approve=True, now=100)
        assert (vote.outcome, reason) == (Outcome.OPEN, Reason.OK)
    assert vote.cast(1, approve=False, now=1)[1] is Reason.ALREADY_VOTED
    assert vote.cast(32, approve=True, now=1)[1] is Reason.NOT_AN_ELECTOR
    assert vote.cast(0, approve=True, now=1)[1] is Reason.NOT_AN_ELECTOR
    late, reason = vote.cast(8, approve=True, now=101)
    assert (late.outcome, reason) == (Outcome.FAILED, Reason.PROPOSAL_CLOSED)
    passed, reason = vote.cast(8, approve=True, now=100)
    assert (passed.outcome, reason) == (Outcome.PASSED, Reason.OK)
    assert passed.cast(16, approve=True, now=100)[1] is Reason.PROPOSAL_CLOSED
    against, _ = vote.cast(8, approve=False, now=1)
    assert against.outcome is Outcome.OPEN
    assert against.cast(16, approve=False, now=1)[0].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"roles": 64, "owned": None}, Reason.OUT_OF_RANGE),
        ({"roles": Role.REGULATE, "owned": None}, Reason.WRONG_ROLE),
        ({"roles": Role.REGULATE, "owned": None, "level": Level.REGULATOR_PROVINCIAL}, Reason.OK),
        ({"roles": Role.ISSUE, "owned": False}, Reason.KEY_TAKEN),
        ({"roles": 0, "owned": None}, Reason.NOT_A_KEY),
        ({"roles": Role.ISSUE, "owned": True, "held": Role.ADMINISTER}, Reason.WRONG_ROLE),
        ({"roles": Role.ISSUE, "owned": True, "held": Role.ISSUE}, Reason.ALREADY_DONE),
        ({"roles": 0, "owned": True, "held": Role.ISSUE}, Reason.OK),
        ({"roles": Role.RECOVER, "owned": None}, Reason.WRONG_ROLE),
        ({"roles": Role.ISSUE, "owned": None, "replaces": True}, Reason.NOT_A_KEY),
        ({"roles": Role.ISSUE, "owned": None, "replaces": True, "previous": Role(0)}, Reason.NOT_A_KEY),
        ({"roles": Role.ISSUE, "owned": True, "replaces": True, "previous": Role.ISSUE}, Reason.KEY_TAKEN),
        ({"roles": 0, "owned": None, "replaces": True, "previous": Role.ISSUE}, Reason.OUT_OF_RANGE),
        ({"roles": Role.ISSUE, "owned": None, "replaces": True, "previous": Role.ADMINISTER}, Reason.WRONG_ROLE),
        ({"roles": Role.RECOVER, "owned": None, "replaces": True, "previous": Role.ISSUE}, Reason.WRONG_ROLE),
        ({"roles": Role.RECOVER, "owned": None, "replaces": True, "previous": Role.RECOVER}, Reason.OK),
        ({"roles": Role.WITNESS, "owned": None, "replaces": True, "previous": Role.ISSUE}, Reason.OK),
    ],
)
def test_which_keys_may_be_set(arguments: dict[str, object], reason: Reason) -> None:
    known: dict[str, object] = {"level": Level.CITY, "held": Role(0)}
    assert key_change_reason(**{**known, **arguments}) is reason
