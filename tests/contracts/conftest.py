"""The consortium is formed once in a run; each test works on a copy of that state, which costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contracts.world import World, found

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def founded() -> World:
    """The consortium formed; do not send on it but through ``world``, or go back to a snapshot afterwards."""
    return found()


@pytest.fixture
def world(founded: World) -> Iterator[World]:
    """The consortium formed, given back as it was."""
    snapshot = founded.chain.snapshot()
    contracts = dict(founded.contracts)
    yield founded
    founded.chain.revert(snapshot)
    founded.contracts = contracts
