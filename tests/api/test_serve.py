"""The web process as an operator starts it: it answers, asks the daemon for what needs a key, and ends when told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ledger import projections
from ledger.domain.checkpoints import Checkpoint, sign_checkpoint, verify_signature
from ledger.domain.consortium import Level
from ledger.domain.entries import GenesisEntry, encode_entry
from ledger.domain.events import Event, MemberConfirmed, MemberListed, ServiceKeyPublished
from ledger.domain.limits import LIMITS
from ledger.domain.notes import format_note, parse_signature_lines
from ledger.log.witness import AddCheckpoint, format_request
from ledger.ports import LocatedEvent
from ledger.settings import NodeSettings, load_settings
from node_client.daemon import Daemon, open_keys
from node_client.keyholder import log_signer, note_signers
from node_client.node_folder import create_node
from node_client.processes import Child, python_child
from node_client.seating import public_keys
from tests.integration.services.cities import KEY
from tests.unit.node_client.test_node_folder import VALUES

pytestmark = pytest.mark.serial


@dataclass
class Running:
    """A web process and the folder that it serves."""

    folder: Path
    child: Child
    url: str

    @property
    def settings(self) -> NodeSettings:
        return load_settings(self.folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_node(tmp_path / "wuhou", VALUES, os.urandom)
    return tmp_path / "wuhou"


def start(folder: Path) -> Child:
    return python_child(
        "web", ("-m", "api.serve", str(folder), "--ready-file", str(folder / "web.json")), ready=folder / "web.json",
        log=folder / "web.log",
    )  # fmt: skip


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    child = start(folder)
    try:
        child.wait_ready(60)
        told: dict[str, Any] = httpx2.Response(200, content=child.ready.read_bytes()).json()
        assert told["pid"] == child.process.pid
        yield Running(folder, child, told["url"])
    finally:
        child.stop()


def ask(running: Running, path: str, **options: Any) -> httpx2.Response:
    method = "POST" if "content" in options else "GET"
    return httpx2.request(method, running.url + path, trust_env=False, timeout=20, **options)


def test_it_answers_and_ends_cleanly_when_it_is_told_to(running):
    assert ask(running, "/healthz").json() == {"status": "ok"}
    ready = ask(running, "/readyz", headers={"Accept-Language": "en"})
    assert ready.status_code == 503
    assert [item["code"] for item in ready.json()["findings"]] == [
        "health.daemon_never", "keys.holder_unreachable", "health.not_synchronised",
    ]  # fmt: skip
    assert ask(running, "/").status_code == 200
    running.child.process.send_signal(signal.SIGTERM)
    assert running.child.process.wait(20) == 0
    assert running.child.log.read_text() == ""
    assert not running.child.ready.exists()
    with pytest.raises(httpx2.ConnectError):
        ask(running, "/healthz")


def test_a_body_whose_length_is_not_stated_is_counted_over_the_wire(running):
    def pieces(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b" " * 65_536

    short = ask(running, "/v1/verify", content=pieces(1))
    assert (short.status_code, short.json()["code"]) == (422, "canonical.malformed")
    long = ask(running, "/v1/verify", content=pieces(LIMITS.request_bytes // 65_536 + 1))
    assert (long.status_code, long.json()["code"]) == (413, "api.too_long")


def test_an_address_that_is_taken_is_said_in_words(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = folder / "node.toml"
        settings.write_text(
            settings.read_text("utf-8").replace("port = 0", f"port = {taken.getsockname()[1]}"), encoding="utf-8"
        )
        ended = subprocess.run(
            [sys.executable, "-m", "api.serve", str(folder)], capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.count("[api.address_in_use]") == 2
    assert "已被占用" in ended.stderr
    assert "is taken" in ended.stderr
    assert "Traceback" not in ended.stderr


def say(daemon: Daemon, *events: Event) -> None:
    with daemon.node.begin() as uow:
        for index, event in enumerate(events):
            place = LocatedEvent(event, daemon.node.consortium, 1, 1_772_413_200, bytes(32), index, ())
            projections.apply(uow.connection, place)
        uow.commit()


def test_what_the_daemon_meets_is_told_by_the_web_process(running):
    daemon = Daemon(running.settings)
    daemon.start()
    try:
        for lane in daemon.lanes:
            lane.run_once()
        told = {item["code"]: item["text"] for item in ask(running, "/readyz").json()["findings"]}
        # Nothing answers at the engine's address; the store and the keys are in order, and the daemon is there.
        assert set(told) == {"health.step_failing", "health.not_synchronised"}
        assert "chain.unreachable" in told["health.step_failing"]
        metrics = ask(running, "/metrics").text
        assert 'tongban_step_failures{step="synchronising"} 1.0' in metrics
        assert 'tongban_step_failures{step="storing"} 0.0' in metrics
        assert "tongban_chain_head_block -1.0" in metrics
    finally:
        daemon.close()


def test_the_daemon_cosigns_what_comes_in_over_http_and_remembers_it(running):
    settings = running.settings
    ring = open_keys(settings)
    signers = note_signers(ring, settings.network, settings.division)
    assert ask(running, "/witness/v1/add-checkpoint", content=b"old 0\n\n").status_code == 503
    daemon = Daemon(settings)
    daemon.start()
    try:
        say(
            daemon,
            MemberListed(1, 510_107, int(Level.DISTRICT), 0, True, "四川省成都市武侯区", KEY),  # noqa: FBT003 - a founder's vote
            MemberConfirmed(1, KEY),
            *(ServiceKeyPublished(1, kind, 1, key) for kind, key in public_keys(ring).items()),
        )
        head = daemon.log.append([encode_entry(GenesisEntry(7, bytes(32), settings.consortium))])
        log = log_signer(ring, settings.network, settings.division)
        checkpoint = Checkpoint(log.key.name, head.size, head.root)
        note = format_note(checkpoint.text(), [sign_checkpoint(checkpoint, log)])
        request = format_request(AddCheckpoint(0, (), note))
        given = ask(running, "/witness/v1/add-checkpoint", content=request)
        assert (given.status_code, given.text.count("\n")) == (200, 2)
        lines = parse_signature_lines(given.text)
        for signer, line in zip(signers, lines, strict=True):
            assert verify_signature(checkpoint, line, signer.key).timestamp == daemon.node.clock()
        # The memory is durable: the same size from nothing again is answered by what was cosigned last.
        again = ask(running, "/witness/v1/add-checkpoint", content=request)
        assert (again.status_code, again.text) == (409, f"{head.size}\n")
        # Exactly that: the standard knows no charset here.
        assert again.headers["content-type"] == "text/x.tlog.size"
        assert given.headers["content-type"] == "text/plain; charset=utf-8"
        assert ask(running, "/witness/v1/add-checkpoint", content=b"old 0\n\n").status_code == 400
    finally:
        daemon.close()
