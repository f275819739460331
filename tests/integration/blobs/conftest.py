from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.kubo import Kubo, find_kubo, start_kubo


@pytest.fixture(scope="session")
def kubo_binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return find_kubo(tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="module")
def kubo(kubo_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubo]:
    node = start_kubo(kubo_binary, tmp_path_factory.mktemp("kubo"))
    yield node
    node.stop()


@pytest.fixture(scope="module")
def other_kubo(kubo_binary: Path, kubo: Kubo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubo]:
    node = start_kubo(kubo_binary, tmp_path_factory.mktemp("other"))
    node.run("swarm", "connect", kubo.address())
    yield node
    node.stop()
