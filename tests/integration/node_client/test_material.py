"""``tongban material`` on a city's own node: more leaves for a paper that nobody hands in again."""

from __future__ import annotations

from dataclasses import replace

from ledger.domain.limits import LIMITS
from ledger.services import holders, materials
from tests.integration.node_client.stage import Stage
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
