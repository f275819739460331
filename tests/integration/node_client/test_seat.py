"""What a member says of itself: its seat, its departments, the matters it no longer offers or lets others decide."""

from __future__ import annotations

from sqlalchemy import select

from ledger.domain.catalogue import CaseType, LimitRule, MatterCode, MatterType
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.storage.tables import catalogue as offered
from ledger.storage.tables import consortium as register

CODE = "0500000001"


def rows(staged, query):
    with staged.cities.nodes["yuzhong"].database.read() as connection:
        return connection.execute(query).all()


def test_a_member_takes_its_seat_once_and_publishes_what_is_new(staged, settings):
    assert staged.command("member", "join", "--node", "wuhou").returncode == 4
    with (settings.folder / "node.toml").open("a") as file:
        file.write('public_url = "https://wuhou.example"\n')
    first = staged.said("member", "join", "--node", "wuhou", "--no-wait")["intents"]
    staged.cities.pump()
    # The network's founding has confirmed this member; its keys and address are published all the same.
    assert staged.intent("wuhou", first[0]).reason == Reason.ALREADY_DONE
    assert [(i.id, i.reason) for name in first[1:] if (i := staged.intent("wuhou", name)).state != "done"] == []
    (url,) = rows(staged, select(register.endpoints.c.url).where(register.endpoints.c.member == 1))
    assert url.url == "https://wuhou.example"
    kinds = {
        row.kind
        for row in rows(staged, select(register.service_keys.c.kind).where(register.service_keys.c.member == 1))
    }
    assert len(kinds) == 4
    again = staged.said("member", "join", "--node", "wuhou", "--no-wait")["intents"]
    assert again[1:] == first[1:]
    (settings.path("keys") / "chain" / "recover.json").unlink()
    assert staged.refused("member", "join", "--node", "wuhou") == "rotation.no_recovery_key"


def test_departments_open_close_and_open_again(staged):
    table = register.departments
    query = select(table.c.name, table.c.active).where(table.c.member == 1, table.c.department == 2)
    for options, active in (((), True), (("--closed",), False), ((), True)):
        name = staged.asked("member", "department", "2", "样本管理部", "--node", "wuhou", *options)
        assert staged.intent("wuhou", name).state == "done"
        assert [tuple(row) for row in rows(staged, query)] == [("样本管理部", active)]


def test_only_a_regulator_posts_a_calendar(staged):
    name = staged.said("member", "calendar", "2026", "--node", "wuhou", "--no-wait")["intents"][0]
    staged.cities.pump()
    # No key here has the role; the operator is told so instead of being refused on the chain.
    assert staged.intent("wuhou", name).state in {"waiting", "failed", "refused"}
    assert staged.refused("member", "calendar", "1900", "--node", "wuhou") in {
        "workdays.no_notice",
        "workdays.bad_year",
    }


def test_a_newer_notice_is_posted_from_a_file_and_listed(staged):
    assert staged.said("member", "calendars", "--node", "wuhou")["calendars"] == []
    assert staged.refused("member", "object", "2027", "--words", "样本理由", "--node", "wuhou") == "workdays.not_posted"
    (staged.folder / "2027.csv").write_text("date,kind\n2027-01-01,rest\n2027-01-02,work\n", encoding="utf-8")
    command = ("member", "calendar", "2027", "--notice", "2027.csv", "--node", "wuhou", "--no-wait")
    (name,) = staged.said(*command)["intents"]
    assert staged.intent("wuhou", name).operation == Operation.POST_CALENDARS
    other = ("member", "calendar", "2026", "--notice", "2027.csv", "--node", "wuhou")
    assert staged.refused(*other) == "workdays.other_year"
    assert staged.refused("member", "calendar", "2027", "--notice", "no.csv", "--node", "wuhou") == "files.missing"


def test_a_matter_is_let_to_another_city_and_withdrawn(staged):
    code, matter = CODE, MatterCode(CODE).id
    rule = LimitRule(matter_type=MatterType.BENEFIT, case_type=CaseType.COMMITMENT).pack()
    published = {"matter": matter, "rule": rule, "digest": bytes([1]) * 32, "blob": bytes([2]) * 32, "code": code}
    contract = staged.cities.network.addresses.catalogue
    staged.cities.enqueue("wuhou", "publish", Operation.PUBLISH, contract, "operate", published)
    staged.cities.pump()
    arguments = (code, "3", "--node", "wuhou", "--until", "2027-12-31", "--words", "样本委托书")
    delegated = staged.asked("catalogue", "delegate", *arguments)
    assert staged.intent("wuhou", delegated).state == "done"
    (row,) = rows(staged, select(offered.delegations).where(offered.delegations.c.matter == matter))
    # The first second of 2028 in China is out.
    assert (row.grantor, row.grantee, row.valid_until) == (1, 3, 1_830_268_800)
    assert staged.said("catalogue", "delegate", *arguments, "--no-wait")["intents"] == [delegated]
    assert staged.refused("catalogue", "delegate", *arguments, "--end") == "catalogue.until"
    ended = staged.asked("catalogue", "delegate", code, "3", "--node", "wuhou", "--end", "--words", "样本终止")
    assert staged.intent("wuhou", ended).state == "done"
    withdrawn = staged.asked("catalogue", "withdraw", code, "--node", "wuhou")
    assert staged.intent("wuhou", withdrawn).state == "done"
    assert staged.refused("catalogue", "withdraw", "样本", "--node", "wuhou") == "catalogue.matter_code"
