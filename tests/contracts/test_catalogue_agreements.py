"""Agreements: drafts, acceptance by every party, amendment, accession, notice, lineage, what covers what."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.agreements import Agreement
from ledger.domain.cases import Mode
from ledger.domain.catalogue import MatterCode, agreement_id, mode_bits
from ledger.domain.consortium import ContractKind
from ledger.domain.events import AgreementAccepted, AgreementDrafted, AgreementEnded
from ledger.domain.limits import LIMITS
from ledger.domain.reasons import Reason
from tests.contracts.chain import CHAIN_ID, ZERO, Receipt
from tests.contracts.world import CITIES, World, found

DIGEST, BLOB, SALT = b"\x01" * 32, b"\x02" * 32, b"\x05" * 32
DAY = 86_400
A, B, C = sorted(MatterCode(f"local:{name}").id for name in ("loan", "household", "card"))
EVERY = mode_bits(*Mode)
REMOTE = mode_bits(Mode.FULLY_ONLINE, Mode.RECEIVED_HERE)
MATTERS = {A: EVERY, B: REMOTE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A draft as it is written down, before it is laid out flat."""

    agreement: bytes = SALT
    kind: int = 1
    parent: bytes = ZERO
    predecessor: bytes = ZERO
    parties: tuple[int, ...] = (1, 2)
    matters: tuple[tuple[bytes, int], ...] = tuple(MATTERS.items())
    notice_days: int = 30
    valid_from: int = 0
    valid_until: int = 0
    digest: bytes = DIGEST


def draft(world: World, *texts: Text, by: str = "wuhou") -> Receipt:
    structs: list[dict[str, object]] = []
    parties: list[int] = []
    matters: list[bytes] = []
    modes: list[int] = []
    for text in texts:
        structs.append(
            {
                "agreement": text.agreement,
                "kind": text.kind,
                "parent": text.parent,
                "predecessor": text.predecessor,
                "party_offset": len(parties),
                "party_count": len(text.parties),
                "matter_offset": len(matters),
                "matter_count": len(text.matters),
                "notice_days": text.notice_days,
                "valid_from": text.valid_from,
                "valid_until": text.valid_until,
                "digest": text.digest,
                "blob": BLOB,
            }
        )
        parties += list(text.parties)
        matters += [matter for matter, _ in text.matters]
        modes += [bits for _, bits in text.matters]
    return world.send(by, "administer", "catalogue", "draft", structs, parties, matters, modes)


def accept(world: World, city: str, agreement: bytes, version: int = 1) -> Receipt:
    return world.send(city, "administer", "catalogue", "accept", [(agreement, version)])


def end(world: World, city: str, agreement: bytes, digest: bytes = DIGEST) -> Receipt:
    return world.send(city, "administer", "catalogue", "end", [(agreement, digest)])


def sign(world: World, text: Text, *cities: str, by: str = "wuhou") -> AgreementDrafted:
    """Draft a text and let the cities accept it, which must put it in force."""
    event = draft(world, text, by=by).done().one(AgreementDrafted)
    accepted = [accept(world, city, event.agreement, event.version).done().one(AgreementAccepted) for city in cities]
    assert [item.in_force for item in accepted] == [False] * (len(cities) - 1) + [True]
    return event


def covers(
    world: World, agreement: bytes, version: int, receiving: int, handling: int, matter: bytes, mode: int
) -> Reason:
    return Reason(world.call("catalogue", "covers", agreement, version, receiving, handling, matter, mode))


def test_an_agreement_binds_when_both_have_accepted(world: World) -> None:
    event = draft(world, Text()).done().one(AgreementDrafted)
    expected = agreement_id(chain_id=CHAIN_ID, contract=world.contracts["catalogue"].address, member=1, salt=SALT)
    assert event == AgreementDrafted(
        expected, 1, 1, 1, ZERO, ZERO, (1, 2), (A, B), (EVERY, REMOTE), 30, 0, 0, DIGEST, BLOB
    )
    case = (1, 1, 2, A, Mode.RECEIVED_HERE)
    assert covers(world, expected, *case) is Reason.NOT_IN_FORCE
    assert world.call("catalogue", "agreement_version", expected) == 0
    key = world.members["mianyang"].address("administer")
    first = accept(world, "mianyang", expected).done().one(AgreementAccepted)
    assert first == AgreementAccepted(expected, 1, 2, key, 1, in_force=False)
    assert covers(world, expected, *case) is Reason.NOT_IN_FORCE
    assert accept(world, "mianyang", expected).reasons == [Reason.ALREADY_ACCEPTED]
    assert accept(world, "yanta", expected).reasons == [Reason.NOT_A_PARTY]
    assert accept(world, "wuhou", expected).done().one(AgreementAccepted).in_force is True
    assert covers(world, expected, *case) is Reason.OK
    assert world.call("catalogue", "agreement_version", expected) == 1


@pytest.mark.parametrize(
    ("version", "receiving", "handling", "matter", "mode", "reason"),
    [
        (1, 1, 2, A, 4, Reason.OK),
        (1, 2, 1, B, 2, Reason.OK),
        (1, 1, 1, A, 1, Reason.OK),
        (0, 1, 2, A, 1, Reason.BAD_VERSION),
        (2, 1, 2, A, 1, Reason.BAD_VERSION),
        (1, 3, 2, A, 1, Reason.NOT_A_PARTY),
        (1, 1, 3, A, 1, Reason.NOT_A_PARTY),
        (1, 1, 0, A, 1, Reason.NOT_A_PARTY),
        (1, 1, 2**200, A, 1, Reason.NOT_A_PARTY),
        (1, 1, 2, B, 3, Reason.NOT_COVERED),
        (1, 1, 2, B, 0, Reason.NOT_COVERED),
        (1, 1, 2, A, 5, Reason.NOT_COVERED),
        (1, 1, 2, A, 300, Reason.NOT_COVERED),
        (1, 1, 2, C, 1, Reason.NOT_COVERED),
    ],
)
def test_what_is_covered(
    world: World, version: int, receiving: int, handling: int, matter: bytes, mode: int, reason: Reason
) -> None:
    agreement = sign(world, Text(), "wuhou", "mianyang").agreement
    assert covers(world, agreement, version, receiving, handling, matter, mode) is reason
    assert covers(world, SALT, 1, 1, 2, A, 1) is Reason.UNKNOWN_AGREEMENT


def test_an_agreement_holds_within_its_window(world: World) -> None:
    now = world.chain.now
    text = Text(valid_from=now + DAY, valid_until=now + 3 * DAY)
    agreement = sign(world, text, "wuhou", "mianyang").agreement
    found_reasons = []
    for moment in (now, now + DAY - 1, now + DAY, now + 3 * DAY - 1, now + 3 * DAY):
        world.chain.now = moment
        found_reasons.append(covers(world, agreement, 1, 1, 2, A, 1))
    assert found_reasons == [Reason.NOT_IN_FORCE, Reason.NOT_IN_FORCE, Reason.OK, Reason.OK, Reason.NOT_IN_FORCE]


def test_a_suspended_member_is_not_covered(world: World) -> None:
    agreement = sign(world, Text(), "wuhou", "mianyang").agreement
    world.suspend("mianyang")
    assert covers(world, agreement, 1, 1, 2, A, 1) is Reason.MEMBER_SUSPENDED
    assert covers(world, agreement, 1, 2, 1, A, 1) is Reason.MEMBER_SUSPENDED
    assert covers(world, agreement, 1, 1, 1, A, 1) is Reason.OK


def test_notice_ends_it_after_the_period(world: World) -> None:
    agreement = sign(world, Text(), "wuhou", "mianyang").agreement
    assert end(world, "yanta", agreement).reasons == [Reason.NOT_A_PARTY]
    assert end(world, "wuhou", agreement, ZERO).reasons == [Reason.DIGEST_MISSING]
    assert end(world, "wuhou", SALT).reasons == [Reason.UNKNOWN_AGREEMENT]
    effective = world.chain.now + 30 * DAY
    event = end(world, "mianyang", agreement).done().one(AgreementEnded)
    assert event == AgreementEnded(agreement, 2, effective, DIGEST)
    assert end(world, "wuhou", agreement).reasons == [Reason.AGREEMENT_ENDED]
    assert world.call("catalogue", "agreement_head", agreement) == (1, 1, effective)
    amendment = Text(agreement=agreement, kind=2)
    assert draft(world, amendment).reasons == [Reason.AGREEMENT_ENDED]
    world.chain.now = effective - 1
    assert covers(world, agreement, 1, 1, 2, A, 1) is Reason.OK
    world.chain.now = effective
    assert covers(world, agreement, 1, 1, 2, A, 1) is Reason.AGREEMENT_ENDED


def test_nothing_in_force_cannot_be_ended(world: World) -> None:
    agreement = draft(world, Text()).done().one(AgreementDrafted).agreement
    assert end(world, "wuhou", agreement).reasons == [Reason.NOT_IN_FORCE]
    assert draft(world, Text(agreement=agreement, kind=2)).reasons == [Reason.NOT_IN_FORCE]


def test_an_amendment_needs_everyone_again_and_the_old_terms_hold_until_then(world: World) -> None:
    agreement = sign(world, Text(parties=(1, 2, 3)), "wuhou", "mianyang", "xiongan").agreement
    # Without Xiong'an, which must accept that it leaves.
    amendment = Text(agreement=agreement, kind=2, parties=(1, 2), matters=((A, REMOTE), (C, EVERY)))
    assert draft(world, amendment).done().one(AgreementDrafted).version == 2
    for city in ("wuhou", "mianyang"):
        assert accept(world, city, agreement, 2).done().one(AgreementAccepted).in_force is False
    assert covers(world, agreement, 1, 1, 3, A, 4) is Reason.OK
    assert covers(world, agreement, 2, 1, 2, C, 4) is Reason.BAD_VERSION
    assert accept(world, "xiongan", agreement, 2).done().one(AgreementAccepted).in_force is True
    assert covers(world, agreement, 1, 1, 2, A, 4) is Reason.BAD_VERSION
    assert covers(world, agreement, 2, 1, 2, A, 4) is Reason.NOT_COVERED
    assert covers(world, agreement, 2, 1, 2, C, 4) is Reason.OK
    assert covers(world, agreement, 2, 1, 3, C, 4) is Reason.NOT_A_PARTY
    assert end(world, "xiongan", agreement).reasons == [Reason.NOT_A_PARTY]


def test_of_two_amendments_of_one_version_only_one_can_bind(world: World) -> None:
    agreement = sign(world, Text(), "wuhou", "mianyang").agreement
    for matters in (((C, EVERY),), ((B, EVERY),)):
        draft(world, Text(agreement=agreement, kind=2, matters=matters)).done()
    accept(world, "wuhou", agreement, 2).done()
    for city in ("wuhou", "mianyang"):
        accept(world, city, agreement, 3).done()
    assert world.call("catalogue", "agreement_version", agreement) == 3
    assert accept(world, "mianyang", agreement, 2).reasons == [Reason.BAD_VERSION]


def test_accession_keeps_all_and_adds_someone(world: World) -> None:
    agreement = sign(world, Text(), "wuhou", "mianyang").agreement
    accession = Text(agreement=agreement, kind=3, parties=(1, 2, 5))
    assert draft(world, replace(accession, parties=(1, 2))).reasons == [Reason.ALREADY_DONE]
    assert draft(world, replace(accession, parties=(1, 5))).reasons == [Reason.NOT_A_PARTY]
    assert draft(world, accession, by="yuzhong").reasons == [Reason.NOT_A_PARTY]
    sign(world, accession, "yanta", "wuhou", "mianyang", by="yanta")
    assert covers(world, agreement, 2, 5, 2, A, 1) is Reason.OK


def test_lineage_is_of_agreements_that_bind_and_never_changes(world: World) -> None:
    framework = sign(world, Text(parties=(1, 2, 3)), "wuhou", "mianyang", "xiongan").agreement
    child = Text(agreement=b"\x06" * 32, parent=framework)
    assert draft(world, replace(child, parent=b"\x07" * 32)).reasons == [Reason.BAD_LINEAGE]
    assert draft(world, replace(child, predecessor=b"\x07" * 32)).reasons == [Reason.BAD_LINEAGE]
    agreement = sign(world, child, "wuhou", "mianyang").agreement
    assert world.call("catalogue", "parents", agreement) == framework
    amendment = Text(agreement=agreement, kind=2)
    assert draft(world, amendment).reasons == [Reason.BAD_LINEAGE]
    draft(world, replace(amendment, parent=framework)).done()
    successor = sign(world, Text(agreement=b"\x08" * 32, predecessor=agreement), "wuhou", "mianyang").agreement
    assert world.call("catalogue", "predecessors", successor) == agreement
    # Overlap is no fault: both cover, and the caller names the one it relies on.
    assert covers(world, framework, 1, 1, 2, A, 1) is Reason.OK
    assert covers(world, agreement, 1, 1, 2, A, 1) is Reason.OK
    assert covers(world, successor, 1, 1, 2, A, 1) is Reason.OK


def test_drafts_that_are_refused(world: World) -> None:
    now = world.chain.now
    fresh = Text(agreement=b"\x09" * 32)
    cases = [
        (replace(fresh, parties=(1,)), Reason.OUT_OF_RANGE),
        (replace(fresh, parties=(2, 1)), Reason.OUT_OF_RANGE),
        (replace(fresh, parties=(1, 1)), Reason.OUT_OF_RANGE),
        (replace(fresh, parties=(1, 99)), Reason.UNKNOWN_MEMBER),
        (replace(fresh, parties=(2, 3)), Reason.NOT_A_PARTY),
        (replace(fresh, parties=tuple(range(1, LIMITS.agreement_parties + 2))), Reason.OUT_OF_RANGE),
        (replace(fresh, matters=()), Reason.OUT_OF_RANGE),
        (replace(fresh, matters=((B, 2), (A, 2))), Reason.OUT_OF_RANGE),
        (replace(fresh, matters=((A, 2), (A, 2))), Reason.OUT_OF_RANGE),
        (replace(fresh, matters=((ZERO, 2),)), Reason.OUT_OF_RANGE),
        (replace(fresh, matters=((A, 0),)), Reason.OUT_OF_RANGE),
        (replace(fresh, matters=((A, 1),)), Reason.OUT_OF_RANGE),
        (replace(fresh, matters=((A, 32),)), Reason.OUT_OF_RANGE),
        (replace(fresh, valid_until=now), Reason.OUT_OF_RANGE),
        (replace(fresh, valid_from=now + 9, valid_until=now + 9), Reason.OUT_OF_RANGE),
        (replace(fresh, notice_days=367), Reason.OUT_OF_RANGE),
        (replace(fresh, digest=ZERO), Reason.DIGEST_MISSING),
        (replace(fresh, kind=0), Reason.OUT_OF_RANGE),
        (replace(fresh, kind=4), Reason.OUT_OF_RANGE),
        (replace(fresh, kind=2), Reason.UNKNOWN_AGREEMENT),
        (replace(fresh, kind=3), Reason.UNKNOWN_AGREEMENT),
    ]
    reasons = []
    for start in range(0, len(cases), 7):
        part = [text for text, _ in cases[start : start + 7]]
        reasons += draft(world, *part).reasons_by_index(len(part))
    assert reasons == [reason for _, reason in cases]
    too_many = tuple((number.to_bytes(32, "big"), 2) for number in range(1, LIMITS.agreement_matters + 2))
    assert draft(world, replace(fresh, matters=too_many)).reasons == [Reason.OUT_OF_RANGE]
    draft(world, fresh).done()
    assert draft(world, fresh).reasons == [Reason.ALREADY_DONE]


@pytest.mark.parametrize(
    ("parties", "matters", "modes", "offsets"),
    [
        ([1, 2], [A], [2], (1, 2, 0, 1)),
        ([1, 2], [A], [2], (0, 3, 0, 1)),
        ([1, 2], [A], [2], (0, 2, 1, 1)),
        ([1, 2], [A], [], (0, 2, 0, 1)),
        ([1, 2], [], [2], (0, 2, 0, 1)),
        ([1, 2], [A], [2], (65_535, 65_535, 0, 1)),
    ],
)
def test_offsets_beyond_the_lists_are_refused(
    world: World, parties: list[int], matters: list[bytes], modes: list[int], offsets: tuple[int, int, int, int]
) -> None:
    struct = (SALT, 1, ZERO, ZERO, *offsets, 30, 0, 0, DIGEST, BLOB)
    receipt = world.send("wuhou", "administer", "catalogue", "draft", [struct], parties, matters, modes)
    assert receipt.reasons == [Reason.BAD_OFFSET]


def test_acceptances_that_are_refused(world: World) -> None:
    now = world.chain.now
    agreement = draft(world, Text(valid_until=now + DAY)).done().one(AgreementDrafted).agreement
    receipt = world.send(
        "wuhou", "administer", "catalogue", "accept", [(SALT, 1), (agreement, 0), (agreement, 2), (ZERO, 0)]
    )
    assert receipt.reasons == [
        Reason.UNKNOWN_AGREEMENT,
        Reason.BAD_VERSION,
        Reason.BAD_VERSION,
        Reason.UNKNOWN_AGREEMENT,
    ]
    world.chain.advance(DAY)
    assert accept(world, "wuhou", agreement).reasons == [Reason.NOT_IN_FORCE]


def test_after_notice_no_amendment_binds(world: World) -> None:
    agreement = sign(world, Text(), "wuhou", "mianyang").agreement
    draft(world, Text(agreement=agreement, kind=2)).done()
    end(world, "wuhou", agreement).done()
    assert accept(world, "mianyang", agreement, 2).reasons == [Reason.AGREEMENT_ENDED]


def test_a_replaced_generation_takes_no_texts_and_lets_agreements_end(world: World) -> None:
    agreement = sign(world, Text(), "wuhou", "mianyang").agreement
    draft(world, Text(agreement=agreement, kind=2)).done()
    world.register(world.chain.deploy("catalogue", world.consortium.address), ContractKind.CATALOGUE)
    assert draft(world, Text(agreement=b"\x0a" * 32)).reasons == [Reason.GENERATION_CLOSED]
    assert accept(world, "wuhou", agreement, 2).reasons == [Reason.GENERATION_CLOSED]
    assert covers(world, agreement, 1, 1, 2, A, 1) is Reason.OK
    end(world, "wuhou", agreement).done()


def test_the_largest_agreement_fits_a_transaction(world: World) -> None:
    matters = tuple((number.to_bytes(32, "big"), 2) for number in range(1, LIMITS.agreement_matters + 1))
    receipt = draft(world, Text(matters=matters, parties=(1, 2, 3, 4, 5, 6))).done()
    assert len(receipt.one(AgreementDrafted).matters) == LIMITS.agreement_matters
    assert receipt.gas < 8_000_000


@pytest.fixture(scope="module")
def network() -> World:
    """The five cities, formed once."""
    return found()


_SUBSETS = st.sets(st.integers(1, 4), min_size=1, max_size=4).map(lambda found_: tuple(sorted(found_)))
_STEPS = st.one_of(
    st.tuples(st.just("draft"), st.sampled_from(CITIES[:4]), _SUBSETS, st.sampled_from((1, 2, 2, 3))),
    st.tuples(st.just("accept"), st.sampled_from(CITIES[:4]), st.integers(1, 3), st.just(0)),
    st.tuples(st.just("accept"), st.sampled_from(CITIES[:4]), st.integers(1, 3), st.just(0)),
    st.tuples(st.just("end"), st.sampled_from(CITIES[:4]), st.just(0), st.just(0)),
    st.tuples(st.just("wait"), st.just(""), st.integers(1, 20), st.just(0)),
)


def _step(world: World, model: Agreement, what: str, city: str, value: object, kind: int) -> Agreement:
    """Do one step on the chain and hand its events to the model."""
    agreement = model.agreement
    if what == "wait":
        world.chain.advance(int(str(value)) * DAY)
    elif what == "draft" and isinstance(value, tuple):
        text = Text(agreement=agreement, kind=kind, parties=value, matters=((A, EVERY), (C, REMOTE)))
        for event in draft(world, text, by=city).of(AgreementDrafted):
            model = model.with_draft(event) if event.agreement == agreement else model
    elif what == "accept":
        for accepted in accept(world, city, agreement, int(str(value))).of(AgreementAccepted):
            model = model.with_acceptance(accepted)
            assert accepted.in_force is (model.in_force == accepted.version)
    else:
        for ended in end(world, city, agreement).of(AgreementEnded):
            model = model.with_notice(ended)
    return model


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(_STEPS, max_size=14), pairs=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=3))
def test_the_model_knows_what_the_contract_covers(
    network: World, steps: list[tuple[str, str, object, int]], pairs: list[tuple[int, int]]
) -> None:
    """Any sequence of drafts, acceptances and notices: events rebuild an agreement that covers what the chain's does."""
    snapshot = network.chain.snapshot()
    first = draft(network, Text(agreement=b"\x0b" * 32)).done().one(AgreementDrafted)
    model = Agreement.drafted(first)
    for city in ("wuhou", "mianyang"):
        model = model.with_acceptance(accept(network, city, first.agreement).done().one(AgreementAccepted))
    for step in steps:
        model = _step(network, model, *step)
        assert network.call("catalogue", "agreement_version", first.agreement) == model.in_force
        for receiving, handling in pairs:
            for matter, mode in ((A, 4), (B, 2), (C, 3)):
                case = (model.in_force, receiving, handling, matter, mode)
                assert covers(network, first.agreement, *case) is model.covers(*case, now=network.chain.now)
    network.chain.revert(snapshot)
