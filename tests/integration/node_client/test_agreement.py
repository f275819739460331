"""``tongban agreement``: a file becomes one agreement however often it is drafted, and what a file cannot say is named."""

from __future__ import annotations

import pytest

from ledger.domain.reasons import Reason
from tests.integration.node_client.stage import Stage

MATTER = "local:tongban:provident-fund-loan-remote"
GOOD = f"""title = "样本协议"
parties = ["510107", "510108"]
notice_days = 30
[matters]
"{MATTER}" = ["received_here"]
"""


def write(staged: Stage, content: str, name: str = "agreement.toml") -> str:
    path = staged.folder / name
    path.write_text(content, encoding="utf-8")
    return name


def listed(staged: Stage) -> list[dict[str, object]]:
    return list(staged.said("agreement", "list", "--node", "wuhou")["agreements"])


def test_a_file_drafted_again_is_the_same_agreement(staged):
    write(staged, GOOD)
    draft = ("agreement", "draft", "agreement.toml", "--node", "wuhou")
    first = staged.said(*draft, "--no-wait")
    staged.cities.pump()
    assert staged.cities.outcome("wuhou", first["intents"][0]) is Reason.OK
    assert staged.said(*draft, "--no-wait") == first
    staged.cities.pump()
    (found,) = listed(staged)
    assert (found["agreement"], found["valid_from"]) == (first["agreement"], 0)
    # A waiting command says what became of it, also of what was done before.
    assert staged.said(*draft)["done"] is True


def test_it_is_accepted_amended_and_ended(staged):
    write(staged, GOOD)
    write(staged, GOOD.replace("30", "60"), "later.toml")
    named = staged.said("agreement", "draft", "agreement.toml", "--node", "wuhou", "--no-wait")["agreement"]
    staged.cities.pump()
    for city in ("wuhou", "mianyang"):
        assert staged.cities.outcome(city, staged.asked("agreement", "accept", named, "1", "--node", city)) is Reason.OK
    changed = staged.asked("agreement", "amend", named, "later.toml", "--node", "wuhou")
    assert staged.cities.outcome("wuhou", changed) is Reason.OK
    acceded = staged.asked("agreement", "accede", named, "later.toml", "--node", "wuhou")
    # Nobody is added by it.
    assert staged.cities.outcome("wuhou", acceded) is Reason.ALREADY_DONE
    ended = staged.asked("agreement", "end", named, "--words", "期满不续", "--node", "wuhou")
    assert staged.cities.outcome("wuhou", ended) is Reason.OK
    shown = staged.said("agreement", "show", named, "--node", "wuhou")["versions"]
    assert [one["version"] for one in shown] == [2, 1]
    assert shown[1]["accepted"] == [1, 2]
    assert [one["title"] for one in shown] == ["样本协议", "样本协议"]
    told = staged.command("agreement", "show", named[:12], "--node", "wuhou").stdout
    assert "样本协议" in told
    assert "notice: 60 days" in told
    # Here the member that drafted it is away: what stands on the chain is shown without its title.
    away = staged.command("agreement", "show", named[:12], "--node", "mianyang").stdout
    assert "样本协议" not in away
    assert "notice: 60 days" in away
    listed_now = staged.command("agreement", "list", "--node", "mianyang").stdout
    assert "notice given; ends 20" in listed_now


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (GOOD.replace("= 30", '= "30 天"'), "agreement.number"),
        (GOOD.replace("= 30", "= 30.5"), "agreement.number"),
        (GOOD.replace("= 30", "= true"), "agreement.number"),
        (GOOD.replace("= 30", "= -1"), "agreement.number"),
        (GOOD.replace("= 30", "= 70000"), "agreement.number"),
        (GOOD.replace("[matters]", "valid_from = 2026-07-01\n[matters]"), "agreement.number"),
        (GOOD.replace("[matters]", 'valid_until = "2027"\n[matters]'), "agreement.number"),
        (GOOD.replace("[matters]", "signed_on = 2026-07-01\n[matters]"), "canonical.unsupported"),
        (GOOD.replace("510108", "510999"), "agreement.party"),
        (GOOD.replace("received_here", "by_post"), "agreement.modes"),
        (GOOD.replace('["received_here"]', "[]"), "catalogue.no_modes"),
        (GOOD.replace(MATTER, "没有编码"), "catalogue.matter_code"),
        (GOOD.replace("title", "name"), "agreement.incomplete"),
        (GOOD.replace("[matters]", "[matters"), "agreement.unreadable"),
        (GOOD.replace("[matters]", 'parent = "12"\n[matters]'), "agreement.id"),
    ],
)
def test_a_file_that_says_what_cannot_be_is_refused_by_name_and_nothing_is_asked_for(staged, content, code):
    write(staged, content)
    for command in (("draft",), ("amend", "ab" * 32), ("accede", "ab" * 32)):
        assert staged.refused("agreement", *command, "agreement.toml", "--node", "wuhou") == code
    assert listed(staged) == []


def test_a_file_that_is_not_there_or_is_a_folder_is_said_so(staged):
    for name in ("none.toml", "wuhou"):
        assert staged.refused("agreement", "draft", name, "--node", "wuhou") == "agreement.missing"
