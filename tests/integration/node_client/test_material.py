"""``tongban material`` on a city's own node: more leaves for a paper that nobody hands in again."""

from __future__ import annotations

import json
from dataclasses import replace

from ledger.domain.limits import LIMITS
from ledger.services import holders, materials, persons
from tests.integration.node_client.stage import Stage
from tests.integration.services.test_lookups import PERSON, STRANGER
from tests.integration.services.test_materials import paper

PIN = "260117"
EACH = LIMITS.leaves_per_subject


def handed_in(staged: Stage, folder) -> str:
    wuhou = staged.cities.nodes["wuhou"]
    account = holders.custody_account(wuhou, holders.enrol(wuhou, PIN))
    handed = materials.submit(wuhou, "applicant-1", [replace(paper(folder), accounts=(account,))])
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
