"""What consortium and catalogue cost, kept on file."""

from __future__ import annotations

from datetime import date

from ledger.domain.catalogue import LimitRule, MatterCode
from ledger.domain.consortium import ProposalKind, Role
from ledger.domain.events import AgreementDrafted
from ledger.domain.workdays import day_number
from ledger.services.calendars import notice_calendar
from tests.contracts.chain import ZERO, address_of, key
from tests.contracts.gas import record_gas
from tests.contracts.world import World

DIGEST = b"\x01" * 32
NOBODY = "0x" + "00" * 20
RULE = LimitRule.licence().pack()


def test_gas_of_the_consortium(world: World) -> None:
    send = world.send
    motion = [(ProposalKind.POLICY, 0, ZERO, DIGEST)]
    record_gas("consortium.propose", send("wuhou", "administer", "consortium", "propose", motion, []).done().gas)
    number = world.call("consortium", "proposal_count")
    ballot = ("consortium", "vote", [(number, True)])
    for city, name in (("wuhou", "first"), ("mianyang", "second"), ("xiongan", "third"), ("yuzhong", "deciding")):
        record_gas(f"consortium.vote.{name}", send(city, "administer", *ballot).done().gas)
    keys = [(address_of(key(f"gas {place}")), Role.WITNESS, NOBODY) for place in range(10)]
    record_gas("consortium.set_keys.10", send("wuhou", "administer", "consortium", "set_keys", keys).done().gas)
    calendar = notice_calendar(2025)
    posting = [(2024, calendar.low, calendar.high, DIGEST)]
    record_gas(
        "consortium.post_calendars", send("regulator", "regulate", "consortium", "post_calendars", posting).done().gas
    )
    service = [(1, b"k" * 32), (2, b"k" * 1312), (3, b"k" * 1216), (4, b"k" * 32), (5, b"k" * 32)]
    record_gas(
        "consortium.publish_keys.5", send("wuhou", "administer", "consortium", "publish_keys", service).done().gas
    )


def test_gas_of_the_views_that_every_transaction_asks(world: World) -> None:
    """Views cost what their callers pay for them: here as transactions, with the 21,000 of each."""
    operate = world.members["wuhou"].address("operate")
    sender = world.key("wuhou", "operate")
    record_gas("consortium.standing", world.chain.send(sender, world.consortium, "standing", operate).gas)
    for name, first, last in (
        ("month", date(2026, 3, 2), date(2026, 4, 2)),
        ("new_year", date(2025, 12, 20), date(2026, 1, 20)),
    ):
        days = (day_number(first), day_number(last))
        gas = world.chain.send(sender, world.consortium, "working_days", *days).gas
        record_gas(f"consortium.working_days.{name}", gas)


def test_gas_of_the_catalogue(world: World) -> None:
    send = world.send
    codes = [MatterCode(f"local:gas-{place}") for place in range(9)]
    publications = [(code.id, RULE, DIGEST, DIGEST, code.text) for code in codes]
    record_gas("catalogue.publish.9", send("wuhou", "operate", "catalogue", "publish", publications).done().gas)
    text = (DIGEST, 1, ZERO, ZERO, 0, 5, 0, 9, 30, 0, 0, DIGEST, DIGEST)
    lists = ([1, 2, 3, 4, 5], sorted(code.id for code in codes), [30] * 9)
    drafted = send("wuhou", "administer", "catalogue", "draft", [text], *lists).done()
    record_gas("catalogue.draft.5_parties_9_matters", drafted.gas)
    agreement = drafted.one(AgreementDrafted).agreement
    for city in ("wuhou", "mianyang", "xiongan", "yuzhong", "yanta"):
        gas = send(city, "administer", "catalogue", "accept", [(agreement, 1)]).done().gas
        if city in {"wuhou", "yanta"}:
            record_gas("catalogue.accept." + ("first" if city == "wuhou" else "last"), gas)
    sender = world.key("wuhou", "operate")
    case = (agreement, 1, 1, 2, codes[0].id, 2)
    record_gas("catalogue.covers", world.chain.send(sender, world.contracts["catalogue"], "covers", *case).gas)
    grant = [(2, codes[0].id, 0, world.chain.now + 9, DIGEST, DIGEST)]
    record_gas("catalogue.delegate", send("wuhou", "administer", "catalogue", "delegate", grant).done().gas)
