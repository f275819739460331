"""A node with an outbox, before a chain with contracts on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.storage.database import open_database
from ledger.storage.migrations import upgrade
from tests.integration.network import Addresses, form
from tests.integration.sending.node import Node, open_node


@pytest.fixture(scope="session")
def formed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Addresses]:
    """A folder with a closed engine, on which one city has formed its consortium, and that city's empty database."""
    folder = tmp_path_factory.mktemp("formed")
    network = form(folder / "engine.db", "wuhou")
    network.close()
    database = open_database(folder / "node.db")
    upgrade(database)
    database.close()
    return folder, network.addresses


@pytest.fixture
def make_node(formed: tuple[Path, Addresses], tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Makes nodes, each with a chain and a database of its own."""
    nodes: list[Node] = []

    def make(**options: bool) -> Node:
        folder, addresses = formed
        nodes.append(open_node(tmp_path / f"node{len(nodes)}", folder, addresses, **options))
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    """A node whose engine mines at once."""
    return make_node()
