"""The cities and the command for every test here that wants them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.node_client.stage import Stage, stage
from tests.unit.node_client.commanding import Command


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Stage]:
    with stage(tmp_path, Command(tmp_path, monkeypatch, capsys)) as found:
        yield found
