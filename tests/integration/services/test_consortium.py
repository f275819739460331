"""What a member does in the consortium, on the real engine: once when asked twice, again when the state has moved on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import select

from ledger.domain.consortium import Level, MemberStatus, ProposalKind, Role, ServiceKeyKind
from ledger.domain.events import (
    CalendarObjected,
    CalendarPosted,
    DepartmentSet,
    EndpointPublished,
    KeySet,
    RecoveryStarted,
    ServiceKeyPublished,
)
from ledger.domain.reasons import Reason
from ledger.domain.workdays import YearCalendar
from ledger.errors import NotFoundError
from ledger.projections import journal
from ledger.services import calendars, consortium
from ledger.services.calendars import CalendarShown
from ledger.services.consortium import VoteAsked
from ledger.services.context import Node
from ledger.services.synchronising import event_types
from ledger.storage import outbox
from ledger.storage.outbox import Settlement
from ledger.storage.tables import consortium as tables
from tests.integration.network import signer
from tests.integration.services.cities import two_cities
from tests.integration.services.custodians import CITIES, Cities, cities_on_an_engine

DAY = 86_400

_E = TypeVar("_E")


@pytest.fixture
def cities(tmp_path: Path) -> Iterator[Cities]:
    with cities_on_an_engine(tmp_path) as found:
        yield found


def wuhou(cities: Cities) -> Node:
    return cities.nodes["wuhou"]


def said(node: Node, kind: type[_E]) -> list[_E]:
    """What this member's events of a kind say, in the chain's order."""
    with node.database.read() as connection:
        events = [located.event for located in journal.events_from(connection, event_types())]
    return [event for event in events if isinstance(event, kind) and getattr(event, "member", 1) == node.member]


def administrator_of(cities: Cities, member: int) -> str:
    with wuhou(cities).database.read() as connection:
        return {one.member: one.administrator for one in consortium.members(connection)}[member]


# ---- the same act, asked again --------------------------------------------------------------------------------------


def test_an_address_published_twice_stands_once_and_comes_back_after_another(cities):
    node = wuhou(cities)
    first = consortium.publish_endpoint(node, "https://a.example")
    assert consortium.publish_endpoint(node, "https://a.example") == first
    cities.pump()
    assert consortium.publish_endpoint(node, "https://a.example") == first
    consortium.publish_endpoint(node, "https://b.example")
    cities.pump()
    again = consortium.publish_endpoint(node, "https://a.example")
    assert again != first
    assert consortium.publish_endpoint(node, "https://a.example") == again
    cities.pump()
    assert [event.url[8] for event in said(node, EndpointPublished)] == ["a", "b", "a"]


def test_an_address_comes_back_even_while_the_other_is_still_in_line(cities):
    node = wuhou(cities)
    consortium.publish_endpoint(node, "https://a.example")
    cities.pump()
    consortium.publish_endpoint(node, "https://b.example")
    again = consortium.publish_endpoint(node, "https://a.example")
    assert consortium.publish_endpoint(node, "https://a.example") == again
    cities.pump()
    assert [event.url[8] for event in said(node, EndpointPublished)] == ["a", "b", "a"]


def test_a_department_can_be_closed_and_opened_again(cities):
    node = wuhou(cities)
    for active in (True, False, False, True, True):
        consortium.set_departments(node, {1: "政务服务中心"}, active=active)
        consortium.set_departments(node, {12: "公积金中心"})
        cities.pump()
    found = [(event.department, event.active) for event in said(node, DepartmentSet)]
    assert [active for department, active in found if department == 1] == [True, False, True]
    assert [active for department, active in found if department == 12] == [True]


def test_a_key_gets_its_earlier_roles_again(cities):
    node, key = wuhou(cities), signer("another clerk").address
    for roles in (Role.OPERATE, Role.OPERATE | Role.WITNESS, Role.OPERATE, Role.OPERATE, Role(0), Role.OPERATE):
        name = consortium.set_keys(node, key, int(roles))
        cities.pump()
        assert cities.outcome("wuhou", name) is Reason.OK
        with node.database.read() as connection:
            assert consortium.roles_of(connection, 1, key) == roles
            assert consortium.roles_of(connection, 2, key) == Role(0)
    assert [int(event.roles) for event in said(node, KeySet) if event.key == key] == [2, 6, 2, 0, 2]


def test_a_service_key_is_published_once_and_comes_back_as_a_later_version(cities):
    node, kind = wuhou(cities), ServiceKeyKind.REQUESTS_ED25519
    for key in (b"a" * 32, b"a" * 32, b"b" * 32, b"a" * 32):
        consortium.publish_keys(node, {kind: key})
        cities.pump()
    found = [(event.version, event.key[:1]) for event in said(node, ServiceKeyPublished) if event.kind == kind]
    assert found == [(1, b"a"), (2, b"b"), (3, b"a")]


def test_a_recovery_can_be_begun_again_after_the_first_was_void(cities):
    node, lost = wuhou(cities), signer("new administrator").address
    first = consortium.start_recovery(node, lost)
    cities.pump()
    assert consortium.start_recovery(node, lost) == first
    finish = consortium.finish_recovery(node)
    cities.pump()
    assert cities.outcome("wuhou", finish) is Reason.DELAY_RUNNING
    objection = consortium.object_recovery(node)
    assert consortium.object_recovery(node) == objection
    cities.pump()
    assert cities.outcome("wuhou", objection) is Reason.OK
    # Only the replacement of a key ends it: here of the recovery key.
    spare = signer("wuhou spare recovery")
    consortium.set_keys(node, spare.address, int(Role.RECOVER), previous=cities.keys["wuhou"]["recover"].address)
    cities.pump()
    cities.keys["wuhou"] = {**cities.keys["wuhou"], "recover": spare}
    second = consortium.start_recovery(node, lost)
    assert second != first
    cities.pump()
    assert cities.outcome("wuhou", second) is Reason.OK
    assert len(said(node, RecoveryStarted)) == 2


def test_a_recovery_is_finished_by_asking_again_once_its_seven_days_are_over(cities):
    node, taken = wuhou(cities), signer("new administrator")
    consortium.start_recovery(node, taken.address)
    cities.pump()
    early = consortium.finish_recovery(node)
    cities.pump()
    assert cities.outcome("wuhou", early) is Reason.DELAY_RUNNING
    cities.network.engine.clock.offset = 7 * DAY + 60
    assert consortium.finish_recovery(node) == early
    cities.pump()
    assert cities.outcome("wuhou", early) is Reason.OK
    assert administrator_of(cities, 1) == taken.address


def test_a_calendar_can_be_posted_again_after_a_correction(tmp_path):
    with two_cities(tmp_path) as found:
        node = found.nodes[1]
        weekdays = YearCalendar(2026, (1 << 300) - 1)
        corrected = YearCalendar(2026, (1 << 299) - 1)
        names = []
        for version, calendar in enumerate((weekdays, corrected, weekdays), start=1):
            (name,) = calendars.post_calendars(node, [calendar])
            assert calendars.post_calendars(node, [calendar]) == [name]
            names.append(name)
            found.say(
                CalendarPosted(
                    year=2026, version=version, member=1, key="0x" + "d" * 40, low=calendar.low, high=calendar.high,
                    notice=bytes(32),
                )
            )  # fmt: skip
            with node.begin() as uow:
                outbox.apply_all(uow.connection, [Settlement(name, "done")], now=node.clock())
                uow.commit()
            assert calendars.post_calendars(node, [calendar]) == [name]
        assert len(set(names)) == 3


# ---- asked again after a refusal ------------------------------------------------------------------------------------


def test_a_refused_act_is_tried_again_when_it_is_asked_for_again(cities):
    node = wuhou(cities)
    # A district holds no regulator's role.
    name = consortium.set_keys(node, signer("inspector").address, int(Role.REGULATE))
    cities.pump()
    assert cities.outcome("wuhou", name) is Reason.WRONG_ROLE
    assert consortium.set_keys(node, signer("inspector").address, int(Role.REGULATE)) == name
    with node.database.read() as connection:
        assert outbox.find(connection, name).state == "waiting"
    cities.pump()
    assert cities.outcome("wuhou", name) is Reason.WRONG_ROLE


# ---- votes ----------------------------------------------------------------------------------------------------------


def passed(cities: Cities, proposer: str, kind: ProposalKind, **motion: object) -> str:
    """Propose and let everybody vote; whoever comes after the deciding ballot finds the vote closed."""
    name = consortium.propose(cities.nodes[proposer], VoteAsked(kind, **motion))
    cities.pump()
    assert cities.outcome(proposer, name) is Reason.OK
    with wuhou(cities).database.read() as connection:
        number = consortium.proposals(connection)[0].proposal
    for city in CITIES:
        consortium.vote(cities.nodes[city], number, approve=True)
        cities.pump()
    with wuhou(cities).database.read() as connection:
        assert consortium.proposals(connection)[0].passed is True
    return name


def test_a_vote_that_is_open_is_not_opened_twice(cities):
    node = wuhou(cities)
    first = VoteAsked(ProposalKind.SUSPEND, target=3, digest=b"\x01" * 32)
    name = consortium.propose(node, first)
    cities.pump()
    assert consortium.propose(node, first) == name
    with node.database.read() as connection:
        assert consortium.open_vote(connection, first, now=node.clock()) == consortium.proposals(connection)[0].proposal
    other = consortium.propose(node, VoteAsked(ProposalKind.SUSPEND, target=3, digest=b"\x02" * 32))
    assert other != name
    cities.pump()
    # One about the same member does not overtake the other.
    assert consortium.propose(node, first) == name
    with node.database.read() as connection:
        assert len([one for one in consortium.proposals(connection) if one.passed is None]) == 2


def test_a_member_is_suspended_resumed_and_suspended_again(cities):
    names = [
        passed(cities, "wuhou", kind, target=3)
        for kind in (ProposalKind.SUSPEND, ProposalKind.RESUME, ProposalKind.SUSPEND)
    ]
    assert len(set(names)) == 3
    with wuhou(cities).database.read() as connection:
        assert consortium.members(connection)[2].status is MemberStatus.SUSPENDED


def test_the_vote_is_taken_and_given(cities):
    passed(cities, "wuhou", ProposalKind.VOTING, target=3, subject=(0).to_bytes(32))
    with wuhou(cities).database.read() as connection:
        assert [one.voting for one in consortium.members(connection)] == [True, True, False]
    passed(cities, "wuhou", ProposalKind.VOTING, target=3, subject=(1).to_bytes(32))
    with wuhou(cities).database.read() as connection:
        assert consortium.members(connection)[2].voting


def test_a_lost_administrator_is_replaced_by_a_vote(cities):
    taken = signer("yuzhong new administrator").address
    passed(cities, "wuhou", ProposalKind.REPLACE_ADMINISTRATOR, target=3, subject=bytes(12) + bytes.fromhex(taken[2:]))
    assert administrator_of(cities, 3) == taken


def test_a_sub_member_is_admitted_under_its_parent(cities):
    park = signer("park").address
    candidate = {
        "division": 510_107, "level": int(Level.PARK), "parent": 1, "voting": False, "name": "样本园区",
        "administrator": park,
    }  # fmt: skip
    passed(cities, "mianyang", ProposalKind.ADMIT, admission=candidate)
    with wuhou(cities).database.read() as connection:
        table = tables.members
        parent = connection.execute(select(table.c.parent).where(table.c.name == "样本园区")).scalar_one()
        shown = consortium.members(connection)[-1]
    assert parent == 1
    assert (shown.status, shown.voting, shown.administrator) == (MemberStatus.LISTED, False, park)


def test_a_ballot_counts_once_and_a_vote_that_ended_can_be_opened_again(cities):
    node = wuhou(cities)
    name = consortium.propose(node, VoteAsked(ProposalKind.SUSPEND, target=3))
    cities.pump()
    with node.database.read() as connection:
        number = consortium.proposals(connection)[0].proposal
    ballot = consortium.vote(node, number, approve=False)
    assert consortium.vote(node, number, approve=False) == ballot
    cities.pump()
    turned = consortium.vote(node, number, approve=True)
    cities.pump()
    assert cities.outcome("wuhou", ballot) is Reason.OK
    # Of two electors one has said no: it cannot pass any more.
    assert cities.outcome("wuhou", turned) is Reason.PROPOSAL_CLOSED
    again = consortium.propose(node, VoteAsked(ProposalKind.SUSPEND, target=3))
    assert again != name
    cities.pump()
    assert cities.outcome("wuhou", again) is Reason.OK


def test_a_calendar_in_force_is_objected_to_once_a_version(tmp_path):
    with two_cities(tmp_path) as found:
        node = found.nodes[1]
        with pytest.raises(NotFoundError, match=r"workdays.not_posted"):
            calendars.object_calendar(node, 2026, "样本理由")
        weekdays = YearCalendar(2026, (1 << 300) - 1)

        def post(version: int) -> None:
            found.say(
                CalendarPosted(
                    year=2026, version=version, member=2, key="0x" + "d" * 40, low=weekdays.low, high=weekdays.high,
                    notice=bytes(32),
                )
            )  # fmt: skip

        post(1)
        name = calendars.object_calendar(node, 2026, "样本理由")
        assert calendars.object_calendar(node, 2026, "样本理由") == name
        found.say(CalendarObjected(year=2026, version=1, member=1, commitment=bytes(32)))
        with node.database.read() as connection:
            assert calendars.posted(connection) == [CalendarShown(2026, 1, 2, 300, (1,))]
        # A correction is a version of its own, to which nobody has objected yet.
        post(2)
        with node.database.read() as connection:
            assert calendars.posted(connection) == [CalendarShown(2026, 2, 2, 300, ())]
        assert calendars.object_calendar(node, 2026, "样本理由") != name
