"""The daemon's loop: a step that fails waits and says so, and a database that takes no note ends nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from ledger import logs
from ledger.errors import IntegrityError, UnavailableError
from ledger.services import health
from ledger.services.context import Node
from ledger.storage.tables.steps import daemon_steps
from node_client.daemon import Lane, Step
from tests.integration.services.cities import two_cities


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with two_cities(tmp_path) as found:
        yield found.nodes[1]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    out = io.StringIO()
    logs.configure("INFO", out)
    yield out
    structlog.reset_defaults()


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_database_that_takes_no_note_does_not_end_the_daemon(node, log):
    ran: list[str] = []

    def first() -> bool:
        ran.append("first")
        return True

    lane = Lane("chain", node, [Step("first", first), Step("second", lambda: False)])
    daemon_steps.drop(node.database.engine)
    assert lane.run_once()
    assert ran == ["first"]
    assert [(line["event"], line["step"], line["code"]) for line in lines(log)] == [
        ("not_noted", "first", "storage.unavailable"),
        ("not_noted", "second", "storage.unavailable"),
    ]
    # Nothing was taken for noted: once the database is back it is written at once.
    daemon_steps.create(node.database.engine)
    assert lane.run_once()
    with node.database.read() as connection:
        assert [step.step for step in health.steps(connection)] == ["first", "second"]


def test_a_step_that_fails_waits_longer_each_time_and_the_others_go_on(node, log):
    now = [0.0]
    ran: list[float] = []

    def fail() -> bool:
        ran.append(now[0])
        raise IntegrityError("synchronising.parent", block=7)

    lane = Lane("chain", node, [Step("failing", fail), Step("working", lambda: False)], clock=lambda: now[0])
    for moment in (0.0, 0.5, 1.0, 2.0, 3.0, 6.9, 7.0):
        now[0] = moment
        assert not lane.run_once()
    assert ran == [0.0, 1.0, 3.0, 7.0]
    assert [line["code"] for line in lines(log)] == ["synchronising.parent"] * 4
    with node.database.read() as connection:
        failing, working = health.steps(connection)
    assert (failing.code, working.code) == ("synchronising.parent", None)


def test_a_step_that_cannot_now_waits_as_long_as_it_was_told_and_no_longer_than_a_minute(node, log):
    now, tries = [0.0], iter((20, 4_000))

    def away() -> bool:
        raise UnavailableError("chain.unreachable", retry_after=next(tries))

    step = Step("sending", away)
    lane = Lane("chain", node, [step], clock=lambda: now[0])
    lane.run_once()
    assert step.not_before == 20.0
    now[0] = 20.0
    lane.run_once()
    assert step.not_before == 80.0
    assert log.getvalue()


def test_a_daemon_that_is_silent_for_a_minute_is_said_to_be(node):
    def told(after: float) -> list[tuple[str, dict[str, object]]]:
        found = health.findings(node, now=lambda: 1_000.0 + after)
        return [(item.code, dict(item.facts)) for item in found if item.code.startswith("health.daemon")]

    assert told(0) == [("health.daemon_never", {})]
    health.note(node, "synchronising", code=None, memory=health.Noted(), now=lambda: 1_000.0)
    assert told(60) == []
    assert told(61) == [("health.daemon_silent", {"seconds": 61})]
    # A step that fails is not silent.
    health.note(node, "sending", code="chain.unreachable", memory=health.Noted(), now=lambda: 1_050.0)
    assert told(61) == []


def test_a_step_that_does_not_come_back_is_said_while_the_others_go_on(node):
    def told(moment: float) -> list[tuple[str, object]]:
        found = health.findings(node, now=lambda: moment)
        return [(item.code, item.facts.get("step")) for item in found if "silent" in item.code]

    def works(name: str, moment: float) -> None:
        health.note(node, name, code=None, memory=health.Noted(), now=lambda: moment)

    for name, moment in (("synchronising", 1_000.0), ("papers", 1_000.0), ("papers", 1_600.0)):
        works(name, moment)
        assert told(moment) == []
    works("papers", 1_601.0)
    assert told(1_601.0) == [("health.step_silent", "synchronising")]
    # One that was switched off is no step of this daemon any more.
    health.forget_others(node, ["papers"])
    assert told(1_601.0) == []
