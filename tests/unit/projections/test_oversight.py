"""Oversight: the figures are those that counting the events by hand gives."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from ledger import projections
from ledger.domain import events as happened
from ledger.domain.cases import Action, Clock, LimitFlag
from ledger.projections import opened, oversight
from tests.unit.projections.streams import CALENDARS, ZERO, History, history

ALWAYS = 10**11


@pytest.fixture
def made(connection: Connection) -> History:
    found = history(31, 600)
    for located in found.events:
        projections.apply(connection, located)
    return found


def test_volume_counts_what_was_submitted(made: History, connection: Connection):
    submitted = Counter(
        (x.event.receiving, x.event.handling, x.event.mode) for x in made.events if isinstance(x.event, happened.Opened)
    )
    found = oversight.volume(connection, 0, ALWAYS)
    assert {(one.receiving, one.handling, one.mode): one.submitted for one in found} == submitted
    assert all(one.running <= one.submitted for one in found)
    middle = made.events[len(made.events) // 2].time
    halves = [oversight.volume(connection, *span) for span in ((0, middle), (middle, ALWAYS))]
    assert sum(one.submitted for half in halves for one in half) == submitted.total()


def test_timeliness_goes_by_the_days_that_the_chain_counted(made: History, connection: Connection):
    steps = [x.event for x in made.events if isinstance(x.event, happened.Stepped)]
    decided = [step for step in steps if step.action in {Action.GRANT, Action.REFUSE}]
    found = oversight.timeliness(connection, 0, ALWAYS)
    assert {one.member: one.in_time + one.late + one.unlimited for one in found} == Counter(
        step.actor for step in decided
    )
    cases = made.cases
    late = Counter(
        step.actor
        for step in decided
        if step.elapsed
        > cases[step.case].statutory + (cases[step.case].clock.extension if cases[step.case].word.extended else 0)
    )
    assert {one.member: one.late for one in found if one.late} == late
    assert oversight.timeliness(connection, 0, 1) == ()


def test_corrections_show_repeated_requests(made: History, connection: Connection):
    asked = [
        x.event
        for x in made.events
        if isinstance(x.event, happened.Stepped) and x.event.action == Action.REQUEST_CORRECTION
    ]
    last = made.events[-1]
    for later in range(2):
        asked.append(replace(asked[0], sequence=100 + later))
        projections.apply(connection, replace(last, event=asked[-1], block=last.block + 1, log_index=later))
    seen: set[bytes] = set()
    repeated: Counter[int] = Counter()
    for step in asked:
        repeated[step.actor] += step.case in seen
        seen.add(step.case)
    found = oversight.corrections(connection, 0, ALWAYS)
    assert {one.member: one.requests for one in found} == Counter(step.actor for step in asked)
    assert {one.member: one.repeated for one in found} == repeated
    assert sum(repeated.values()) >= 2


def test_overdue_cases_are_those_of_the_machine(made: History, connection: Connection):
    now = made.blocks[-1].time + 40 * 86_400
    expected = {
        case
        for case, model in made.cases.items()
        if model.limits(now, CALENDARS).flags & (LimitFlag.OVERDUE | LimitFlag.CLAIMABLE)
    }
    found = list(oversight.overdue(connection, now, CALENDARS))
    assert {one.case for one in found} == expected != set()
    assert all(one.clock is not Clock.NONE for one in found)
    mine = [one.case for one in oversight.overdue(connection, now, CALENDARS, member=2)]
    assert mine == [one.case for one in found if 2 in {one.receiving, one.handling}]
    assert list(oversight.overdue(connection, now, {})) == []


def test_dormant_agreements_had_no_case(made: History, connection: Connection):
    last: dict[bytes, int] = {}
    in_force: dict[bytes, int] = {}
    for located in made.events:
        match located.event:
            case happened.Opened() as event if event.agreement != ZERO:
                last[event.agreement] = located.time
            case happened.AgreementAccepted() as event if event.in_force:
                in_force[event.agreement] = located.time
            case happened.AgreementEnded() as event:
                del in_force[event.agreement]
            case _:
                pass
    since = made.blocks[-1].time - 3 * 86_400
    expected = {key: last.get(key) for key, at in in_force.items() if at < since and last.get(key, 0) < since}
    found = oversight.dormant_agreements(connection, since)
    assert {one.agreement: one.last for one in found} == expected != {}


def test_refusals_and_readings_are_counted(made: History, connection: Connection):
    refused = Counter(
        (x.event.member, x.event.operation, x.event.reason)
        for x in made.events
        if isinstance(x.event, happened.Refused)
    )
    found = oversight.refusals_by_reason(connection, 0, ALWAYS)
    assert {(one.member, one.operation, one.reason): one.count for one in found} == refused
    used = Counter((x.event.member, x.event.basis) for x in made.events if isinstance(x.event, happened.Used))
    assert oversight.readings(connection, 0, ALWAYS) == used


def test_papers_wait_until_they_are_opened(made: History, connection: Connection):
    member = 2
    mine = {case for case, model in made.cases.items() if member in {model.word.receiving, model.word.handling}}
    expected = [
        (x.block, x.log_index)
        for x in made.events
        if isinstance(
            x.event, happened.Opened | happened.Stepped | happened.Recorded | happened.Supervised | happened.Assented
        )
        and x.event.blob != ZERO
        and (x.event.case in mine or x.event.member == member)
    ]
    waiting = opened.pending_papers(connection, member, 10**6)
    assert [(paper.block, paper.log_index) for paper in waiting] == expected
    assert opened.pending_papers(connection, member, 3) == waiting[:3]
    for paper in waiting[::2]:
        opened.store_paper(connection, paper, kind="submission", sealed=b"sealed")
    assert opened.pending_papers(connection, member, 10**6) == waiting[1::2]
    assert opened.count_pending(connection, member) == len(waiting[1::2]) > 0
    kept = opened.papers_of(connection, waiting[0].case)
    assert (kept[0].blob, kept[0].kind) == (waiting[0].blob, "submission")
    projections.drop(connection)
    assert opened.papers_of(connection, waiting[0].case) == ()
