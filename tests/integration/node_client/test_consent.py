"""``tongban consent``: written down, shown, signed on the personal number or on paper before two witnesses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.services import catalogue, holders, materials
from ledger.wire.grants import read_granted
from node_client.pilot.catalogue import REPAYMENT, matter_id, matters
from tests.integration.node_client.stage import Stage
from tests.integration.services.custodians import second_witness
from tests.integration.services.test_materials import paper

PIN = "260117"
NODE = ("--node", "wuhou")


@pytest.fixture
def material(staged: Stage, tmp_path: Path) -> str:
    """A register in Wuhou, its subject's keys in custody."""
    wuhou = staged.cities.nodes["wuhou"]
    account = holders.custody_account(wuhou, holders.enrol(wuhou, PIN))
    handed = materials.submit(wuhou, "applicant-1", [replace(paper(tmp_path), accounts=(account,))])
    staged.cities.pump()
    return handed.materials[0]


@pytest.fixture
def case(staged: Stage, tmp_path: Path) -> str:
    """A case of Wuhou's own, opened for somebody in custody, whose number is in a file."""
    wuhou, consortium = staged.cities.nodes["wuhou"], staged.cities.network.addresses.consortium
    department = {"department": 1, "active": True, "name": "样本中心"}
    staged.cities.enqueue("wuhou", "department", Operation.SET_DEPARTMENTS, consortium, "operate", department)
    staged.cities.pump()
    catalogue.publish(wuhou, next(entry for entry in matters(1) if entry.code.id == matter_id(REPAYMENT)))
    staged.cities.pump()
    (tmp_path / "pin").touch(mode=0o600)
    (tmp_path / "pin").write_text(PIN)
    opened = staged.said(
        "case", "open", *NODE, "--matter", f"local:tongban:{REPAYMENT}", "--handling", "1", "--mode", "fully_online",
        "--person", holders.enrol(wuhou, PIN), "--pin-file", "pin", "--no-wait",
    )  # fmt: skip
    staged.cities.pump()
    assert staged.cities.outcome("wuhou", opened["intents"][0]) is Reason.OK
    return str(opened["case"])


def prepared(staged: Stage, case: str, *shown: str) -> dict[str, object]:
    return staged.said("consent", "prepare", *NODE, "--case", case, "--grantee", "1=2", "--to", "consent.json", *shown)


def test_a_consent_is_written_down_and_signed_on_the_personal_number(staged: Stage, material: str, case: str, tmp_path):
    written = prepared(staged, case, "--material", f"{material}=address,file.0")
    granted = read_granted((tmp_path / "consent.json").read_bytes())
    assert written["consent"] == granted.digest.hex()
    assert (granted.terms.case.hex(), granted.disclosed.fields(granted.terms.leaves[0])) == (
        case,
        ("address", "file.0"),
    )
    intent = staged.asked("consent", "grant", "consent.json", *NODE, "--pin-file", "pin")
    assert staged.cities.outcome("wuhou", intent) is Reason.OK
    (row,) = staged.said("consent", "list", *NODE, "--case", case)["consents"]
    assert row["consent"] == written["consent"]


def test_a_leaf_that_is_known_is_witnessed_at_the_window(staged: Stage, material: str, case: str, tmp_path):
    second_witness(staged.cities, tmp_path, "wuhou")
    leaf = holders.allot(staged.cities.nodes["wuhou"], material, 0, bytes.fromhex(case))
    prepared(staged, case, "--leaf", f"{leaf >> 32}:{leaf & 0xFFFFFFFF}=address")
    intent = staged.asked("consent", "witness", "consent.json", *NODE, "--to", "witnessed.json")
    assert staged.cities.outcome("wuhou", intent) is Reason.OK
    witnessed = read_granted((tmp_path / "witnessed.json").read_bytes())
    assert witnessed.attending == 1
    assert any(witnessed.paper)


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (("--grantee", "two"), "consent.form"),
        (("--material", "1c0f"), "consent.form"),
        (("--leaf", "1=address"), "consent.form"),
        (("--purpose", "gossip"), "case.purpose"),
    ],
)
def test_what_is_not_written_as_it_must_be_is_refused(staged: Stage, shown: tuple[str, str], code: str):
    common = ("consent", "prepare", *NODE, "--case", "11" * 32, "--to", "consent.json", "--grantee", "1=1")
    assert staged.refused(*common, *shown) == code
