"""The pure model of consents and the contract, driven with the same operations: the same answer each time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.domain.consents import (
    ConsentState,
    ConsentTerms,
    Grantee,
    Purpose,
    check_reading,
    check_terms,
    consent_digest,
    reading_done,
)
from ledger.domain.reasons import Reason
from tests.contracts.chain import CHAIN_ID
from tests.contracts.desk import Consent, Desk, open_desk

DAY = 86_400
CITIES = {2: "mianyang", 4: "yuzhong", 5: "yanta"}

grants = st.tuples(
    st.just("grant"),
    st.sets(st.sampled_from([0, 2, 4]), min_size=1, max_size=2).map(lambda found: tuple(sorted(found))),
    st.dictionaries(st.sampled_from([2, 4]), st.integers(0, 2), min_size=1).map(
        lambda found: tuple(sorted(found.items()))
    ),
    st.integers(-1, 2),
    st.integers(0, 3),
)
uses = st.tuples(
    st.just("use"), st.integers(0, 3), st.sampled_from([2, 4, 5]), st.sets(st.sampled_from([0, 2, 4]), min_size=1)
)
waits = st.tuples(st.just("wait"), st.sampled_from([DAY // 2, DAY, 2 * DAY]))
revocations = st.tuples(st.just("revoke"), st.sampled_from([0, 2, 4]))


@pytest.fixture
def desk(world) -> Desk:
    return open_desk(world)


def terms_of(desk: Desk, consent: Consent) -> ConsentTerms:
    fields = desk.fields(consent)
    return ConsentTerms(
        leaves=tuple(desk.word(index) for index in consent.leaves),
        grantees=tuple(Grantee(*pair) for pair in consent.grantees),
        matter=consent.matter,
        cases=fields["cases"],
        case=consent.case,
        purpose=Purpose(consent.purpose),
        disclosed=consent.disclosed,
        valid_from=fields["validFrom"],
        valid_until=fields["validUntil"],
        salt=consent.salt,
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(grants, uses, uses, waits, revocations), min_size=3, max_size=10))
def test_the_contract_answers_as_the_model(desk, operations):
    before = desk.world.chain.snapshot()
    for member in CITIES:
        desk.case(member=member)
    granted: list[tuple[Consent, ConsentState]] = []
    spent: set[int] = set()
    revoked: set[int] = set()
    for number, (kind, *values) in enumerate(operations):
        if kind == "wait":
            desk.world.chain.advance(values[0])
        elif kind == "revoke":
            item = {"batch": desk.batch, "leaf_offset": 0, "leaf_count": 1, "cause": 1, "commitment": bytes(32)}
            receipt = desk.world.send("wuhou", "issue", "materials", "revoke", [item], [values[0]])
            assert receipt.reasons == ([Reason.ALREADY_DONE] if values[0] in revoked else [])
            revoked.add(values[0])
        elif kind == "grant":
            leaves, grantees, start, length = values
            begin = desk.now + start * DAY
            consent = Consent(
                leaves=leaves,
                grantees=grantees,
                valid_from=begin,
                valid_until=begin + length * DAY,
                salt=bytes((number,)) * 32,
            )
            terms = terms_of(desk, consent)
            expected = check_terms(terms, desk.now)
            if expected is Reason.OK:
                found = [
                    Reason.LEAF_REVOKED if leaf in revoked else Reason.LEAF_SPENT
                    for leaf in leaves
                    if leaf in revoked | spent
                ]
                expected = found[0] if found else Reason.OK
            receipt = desk.grant(consent)
            assert receipt.reasons == ([] if expected is Reason.OK else [expected])
            if expected is Reason.OK:
                assert consent_digest(terms, CHAIN_ID, desk.world.contract("materials").address) == desk.digest(consent)
                granted.append((consent, ConsentState(terms, terms.valid_until, desk.now, terms.grantees)))
                spent.update(leaves)
        else:
            place, member, leaves = values
            known = place < len(granted)
            consent, state = granted[place] if known else (Consent(salt=b"\xff" * 32), None)
            asked = tuple(sorted(leaves))
            expected = check_reading(
                state,
                member=member,
                leaves=tuple(desk.word(index) for index in asked),
                revoked_leaves=frozenset(desk.word(index) for index in revoked),
                now=desk.now,
            )
            receipt = desk.use(consent, by=CITIES[member], leaves=asked)
            assert receipt.reasons == ([] if expected is Reason.OK else [expected])
            if state is not None and expected is Reason.OK:
                granted[place] = (consent, reading_done(state, member))
    desk.world.chain.revert(before)
