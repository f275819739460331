"""Twenty-five seeded kills of nodes, engine and both, under load: nothing acknowledged is lost, nothing comes twice."""

from __future__ import annotations

import os
import time

import pytest

from node_client.faults import torment
from node_client.forming import form, opened_nodes
from node_client.networks import FIVE_CITIES, NetworkPlan, create_network
from node_client.supervising import NetworkProcesses

pytestmark = [pytest.mark.serial, pytest.mark.timeout(600)]


def test_nothing_is_lost_and_nothing_comes_twice(tmp_path):
    plan = NetworkPlan("tongban.example/faults", FIVE_CITIES, None)
    network = create_network(tmp_path / "network", plan, os.urandom, int(time.time()))
    processes = NetworkProcesses(network)
    said: list[str] = []
    try:
        form(network, processes, say=said.append)
        with opened_nodes(network) as nodes:
            found = torment(processes, nodes, kills=25, seed=2026, tell=said.append)
    finally:
        processes.stop()
    assert found.good, (found, said)
    assert sum(found.kills.values()) == 25
    assert set(found.kills) == {"engine", "both", "510107", "610113"}
    assert found.acknowledged > 50
