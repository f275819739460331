"""Keys in custody sign for their owner alone: on the owner's number, or on two witnesses' word, judged by the chain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.domain import holders, typed
from ledger.domain.consortium import ProposalKind
from ledger.domain.holders import Branch
from ledger.domain.operations import Operation
from ledger.errors import AuthorityError
from ledger.ports import TypedMessage
from ledger.services import custody
from tests.integration.network import signer
from tests.integration.services.custodians import CITIES, Cities, cities_on_an_engine

PIN = "260117"
DIGEST = bytes(range(32))


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
