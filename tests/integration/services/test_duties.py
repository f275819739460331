"""A reading that a statute orders: on the record with its provision, released, shown to others, erased like any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ledger.domain.consents import Purpose
from ledger.domain.files import digests_of
from ledger.domain.limits import LIMITS
from ledger.domain.materials import ErasureBasis
from ledger.domain.reasons import Reason
from ledger.errors import FormatError, InputError, NotFoundError, UnavailableError
from ledger.services import duties, holders, materials, receipts, received, receiving
from ledger.services.received import content, read_received
from ledger.services.trace import show
from ledger.wire.consents import Disclosed, new_disclosed
from ledger.wire.receipts import Receipt, encode_receipt, read_receipt
from ledger.wire.verification import Outcome, verify_receipt
from tests.integration.services.custodians import Cities, cities_on_an_engine
from tests.integration.services.test_materials import CONTENT, paper
from tests.integration.services.test_receipts import age, opened, published, pump
from tests.unit.log.network import network_policy

PROVISION = "《住房公积金管理条例》第二十四条第一款（样本）"
NOTICE = "2026年3月2日当面告知，样本"


@pytest.fixture
def cities(tmp_path) -> Iterator[Cities]:
    with cities_on_an_engine(tmp_path) as found:
        yield found


def kept(cities: Cities, folder) -> tuple[str, int]:
    """A register in Wuhou whose holder keeps the keys alone, and a leaf of it."""
    wuhou = cities.nodes["wuhou"]
    account = holders.material_account(bytes(64), 0)
    (material,) = materials.submit(wuhou, "a1" * 16, [replace(paper(folder), accounts=(account,))]).materials
    cities.pump()
    with wuhou.database.read() as connection:
        return material, materials.leaves_of(connection, material, 0)[0]


def used(cities: Cities, material: str, leaf: int, case: bytes, name: str = "duty-1", *fields: str) -> Disclosed:
    """Mianyang reads under its duty."""
    wuhou, mianyang = cities.nodes["wuhou"], cities.nodes["mianyang"]
    disclosed = new_disclosed({leaf: fields or ("address", "file.0")}, mianyang.random)
    duties.use(
        mianyang, cities.network.addresses.materials, [holders.show_leaf(wuhou, material, leaf, b"")], disclosed,
        case=case, purpose=Purpose.HANDLE, provision=f" {PROVISION} ", notice=NOTICE, intent=name,
    )  # fmt: skip
    pump(cities)
    return disclosed


def test_what_a_statute_lets_be_read_is_released_and_shown_with_its_provision(cities, tmp_path):
    material, leaf = kept(cities, tmp_path)
    case, mianyang, contract = opened(cities), cities.nodes["mianyang"], cities.network.addresses.materials
    used(cities, material, leaf, case)
    assert cities.outcome("mianyang", "duty-1") is Reason.OK
    found = read_received(mianyang, 1, leaf)
    assert set(found.fields) == {"address", "file.0"}
    assert b"".join(content(mianyang, 1, leaf, found.files[0])) == CONTENT
    early = published(mianyang, tmp_path / "early")
    age(cities)
    log = published(mianyang, tmp_path / "tiles")
    with pytest.raises(UnavailableError, match=r"receipts\.not_published"):
        receipts.issue_for_use(mianyang, mianyang.keys.open, early, contract, 1, leaf)
    receipt = receipts.issue_for_use(mianyang, mianyang.keys.open, log, contract, 1, leaf)
    assert read_receipt(encode_receipt(receipt)) == receipt
    verdict = verify_receipt(receipt, network_policy(), [digests_of([CONTENT])], now=mianyang.clock())
    assert verdict.good, verdict
    facts = dict(verdict.check("consent").evidence)
    assert (facts["basis"], facts["provision"], facts["reader"], facts["case"]) == ("duty", PROVISION, 2, case.hex())
    _forgeries(receipt, leaf, mianyang.clock())
    # Whoever cannot check the checkpoint calls nothing that rests on it true or false.
    unseen = replace(receipt, checkpoint=receipt.checkpoint.replace(b"\n\n", b"\nmore\n\n", 1))
    check = verify_receipt(unseen, network_policy(), now=mianyang.clock()).check("consent")
    assert check.outcome is Outcome.COULD_NOT_CHECK
    # The same public trace as a consent's.
    lines = show(cities.nodes["yuzhong"], case.hex()).lines
    assert "used" in {line.kind for line in lines}


def _forgeries(receipt: Receipt, leaf: int, now: int) -> None:
    assert receipt.duty is not None
    duty = receipt.duty

    def code(**changes: object) -> str:
        forged = replace(receipt, duty=replace(duty, **changes))
        check = verify_receipt(forged, network_policy(), now=now).check("consent")
        assert check.outcome is Outcome.FAILED
        return check.code

    assert code(provision="《样本条例》第一条") == "receipts.other_provision"
    assert code(disclosed=replace(duty.disclosed, salt=bytes(32))) == "consents.disclosed_mismatch"
    assert code(used=receipt.anchored) == "receipts.other_entry"
    assert code(used=replace(duty.used, index=duty.used.index + 1))
    other = replace(receipt, leaf=leaf ^ 1)
    assert not verify_receipt(other, network_policy(), now=now).good
    for bad in (b'"provision":""', b'"provision":"' + b"x" * (LIMITS.provision_bytes + 1) + b'"'):
        data = encode_receipt(receipt).replace(f'"provision":"{PROVISION}"'.encode(), bad)
        with pytest.raises(FormatError, match=r"receipts\.malformed"):
            read_receipt(data)


def test_a_duty_without_provision_or_notice_is_none(cities, tmp_path):
    material, leaf = kept(cities, tmp_path)
    case, wuhou, mianyang = opened(cities), cities.nodes["wuhou"], cities.nodes["mianyang"]
    disclosed = new_disclosed({leaf: ("address",)}, mianyang.random)
    given = {"case": case, "purpose": Purpose.HANDLE, "provision": PROVISION, "notice": NOTICE, "intent": "duty-1"}
    leaves = [holders.show_leaf(wuhou, material, leaf, b"")]
    for changes, error, code in (
        ({"provision": "  "}, InputError, r"consents\.provision"),
        ({"provision": "条" * LIMITS.provision_bytes}, InputError, r"consents\.provision"),
        ({"notice": ""}, InputError, r"consents\.notice"),
        ({"case": bytes(32)}, NotFoundError, r"cases\.not_found"),
    ):
        with pytest.raises(error, match=code):
            duties.use(mianyang, cities.network.addresses.materials, leaves, disclosed, **{**given, **changes})


def test_a_city_that_is_no_party_of_the_case_reads_nothing(cities, tmp_path):
    material, leaf = kept(cities, tmp_path)
    case, wuhou, yuzhong = opened(cities), cities.nodes["wuhou"], cities.nodes["yuzhong"]
    duties.use(
        yuzhong, cities.network.addresses.materials, [holders.show_leaf(wuhou, material, leaf, b"")],
        new_disclosed({leaf: ("address",)}, yuzhong.random), case=case, purpose=Purpose.HANDLE, provision=PROVISION,
        notice=NOTICE, intent="duty-1",
    )  # fmt: skip
    pump(cities)
    assert cities.outcome("yuzhong", "duty-1") is not Reason.OK
    with yuzhong.database.read() as connection:
        assert receiving.pending(connection, yuzhong.member) == ()


def test_what_a_duty_brought_is_erased_by_leaf_since_no_consent_binds_it(cities, tmp_path):
    material, leaf = kept(cities, tmp_path)
    case, mianyang = opened(cities), cities.nodes["mianyang"]
    with cities.nodes["wuhou"].database.read() as connection:
        other = materials.leaves_of(connection, material, 0)[1]
    used(cities, material, leaf, case)
    used(cities, material, other, case, "duty-2")
    used(cities, material, leaf, case, "duty-3", "address")
    last = received.erase(mianyang, 1, ErasureBasis.PURPOSE_ENDED)
    cities.pump()
    assert cities.outcome("mianyang", last) is Reason.OK
    assert received.destroy_once(mianyang) == 2
    with mianyang.database.read() as connection:
        assert {item.use: item.state for item in received.listed(connection)} == {1: "erased", 2: "here", 3: "erased"}
    found = read_received(mianyang, 2, other)
    assert b"".join(content(mianyang, 2, other, found.files[0])) == CONTENT
