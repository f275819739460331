"""The process that holds sender and engine is killed at seeded steps; what is left on disk goes on."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.chain.embedded.chain import Engine
from ledger.storage.database import open_database
from tests.integration.network import Network, config
from tests.integration.sending.node import digest, open_node
from tests.integration.sending.test_crashes import check, tell

_KILLS = 8
_ROOT = Path(__file__).parents[3]


@pytest.mark.serial
def test_killed_at_seeded_steps_with_the_engine(formed, tmp_path):
    folder, addresses = formed
    choose = random.Random(510_107)  # noqa: S311  # which steps, not a secret
    node = open_node(tmp_path / "node", folder, addresses)
    expected = tell(node)
    for number in range(30):
        node.anchor(f"more {number}")
        expected[digest(f"more {number}")] = 1
    node.close()
    kills = 0
    for life in range(_KILLS + 1):
        last = life == _KILLS
        with subprocess.Popen(
            [sys.executable, "-m", "tests.integration.sending.worker", str(node.folder), addresses.consortium,
             str(node.clock.now + 4_000 * life)],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for _ in range(choose.randrange(1, 60)):
                if not process.stdout.readline():
                    break
            else:
                if not last:
                    process.kill()
                    kills += 1
            process.communicate()
        assert not last or process.returncode == 0
    node.database = open_database(node.folder / "node.db")
    node.network = Network(Engine.open(config(node.folder / "chain" / "engine.db")), addresses)
    check(node, expected, others=30)
    node.close()
    assert kills > _KILLS // 2
