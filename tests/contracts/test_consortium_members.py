"""Members: genesis, confirmation, keys, recovery, and what they publish about themselves."""

from __future__ import annotations

import pytest

from ledger.domain.consortium import MemberStatus, Role, Standing
from ledger.domain.events import (
    DepartmentSet,
    EndpointPublished,
    Founded,
    KeySet,
    MemberConfirmed,
    MemberListed,
    RecoveryObjected,
    RecoveryStarted,
    ServiceKeyPublished,
)
from ledger.domain.reasons import Reason
from tests.contracts.chain import Chain, Receipt, RevertedError, address_of, key
from tests.contracts.world import CITIES, MEMBERS, World, found, founders

NOBODY = "0x" + "00" * 20
DAY = 86_400


def standing(world: World, address: str) -> Standing:
    return Standing.unpack(world.call("consortium", "standing", address))


def test_genesis_lists_founders_and_says_whether_it_is_a_pilot() -> None:
    chain = Chain()
    chain.deploy("consortium", "five-cities", 64, -3600, founders())
    assert chain.deployment.events[-1] == Founded("five-cities", 6, pilot=False, status_epoch=64, clock_offset=-3600)
    listed = chain.deployment.of(MemberListed)
    assert [event.member for event in listed] == [1, 2, 3, 4, 5, 6]
    assert [event.voting for event in listed] == [True] * 5 + [False]
    assert listed[0].division == 510107
    chain.deploy("consortium", "three", 64, 0, founders()[:3])
    assert chain.deployment.one(Founded).pilot is True


@pytest.mark.parametrize(
    ("name", "epoch", "people", "sentence"),
    [
        ("", 64, founders(), "consortium: empty genesis"),
        ("x", 0, founders(), "consortium: empty genesis"),
        ("x", 64, [], "consortium: empty genesis"),
        ("x", 64, [founders()[0], founders()[0]], "consortium: bad founder"),
        ("x", 64, [(0, *founders()[0][1:])], "consortium: bad founder"),
        ("x", 64, [(510107, 9, 0, True, "甲", NOBODY)], "consortium: bad founder"),
        ("x", 64, [founders()[0], (510108, 4, 1, True, "乙", address_of(key("b")))], "consortium: bad founder"),
    ],
)
def test_genesis_without_sense_is_no_network(name: str, epoch: int, people: list[object], sentence: str) -> None:
    with pytest.raises(RevertedError, match=sentence):
        Chain().deploy("consortium", name, epoch, 0, people)


def test_a_member_confirms_itself_once_with_its_own_key() -> None:
    world = found(confirmed=False)
    member = world.members["wuhou"]
    first = [(member.address("operate"), Role.OPERATE), (member.address("witness"), Role.WITNESS)]
    stranger = world.chain.send(key("stranger"), world.consortium, "confirm", member.address("recover"), first)
    assert stranger.reasons == [Reason.NOT_A_KEY]
    assert world.send("wuhou", "administer", "consortium", "confirm", NOBODY, first).reasons == [Reason.OUT_OF_RANGE]
    taken = world.members["yanta"].address("administer")
    assert world.send("wuhou", "administer", "consortium", "confirm", taken, first).reasons == [Reason.KEY_TAKEN]
    receipt = world.send("wuhou", "administer", "consortium", "confirm", member.address("recover"), first).done()
    assert receipt.one(MemberConfirmed) == MemberConfirmed(1, member.address("administer"))
    assert [event.roles for event in receipt.of(KeySet)] == [Role.RECOVER, Role.OPERATE, Role.WITNESS]
    assert standing(world, member.address("operate")) == Standing(1, Role.OPERATE, MemberStatus.ACTIVE, 0, 4)
    again = world.send("wuhou", "administer", "consortium", "confirm", member.address("recover"), first)
    assert again.reasons == [Reason.ALREADY_DONE]


def test_first_keys_that_cannot_be_are_refused_one_by_one() -> None:
    world = found(confirmed=False)
    member = world.members["wuhou"]
    wanted = [
        (member.address("operate"), Role.OPERATE),
        (member.address("operate"), Role.OPERATE),
        (world.members["yanta"].address("administer"), Role.OPERATE),
        (member.address("issue"), Role.REGULATE),
        (member.address("issue"), 64),
        (member.address("issue"), Role.ADMINISTER),
        (member.address("issue"), 0),
        (NOBODY, Role.ISSUE),
    ]
    receipt = world.send("wuhou", "administer", "consortium", "confirm", member.address("recover"), wanted)
    assert receipt.reasons_by_index(9) == [
        Reason.OK,
        Reason.OK,
        Reason.ALREADY_DONE,
        Reason.KEY_TAKEN,
        Reason.WRONG_ROLE,
        Reason.OUT_OF_RANGE,
        Reason.WRONG_ROLE,
        Reason.NOT_A_KEY,
        Reason.OUT_OF_RANGE,
    ]


def test_keys_are_added_changed_removed_and_replaced(world: World) -> None:
    member = world.members["wuhou"]
    spare, second = address_of(key("spare")), address_of(key("second"))

    def change(*changes: tuple[str, int, str]) -> Receipt:
        return world.send("wuhou", "administer", "consortium", "set_keys", list(changes))

    assert change((spare, Role.ISSUE | Role.OPERATE, NOBODY)).done().one(KeySet).roles == Role.ISSUE | Role.OPERATE
    assert change((spare, Role.ISSUE, NOBODY)).done().one(KeySet) == KeySet(1, spare, Role.ISSUE, NOBODY)
    assert change((spare, 0, NOBODY)).done().one(KeySet).roles == 0
    assert standing(world, spare) == Standing(1, Role(0), MemberStatus.ACTIVE, 0, 4)
    operate = member.address("operate")
    assert change((second, Role.OPERATE, operate)).done().one(KeySet).previous == operate
    assert standing(world, operate).roles == Role(0)
    assert standing(world, second).roles == Role.OPERATE


def test_key_changes_that_are_refused(world: World) -> None:
    member, other = world.members["wuhou"], world.members["yanta"]
    fresh = [address_of(key(f"fresh {number}")) for number in range(12)]
    cases = [
        ((other.address("operate"), Role.OPERATE, NOBODY), Reason.KEY_TAKEN),
        ((other.address("operate"), 0, NOBODY), Reason.KEY_TAKEN),
        ((fresh[0], 0, NOBODY), Reason.NOT_A_KEY),
        ((fresh[0], Role.REGULATE, NOBODY), Reason.WRONG_ROLE),
        ((fresh[0], Role.ADMINISTER, NOBODY), Reason.WRONG_ROLE),
        ((fresh[0], Role.RECOVER, NOBODY), Reason.WRONG_ROLE),
        ((fresh[0], 64, NOBODY), Reason.OUT_OF_RANGE),
        ((NOBODY, Role.OPERATE, NOBODY), Reason.OUT_OF_RANGE),
        ((member.address("administer"), Role.OPERATE, NOBODY), Reason.WRONG_ROLE),
        ((member.address("recover"), 0, NOBODY), Reason.WRONG_ROLE),
        ((member.address("operate"), Role.OPERATE, NOBODY), Reason.ALREADY_DONE),
        ((fresh[1], Role.OPERATE, other.address("operate")), Reason.NOT_A_KEY),
        ((fresh[1], Role.OPERATE, fresh[2]), Reason.NOT_A_KEY),
        ((member.address("issue"), Role.OPERATE, member.address("operate")), Reason.KEY_TAKEN),
        ((fresh[1], 0, member.address("operate")), Reason.OUT_OF_RANGE),
        ((fresh[1], Role.OPERATE, member.address("administer")), Reason.WRONG_ROLE),
        ((fresh[1], Role.ADMINISTER | Role.OPERATE, member.address("administer")), Reason.WRONG_ROLE),
        ((fresh[1], Role.RECOVER, member.address("administer")), Reason.WRONG_ROLE),
        ((fresh[1], Role.ADMINISTER, member.address("operate")), Reason.WRONG_ROLE),
    ]
    receipt = world.send("wuhou", "administer", "consortium", "set_keys", [change for change, _ in cases])
    assert receipt.reasons_by_index(len(cases)) == [reason for _, reason in cases]


def test_a_regulator_may_give_the_regulators_role(world: World) -> None:
    fresh = address_of(key("second regulator"))
    world.send("regulator", "administer", "consortium", "set_keys", [(fresh, Role.REGULATE, NOBODY)]).done()
    assert standing(world, fresh).roles == Role.REGULATE


def test_a_rotated_administrator_rules_and_the_old_key_does_not(world: World) -> None:
    fresh = key("new administrator")
    rotation = [(address_of(fresh), Role.ADMINISTER, world.members["wuhou"].address("administer"))]
    world.send("wuhou", "administer", "consortium", "set_keys", rotation).done()
    assert world.call("consortium", "administrators", 1) == address_of(fresh)
    change = [(address_of(key("spare")), Role.ISSUE, NOBODY)]
    assert world.send("wuhou", "administer", "consortium", "set_keys", change).reasons == [Reason.WRONG_ROLE]
    world.chain.send(fresh, world.consortium, "set_keys", change).done()


def test_recovery_takes_seven_days(world: World) -> None:
    fresh = address_of(key("recovered"))
    assert world.send("wuhou", "recover", "consortium", "finish_recovery").reasons == [Reason.NO_RECOVERY]
    started = world.send("wuhou", "recover", "consortium", "start_recovery", fresh).done().one(RecoveryStarted)
    assert started.due == world.chain.now + 7 * DAY
    assert world.send("wuhou", "recover", "consortium", "start_recovery", fresh).reasons == [Reason.DELAY_RUNNING]
    world.chain.advance(7 * DAY - 1)
    assert world.send("wuhou", "recover", "consortium", "finish_recovery").reasons == [Reason.DELAY_RUNNING]
    world.chain.advance(1)
    receipt = world.send("wuhou", "recover", "consortium", "finish_recovery").done()
    old = world.members["wuhou"].address("administer")
    assert receipt.one(KeySet) == KeySet(1, fresh, Role.ADMINISTER, old)
    assert standing(world, old).roles == Role(0)
    assert world.send("wuhou", "recover", "consortium", "finish_recovery").reasons == [Reason.NO_RECOVERY]


def test_the_administrator_stops_a_recovery(world: World) -> None:
    fresh = address_of(key("recovered"))
    objection = ("wuhou", "administer", "consortium", "object_recovery")
    assert world.send(*objection).reasons == [Reason.NO_RECOVERY]
    world.send("wuhou", "recover", "consortium", "start_recovery", fresh).done()
    assert world.send(*objection).done().one(RecoveryObjected).member == 1
    assert world.send(*objection).reasons == [Reason.ALREADY_DONE]
    world.chain.advance(8 * DAY)
    assert world.send("wuhou", "recover", "consortium", "finish_recovery").reasons == [Reason.RECOVERY_OBJECTED]
    again = world.send("wuhou", "recover", "consortium", "start_recovery", address_of(key("other")))
    assert again.reasons == [Reason.RECOVERY_OBJECTED]
    # A new recovery key starts afresh.
    rotation = [(address_of(key("new recovery")), Role.RECOVER, world.members["wuhou"].address("recover"))]
    world.send("wuhou", "administer", "consortium", "set_keys", rotation).done()
    world.chain.send(key("new recovery"), world.consortium, "start_recovery", fresh).done()
    assert world.call("consortium", "recoveries", 1) == address_of(key("new recovery"))


def test_recovery_to_a_key_that_cannot_be(world: World) -> None:
    taken = world.members["yanta"].address("operate")
    assert world.send("wuhou", "recover", "consortium", "start_recovery", taken).reasons == [Reason.KEY_TAKEN]
    assert world.send("wuhou", "recover", "consortium", "start_recovery", NOBODY).reasons == [Reason.OUT_OF_RANGE]
    fresh = address_of(key("recovered"))
    world.send("wuhou", "recover", "consortium", "start_recovery", fresh).done()
    world.send("yanta", "administer", "consortium", "set_keys", [(fresh, Role.ISSUE, NOBODY)]).done()
    world.chain.advance(8 * DAY)
    assert world.send("wuhou", "recover", "consortium", "finish_recovery").reasons == [Reason.KEY_TAKEN]


def test_service_keys_are_published_in_versions_and_retired(world: World) -> None:
    keys = [(1, b"a" * 32), (2, b"b" * 1312), (3, b"c" * 1216), (4, b"d" * 32), (5, b"e" * 32), (1, b"f" * 32)]
    published = world.send("wuhou", "administer", "consortium", "publish_keys", keys).done().of(ServiceKeyPublished)
    assert [(event.kind, event.version, event.key) for event in published] == [
        *((kind, 1, text) for kind, text in keys[:5]),
        (1, 2, b"f" * 32),
    ]
    retired = world.send("wuhou", "administer", "consortium", "publish_keys", [(1, b"")]).done()
    assert retired.one(ServiceKeyPublished) == ServiceKeyPublished(1, 1, 3, b"")
    bad = [(0, b"x" * 32), (6, b"x" * 32), (1, b"x" * 31), (2, b"x" * 32), (4, b"x" * 33)]
    receipt = world.send("wuhou", "administer", "consortium", "publish_keys", bad)
    assert receipt.reasons == [Reason.OUT_OF_RANGE] * 5
    nothing = world.send("yanta", "administer", "consortium", "publish_keys", [(1, b"")])
    assert nothing.reasons == [Reason.OUT_OF_RANGE]


def test_endpoint_and_departments(world: World) -> None:
    url = "https://node.wuhou.example"
    assert (
        world.send("wuhou", "operate", "consortium", "publish_endpoint", url).done().one(EndpointPublished).url == url
    )
    assert world.send("wuhou", "operate", "consortium", "publish_endpoint", "").reasons == [Reason.OUT_OF_RANGE]
    bodies = [(7, True, "住房公积金管理中心"), (7, True, "公积金中心"), (7, False, "公积金中心")]
    receipt = world.send("wuhou", "administer", "consortium", "set_departments", bodies[:2]).done()
    assert receipt.of(DepartmentSet)[1].name == "公积金中心"
    assert world.call("consortium", "department", 1, 7) is True
    world.send("wuhou", "operate", "consortium", "set_departments", bodies[2:]).done()
    assert world.call("consortium", "department", 1, 7) is False
    bad = [(0, True, "甲"), (8, True, ""), (9, False, "乙"), (7, False, "丙")]
    receipt = world.send("wuhou", "operate", "consortium", "set_departments", bad)
    assert receipt.reasons == [Reason.OUT_OF_RANGE] * 2 + [Reason.ALREADY_DONE] * 2


def test_the_world_is_as_the_pilot_has_it(world: World) -> None:
    assert world.call("consortium", "members") == len(MEMBERS)
    assert world.call("consortium", "pilot") is False
    assert world.call("consortium", "voters") == 0b11111
    for city in CITIES:
        assert world.call("consortium", "department", world.number(city), 1) is True
    assert Standing.unpack(world.call("consortium", "standing_of", 6)).level == 8
    assert world.call("consortium", "standing_of", 7) == 0
    assert world.call("consortium", "standing", NOBODY) == 0
