"""Consents on the real EVM: what is granted, by whose signature, to whom, for how long; and everything that is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.domain import typed
from ledger.domain.events import ConsentConfirmed, ConsentRevoked, ErasureRecorded, Granted, Used
from ledger.domain.reasons import Reason
from tests.contracts.chain import CHAIN_ID, ZERO, address_of, key
from tests.contracts.desk import CASE, DISCLOSED, MATTER, PAPER, Consent, Desk, open_desk

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
OTHER = b"\x77" * 32
DAY = 86_400


@pytest.fixture
def desk(world) -> Desk:
    return open_desk(world)


def witnesses(desk: Desk, attending: str = "yanta", custodian: str = "wuhou"):
    return (
        desk.world.key(attending, "witness"),
        desk.world.key(attending, "witness2"),
        desk.world.key(custodian, "operate"),
    )


def retract(desk: Desk, consent: Consent, index: int, *, signer=None, **changes):
    digest = typed.digest(
        "ConsentRevocation", {"consent": desk.digest(consent)}, CHAIN_ID, desk.world.contract("materials").address
    )
    item = (
        desk.leaf(index, 0) | desk.signature(digest, signer or desk.holders[index]) | {"consent": desk.digest(consent)}
    )
    return desk.world.send(
        "xiongan", "operate", "materials", "revoke_consent", [item | changes], list(desk.proofs[index])
    )


def test_a_consent_of_two_holders_for_two_cities_is_told_whole(desk):
    consent = Consent(leaves=(0, 3), grantees=((2, 2), (4, 1)))
    granted = desk.grant(consent).done().one(Granted)
    assert granted.consent == desk.digest(consent)
    assert granted.leaves == (desk.word(0), desk.word(3))
    assert granted.grantees == (2 << 16 | 2, 4 << 16 | 1)
    assert (granted.case, granted.matter, granted.disclosed) == (CASE, MATTER, DISCLOSED)
    assert (granted.attending, granted.custodian, granted.usable_from) == (0, 0, desk.now)
    assert desk.world.call("materials", "spent_by", desk.word(3)) == desk.digest(consent)


def test_validity_ends_with_the_shortest_leaf(desk):
    far = Consent(leaves=(0, 1), valid_until=desk.now + 4 * 366 * DAY)
    assert desk.grant(far).done().one(Granted).valid_until == desk.entries[1].valid_until


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"leaves": (3, 0)}, Reason.OUT_OF_RANGE),
        ({"leaves": (0, 0)}, Reason.OUT_OF_RANGE),
        ({"leaves": ()}, Reason.OUT_OF_RANGE),
        ({"grantees": ()}, Reason.OUT_OF_RANGE),
        ({"grantees": ((2, 0),)}, Reason.OUT_OF_RANGE),
        ({"grantees": ((4, 1), (2, 1))}, Reason.OUT_OF_RANGE),
        ({"purpose": 0}, Reason.OUT_OF_RANGE),
        ({"disclosed": ZERO}, Reason.OUT_OF_RANGE),
        ({"case": ZERO}, Reason.OUT_OF_RANGE),
        ({"cases": "0x" + "99" * 20}, Reason.UNKNOWN_CONTRACT),
        ({"valid_until": 1}, Reason.CONSENT_EXPIRED),
        ({"valid_until": 1_772_413_200 + 6 * 366 * DAY}, Reason.OUT_OF_RANGE),
        ({"valid_from": 1_772_413_200 + 40 * DAY}, Reason.OUT_OF_RANGE),
    ],
)
def test_terms_that_cannot_be(desk, change, reason):
    assert desk.grant(replace(Consent(), **change)).reasons == [reason]


def test_only_the_holder_signs(desk):
    consent = Consent()
    assert desk.grant(consent, signers={0: desk.holders[1]}).reasons == [Reason.BAD_SIGNATURE]
    # Signatures for another chain, another contract or another consent are those of nobody here.
    for digest in (
        desk.digest(consent, chain_id=CHAIN_ID + 1),
        desk.digest(consent, contract=desk.cases.address),
        desk.digest(replace(consent, matter=OTHER)),
    ):
        assert desk.grant(consent, digest=digest).reasons == [Reason.BAD_SIGNATURE]


def test_the_twin_of_a_signature_and_the_zero_address_are_refused(desk):
    operation, grantees, leaves, path = desk.grant_arguments(Consent())
    twin = leaves[0] | {"s": ORDER - leaves[0]["s"], "v": 55 - leaves[0]["v"]}
    nobody = leaves[0] | {"r": 1, "s": 0}
    strange = leaves[0] | {"v": 29}
    for leaf in (twin, nobody, strange):
        refused = desk.world.send("mianyang", "operate", "materials", "grant", operation, grantees, [leaf], path)
        assert refused.reasons == [Reason.BAD_SIGNATURE]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"commitment": OTHER}, Reason.NOT_INCLUDED),
        ({"holder": "0x" + "01" * 20}, Reason.NOT_INCLUDED),
        ({"valid_until": 99}, Reason.NOT_INCLUDED),
        ({"version": 2}, Reason.NOT_INCLUDED),
        ({"path_count": 2}, Reason.NOT_INCLUDED),
        ({"path_count": 4}, Reason.BAD_OFFSET),
        ({"path_offset": 1}, Reason.BAD_OFFSET),
        ({"path_count": 21}, Reason.OUT_OF_RANGE),
    ],
)
def test_a_leaf_must_be_in_its_batch(desk, change, reason):
    operation, grantees, leaves, path = desk.grant_arguments(Consent())
    refused = desk.world.send(
        "mianyang", "operate", "materials", "grant", operation, grantees, [leaves[0] | change], path
    )
    assert refused.reasons == [reason]


def test_a_batch_that_is_none_and_lists_that_are_too_short(desk):
    other = replace(desk, batch=99)
    assert other.grant(Consent()).reasons == [Reason.UNKNOWN_BATCH]
    operation, grantees, leaves, path = desk.grant_arguments(Consent())
    for change in ({"leaf_offset": 1}, {"grantee_offset": 1}, {"leaf_count": 2}):
        refused = desk.world.send(
            "mianyang", "operate", "materials", "grant", [operation[0] | change], grantees, leaves, path
        )
        assert refused.reasons == [Reason.BAD_OFFSET]


def test_a_leaf_serves_one_consent_and_a_refusal_spends_nothing(desk):
    assert desk.grant(Consent(), signers={0: desk.holders[1]}).reasons == [Reason.BAD_SIGNATURE]
    desk.grant(Consent()).done()
    assert desk.grant(Consent()).reasons == [Reason.ALREADY_DONE]
    assert desk.grant(Consent(salt=OTHER)).reasons == [Reason.LEAF_SPENT]


def test_a_use_counts_down_and_ends(desk):
    consent = Consent()
    desk.grant(consent).done()
    first = desk.use(consent).done().one(Used)
    second = desk.use(consent).done().one(Used)
    assert [first.use, second.use] == [1, 2]
    assert [first.remaining, second.remaining] == [1, 0]
    assert (first.member, first.basis, first.leaves) == (2, 1, (desk.word(0),))
    assert desk.use(consent).reasons == [Reason.USED_UP]


def test_a_use_needs_the_grantee_the_matter_the_case_and_the_leaf(desk):
    consent = Consent(leaves=(0,))
    desk.grant(consent).done()
    desk.grant(Consent(leaves=(2,), salt=OTHER)).done()
    assert desk.use(consent, by="yuzhong").reasons == [Reason.NOT_A_GRANTEE]
    assert desk.use(consent, case=OTHER).reasons == [Reason.UNKNOWN_CASE]
    desk.case(OTHER, member=2, matter=OTHER)
    assert desk.use(consent, case=OTHER).reasons == [Reason.WRONG_MATTER]
    desk.case(OTHER, member=2)
    assert desk.use(consent, case=OTHER).reasons == [Reason.WRONG_CASE]
    assert desk.use(consent, leaves=(2,)).reasons == [Reason.LEAF_NOT_IN_CONSENT]
    assert desk.use(consent, leaves=()).reasons == [Reason.OUT_OF_RANGE]
    assert desk.use(consent, purpose=2).reasons == [Reason.WRONG_TERMS]
    assert desk.use(consent, consent=OTHER).reasons == [Reason.UNKNOWN_CONSENT]
    assert desk.use(consent, leaf_count=2).reasons == [Reason.BAD_OFFSET]
    assert desk.use(Consent(cases="0x" + "99" * 20)).reasons == [Reason.UNKNOWN_CONSENT]
    desk.case(member=2, reason=Reason.CASE_NOT_READING)
    assert desk.use(consent).reasons == [Reason.CASE_NOT_READING]


def test_a_child_case_reads_under_its_parents_consent(desk):
    consent = Consent(grantees=((5, 1),))
    desk.grant(consent).done()
    desk.case(OTHER, member=5, parent=CASE)
    assert desk.use(consent, by="yanta", case=OTHER).done().one(Used).case == OTHER


def test_a_use_keeps_to_the_consents_time(desk):
    consent = Consent(valid_from=desk.now + 100, valid_until=desk.now + 200)
    desk.grant(consent).done()
    assert desk.use(consent).reasons == [Reason.CONSENT_NOT_YET]
    desk.world.chain.advance(100)
    desk.use(consent).done()
    desk.world.chain.advance(101)
    assert desk.use(consent).reasons == [Reason.CONSENT_EXPIRED]


def test_any_one_holder_revokes(desk):
    consent = Consent(leaves=(0, 3))
    desk.grant(consent).done()
    revoked = retract(desk, consent, 3).done().one(ConsentRevoked)
    assert (revoked.recorded, revoked.holder) == (True, address_of(desk.holders[3]))
    assert desk.use(consent).reasons == [Reason.CONSENT_REVOKED]
    assert retract(desk, consent, 0).reasons == [Reason.ALREADY_DONE]


def test_a_stranger_does_not_revoke(desk):
    consent = Consent(leaves=(0, 3))
    desk.grant(consent).done()
    assert retract(desk, consent, 1).reasons == [Reason.LEAF_NOT_IN_CONSENT]
    assert retract(desk, consent, 0, signer=desk.holders[1]).reasons == [Reason.BAD_SIGNATURE]
    mine = address_of(desk.holders[1])
    assert retract(desk, consent, 0, signer=desk.holders[1], holder=mine).reasons == [Reason.NOT_INCLUDED]


def test_a_tombstone_comes_before_the_consent(desk):
    consent = Consent(leaves=(0, 3))
    assert retract(desk, consent, 0).done().one(ConsentRevoked).recorded is False
    assert retract(desk, consent, 0).reasons == [Reason.ALREADY_DONE]
    assert desk.grant(consent).reasons == [Reason.CONSENT_REVOKED]
    # Somebody else's tombstone for the same digest stops nobody.
    other = Consent(leaves=(2,), salt=OTHER)
    retract(desk, other, 1).done()
    desk.grant(other).done()


def test_a_revoked_leaf_may_not_be_used_or_granted(desk):
    consent = Consent(leaves=(0,))
    desk.grant(consent).done()
    item = {"batch": desk.batch, "leaf_offset": 0, "leaf_count": 2, "cause": 2, "commitment": OTHER}
    desk.world.send("wuhou", "issue", "materials", "revoke", [item], [0, 2]).done()
    assert desk.use(consent).reasons == [Reason.LEAF_REVOKED]
    assert desk.grant(Consent(leaves=(2,))).reasons == [Reason.LEAF_REVOKED]
    # The holder may still revoke the consent.
    retract(desk, consent, 0).done()


def test_an_expired_leaf_may_not_be_granted(desk):
    desk.world.chain.now = desk.entries[1].valid_until + 1
    assert desk.grant(Consent(leaves=(1,))).reasons == [Reason.LEAF_EXPIRED]


@pytest.mark.parametrize("name", ["issue", "administer"])
def test_relaying_takes_an_operate_or_witness_key(desk, name):
    arguments = desk.grant_arguments(Consent())
    assert desk.world.send("mianyang", name, "materials", "grant", *arguments).reasons == [Reason.WRONG_ROLE]
    assert desk.world.chain.send(key("nobody"), desk.world.contract("materials"), "grant", *arguments).reasons == [
        Reason.NOT_A_KEY
    ]
    desk.world.send("yanta", "witness", "materials", "grant", *arguments).done()


def test_a_suspended_city_neither_relays_nor_reads(desk):
    consent = Consent()
    desk.grant(consent).done()
    desk.world.suspend("mianyang")
    assert desk.use(consent).reasons == [Reason.MEMBER_SUSPENDED]
    assert desk.grant(Consent(leaves=(2,), salt=OTHER)).reasons == [Reason.MEMBER_SUSPENDED]


def test_a_paper_consent_at_another_window_is_usable_at_once(desk):
    consent = Consent(leaves=(6, 7))
    arguments = desk.paper_arguments(consent, "yanta", witnesses(desk))
    granted = desk.world.send("yanta", "operate", "materials", "grant_witnessed", *arguments).done().one(Granted)
    assert (granted.attending, granted.custodian, granted.paper) == (5, 1, PAPER)
    assert granted.usable_from == desk.now
    desk.use(consent).done()


def test_a_paper_consent_at_the_custodians_own_window_waits(desk):
    consent = Consent(leaves=(6,), valid_from=desk.now, valid_until=desk.now + 30 * DAY)
    arguments = desk.paper_arguments(consent, "wuhou", witnesses(desk, "wuhou"))
    granted = desk.world.send("wuhou", "operate", "materials", "grant_witnessed", *arguments).done().one(Granted)
    assert granted.usable_from == desk.now + DAY
    assert desk.use(consent).reasons == [Reason.CONSENT_HELD]
    before = desk.world.chain.snapshot()
    desk.world.chain.advance(DAY)
    desk.use(consent).done()
    desk.world.chain.revert(before)
    digest = desk.digest(consent)
    assert desk.world.send("wuhou", "operate", "materials", "confirm_witnessed", [digest]).reasons == [
        Reason.WRONG_ROLE
    ]
    assert (
        desk.world.send("regulator", "regulate", "materials", "confirm_witnessed", [digest])
        .done()
        .one(ConsentConfirmed)
    )
    desk.use(consent).done()
    again = desk.world.send("regulator", "regulate", "materials", "confirm_witnessed", [digest, OTHER])
    assert again.reasons == [Reason.ALREADY_DONE, Reason.UNKNOWN_CONSENT]


def test_a_paper_consent_needs_its_three_signatures(desk):
    consent = Consent(leaves=(6,))
    first, second, custodian = witnesses(desk)
    remote = desk.world.key("xiongan", "witness")

    def reasons(*signers):
        return desk.world.send(
            "yanta", "operate", "materials", "grant_witnessed", *desk.paper_arguments(consent, "yanta", signers)
        ).reasons

    assert reasons(first, first, custodian) == [Reason.BAD_WITNESSES]
    assert reasons(remote, first, custodian) == [Reason.BAD_WITNESSES]
    assert reasons(first, custodian, custodian) == [Reason.BAD_WITNESSES]
    assert reasons(first, key("nobody"), custodian) == [Reason.BAD_WITNESSES]
    assert reasons(first, second) == [Reason.BAD_WITNESSES]
    assert reasons(first, second, first) == [Reason.NO_CUSTODIAN]
    assert reasons(first, second, desk.world.key("yanta", "operate")) == [Reason.NO_CUSTODIAN]
    # The second witness may be another city's, by video.
    assert reasons(first, remote, custodian) == []


def test_a_paper_consent_works_on_leaves_in_custody_alone(desk):
    arguments = desk.paper_arguments(Consent(leaves=(0,)), "yanta", witnesses(desk))
    refused = desk.world.send("yanta", "operate", "materials", "grant_witnessed", *arguments)
    assert refused.reasons == [Reason.LEAF_NOT_IN_CUSTODY]


def test_two_witnesses_revoke_at_any_window(desk):
    consent = Consent(leaves=(6,))
    contract = desk.world.contract("materials").address
    message = {"consent": desk.digest(consent), "paper": PAPER, "attending": 3}
    digest = typed.digest("PaperRevocation", message, CHAIN_ID, contract)
    pair = [desk.signature(digest, desk.world.key("xiongan", name)) for name in ("witness", "witness2")]
    item = message | {"signature_offset": 0, "signature_count": 2}
    desk.grant(consent).done()
    short = desk.world.send("xiongan", "witness", "materials", "revoke_witnessed", [item], pair[:1])
    assert short.reasons == [Reason.BAD_OFFSET]
    revoked = (
        desk.world.send("xiongan", "witness", "materials", "revoke_witnessed", [item], pair).done().one(ConsentRevoked)
    )
    assert (revoked.attending, revoked.recorded, int(revoked.holder, 16)) == (3, True, 0)
    assert desk.use(consent).reasons == [Reason.CONSENT_REVOKED]
    again = desk.world.send("xiongan", "witness", "materials", "revoke_witnessed", [item], pair)
    assert again.reasons == [Reason.ALREADY_DONE]


def duty(desk: Desk, **changes):
    item = {
        "case": CASE,
        "cases": desk.cases.address,
        "purpose": 1,
        "disclosed": DISCLOSED,
        "provision": b"\x01" * 32,
        "notice": b"\x02" * 32,
        "leaf_offset": 0,
        "leaf_count": 1,
    } | changes
    return desk.world.send(
        "mianyang", "operate", "materials", "use_by_duty", [item], [desk.leaf(1, 0)], list(desk.proofs[1])
    )


def test_a_use_by_duty_names_its_provision_and_spends_nothing(desk):
    assert duty(desk, provision=ZERO).reasons == [Reason.NO_PROVISION]
    assert duty(desk, notice=ZERO).reasons == [Reason.NO_PROVISION]
    assert duty(desk, case=OTHER).reasons == [Reason.UNKNOWN_CASE]
    assert duty(desk, cases="0x" + "99" * 20).reasons == [Reason.UNKNOWN_CONTRACT]
    assert duty(desk, leaf_count=2).reasons == [Reason.BAD_OFFSET]
    used = duty(desk).done().one(Used)
    assert (used.basis, used.consent, used.provision) == (2, ZERO, b"\x01" * 32)
    desk.grant(Consent(leaves=(1,))).done()


def erase(desk: Desk, by: str, leaves: list[int], *, consent: bytes = ZERO, **changes):
    item = {
        "batch": desk.batch,
        "consent": consent,
        "basis": 3,
        "commitment": OTHER,
        "leaf_offset": 0,
        "leaf_count": len(leaves),
    } | changes
    return desk.world.send(by, "operate", "materials", "erase", [item], leaves)


def test_erasure_is_recorded_by_whoever_had_keys(desk):
    consent = Consent(leaves=(0,))
    desk.grant(consent).done()
    digest = desk.digest(consent)
    assert erase(desk, "mianyang", [0], consent=digest).reasons == [Reason.NOT_A_READER]
    desk.use(consent).done()
    assert erase(desk, "mianyang", [0], consent=digest).done().one(ErasureRecorded).leaves == (0,)
    assert erase(desk, "mianyang", [2], consent=digest).reasons == [Reason.LEAF_NOT_IN_CONSENT]
    assert erase(desk, "mianyang", [1]).reasons == [Reason.NOT_A_READER]
    duty(desk).done()
    assert erase(desk, "mianyang", [1]).done().one(ErasureRecorded).member == 2
    assert erase(desk, "wuhou", [0, 1, 2]).done().one(ErasureRecorded).consent == ZERO
    assert erase(desk, "wuhou", [0], basis=0).reasons == [Reason.OUT_OF_RANGE]
    assert erase(desk, "wuhou", [0], batch=99).reasons == [Reason.UNKNOWN_BATCH]
