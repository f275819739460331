"""Keys in custody sign for their owner alone: on the owner's number, or on two witnesses' word, judged by the chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ledger.domain import holders, typed
from ledger.domain.consents import Grantee
from ledger.domain.consortium import ProposalKind
from ledger.domain.holders import Branch
from ledger.domain.leaves import LeafEntry
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.errors import AuthorityError, ConflictError, NotFoundError
from ledger.ports import TypedMessage
from ledger.services import consents, custody, materials
from ledger.services import holders as holders_service
from ledger.storage.tables import holders as tables
from tests.integration.network import signer
from tests.integration.services.custodians import CITIES, Cities, cities_on_an_engine
from tests.integration.services.test_materials import paper

PIN = "260117"
DIGEST = bytes(range(32))
CASE = b"\x11" * 32


@pytest.fixture
def cities(tmp_path) -> Iterator[Cities]:
    with cities_on_an_engine(tmp_path) as found:
        yield found


def case_key(cities: Cities) -> tuple[str, int, str]:
    """A person enrolled in Wuhou: reference, number of a case's account, address of its key."""
    keys = cities.nodes["wuhou"].keys
    person = keys.custody_enrol(PIN)
    number, account = keys.custody_account(person, Branch.CASE)
    address = holders.leaf_addresses(holders.ExtendedPublic.decode(account), 0, 1)[0]
    return person, number, holders.address_text(address)


def test_two_witnesses_of_different_cities_may_stand_for_the_number(cities):
    person, number, holder = case_key(cities)
    wuhou = cities.nodes["wuhou"]
    stated = custody.statement(wuhou, holder, DIGEST)
    here, video = wuhou.keys.witness(1, stated), cities.nodes["yuzhong"].keys.witness(1, stated)
    signature = wuhou.keys.custody_sign(person, Branch.CASE, number, 0, DIGEST, (here, video))
    assert typed.recover(DIGEST, signature) == holder
    assert custody.witnessed(wuhou, holder, DIGEST, (here, video), attending=1)
    assert not custody.witnessed(wuhou, holder, DIGEST, (video, here), attending=1)


def test_one_witness_or_the_wrong_statement_is_nobody(cities):
    person, number, holder = case_key(cities)
    wuhou, yuzhong = cities.nodes["wuhou"], cities.nodes["yuzhong"]
    stated = custody.statement(wuhou, holder, DIGEST)
    here, video = wuhou.keys.witness(1, stated), yuzhong.keys.witness(1, stated)
    for_another_key = custody.statement(wuhou, "0x" + "ab" * 20, DIGEST)
    for_another_digest = custody.statement(wuhou, holder, bytes(32))
    elsewhere = TypedMessage("CustodySignature", cities.network.addresses.materials, stated.fields)
    operator = cities.keys["yuzhong"]["operate"].sign_digest(
        typed.digest(stated.kind, dict(stated.fields), wuhou.chain_id, stated.contract)
    )
    for second in (
        here,
        operator,
        yuzhong.keys.witness(1, for_another_key),
        yuzhong.keys.witness(1, for_another_digest),
        yuzhong.keys.witness(1, elsewhere),
        b"",
        bytes(65),
    ):
        with pytest.raises(AuthorityError, match=r"custody\.witnesses"):
            wuhou.keys.custody_sign(person, Branch.CASE, number, 0, DIGEST, (here, second))
    # The same statement opens no other key of the same person.
    other, _ = wuhou.keys.custody_account(person, Branch.CASE)
    with pytest.raises(AuthorityError, match=r"custody\.witnesses"):
        wuhou.keys.custody_sign(person, Branch.CASE, other, 0, DIGEST, (here, video))
    assert wuhou.keys.custody_sign(person, Branch.CASE, number, 0, DIGEST, (here, video))


def test_witnesses_of_a_suspended_city_count_no_more(cities):
    person, number, holder = case_key(cities)
    wuhou = cities.nodes["wuhou"]
    stated = custody.statement(wuhou, holder, DIGEST)
    both = (wuhou.keys.witness(1, stated), cities.nodes["yuzhong"].keys.witness(1, stated))
    assert custody.witnessed(wuhou, holder, DIGEST, both)
    consortium = cities.network.addresses.consortium
    motion = {"kind": int(ProposalKind.SUSPEND), "target": 3, "subject": bytes(32), "digest": bytes([1]) * 32}
    motions = {"motions": [motion], "admissions": []}
    cities.enqueue("wuhou", "suspend", Operation.PROPOSE, consortium, "administer", motions)
    cities.pump()
    number_of_vote = wuhou.chain.call(consortium, "consortium", "proposal_count")
    for city in CITIES[:2]:
        cities.enqueue(
            city, "vote", Operation.VOTE, consortium, "administer", {"proposal": number_of_vote, "approve": True}
        )
        cities.pump()
    with wuhou.database.read() as connection:
        assert custody.witness_of(connection, signer("wuhou witness").address) == 1
        assert custody.witness_of(connection, signer("yuzhong witness").address) == 0
    assert not custody.witnessed(wuhou, holder, DIGEST, both)
    with pytest.raises(AuthorityError, match=r"custody\.witnesses"):
        wuhou.keys.custody_sign(person, Branch.CASE, number, 0, DIGEST, both)


def handed_in(cities: Cities, folder, *accounts) -> str:
    """A household register in Wuhou with one data subject for each account."""
    handed = materials.submit(cities.nodes["wuhou"], "a1" * 16, [replace(paper(folder), accounts=accounts)])
    cities.pump()
    return handed.materials[0]


def prepared(cities: Cities, leaf: int) -> consents.Prepared:
    addresses = cities.network.addresses
    return consents.prepare(
        cities.nodes["mianyang"], addresses.materials, addresses.cases, case=CASE, matter=bytes([2]) * 32,
        shown={leaf: ("address",)}, grantees=[Grantee(2, 1)], days=30,
    )  # fmt: skip


def test_the_city_finds_the_key_of_a_leaf_and_the_chain_takes_its_signature(cities, tmp_path):
    wuhou, contract = cities.nodes["wuhou"], cities.network.addresses.materials
    person, seed = holders_service.enrol(wuhou, PIN), bytes(64)
    # The spouse keeps the keys alone; an account of the same person that went elsewhere lies in between.
    holders_service.custody_account(wuhou, person)
    material = handed_in(
        cities, tmp_path, holders_service.material_account(seed, 0), holders_service.custody_account(wuhou, person)
    )
    leaf = holders_service.allot(wuhou, material, 1, CASE)
    consent = prepared(cities, leaf)
    signature = holders_service.sign_leaf(wuhou, material, leaf, consent.digest, PIN)
    shown = holders_service.show_leaf(wuhou, material, leaf, signature)
    intent = consents.grant(cities.nodes["mianyang"], contract, consent.terms, [shown])
    cities.pump()
    assert cities.outcome("mianyang", intent) is Reason.OK
    with pytest.raises(AuthorityError, match=r"custody\.wrong_pin"):
        holders_service.sign_leaf(wuhou, material, leaf, consent.digest, "000000")


def test_two_witnesses_sign_for_the_leaf_that_they_name(cities, tmp_path):
    wuhou = cities.nodes["wuhou"]
    material = handed_in(cities, tmp_path, holders_service.custody_account(wuhou, holders_service.enrol(wuhou, PIN)))
    leaf, other = (holders_service.allot(wuhou, material, 0, case) for case in (CASE, bytes(32)))
    stated = holders_service.leaf_statement(wuhou, material, leaf, DIGEST)
    both = tuple(cities.nodes[city].keys.witness(1, stated) for city in ("wuhou", "mianyang"))
    signature = holders_service.sign_leaf(wuhou, material, leaf, DIGEST, both)
    shown = holders_service.show_leaf(wuhou, material, leaf, signature)
    assert typed.recover(DIGEST, signature) == "0x" + LeafEntry.decode(shown.entry).holder.hex()
    with pytest.raises(AuthorityError, match=r"custody\.witnesses"):
        holders_service.sign_leaf(wuhou, material, other, DIGEST, both)


def test_a_consent_on_paper_takes_the_witnesses_and_the_custodian(cities, tmp_path):
    wuhou, mianyang, contract = cities.nodes["wuhou"], cities.nodes["mianyang"], cities.network.addresses.materials
    material = handed_in(cities, tmp_path, holders_service.custody_account(wuhou, holders_service.enrol(wuhou, PIN)))
    leaf = holders_service.allot(wuhou, material, 0, CASE)
    consent = prepared(cities, leaf)
    on_paper = TypedMessage(
        "PaperConsent", contract, (("consent", consent.digest), ("paper", bytes([7]) * 32), ("attending", 2))
    )
    signatures = [
        mianyang.keys.witness(1, on_paper),
        cities.nodes["yuzhong"].keys.witness(1, on_paper),
        wuhou.keys.custodian(on_paper),
    ]
    intent = consents.grant_witnessed(
        mianyang, contract, consent.terms, [holders_service.show_leaf(wuhou, material, leaf, b"")],
        attending=2, paper=bytes([7]) * 32, signatures=signatures,
    )  # fmt: skip
    cities.pump()
    assert cities.outcome("mianyang", intent) is Reason.OK


def test_each_case_gets_a_leaf_of_its_own_until_none_is_left(cities, tmp_path):
    wuhou = cities.nodes["wuhou"]
    material = handed_in(cities, tmp_path, holders_service.custody_account(wuhou, holders_service.enrol(wuhou, PIN)))
    # The first leaf was spent by a consent that somebody prepared without asking.
    spent = holders_service.allot(wuhou, material, 0, CASE)
    with wuhou.begin() as uow:
        uow.connection.execute(tables.allotments.delete())
        uow.commit()
    consent = prepared(cities, spent)
    signature = holders_service.sign_leaf(wuhou, material, spent, consent.digest, PIN)
    shown = holders_service.show_leaf(wuhou, material, spent, signature)
    consents.grant(wuhou, cities.network.addresses.materials, consent.terms, [shown])
    cities.pump()
    cases = [bytes([number]) * 32 for number in range(1, LIMITS.leaves_per_subject)]
    given = [holders_service.allot(wuhou, material, 0, case) for case in cases]
    assert len({spent, *given}) == LIMITS.leaves_per_subject
    assert holders_service.allot(wuhou, material, 0, cases[3]) == given[3]
    with pytest.raises(ConflictError, match=r"wallets\.no_fresh_leaf"):
        holders_service.allot(wuhou, material, 0, bytes([99]) * 32)


def test_a_leaf_that_is_not_in_custody_is_not_signed_for(cities, tmp_path):
    wuhou = cities.nodes["wuhou"]
    material = handed_in(cities, tmp_path, holders_service.material_account(bytes(64), 0))
    leaf = holders_service.allot(wuhou, material, 0, CASE)
    with pytest.raises(NotFoundError, match=r"custody\.no_leaf"):
        holders_service.sign_leaf(wuhou, material, leaf, DIGEST, PIN)
    with pytest.raises(NotFoundError, match=r"custody\.no_leaf"):
        holders_service.sign_leaf(wuhou, material, leaf + (1 << 32), DIGEST, PIN)
    with pytest.raises(NotFoundError, match=r"materials\.not_found"):
        holders_service.sign_leaf(wuhou, "none", leaf, DIGEST, PIN)
    with pytest.raises(NotFoundError, match=r"custody\.unknown_case"):
        holders_service.sign_case(wuhou, "0x" + "ab" * 20, DIGEST, PIN)


def test_the_key_of_a_case_is_found_by_its_address(cities):
    wuhou = cities.nodes["wuhou"]
    person = holders_service.enrol(wuhou, PIN)
    first, second = (holders_service.custody_case_key(wuhou, person) for _ in range(2))
    assert first.address != second.address
    for key in (first, second):
        assert typed.recover(DIGEST, holders_service.sign_case(wuhou, key.address, DIGEST, PIN)) == key.address
