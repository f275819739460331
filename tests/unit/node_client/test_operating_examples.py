"""The files that docs/operating.md shows are such as the commands take."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from ledger.domain.cases import Mode
from ledger.domain.catalogue import MatterCode
from tests.unit.node_client.commanding import Command

DOCS = Path(__file__).resolve().parents[3] / "docs" / "operating.md"


@pytest.fixture(name="shown")
def _shown() -> list[str]:
    return re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


def test_the_matter_that_is_shown_can_be_published(shown, tmp_path, monkeypatch, capsys):
    (tmp_path / "matter.toml").write_text(shown[0], encoding="utf-8")
    said = Command(tmp_path, monkeypatch, capsys)("catalogue", "check", "matter.toml")
    assert said.returncode == 0, said.stdout


def test_the_agreement_that_is_shown_names_that_matter_and_modes_that_there_are(shown):
    text = tomllib.loads(shown[1])
    assert set(text) == {"title", "parties", "matters", "notice_days"}
    assert list(text["matters"]) == [tomllib.loads(shown[0])["code"]]
    for code, modes in text["matters"].items():
        assert MatterCode(code).id
        assert all(Mode[mode.upper()] for mode in modes)
