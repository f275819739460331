"""The picture: complete, repeatable, and the same whichever way it was made."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from ledger import projections
from ledger.domain.consortium import Role
from ledger.domain.events import EVENTS, KeySet, ProposalClosed, Proposed
from ledger.projections.cases import model_of
from ledger.projections.consortium import key_in_force
from ledger.services.synchronising import event_types
from ledger.storage.tables import cases as case_tables
from ledger.storage.tables.consortium import members
from tests.unit.projections.streams import NOBODY, TYPES, history

_SEEDS = st.integers(0, 2**32)
_FEW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    return {
        table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
        for table in projections.PICTURE
    }


def test_every_event_has_a_projection():
    assert set(projections.HANDLERS) == set(EVENTS.values())


def test_the_histories_hold_every_event():
    seen = {type(located.event) for seed in range(6) for located in history(seed, 200).events}
    assert seen == set(EVENTS.values())
    assert set(TYPES) == set(EVENTS)


@_FEW
@given(_SEEDS)
def test_a_rebuild_gives_every_row_again(connection: Connection, seed: int):
    projections.drop(connection)
    events = history(seed).events
    for located in events:
        projections.apply(connection, located)
    before = rows(connection)
    projections.drop_and_rebuild(connection, events)
    assert rows(connection) == before
    assert before["members"]


@_FEW
@given(_SEEDS)
def test_a_case_followed_by_its_events_is_the_case_of_the_machine(connection: Connection, seed: int):
    projections.drop(connection)
    made = history(seed, 150)
    for located in made.events:
        projections.apply(connection, located)
    rows_of_cases = connection.execute(select(case_tables.cases))
    assert {row.case: model_of(row) for row in rows_of_cases} == made.cases


def test_keys_are_asked_for_as_of_a_moment(connection: Connection):
    events = history(7, 200).events
    changes = [(located, located.event) for located in events if isinstance(located.event, KeySet)]
    for located in events:
        projections.apply(connection, located)
    assert any(event.previous != NOBODY for _, event in changes)
    for located, event in changes:
        before = key_in_force(connection, event.key, located.block, located.log_index - 1)
        after = key_in_force(connection, event.key, located.block, located.log_index)
        assert before is None
        assert after == (event.member, Role(event.roles))
        if event.previous != NOBODY:
            assert key_in_force(connection, event.previous, located.block, located.log_index) is None


def test_a_vote_about_the_vote_changes_the_member(connection: Connection):
    made = history(3, 5)
    for located in made.events:
        projections.apply(connection, located)
    last = made.events[-1]
    proposed = Proposed(900, 8, 1, 2, bytes(32), bytes(32), 29, 3, last.time + 9)
    for index, event in enumerate((proposed, ProposalClosed(900, passed=True))):
        projections.apply(connection, replace(last, event=event, block=last.block + 1, log_index=index))
    voting = dict(connection.execute(select(members.c.member, members.c.voting)).all())
    assert voting[2] is False
    assert voting[1] is True


def test_the_histories_have_the_contracts_types():
    assert event_types() == TYPES
