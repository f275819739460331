"""Whether a node is ready: what is wrong, why and what to do, without asking anything that may be slow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from ledger.domain.limits import LIMITS
from ledger.log.files import DirectoryFiles
from ledger.log.store import LogStore
from ledger.log.view import LogView
from ledger.ports import Head
from ledger.services import health
from ledger.services.health import Noted
from ledger.wire.sentences import is_known, sentence
from node_client.daemon import Lane, Step, every
from node_client.keyholder import DaemonKeyHolder, KeyServer
from tests.api.site import Served, serve
from tests.unit.node_client.test_keyholder import new_ring


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path) as found:
        yield found


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyServer]:
    """The daemon's side of the keys, which the web process looks for."""
    server = KeyServer(tmp_path / "keys.sock", DaemonKeyHolder(new_ring()))
    yield server
    server.close()


def findings(served: Served, lang: str = "en") -> list[dict[str, Any]]:
    answer = TestClient(create_app(served.site)).get(f"/readyz?lang={lang}")
    told: list[dict[str, Any]] = answer.json()["findings"]
    assert answer.status_code == (503 if told else 200)
    assert answer.json()["ready"] is not bool(told)
    assert all(item["text"] and item["next_step"] and "…" not in item["text"] for item in told)
    return told


def codes(served: Served) -> list[str]:
    return [item["code"] for item in findings(served)]


def at(moment: float) -> Callable[[], float]:
    return lambda: moment


def works(served: Served, *steps: str) -> Noted:
    memory = Noted()
    for step in steps or ("synchronising",):
        health.note(served.site.node, step, code=None, memory=memory)
    return memory


@pytest.mark.usefixtures("keys")
def test_it_is_alive_and_ready_once_the_daemon_works_and_answers_for_the_keys(served):
    assert TestClient(create_app(served.site)).get("/healthz").json() == {"status": "ok"}
    assert codes(served) == ["health.daemon_never"]
    memory = works(served)
    assert findings(served) == []
    health.note(served.site.node, "sending", code="chain.unreachable", memory=memory)
    (failing,) = findings(served)
    assert failing["code"] == "health.step_failing"
    # Not only that a step fails but why, and what to do about that.
    assert failing["text"].endswith("The chain cannot be reached just now.")
    assert failing["next_step"] == sentence("chain.unreachable", "en").next_step
    # Where what is known of the cause is not enough for its sentence, its next step is.
    health.note(served.site.node, "sending", code="peers.unreachable", memory=memory)
    (failing,) = findings(served)
    assert "peers.unreachable" in failing["text"]
    assert failing["next_step"] == sentence("peers.unreachable", "en").next_step
    health.note(served.site.node, "sending", code="chain.unreachable", memory=memory)
    assert is_known("chain.unreachable")
    assert findings(served, "zh")[0]["text"] != failing["text"]


@pytest.mark.usefixtures("keys")
def test_a_quorum_that_is_missed_at_first_is_no_finding_and_one_missed_for_a_minute_is(served):
    memory, now = works(served), time.time()
    for seconds in range(0, 60, 5):
        assert codes(served) == []
        health.note(served.site.node, "publishing", code="publishing.quorum", memory=memory, now=at(now + seconds))
    assert codes(served) == ["health.step_failing"]


def test_keys_that_nobody_answers_for_are_said(served, keys):
    works(served)
    assert codes(served) == []
    keys.close()
    assert codes(served) == ["keys.holder_unreachable"]


@pytest.mark.usefixtures("keys")
def test_a_store_that_takes_nothing_is_said_in_its_own_words(served, tmp_path):
    """The daemon asks the store; the web process reads what it noted."""
    works(served)
    node = served.site.node
    lane = Lane("log", node, [Step(health.STORING, every(0, node.blobs.check))], clock=lambda: 0.0)
    lane.run_once()
    assert codes(served) == []
    store = tmp_path / "510107-blobs"
    store.rename(tmp_path / "not mounted")
    lane.run_once()
    assert codes(served) == ["blobs.unreachable"]
    (tmp_path / "not mounted").rename(store)
    lane.steps[0].not_before = 0.0
    lane.run_once()
    assert codes(served) == []


@pytest.mark.usefixtures("keys")
def test_a_log_without_a_checkpoint_is_said_where_this_city_publishes(served, tmp_path):
    works(served)
    empty = DirectoryFiles(tmp_path / "new log")
    LogStore(empty).append([b"entry"])
    fresh = replace(served, site=replace(served.site, log=LogView(empty)))
    assert codes(fresh) == ["health.no_checkpoint"]
    elsewhere = replace(fresh.site, node=replace(fresh.site.node, publisher=False))
    assert codes(replace(fresh, site=elsewhere)) == []


@pytest.mark.usefixtures("keys")
def test_a_picture_far_behind_the_chain_is_said_with_both_blocks(served):
    works(served)
    block, memory = served.cities.block, Noted()
    near, far = block + LIMITS.synchronising_blocks, block + LIMITS.synchronising_blocks + 1
    for moment, (final, expected) in enumerate(((near, []), (far, ["health.picture_behind"]))):
        head = Head(final + 3, bytes(32), 0, final)
        health.note_head(served.site.node, head, memory=memory, now=at(1_000.0 + 60 * moment))
        told = findings(served)
        assert [item["code"] for item in told] == expected
    assert str(block) in told[0]["text"]
    assert str(far) in told[0]["text"]


def test_where_the_chain_stands_is_written_every_few_seconds_only(served):
    memory, node, block = Noted(), served.site.node, served.cities.block
    for moment, number, seen in (
        (100.0, block + 2, block + 2), (104.0, block + 3, block + 2), (105.0, block + 4, block + 4),
        # What was read since is there, whatever was written down.
        (200.0, block - 1, block),
    ):  # fmt: skip
        health.note_head(node, Head(number, bytes(32), 0, number), memory=memory, now=at(moment))
        with node.database.read() as connection:
            head = health.seen_head(connection)
        assert head is not None
        assert head.number == seen


def test_a_step_is_noted_only_when_it_changes_or_time_has_passed(served):
    node, memory = served.site.node, Noted()

    def noted(at: float, code: str | None) -> int | None:
        health.note(node, "sending", code=code, memory=memory, now=lambda: at)
        with node.database.read() as connection:
            (step,) = health.steps(connection)
        return step.worked_at if code is None else step.failures

    assert noted(100.0, None) == 100
    assert noted(102.0, None) == 100
    assert noted(106.0, None) == 106
    assert noted(107.0, "chain.unreachable") == 1
    assert noted(120.0, "chain.unreachable") == 2
    assert noted(121.0, None) == 121


def test_what_is_asked_at_most_so_often():
    now, asked = [0.0], []
    step = every(30, lambda: asked.append(now[0]), lambda: now[0])
    for moment in (0.0, 29.0, 30.0, 59.0, 60.0):
        now[0] = moment
        assert step() is False
    assert asked == [0.0, 30.0, 60.0]


def test_figures_for_prometheus(served):
    text = TestClient(create_app(served.site)).get("/metrics").text
    assert "tongban_log_entries 300.0" in text
    assert "tongban_log_published_entries 300.0" in text
    block = float(served.cities.block)
    for name in ("chain_head_block", "chain_final_block", "picture_block"):
        assert f"tongban_{name} {block}" in text
    # The case's five papers are with the other city, and nothing was read under a consent.
    assert "tongban_papers_pending 5.0" in text
    assert "tongban_releases_pending 0.0" in text
