"""Batches, their revocation, wallets' pointers and look-ups on the real EVM."""

from __future__ import annotations

import pytest

from ledger.domain.consortium import ContractKind
from ledger.domain.events import Anchored, LeavesRevoked, LookupAnswered, LookupAsked, WalletPointed
from ledger.domain.limits import LIMITS
from ledger.domain.reasons import Reason
from tests.contracts.chain import ZERO, key
from tests.contracts.desk import Desk, open_desk

ROOT, BLOB, OTHER = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
GOOD = {"root": ROOT, "size": 256, "blob": BLOB, "flags": 1}


@pytest.fixture
def desk(world) -> Desk:
    return open_desk(world)


def test_batches_get_the_next_numbers(world):
    anchored = world.send("wuhou", "issue", "materials", "anchor", [GOOD, GOOD | {"root": OTHER}]).done().of(Anchored)
    assert [event.batch for event in anchored] == [1, 2]
    assert (anchored[0].member, anchored[0].size, anchored[0].flags) == (1, 256, 1)
    assert world.call("materials", "batch_of", 2) == (OTHER, 1, 256, world.chain.now)
    assert world.call("materials", "batch_count") == 2
    assert world.call("materials", "batch_of", 3) == (ZERO, 0, 0, 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": 0}, Reason.EMPTY_BATCH),
        ({"root": ZERO}, Reason.EMPTY_BATCH),
        ({"blob": ZERO}, Reason.EMPTY_BATCH),
        ({"size": LIMITS.batch_leaves + 1}, Reason.OUT_OF_RANGE),
        ({"flags": 2}, Reason.OUT_OF_RANGE),
    ],
)
def test_a_bad_batch_is_refused_and_the_rest_go_on(world, change, reason):
    receipt = world.send("wuhou", "issue", "materials", "anchor", [GOOD | change, GOOD])
    assert receipt.reasons_by_index(2) == [reason, Reason.OK]
    assert receipt.of(Anchored)[0].batch == 1


@pytest.mark.parametrize("name", ["operate", "administer", "witness", "recover"])
def test_only_an_issue_key_anchors(world, name):
    assert world.send("wuhou", name, "materials", "anchor", [GOOD]).reasons == [Reason.WRONG_ROLE]


def test_a_contract_that_was_replaced_takes_nothing_new(desk):
    world = desk.world
    world.register(world.chain.deploy("materials", world.consortium.address), ContractKind.MATERIALS)
    assert world.send("wuhou", "issue", "materials", "anchor", [GOOD]).reasons == [Reason.GENERATION_CLOSED]
    assert world.send("wuhou", "operate", "materials", "point", [(ROOT, BLOB)]).reasons == [Reason.GENERATION_CLOSED]
    # Running things go on: what stands here is still revoked here.
    item = {"batch": desk.batch, "leaf_offset": 0, "leaf_count": 1, "cause": 1, "commitment": OTHER}
    world.send("wuhou", "issue", "materials", "revoke", [item], [0]).done()


def test_leaves_are_revoked_with_cause_and_time(desk):
    item = {"batch": desk.batch, "leaf_offset": 1, "leaf_count": 2, "cause": 7, "commitment": OTHER}
    revoked = desk.world.send("wuhou", "issue", "materials", "revoke", [item], [9, 3, 5]).done().one(LeavesRevoked)
    assert (revoked.leaves, revoked.cause, revoked.member) == ((3, 5), 7, 1)
    assert desk.world.call("materials", "revoked_at", desk.word(3)) == (7, desk.now)
    assert desk.world.call("materials", "revoked_at", desk.word(4)) == (0, 0)


@pytest.mark.parametrize(
    ("change", "leaves", "reason"),
    [
        ({"batch": 99}, [0], Reason.UNKNOWN_BATCH),
        ({"leaf_count": 0}, [0], Reason.OUT_OF_RANGE),
        ({"leaf_count": 17}, [0] * 17, Reason.OUT_OF_RANGE),
        ({"leaf_offset": 1}, [0], Reason.BAD_OFFSET),
        ({"cause": 32}, [0], Reason.OUT_OF_RANGE),
        ({}, [8], Reason.NOT_INCLUDED),
        ({"leaf_count": 2}, [1, 0], Reason.OUT_OF_RANGE),
        ({"leaf_count": 2}, [1, 1], Reason.OUT_OF_RANGE),
    ],
)
def test_a_revocation_that_cannot_be(desk, change, leaves, reason):
    item = {"batch": desk.batch, "leaf_offset": 0, "leaf_count": 1, "cause": 1, "commitment": OTHER} | change
    assert desk.world.send("wuhou", "issue", "materials", "revoke", [item], leaves).reasons == [reason]


def test_nobody_revokes_anothers_batch_or_twice(desk):
    item = {"batch": desk.batch, "leaf_offset": 0, "leaf_count": 1, "cause": 1, "commitment": OTHER}
    assert desk.world.send("yanta", "issue", "materials", "revoke", [item], [0]).reasons == [Reason.NOT_YOUR_BATCH]
    desk.world.send("wuhou", "issue", "materials", "revoke", [item], [0]).done()
    assert desk.world.send("wuhou", "issue", "materials", "revoke", [item], [0]).reasons == [Reason.ALREADY_DONE]


def test_a_pointer_is_written_once(world):
    receipt = world.send(
        "wuhou", "operate", "materials", "point", [(ROOT, BLOB), (ROOT, OTHER), (ZERO, BLOB), (OTHER, ZERO)]
    )
    assert receipt.reasons_by_index(4) == [Reason.OK, Reason.POINTER_TAKEN, Reason.OUT_OF_RANGE, Reason.OUT_OF_RANGE]
    assert receipt.of(WalletPointed)[0].blob == BLOB
    assert world.call("materials", "pointed", ROOT) == BLOB


def test_a_look_up_is_asked_before_it_is_answered(world):
    question = (ROOT, 2, 1, OTHER)
    asked = world.send("wuhou", "witness", "materials", "ask", [question]).done().one(LookupAsked)
    assert (asked.asker, asked.asked) == (1, 2)
    assert world.send("yanta", "operate", "materials", "answer", [(ROOT, OTHER, BLOB)]).reasons == [Reason.NOT_ASKED]
    assert world.send("mianyang", "operate", "materials", "answer", [(OTHER, OTHER, BLOB)]).reasons == [
        Reason.UNKNOWN_LOOKUP
    ]
    assert (
        world.send("mianyang", "operate", "materials", "answer", [(ROOT, OTHER, BLOB)])
        .done()
        .one(LookupAnswered)
        .member
        == 2
    )
    assert world.send("mianyang", "operate", "materials", "answer", [(ROOT, OTHER, BLOB)]).reasons == [
        Reason.ALREADY_DONE
    ]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ((ZERO, 2, 1, OTHER), Reason.OUT_OF_RANGE),
        ((ROOT, 2, 0, OTHER), Reason.OUT_OF_RANGE),
        ((ROOT, 1, 1, OTHER), Reason.OUT_OF_RANGE),
        ((ROOT, 99, 1, OTHER), Reason.NOT_A_PARTY),
    ],
)
def test_a_look_up_that_cannot_be(world, question, reason):
    assert world.send("wuhou", "operate", "materials", "ask", [question]).reasons == [reason]


def test_look_ups_have_a_daily_limit(world):
    asked = 0
    for batch in range(4):
        questions = [(bytes((batch, number)) + bytes(30), 2, 1, OTHER) for number in range(1, 65)]
        asked += sum(
            reason is Reason.OK
            for reason in world.send("wuhou", "operate", "materials", "ask", questions).reasons_by_index(64)
        )
    assert asked == 200
    world.chain.advance(86_400)
    world.send("wuhou", "operate", "materials", "ask", [(OTHER, 2, 1, OTHER)]).done()


def test_a_stranger_does_nothing(world):
    calls = (
        ("anchor", [GOOD]),
        ("point", [(ROOT, BLOB)]),
        ("ask", [(ROOT, 2, 1, OTHER)]),
        ("answer", [(ROOT, OTHER, BLOB)]),
        ("confirm_witnessed", [ROOT]),
    )
    for function, operations in calls:
        receipt = world.chain.send(key("nobody"), world.contract("materials"), function, operations)
        assert receipt.reasons == [Reason.NOT_A_KEY]
