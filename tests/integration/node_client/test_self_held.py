"""An applicant who holds the keys alone, by command from first to last: no city ever has a key of theirs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.domain import typed
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.services import catalogue, holders, papers
from ledger.wire.case_documents import read_case_document
from ledger.wire.consent_parts import read_consent_part
from ledger.wire.grants import read_granted
from node_client.pilot.catalogue import REPAYMENT, matter_id, matters
from node_client.seeds import open_seed
from tests.integration.node_client.stage import Stage

PASSPHRASE = "correct horse"
NODE = ("--node", "wuhou")
MATTER = f"local:tongban:{REPAYMENT}"
UNLOCK = ("--passphrase-file", "passphrase")


@pytest.fixture
def offering(staged: Stage, tmp_path: Path) -> Stage:
    """Wuhou decides a matter; two people have a seed each."""
    wuhou, consortium = staged.cities.nodes["wuhou"], staged.cities.network.addresses.consortium
    department = {"department": 1, "active": True, "name": "样本中心"}
    staged.cities.enqueue("wuhou", "department", Operation.SET_DEPARTMENTS, consortium, "operate", department)
    staged.cities.pump()
    catalogue.publish(wuhou, next(entry for entry in matters(1) if entry.code.id == matter_id(REPAYMENT)))
    staged.cities.pump()
    (tmp_path / "passphrase").touch(mode=0o600)
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    for name in ("my.seed", "other.seed"):
        assert staged.command("holder", "new", name, *UNLOCK, "--scrypt-n", "1024").returncode == 0
    return staged


def submission(staged: Stage, *more: str, seed: str = "my.seed") -> Path:
    """An application written by the window, not yet signed."""
    address = staged.said("holder", "case-key", seed, *UNLOCK, *NODE, "--at-once")["address"]
    staged.cities.pump()
    staged.said(
        "case", "open", *NODE, "--matter", MATTER, "--handling", "1", "--mode", "fully_online", "--case-key", address,
        "--words", "样本：申请办理", "--prepare", "open.json", *more,
    )  # fmt: skip
    return staged.folder / "open.json"


def done(staged: Stage, *arguments: str) -> str:
    """What a command asks for is carried out."""
    intent = staged.asked(*arguments)
    assert staged.cities.outcome("wuhou", intent) is Reason.OK, intent
    return intent


def opened(staged: Stage) -> str:
    submission(staged)
    case: str = staged.said("holder", "sign", "my.seed", "open.json", *UNLOCK, "--yes", "--to", "signed.json")["case"]
    done(staged, "case", "open", *NODE, "--document", "signed.json")
    return case


def acted(staged: Stage, step: str, case: str, *more: str) -> None:
    """An act of the applicant: written at the window, signed at home, filed at a window, the case not named again."""
    staged.said("case", step, case[:12], *NODE, "--prepare", "act.json", *more)
    staged.said("holder", "sign", "my.seed", "act.json", *UNLOCK, "--yes")
    done(staged, "case", step, *NODE, "--document", "act.signed.json")


def state(staged: Stage, case: str) -> str:
    return str(staged.said("case", "show", case, *NODE)["state"])


def test_from_the_seed_to_the_rating(offering: Stage, tmp_path: Path):
    staged = offering
    account = staged.said("holder", "show", "my.seed", *UNLOCK)["public"]
    (tmp_path / "register.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    (material,) = staged.said(
        "material", "submit", "register.pdf", *NODE, "--type", "household-register", "--account", account,
        "--issuer", "11510107MB00000001", "--issuer-name", "样本派出所", "--field", "address=样本路 1 号", "--no-wait",
    )["materials"]  # fmt: skip
    staged.cities.pump()
    staged.said("holder", "wallet", "my.seed", *UNLOCK, *NODE, "--add", f"{material}:0:0", "--at-once")
    staged.cities.pump()
    case = opened(staged)
    assert state(staged, case) == "submitted"
    # The consent, signed without any node, with the wallet as a file.
    leaf = staged.said("holder", "allot", "my.seed", material, *UNLOCK, *NODE, "--case", case, "--at-once")["leaf"]
    staged.cities.pump()
    staged.said("holder", "wallet", "my.seed", *UNLOCK, *NODE, "--save", "wallet.json")
    staged.said(
        "consent", "prepare", *NODE, "--case", case, "--leaf", f"{leaf}=address,file.0", "--grantee", "1=1", "--to",
        "consent.json",
    )  # fmt: skip
    assert staged.refused("holder", "sign", "my.seed", "consent.json", *UNLOCK, "--yes") == "holders.no_wallet"
    part = staged.said("holder", "sign", "my.seed", "consent.json", *UNLOCK, "--yes", "--wallet", "wallet.json")
    assert (part["signed"], part["others"]) == (1, 0)
    done(staged, "consent", "grant", "consent.signed.json", *NODE, "--to", "granted.json")
    assert len(read_granted((tmp_path / "granted.json").read_bytes()).signatures) == 1
    done(staged, "consent", "use", "granted.json", *NODE)
    # Corrections, the decision, and what the applicant thinks of it.
    done(staged, "case", "correct", case, *NODE, "--detail", "1", "--words", "请补充")
    acted(staged, "supply", case, "--words", "已补充")
    office = ("--department", "1", "--officer")
    for step, *more in (
        ("accept", *office, "1"), ("review",), ("grant", *office, "3"), ("close",),
    ):  # fmt: skip
        done(staged, "case", step, case, *NODE, *more)
    acted(staged, "sign-delivery", case, "--detail", "2")
    acted(staged, "rate", case, "--detail", "5")
    assert state(staged, case) == "rated"
    wuhou = staged.cities.nodes["wuhou"]
    papers.run_once(wuhou, wuhou.keys.open)
    found = staged.said("case", "papers", case, *NODE)["papers"]
    assert [each["kind"] for each in found][:3] == ["submission", "request-correction", "supply"]
    assert (found[0]["body"]["words"], found[2]["body"]["words"]) == ("样本：申请办理", "已补充")
    assert found[0]["body"]["shown"]["matter"]["code"] == MATTER
    told = staged.command("case", "papers", case, *NODE).stdout
    assert "Read and signed by the applicant" in told
    assert "请补充" in told


def test_a_withdrawal_and_what_cannot_be_filed(offering: Stage, tmp_path: Path):
    staged = offering
    submission(staged)
    unsigned = (tmp_path / "open.json").read_bytes()
    filing = ("case", "open", *NODE, "--document")
    assert staged.refused(*filing, "open.json") == "signing.unsigned"
    assert staged.refused("holder", "sign", "other.seed", "open.json", *UNLOCK, "--yes") == "signing.not_yours"
    case = staged.said("holder", "sign", "my.seed", "open.json", *UNLOCK, "--yes")["case"]
    signed = read_case_document((tmp_path / "open.signed.json").read_bytes())
    for name, document in {
        # Another seed's signature, another network's document, an altered one.
        "signing.signature": replace(signed, signature=typed.sign(signed.digest, bytes([1]) * 32)),
        "signing.other_chain": replace(signed, chain_id=1),
    }.items():
        (tmp_path / "wrong.json").write_bytes(document.encode())
        assert staged.refused(*filing, "wrong.json") == name
    (tmp_path / "wrong.json").write_bytes(replace(signed, shown=replace(signed.shown, words="别的")).encode())
    altered = staged.command(*filing, "wrong.json", "--json")
    assert (altered.returncode, json.loads(altered.stderr)["type"]) == (5, "/problems/signing.altered")
    assert staged.refused(*filing, "none.json") == "files.missing"
    assert staged.refused("case", "withdraw", *NODE, "--document", "open.signed.json") == "signing.other_act"
    # Another city files it: the paper travels with the document.
    intent = staged.asked("case", "open", "--node", "mianyang", "--document", "open.signed.json")
    assert staged.cities.outcome("mianyang", intent) is Reason.OK
    for place in ("mianyang", "wuhou"):
        assert (
            staged.refused("case", "open", "--node", place, "--document", "open.signed.json") == "signing.already_filed"
        )
    address = read_case_document(unsigned).case_key
    again = (
        "case",
        "open",
        *NODE,
        "--matter",
        MATTER,
        "--handling",
        "1",
        "--mode",
        "fully_online",
        "--prepare",
        "x.json",
    )
    assert staged.refused(*again, "--case-key", address) == "signing.key_used"
    assert staged.refused(*again, "--case-key", "0x12") == "signing.key"
    assert staged.refused(*again) == "signing.incomplete"
    assert staged.refused(*again, "--case-key", address, "--person", "3f") == "signing.one_way"
    # Two acts are written at one step: whichever comes second is past.
    rate = ("case", "rate", case, *NODE, "--prepare", "rate.json", "--detail")
    assert (staged.refused(*rate, "9"), staged.refused(*rate, "1")) == ("signing.detail", "signing.state")
    for name in ("first", "second"):
        staged.said("case", "withdraw", case, *NODE, "--prepare", f"{name}.json", "--words", name)
        staged.said("holder", "sign", "my.seed", f"{name}.json", *UNLOCK, "--yes")
    assert (
        staged.refused("case", "withdraw", "00" * 32, *NODE, "--document", "first.signed.json") == "signing.other_act"
    )
    done(staged, "case", "withdraw", case, *NODE, "--document", "first.signed.json")
    assert state(staged, case) == "withdrawn"
    assert staged.refused("case", "withdraw", *NODE, "--document", "first.signed.json") == "signing.already_filed"
    assert staged.refused("case", "withdraw", *NODE, "--document", "second.signed.json") == "signing.moved_on"
    assert staged.refused("case", "withdraw", *NODE) == "signing.incomplete"
    assert staged.refused("case", "supply", case, *NODE, "--prepare", "x", "--window") == "signing.one_way"


def test_several_holders_sign_one_consent_each_for_their_own(offering: Stage, tmp_path: Path):
    staged = offering
    accounts = [staged.said("holder", "show", name, *UNLOCK)["public"] for name in ("my.seed", "other.seed")]
    (tmp_path / "register.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    (material,) = staged.said(
        "material", "submit", "register.pdf", *NODE, "--type", "marriage-certificate", "--account", accounts[0],
        "--account", accounts[1], "--issuer", "11510107MB00000001", "--issuer-name", "样本民政局",
        "--field", "certificate_number=SAMPLE-1", "--no-wait",
    )["materials"]  # fmt: skip
    staged.cities.pump()
    case = opened(staged)
    leaves = []
    for subject, name in enumerate(("my.seed", "other.seed")):
        staged.said("holder", "wallet", name, *UNLOCK, *NODE, "--add", f"{material}:{subject}:0", "--at-once")
        staged.cities.pump()
        said = staged.said(
            "holder", "allot", name, f"{material}:{subject}", *UNLOCK, *NODE, "--case", case, "--at-once"
        )
        staged.cities.pump()
        leaves += ["--leaf", f"{said['leaf']}=certificate_number"]
    staged.said("consent", "prepare", *NODE, "--case", case, "--grantee", "1=1", "--to", "consent.json", *leaves)
    for name in ("my", "other"):
        said = staged.said(
            "holder", "sign", f"{name}.seed", "consent.json", *UNLOCK, *NODE, "--yes", "--to", f"{name}.json"
        )
        assert (said["signed"], said["others"]) == (1, 1)
    shown = staged.command("holder", "sign", "my.seed", "consent.json", *UNLOCK, *NODE, "--to", "x.json", typed="n\n")
    assert "1 material is other people's" in shown.stderr
    about = next(entry.en for entry in matters(1) if entry.code.text == MATTER)
    assert f"{about}  {case}" in " ".join(shown.stderr.splitlines())
    grant = ("consent", "grant", *NODE)
    assert staged.refused(*grant, "my.json") == "consents.parts_missing"
    assert staged.refused(*grant, "consent.json") == "consents.parts_missing"
    # The same terms written once more are another consent.
    staged.said("consent", "prepare", *NODE, "--case", case, "--grantee", "1=1", "--to", "later.json", *leaves)
    staged.said("holder", "sign", "other.seed", "later.json", *UNLOCK, *NODE, "--yes", "--to", "later.signed.json")
    assert staged.refused(*grant, "my.json", "later.signed.json") == "consents.parts_differ"
    part = read_consent_part((tmp_path / "my.json").read_bytes())
    forged = replace(part, leaves=(replace(part.leaves[0], signature=bytes([1]) * 64 + b"\x1b"),))
    (tmp_path / "forged.json").write_bytes(forged.encode())
    assert staged.refused(*grant, "forged.json", "other.json").startswith(("consents.", "typed."))
    # Another's wallet and one's own seed make a leaf that nobody anchored.
    staged.said("holder", "wallet", "other.seed", *UNLOCK, *NODE, "--save", "wallet.json")
    sign = (
        "holder",
        "sign",
        "my.seed",
        "consent.json",
        *UNLOCK,
        "--yes",
        "--wallet",
        "wallet.json",
        "--to",
        "mixed.json",
    )
    assert staged.said(*sign)["signed"] == 1
    assert staged.refused(*grant, "mixed.json", "my.json") == "consents.part_leaf"
    # Relayed where neither leaf is: the parts carry what the contract wants to see.
    intent = staged.asked("consent", "grant", "my.json", "other.json", "--node", "mianyang", "--to", "granted.json")
    assert staged.cities.outcome("mianyang", intent) is Reason.OK
    granted = read_granted((tmp_path / "granted.json").read_bytes())
    assert len(granted.signatures) == 2
    seed = open_seed(tmp_path / "my.seed", PASSPHRASE).seed()
    mine = holders.leaf_key(seed, 0, 0)
    assert any(typed.sign(granted.digest, mine) == signature for signature in granted.signatures)


def test_cases_are_listed_and_more_are_not_hidden(offering: Stage):
    cases = [opened(offering) for _ in range(2)]
    listed = offering.said("case", "list", *NODE)
    assert ({row["case"] for row in listed["cases"]}, listed["more"]) == (set(cases), False)
    assert all(row["matter"] == MATTER for row in listed["cases"])
    first = offering.said("case", "list", *NODE, "--limit", "1")
    assert (len(first["cases"]), first["more"]) == (1, True)
    shown = " ".join(offering.command("case", "list", *NODE, "--limit", "1").stdout.split())
    assert "more than these 1" in shown
    # By the name that its city gives it, as a clerk knows it.
    assert next(entry.en for entry in matters(1) if entry.code.text == MATTER).split()[0] in shown
    assert MATTER not in shown
