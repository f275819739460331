"""``tongban catalogue``: every fault of every file in its place, and nothing published while one is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.domain.reasons import Reason
from node_client.pilot.catalogue import matters
from tests.integration.node_client.stage import Stage
from tests.unit.node_client.commanding import Command

DOCUMENTS = [one.document() for one in matters(1)]


def write(folder: Path, name: str, document: object) -> None:
    folder.mkdir(exist_ok=True)
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False, indent=2)
    (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def command(tmp_path, monkeypatch, capsys) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def faults(command: Command, name: str = "matters") -> dict[str, list[tuple[str, str]]]:
    found = command("catalogue", "check", name, "--json")
    document = json.loads(found.stdout)
    assert found.returncode == (0 if document["good"] else 2)
    return {one["file"]: [(fault["place"], fault["error"]) for fault in one["faults"]] for one in document["files"]}


def test_every_fault_of_every_file_is_listed_with_its_place(command, tmp_path):
    folder = tmp_path / "matters"
    write(folder, "1.json", DOCUMENTS[0])
    write(folder, "2.json", {**DOCUMENTS[1], "department": 0, "limit_basis": "《行政许可法》"})
    write(folder, "3.toml", 'format = "tongban-matter/1"\ncode = [\n"a",\n')
    write(folder, "4.json", '{\n  "format": "tongban-matter/1",\n  "名称": 数\n}')
    write(folder, "5.json", DOCUMENTS[0])
    write(folder, "6.json", '{"format": 1, "format": 2}')
    (folder / "7.json").write_bytes('{\n"名": "'.encode() + b'\xff"}')
    (folder / "8.toml").write_bytes('# 名\nx = "'.encode() + b'\xff"')
    (folder / "notes.txt").write_text("not looked at")
    found = faults(command)
    assert found["1.json"] == []
    assert found["2.json"] == [
        ("department", "catalogue.matter_incomplete"),
        ("limit_basis", "catalogue.element_kind"),
    ]
    assert [code for _, code in found["3.toml"]] == ["catalogue.unreadable"]
    assert found["4.json"] == [("3:9", "catalogue.unreadable")]
    assert found["5.json"] == [("code", "catalogue.twice")]
    assert found["6.json"] == [("", "canonical.duplicate_key")]
    assert found["7.json"] == [("2:7", "catalogue.unreadable")]
    assert found["8.toml"] == [("2:6", "catalogue.unreadable")]
    assert len(found) == 8


def test_a_syntax_error_of_toml_names_its_line(command, tmp_path):
    write(tmp_path / "matters", "1.toml", 'format = "tongban-matter/1"\ncode = = 3\n')
    assert faults(command)["1.toml"] == [("2:8", "catalogue.unreadable")]


def test_people_read_the_code_and_names_with_brackets_as_they_are(command, tmp_path):
    write(tmp_path / "matters", "[red]1[b].json", {**DOCUMENTS[0], "department": 0})
    write(tmp_path / "matters", "2.json", {**DOCUMENTS[1], "name": {"zh": "公积金[样本]", "en": "Fund [sample]"}})
    said = command("catalogue", "check", "matters")
    assert said.returncode == 2
    assert "[catalogue.matter_incomplete]" in said.stdout
    assert "[red]1[b].json" in said.stdout
    assert "Fund [sample]" in said.stdout


def test_a_folder_without_matters_is_said_so(command, tmp_path):
    (tmp_path / "matters").mkdir()
    for name in ("matters", "none"):
        found = command("catalogue", "check", name, "--json")
        assert (found.returncode, json.loads(found.stderr)["code"]) == (2, "catalogue.no_files")


def test_matters_are_published_all_or_none_and_shown(staged: Stage):
    write(staged.folder / "matters", "1.json", DOCUMENTS[0])
    write(staged.folder / "matters", "2.json", {**DOCUMENTS[1], "department": 0})
    found = staged.command("catalogue", "import", "matters", "--node", "wuhou", "--json", "--no-wait")
    assert found.returncode == 2
    assert json.loads(found.stdout)["good"] is False
    staged.cities.pump()
    assert staged.said("catalogue", "show", "--node", "wuhou")["matters"] == []
    write(staged.folder / "matters", "2.json", DOCUMENTS[1])
    for _ in range(2):
        asked = staged.said("catalogue", "import", "matters", "--node", "wuhou", "--no-wait")["intents"]
        staged.cities.pump()
        assert [staged.cities.outcome("wuhou", name) for name in asked] == [Reason.OK, Reason.OK]
    shown = staged.said("catalogue", "show", "--node", "mianyang", "--member", "1")["matters"]
    assert {(one["code"], one["version"]) for one in shown} == {(one["code"], 1) for one in DOCUMENTS[:2]}
    # The documents are fetched from who published them; here nobody answers, and what the chain has is shown.
    assert [one["name"] for one in shown] == [None, None]
    here = staged.said("catalogue", "show", "--node", "wuhou")["matters"]
    assert {one["code"]: one["name"] for one in here} == {one["code"]: one["name"] for one in DOCUMENTS[:2]}
    about = ("catalogue", "delegate", str(DOCUMENTS[0]["code"]), "3", "--words", "委托书", "--node", "wuhou")
    staged.asked(*about, "--until", "2099-12-31")
    (given,) = staged.said("catalogue", "show", "--node", "mianyang", "--member", "1")["matters"][0]["delegations"]
    assert given["member"] == 3
    assert "until 2099-12-31" in staged.command("catalogue", "show", "--node", "wuhou").stdout
    staged.asked(*about, "--end")
    assert staged.said("catalogue", "show", "--node", "wuhou")["matters"][0]["delegations"] == []
    whole = staged.said("catalogue", "show", str(DOCUMENTS[0]["code"]), "--node", "wuhou")
    assert whole == {**DOCUMENTS[0], "version": 1, "member": 1}
    assert staged.refused("catalogue", "show", "local:none", "--node", "wuhou") == "catalogue.not_offered"
