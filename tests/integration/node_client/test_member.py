"""``tongban member``: what is put to the vote is what the contract takes it for."""

from __future__ import annotations

import hashlib

from ledger.domain.consortium import Level
from ledger.domain.reasons import Reason
from ledger.services import consortium
from tests.integration.network import signer
from tests.integration.node_client.stage import Stage

CITIES = ("wuhou", "mianyang", "yuzhong")


def carried(staged: Stage, *arguments: str) -> None:
    """Propose by command and let everybody vote by command until the vote has passed."""
    name = staged.asked("member", "propose", *arguments, "--node", "wuhou")
    assert staged.cities.outcome("wuhou", name) is Reason.OK
    for city in CITIES:
        proposals = staged.said("member", "list", "--node", "wuhou")["proposals"]
        if proposals[0]["passed"] is None:
            staged.asked("member", "vote", str(proposals[0]["proposal"]), "--yes", "--node", city)
    assert staged.said("member", "list", "--node", "wuhou")["proposals"][0]["passed"] is True


def members(staged: Stage) -> list[dict[str, object]]:
    return list(staged.said("member", "list", "--node", "wuhou")["members"])


def test_a_vote_about_the_vote_takes_it_or_gives_it_as_it_was_said(staged):
    carried(staged, "voting", "--member", "3", "--not-voting")
    assert [one["voting"] for one in members(staged)] == [True, True, False]
    carried(staged, "voting", "--member", "3", "--voting")
    assert [one["voting"] for one in members(staged)] == [True, True, True]
    assert staged.refused("member", "propose", "voting", "--member", "3", "--node", "wuhou") == "member.vote"


def test_a_lost_administrator_is_replaced(staged):
    key = signer("yuzhong again").address
    carried(staged, "replace-administrator", "--member", "3", "--administrator", key)
    assert members(staged)[2]["administrator"] == key
    about = ("member", "propose", "replace-administrator", "--node", "wuhou")
    assert staged.refused(*about, "--administrator", key) == "member.which"
    assert staged.refused(*about, "--member", "3") == "member.hex"


def test_a_sub_member_is_admitted_under_its_parent_and_has_no_vote(staged):
    key = signer("park").address
    carried(
        staged, "admit", "--division", "510107", "--level", str(int(Level.PARK)), "--name", "样本园区", "--parent", "1",
        "--administrator", key.upper().replace("X", "x"),
    )  # fmt: skip
    found = members(staged)[-1]
    wanted = {
        "name": "样本园区",
        "voting": False,
        "administrator": key,
        "status": "listed",
        "level": "park",
        "parent": 1,
    }
    assert {name: found[name] for name in wanted} == wanted
    assert "under 1" in staged.command("member", "list", "--node", "wuhou").stdout


def test_who_votes_is_shown_whom_the_vote_would_admit(staged):
    key = signer("candidate").address.lower()
    about = ("member", "propose", "admit", "--name", "样本区", "--administrator", key, "--node", "wuhou")
    assert staged.refused(*about, "--division", "999999") == "divisions.unknown"
    name = staged.asked(*about, "--division", "510108", "--level", "4")
    assert staged.cities.outcome("wuhou", name) is Reason.OK
    (shown, *_) = staged.said("member", "list", "--node", "wuhou")["proposals"]
    assert (shown["kind"], shown["proposer"], shown["passed"]) == ("admit", 1, None)
    assert shown["candidate"] == {
        "division": "510108", "name": "样本区", "level": "district", "parent": None, "voting": True, "administrator": key,
    }  # fmt: skip
    said = staged.command("member", "list", "--node", "wuhou").stdout
    assert "admit a member: 0/" in said
    assert "510108 样本区  district" in said
    assert key in said


def test_an_exclusion_rests_on_a_paper_and_whoever_proposed_is_told_the_number_of_the_vote(staged):
    about = ("member", "propose", "exclude", "--member", "2", "--node", "wuhou")
    assert staged.refused(*about) == "member.basis"
    assert staged.refused(*about, "--document", "none.pdf") == "files.missing"
    paper = staged.folder / "decision.pdf"
    paper.write_bytes(b"sample decision")
    name = staged.asked(*about, "--document", "decision.pdf")
    assert staged.cities.outcome("wuhou", name) is Reason.OK
    # The digest is the paper's: the same vote again is the one that is open.
    digest = hashlib.sha256(paper.read_bytes()).hexdigest()
    found = staged.said(*about, "--digest", digest)
    newest = staged.said("member", "list", "--node", "wuhou")["proposals"][0]["proposal"]
    assert (found["done"], found["proposal"]) == (True, newest)


def test_a_member_is_suspended_once_however_often_it_is_asked(staged):
    about = ("member", "propose", "suspend", "--member", "2", "--node", "wuhou")
    assert staged.asked(*about) == staged.asked(*about)
    with staged.cities.nodes["wuhou"].database.read() as connection:
        open_votes = [one for one in consortium.proposals(connection) if one.passed is None]
    assert len(open_votes) == 1
