"""Children end with whoever started them, and what ended while a network is up is started again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ledger.errors import SetupError
from node_client.networks import FIVE_CITIES, NetworkPlan, create_network
from node_client.processes import Child, free_port, port_free
from node_client.supervising import NetworkProcesses

pytestmark = [pytest.mark.serial, pytest.mark.timeout(120)]

_PARENT = """
import pathlib, signal, sys
from node_client.processes import python_child
folder = pathlib.Path(sys.argv[1])
child = python_child("child", ("-c", sys.argv[2], str(folder / "ready")), ready=folder / "ready", log=folder / "log")
child.wait_ready(30)
print(child.process.pid, flush=True)
signal.pause()
"""
_CHILD = """
import pathlib, signal, sys
from ledger.parentage import follow_parent
pipe = open(sys.argv[1] + ".alive", "w")
follow_parent()
pathlib.Path(sys.argv[1]).touch()
signal.pause()
"""


def test_a_child_ends_once_its_parent_was_killed(tmp_path):
    alive = tmp_path / "ready.alive"
    os.mkfifo(alive)
    reader = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path), _CHILD], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert int(parent.stdout.readline()) > 0
        parent.kill()
    # The end of the child closes its end of the pipe: until then reading waits.
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_port_is_free_until_somebody_listens():
    port = free_port()
    assert port_free(port)
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as server:  # fmt: skip
        assert server.stdout is not None
        assert b"Serving" in server.stdout.readline()
        assert not port_free(port)
        server.terminate()


def test_an_engine_that_was_killed_is_started_again_and_its_folder_is_held_meanwhile(tmp_path):
    network = create_network(
        tmp_path / "net", NetworkPlan("tongban.example/one", FIVE_CITIES[:1], None), os.urandom, 0
    )  # fmt: skip
    processes, told, now = NetworkProcesses(network), list[Child](), [0.0]

    def look() -> list[bool]:
        before = len(told)
        processes.revive(told.append, clock=lambda: now[0])
        return [child.running for child in told[before:]]

    try:
        processes.start_engine()
        assert look() == []
        with pytest.raises(SetupError, match=r"processes\.held"):
            NetworkProcesses(network).start_engine()
        first = processes.engine
        assert first is not None
        first.kill()
        assert look() == [False]
        assert look() == []
        now[0] = 10.0
        assert look() == [True]
        assert processes.engine is not first
        processes.require_running()
    finally:
        processes.stop()
    assert port_free(network.engine_port)
    again = NetworkProcesses(network)
    try:
        again.start_engine()
    finally:
        again.stop()
