"""``tongban consent``: written down, shown, signed on the personal number or on paper before two witnesses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.domain.files import digests_of
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.services import catalogue, holders, materials, papers, received, receiving
from ledger.services.needs import needs
from ledger.wire.grants import read_granted
from ledger.wire.receipts import read_receipt
from ledger.wire.verification import verify_receipt
from node_client.pilot.catalogue import LOAN, REPAYMENT, matter_id, matters
from tests.integration.node_client.stage import Stage
from tests.integration.services.custodians import second_witness
from tests.integration.services.test_materials import CONTENT, paper
from tests.integration.services.test_receipts import age, published
from tests.unit.log.network import network_policy

PIN = "260117"
NODE = ("--node", "wuhou")


@pytest.fixture
def material(staged: Stage, tmp_path: Path) -> str:
    """A register in Wuhou, its subject's keys in custody."""
    wuhou = staged.cities.nodes["wuhou"]
    account = holders.custody_account(wuhou, holders.enrol(wuhou, PIN))
    handed = materials.submit(wuhou, "a1" * 16, [replace(paper(tmp_path), accounts=(account,))])
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


@pytest.mark.usefixtures("case")
def test_a_part_of_a_joint_case_has_the_joint_cases_key(staged: Stage):
    common = (
        *NODE,
        "--matter",
        f"local:tongban:{REPAYMENT}",
        "--handling",
        "1",
        "--mode",
        "joint",
        "--pin-file",
        "pin",
    )
    wuhou = staged.cities.nodes["wuhou"]
    whole = staged.said("case", "open", *common, "--person", holders.enrol(wuhou, PIN), "--no-wait")
    staged.cities.pump()
    assert staged.cities.outcome("wuhou", whole["intents"][0]) is Reason.OK
    part = staged.said("case", "open", *common, "--parent", str(whole["case"])[:12], "--no-wait")
    staged.cities.pump()
    assert staged.cities.outcome("wuhou", part["intents"][0]) is Reason.OK
    assert staged.refused("case", "open", *common) == "signing.incomplete"


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


def test_a_consent_is_taken_back_on_the_number_or_at_a_window(staged: Stage, material: str, case: str, tmp_path):
    second_witness(staged.cities, tmp_path, "mianyang")
    for place, how in (
        ("wuhou", ("--pin-file", "pin")),
        ("mianyang", ("--window",)),
    ):
        other = holders.allot(staged.cities.nodes["wuhou"], material, 0, place.encode().ljust(32))
        prepared(staged, case, "--leaf", f"{other >> 32}:{other & 0xFFFFFFFF}=address")
        staged.asked("consent", "grant", "consent.json", *NODE, "--pin-file", "pin")
        intent = staged.asked("consent", "revoke", "consent.json", "--node", place, *how)
        assert staged.cities.outcome(place, intent) is Reason.OK
    rows = staged.said("consent", "list", *NODE, "--case", case)["consents"]
    assert [bool(row["revoked_at"]) for row in rows] == [True, True]


def fetched(staged: Stage) -> None:
    """The daemons work, and the reader fetches what its uses let it read."""
    staged.cities.pump()
    wuhou = staged.cities.nodes["wuhou"]
    receiving.run_once(wuhou, wuhou.keys.open)


def test_what_a_consent_lets_be_read_is_used_opened_shown_and_erased(staged: Stage, material: str, case: str, tmp_path):
    prepared(staged, case, "--material", f"{material}=address,file.0")
    staged.asked("consent", "grant", "consent.json", *NODE, "--pin-file", "pin", "--to", "signed.json")
    intent = staged.asked("consent", "use", "signed.json", *NODE)
    assert staged.cities.outcome("wuhou", intent) is Reason.OK
    assert staged.said("material", "received", *NODE)["received"] == []
    fetched(staged)
    (row,) = staged.said("material", "received", *NODE, "--case", case)["received"]
    assert (row["use"], row["case"], row["type"], row["state"]) == (1, case, "household-register", "here")
    written = staged.said("material", "open", "use:1", *NODE, "--to", "papers")["files"]
    fields, register = (tmp_path / name for name in written)
    assert json.loads(fields.read_bytes())["address"] == "样本路 1 号"
    assert (register.suffix, register.read_bytes(), register.stat().st_mode & 0o777) == (".pdf", CONTENT, 0o600)
    age(staged.cities)
    wuhou = staged.cities.nodes["wuhou"]
    published(wuhou, wuhou.log_folder)
    staged.said("material", "receipt", "use:1", *NODE, "--to", "receipt.json")
    receipt = read_receipt((tmp_path / "receipt.json").read_bytes())
    assert receipt.use is not None
    verdict = verify_receipt(receipt, network_policy(), [digests_of([CONTENT])], now=wuhou.clock())
    assert verdict.good, verdict
    for what in (("open", "use:7", "--to", "papers"), ("receipt", "use:7", "--to", "x.json")):
        assert staged.refused("material", *what, *NODE) == "releases.not_received"
    assert staged.refused("material", "open", "seven", *NODE, "--to", "papers") == "tracing.identifier"
    erased = staged.asked("material", "erase", "use:1", *NODE, "--basis", "purpose_ended")
    assert staged.cities.outcome("wuhou", erased) is Reason.OK
    assert received.destroy_once(wuhou) == 1
    assert staged.said("material", "received", *NODE)["received"][0]["state"] == "erased"
    assert staged.refused("material", "open", "use:1", row["leaf"], *NODE, "--to", "papers") == "releases.erased"


def test_a_statutory_duty_is_named_and_told(staged: Stage, material: str, case: str):
    with staged.cities.nodes["wuhou"].database.read() as connection:
        leaf = materials.leaves_of(connection, material, 0)[0]
    place = f"{leaf >> 32}:{leaf & 0xFFFFFFFF}"
    common = (
        "consent",
        "duty",
        *NODE,
        "--case",
        case,
        "--leaf",
        f"{place}=address",
        "--provision",
        "《样本条例》第一条",
    )
    intent = staged.asked(*common, "--notice", "当面告知")
    assert staged.cities.outcome("wuhou", intent) is Reason.OK
    fetched(staged)
    (row,) = staged.said("material", "received", *NODE)["received"]
    assert (row["use"], row["leaf"]) == (1, place)
    assert [one["basis"] for one in staged.said("consent", "feed", material, *NODE)["readings"]] == [2]
    assert staged.refused(*common, "--notice", " ") == "consents.notice"
    assert staged.refused(*common, "--notice", "当面告知", "--lookup", "11" * 32) == "lookups.not_found"


def test_the_second_witness_may_be_another_citys_by_video(staged: Stage, material: str, case: str, tmp_path):
    # Wuhou's window has one clerk.
    prepared(staged, case, "--material", f"{material}=address")
    assert staged.refused("consent", "witness", "consent.json", *NODE) == "keys.no_seat"
    staged.said("consent", "witness", "consent.json", *NODE, "--only-write", "--to", "window.json")
    assert staged.refused("consent", "attest", "window.json", *NODE, "--to", "second.json") == "consent.attest"
    assert staged.refused("consent", "attest", "consent.json", "--node", "yuzhong", "--to", "x") == "consent.attest"
    staged.said("consent", "attest", "window.json", "--node", "yuzhong", "--to", "second.json")
    intent = staged.asked("consent", "witness", "window.json", *NODE, "--second", "second.json")
    assert staged.cities.outcome("wuhou", intent) is Reason.OK
    (tmp_path / "second.json").write_text("{}")
    for file, code in (("second.json", "consent.second"), ("none.json", "files.missing")):
        assert staged.refused("consent", "witness", "window.json", *NODE, "--second", file) == code
    assert staged.refused("consent", "witness", "window.json", *NODE, "--only-write") == "consent.form"


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (("--grantee", "two"), "consent.form"),
        (("--material", "1c0f"), "consent.form"),
        (("--leaf", "1:1"), "consent.form"),
        (("--leaf", "1=address"), "leaves.place"),
        (("--purpose", "gossip"), "case.purpose"),
    ],
)
def test_what_is_not_written_as_it_must_be_is_refused(staged: Stage, shown: tuple[str, str], code: str):
    common = ("consent", "prepare", *NODE, "--case", "11" * 32, "--to", "consent.json", "--grantee", "1=1")
    assert staged.refused(*common, *shown) == code


def test_a_clerk_reads_what_was_sealed_to_the_city(staged: Stage, case: str):
    wuhou = staged.cities.nodes["wuhou"]
    assert staged.said("case", "papers", case[:12], *NODE) == {"papers": []}
    asked = staged.asked("case", "correct", case, *NODE, "--detail", "1", "--words", "请补充[样本]一份")
    assert staged.intent("wuhou", asked).state == "done"
    assert papers.run_once(wuhou, wuhou.keys.open).done == 2
    submission, notice = staged.said("case", "papers", case, *NODE)["papers"]
    assert submission["kind"] == "submission"
    assert (notice["kind"], notice["body"]) == ("request-correction", {"words": "请补充[样本]一份"})
    shown = staged.command("case", "papers", case, *NODE).stdout
    assert "请补充[样本]一份" in shown
    assert "request corrections" in shown


def test_what_no_paper_states_and_who_is_no_member_is_refused_before_anybody_signs(
    staged: Stage, material: str, case: str
):
    common = ("consent", "prepare", *NODE, "--case", case, "--to", "consent.json")
    for field in ("salary", "file.7", "household_type"):
        shown = ("--material", f"{material}=address,{field}")
        assert staged.refused(*common, "--grantee", "1=1", *shown) == "materials.unknown_field"
    shown = ("--material", f"{material}=address")
    found = staged.command(*common, "--grantee", "77=1", *shown)
    assert found.returncode == 2
    assert "There is no such member" in found.stderr
    staged.asked("material", "revoke", material, *NODE, "--cause", "replaced", "--words", "样本")
    said = staged.command(*common, "--grantee", "1=1", *shown)
    assert "This material has been revoked: replaced." in said.stderr


def test_a_field_that_the_paper_does_not_state_takes_no_other_with_it(staged: Stage, material: str, case: str):
    wuhou = staged.cities.nodes["wuhou"]
    leaf = holders.allot(wuhou, material, 0, bytes.fromhex(case))
    prepared(staged, case, "--leaf", f"{leaf >> 32}:{leaf & 0xFFFFFFFF}=address,household_type,file.0")
    staged.asked("consent", "grant", "consent.json", *NODE, "--pin-file", "pin", "--to", "signed.json")
    used = staged.asked("consent", "use", "signed.json", *NODE)
    assert staged.cities.outcome("wuhou", used) is Reason.OK
    receiving.run_once(wuhou, wuhou.keys.open)
    (row,) = staged.said("material", "received", *NODE)["received"]
    staged.said("material", "open", f"use:{row['use']}", *NODE, "--to", "opened")
    fields = json.loads((staged.folder / "opened/fields.json").read_bytes())
    assert fields["address"] == "样本路 1 号"
    assert "household_type" not in fields


def test_a_case_is_named_although_nobody_waits_and_what_others_wrote_is_shown_without_escapes(staged: Stage, case: str):
    opened = staged.command(
        "case", "record", case, "notice_given", *NODE, "--words", "样本\x1b[2J\u202e说明", "--no-wait"
    )
    assert opened.returncode == 0
    staged.cities.pump()
    papers.run_once(staged.cities.nodes["wuhou"], staged.cities.nodes["wuhou"].keys.open)
    shown = staged.command("case", "papers", case, *NODE).stdout
    assert "notice given" in shown
    assert "words: 样本\ufffd[2J\ufffd说明" in shown


def test_what_is_needed_is_there_only_while_it_holds_and_for_each_person(staged: Stage, material: str, tmp_path: Path):
    wuhou = staged.cities.nodes["wuhou"]
    entry = next(one for one in matters(1) if one.code.id == matter_id(LOAN))

    def missing(*, later: int = 0) -> set[str]:
        with wuhou.database.read() as connection:
            found = needs(connection, entry, ["a1" * 16], now=wuhou.clock() + later)
        return {one.requirement.key for one in found if not one.served_by}

    def card(**more: object) -> str:
        account = holders.custody_account(wuhou, holders.enrol(wuhou, PIN))
        one = replace(paper(tmp_path), type_code="identity-card", fields={}, accounts=(account,), **more)
        (name,) = materials.submit(wuhou, "a1" * 16, [one]).materials
        staged.cities.pump()
        return name

    people = {"identity", "identity-spouse"}
    assert missing() & {*people, "household"} == people
    card()
    assert missing() & people == {"identity-spouse"}
    card(expires_at=wuhou.clock() + 86_400)
    assert missing() & people == set()
    assert missing(later=90_000) & people == {"identity-spouse"}
    staged.asked("material", "revoke", material, *NODE, "--cause", "replaced", "--words", "样本")
    assert "household" in missing()
