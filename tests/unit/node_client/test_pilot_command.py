"""What is mistyped in the pilot's command is said before anything is made or deleted."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from ledger.errors import LedgerError, SetupError
from node_client.holding import hold
from node_client.pilot import command, telling
from node_client.pilot.record import Expectation


def refused(*arguments: str) -> LedgerError:
    """Run the command, which must refuse."""
    found = CliRunner().invoke(command.app, list(arguments))
    assert isinstance(found.exception, LedgerError), (found.exception, found.output)
    return found.exception


def test_nothing_is_made_for_options_that_cannot_be(tmp_path: Path):
    data = tmp_path / "data"
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    wanted = {
        "pilot.no_files": ["--files", str(tmp_path / "empty")],
        "pilot.json": ["--json", str(tmp_path / "missing" / "result.json")],
        "pilot.folder": ["--data", str(tmp_path / "file" / "data")],
        "networks.exists": ["--data", str(tmp_path)],
    }
    for code, arguments in wanted.items():
        given = arguments if "--data" in arguments else [*arguments, "--data", str(data)]
        assert refused(*given).code == code
    assert refused("--json", str(tmp_path / "empty"), "--data", str(data)).code == "pilot.json"
    assert not data.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file"]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_reset_deletes_nothing_but_a_pilots_data(tmp_path: Path, what: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "letter.txt").write_text("keep")
    (tmp_path / "file").write_text("keep")
    assert refused("--reset", "--data", str(tmp_path / what)).code == "pilot.not_a_pilot"
    assert (tmp_path / "file").read_text() == "keep"
    assert (tmp_path / "folder" / "letter.txt").read_text() == "keep"


def test_reset_deletes_nothing_that_is_in_use(tmp_path: Path):
    (tmp_path / "network.toml").write_text("")
    held = hold(tmp_path)
    try:
        with pytest.raises(SetupError, match=r"processes\.held"):
            command._clear(tmp_path)
    finally:
        held.release()
    assert (tmp_path / "network.toml").exists()


def test_every_result_is_told_in_both_languages():
    path = Path(telling.__file__).parent / "expectations.toml"
    for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
        assert set(entry) == {"zh", "en"}, name
    console = Console(record=True, width=200, force_terminal=False)
    telling.tell(console, Expectation(6, "other-city", "not_a_grantee", "ok"), "en")
    telling.tell(console, Expectation(6, "other-city", "not_a_grantee", "not_a_grantee"), "zh")
    assert console.export_text() == (
        "  ✘ a consent used by another city is refused  other-city = ok  (expected not_a_grantee)\n"
        "  ✔ 授权被其他城市使用被拒绝  other-city = not_a_grantee\n"
    )
