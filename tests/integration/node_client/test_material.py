"""``tongban material`` on a city's own node: more leaves for a paper that nobody hands in again."""

from __future__ import annotations

import json
from dataclasses import replace

from sqlalchemy import select, update

from ledger.domain.limits import LIMITS
from ledger.services import holders, materials, persons
from ledger.storage.tables.drafts import material_drafts
from ledger.storage.tables.materials import material_leaves
from ledger.wire.traces import china_time
from tests.integration.node_client.stage import Stage
from tests.integration.services.test_lookups import PERSON, STRANGER
from tests.integration.services.test_materials import paper

PIN = "260117"
EACH = LIMITS.leaves_per_subject


def handed_in(staged: Stage, folder) -> str:
    wuhou = staged.cities.nodes["wuhou"]
    account = holders.custody_account(wuhou, holders.enrol(wuhou, PIN))
    handed = materials.submit(wuhou, "a1" * 16, [replace(paper(folder), accounts=(account,))])
    staged.cities.pump()
    return handed.materials[0]


def test_more_leaves_are_anchored_on_command(staged: Stage, tmp_path):
    material = handed_in(staged, tmp_path)
    node = ("--node", "wuhou")
    assert staged.said("material", "show", material, *node)["fresh"] == [EACH]
    asked = staged.said("material", "renew", material, *node, "--no-wait")
    assert asked == {"material": material, "queued": True, "fresh": [EACH]}
    assert staged.said("material", "renew", material, *node, "--no-wait")["queued"] is False
    staged.cities.pump()
    shown = staged.said("material", "show", material, *node)
    assert (shown["fresh"], len(shown["leaves"])) == ([2 * EACH], 2 * EACH)


def test_what_cannot_be_renewed_says_why(staged: Stage, tmp_path):
    material = handed_in(staged, tmp_path)
    staged.asked("material", "revoke", material, "--node", "wuhou", "--cause", "holder_asked", "--words", "样本")
    assert staged.refused("material", "renew", material, "--node", "wuhou") == "materials.revoked"
    assert staged.refused("material", "renew", "none", "--node", "wuhou") == "materials.not_found"


def test_whoever_comes_again_with_the_same_document_is_the_same_applicant(staged: Stage, tmp_path):
    wuhou = staged.cities.nodes["wuhou"]
    (tmp_path / "register.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    person = tmp_path / "person.json"
    person.touch(mode=0o600)
    keeper = holders.enrol(wuhou, PIN)

    def submitted(*who: str) -> str:
        return str(
            staged.said(
                "material", "submit", "register.pdf", "--node", "wuhou", "--type", "household-register", "--person", keeper,
                "--issuer", "11510107MB00000001", "--issuer-name", "样本派出所", "--no-wait", *who,
            )["applicant"]
        )  # fmt: skip

    person.write_text(json.dumps({"kind": PERSON.kind, "number": PERSON.number, "name": PERSON.name}))
    first = submitted("--identity-file", "person.json")
    person.write_text(json.dumps({"kind": PERSON.kind, "number": f" {PERSON.number} ", "name": PERSON.name}))
    assert submitted("--identity-file", "person.json") == first == persons.find(wuhou, wuhou.keys.open, PERSON)
    person.write_text(json.dumps({"kind": STRANGER.kind, "number": STRANGER.number, "name": STRANGER.name}))
    assert first not in {submitted("--identity-file", "person.json"), submitted()}
    both = ("--identity-file", "person.json", "--applicant", first)
    common = ("material", "submit", "register.pdf", "--node", "wuhou", "--person", keeper)
    assert staged.refused(*common, *both) == "material.who"


def test_a_clerk_sees_which_is_which_and_what_became_of_each(staged: Stage, tmp_path):
    wuhou = staged.cities.nodes["wuhou"]
    keeper, node = holders.enrol(wuhou, PIN), ("--node", "wuhou")
    for name in ("register.pdf", "contract.pdf"):
        (tmp_path / name).write_bytes(b"%PDF-1.7\n%%EOF\n" + name.encode())
    (tmp_path / "list.csv").write_text(
        "material,file,type,issuer_code,issuer_name\n"
        "hk,register.pdf,household-register,11510107MB00000001,样本派出所\n"
        "gh,contract.pdf,purchase-contract,11510107MB00000001,样本房管局\n"
    )
    submitting = ("material", "submit", ".", *node, "--manifest", "list.csv", "--person", keeper, "--no-wait")
    said = staged.command(*submitting).stdout.splitlines()
    assert [line.split()[2:] for line in said[1:]] == [["Household", "register", "hk"], ["Purchase", "contract", "gh"]]
    staged.cities.pump()
    revoked, erased = (line.split()[1] for line in said[1:])
    staged.asked("material", "revoke", revoked, *node, "--cause", "replaced", "--words", "样本")
    staged.asked("material", "erase", erased, *node, "--basis", "consent_withdrawn")
    staged.cities.pump()
    rows = {row["material"]: row for row in staged.said("material", "list", *node)["materials"]}
    assert (rows[revoked]["cause"], rows[erased]["cause"]) == (4, None)
    shown = staged.command("material", "list", *node).stdout
    assert "revoked: replaced" in shown
    assert "erased" in shown
    assert staged.said("material", "list", *node, "--limit", "1")["more"] is True
    assert "more than these 1" in staged.command("material", "list", *node, "--limit", "1").stdout
    assert "replaced" in staged.command("material", "show", revoked, *node).stdout
    assert staged.command("material", "show", erased, *node).returncode == 0


def test_whose_papers_they_are_is_said_for_each(staged: Stage, tmp_path):
    wuhou = staged.cities.nodes["wuhou"]
    keeper = holders.enrol(wuhou, PIN)
    for name in ("one.pdf", "two.pdf"):
        (tmp_path / name).write_bytes(b"%PDF-1.7\n%%EOF\n" + name.encode())

    def listing(*subjects: str) -> None:
        rows = [
            f"{number},{name},household-register,11510107MB00000001,样本派出所,{each}"
            for number, (name, each) in enumerate(zip(("one.pdf", "two.pdf"), subjects, strict=False))
        ]
        (tmp_path / "list.csv").write_text("\n".join(["material,file,type,issuer_code,issuer_name,subjects", *rows]))

    common = ("material", "submit", ".", "--node", "wuhou", "--manifest", "list.csv", "--no-wait")
    listing("3")
    assert staged.refused(*common, "--person", keeper) == "material.subjects"
    listing("1", "1")
    account = holders.custody_account(wuhou, keeper).account
    assert staged.refused(*common, "--account", account) == "material.account_each"
    listing("1")
    assert staged.refused(*common, "--account", "xpub123") == "holders.extended_key"
    assert staged.refused(*common, "--person", keeper, "--applicant", "样本甲") == "materials.applicant"
    both = ("--person", keeper, "--person", holders.enrol(wuhou, PIN))
    (name,) = staged.said(*common, *both)["materials"]
    staged.cities.pump()
    assert len(staged.said("material", "show", name, "--node", "wuhou")["fresh"]) == 1


def test_what_waits_is_listed_and_taken_back(staged: Stage, tmp_path):
    wuhou, node = staged.cities.nodes["wuhou"], ("--node", "wuhou")
    account = holders.custody_account(wuhou, holders.enrol(wuhou, PIN))
    kept, gone = (
        materials.submit(wuhou, "a1" * 16, [replace(paper(tmp_path, name), accounts=(account,))]).materials[0]
        for name in ("one.pdf", "two.pdf")
    )
    assert {row["material"] for row in staged.said("material", "waiting", *node)["waiting"]} == {kept, gone}
    assert staged.said("material", "discard", gone, *node) == {"discarded": gone}
    with wuhou.begin() as uow:
        uow.connection.execute(update(material_drafts).values(sealed=b"damaged"))
        uow.commit()
    shown = staged.command("material", "waiting", *node).stdout
    assert (kept in shown, gone in shown, "damaged" in shown) == (True, False, True)
    staged.said("material", "discard", kept, *node)
    assert "No material waits" in staged.command("material", "waiting", *node).stdout
    assert staged.refused("material", "discard", kept, *node) == "materials.not_found"


def test_a_paper_is_good_on_the_last_day_that_it_names(staged: Stage, tmp_path):
    wuhou, node = staged.cities.nodes["wuhou"], ("--node", "wuhou")
    (tmp_path / "one.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    (tmp_path / "list.csv").write_text(
        "material,file,type,issuer_code,issuer_name,issued_on,expires_on\n"
        "hk,one.pdf,household-register,11510107MB00000001,样本派出所,2026-01-01,2036-12-31\n"
    )
    common = ("material", "submit", ".", *node, "--manifest", "list.csv", "--no-wait")
    (name,) = staged.said(*common, "--person", holders.enrol(wuhou, PIN))["materials"]
    staged.cities.pump()
    shown = staged.said("material", "show", name, *node)
    assert (china_time(shown["issued_at"]), china_time(shown["expires_at"])) == (
        "2026-01-01T00:00:00+08:00",
        "2036-12-31T23:59:59+08:00",
    )
    with wuhou.database.read() as connection:
        ends = set(connection.execute(select(material_leaves.c.valid_until)).scalars())
    # Rounded to a quarter's end, which this day is.
    assert ends == {shown["expires_at"]}
