"""Engines for tests: one per test, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ledger.chain.embedded.chain import Engine
from tests.unit.chain.embedded.bench import Wall, Workbench, config

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def bench(wall: Wall) -> Iterator[Workbench]:
    engine = Engine.open(config(adjustable_clock=True), wall=wall)
    made = Workbench(engine, wall)
    made.deploy()
    yield made
    engine.close()
