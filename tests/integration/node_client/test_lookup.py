"""``tongban case lookup``: a person at Mianyang's window asks what Wuhou keeps, and the command shows it all the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.node_client.stage import Stage
from tests.integration.services.custodians import second_witness
from tests.integration.services.test_lookups import PERSON, keep, settle

NODE = ("--node", "mianyang")


@pytest.fixture
def window(staged: Stage, tmp_path: Path) -> Stage:
    """Mianyang's window with a second clerk, the person's papers in Wuhou, and what the person brings."""
    second_witness(staged.cities, tmp_path, "mianyang")
    (tmp_path / "authorisation.pdf").write_bytes(b"%PDF-1.7 signed\n%%EOF\n")
    identity = tmp_path / "person.json"
    identity.write_text(json.dumps({"kind": PERSON.kind, "number": PERSON.number, "name": PERSON.name}))
    identity.chmod(0o600)
    return staged


def asked(window: Stage) -> str:
    found = window.said(
        "case", "lookup", "ask", *NODE, "--city", "1", "--paper", "authorisation.pdf", "--identity-file", "person.json",
        "--type", "household-register", "--no-wait",
    )  # fmt: skip
    (lookup,) = found["lookups"]
    return str(lookup)


def test_a_look_up_is_asked_followed_and_read_and_stands_in_the_trace(window: Stage, tmp_path: Path):
    material = keep(window.cities, tmp_path)
    lookup = asked(window)
    (row,) = window.said("case", "lookup", "list", *NODE)["lookups"]
    assert (row["lookup"], row["asked"], row["purpose"], row["state"]) == (lookup, 1, "handle", "waiting")
    assert window.refused("case", "lookup", "show", lookup, *NODE) == "lookups.no_answer"
    settle(window.cities)
    assert window.said("case", "lookup", "list", *NODE)["lookups"][0]["state"] == "here"
    shown = window.said("case", "lookup", "show", lookup, *NODE)
    (found,) = shown["materials"]
    assert (found["material"], found["type"], len(found["leaves"])) == (material, "household-register", 1)
    # Everybody sees that Mianyang asked Wuhou and was answered; nobody is named.
    for city in ("mianyang", "yuzhong"):
        traced = window.said("trace", f"lookup:{lookup}", "--node", city)
        assert [line["kind"] for line in traced["lines"]] == ["lookup_asked", "lookup_answered"]
        assert PERSON.number not in json.dumps(traced)


def test_who_is_not_there_is_answered_with_nothing(window: Stage):
    lookup = asked(window)
    settle(window.cities)
    shown = window.said("case", "lookup", "show", lookup, *NODE)
    assert (shown["refused"], shown["materials"]) == ("", [])


def test_an_identity_is_read_from_a_private_file_or_asked_for(window: Stage, tmp_path: Path):
    common = ("case", "lookup", "ask", *NODE, "--city", "1", "--paper", "authorisation.pdf")
    (tmp_path / "person.json").chmod(0o644)
    assert window.refused(*common, "--identity-file", "person.json") == "persons.file_open"
    (tmp_path / "person.json").chmod(0o600)
    for content in (
        "[]",
        '{"kind": "resident-card"}',
        '{"kind": "resident-card", "number": 1, "name": "x"}',
        "not JSON",
    ):
        (tmp_path / "person.json").write_text(content)
        assert window.refused(*common, "--identity-file", "person.json") == "persons.file"
    assert window.refused(*common, "--identity-file", "none.json") == "files.missing"
    assert window.refused(*common, "--identity-file", "person.json", "--purpose", "gossip") == "case.purpose"
