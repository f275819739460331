"""What a city was let read: from every custodian, under the contract that counts the use, until it is erased on the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from ledger.domain.cases import Action
from ledger.domain.consents import consent_digest
from ledger.domain.consortium import ContractKind
from ledger.domain.events import Anchored, GenerationAdded, Granted, LeavesRevoked, Used
from ledger.domain.materials import ErasureBasis
from ledger.domain.reasons import Reason
from ledger.errors import AuthorityError, ConflictError, NotFoundError, UnavailableError
from ledger.services import batching, cases, consents, materials, received, receiving, releasing
from ledger.services.peers import Unconnected
from ledger.services.received import content, read_received
from ledger.services.trace import show
from ledger.storage.tables import materials as tables
from ledger.storage.tables.outbox import intents
from ledger.wire.consents import new_disclosed
from ledger.wire.grants import GrantedConsent
from tests.integration.services.cities import (
    CASES,
    CHAIN_ID,
    CONSORTIUM,
    KEY,
    MATERIALS,
    NOW,
    Cities,
    later,
    two_cities,
)
from tests.integration.services.test_materials import CASE, CONTENT, MATTER, consent, paper
from tests.integration.services.test_slice import Pilot, anchored, given, granted, opened, opened_pilot

SECOND = "0x" + "9" * 40


@pytest.fixture
def cities(tmp_path) -> Iterator[Cities]:
    with two_cities(tmp_path) as found:
        yield found


@pytest.fixture
def pilot(tmp_path) -> Iterator[Pilot]:
    with opened_pilot(tmp_path) as made:
        yield made


def used(pilot: Pilot, consented, case: bytes, name: str) -> None:
    releasing.use(pilot.nodes["mianyang"], given(pilot, consented), case=case, intent=name)
    pilot.pump()
    assert pilot.outcome("mianyang", name) is Reason.OK


def states(pilot: Pilot) -> list[tuple[int, str]]:
    with pilot.nodes["mianyang"].database.read() as connection:
        return sorted((item.use, item.state) for item in received.listed(connection))


def read(pilot: Pilot, use: int, leaf: int) -> bytes:
    mianyang = pilot.nodes["mianyang"]
    found = read_received(mianyang, use, leaf)
    return b"".join(content(mianyang, use, leaf, found.files[0]))


def test_what_was_received_is_destroyed_once_the_record_says_so_and_not_fetched_again(pilot, tmp_path):
    material, leaf = anchored(pilot, tmp_path)
    case, mianyang = opened(pilot), pilot.nodes["mianyang"]
    consented = granted(pilot, leaf, case, material)
    before = set(mianyang.blobs.cids())
    used(pilot, consented, case, "first")
    assert read(pilot, 1, leaf) == CONTENT
    last = received.erase(mianyang, 1, ErasureBasis.PURPOSE_ENDED)
    assert states(pilot) == [(1, "erasing")]
    # Not before it is on the record.
    assert received.destroy_once(mianyang) == 0
    assert read(pilot, 1, leaf) == CONTENT
    pilot.pump()
    assert pilot.outcome("mianyang", last) is Reason.OK
    assert received.destroy_once(mianyang) == 1
    assert received.destroy_once(mianyang) == 0
    assert set(mianyang.blobs.cids()) == before
    assert states(pilot) == [(1, "erased")]
    pilot.pump()
    for attempt in (
        lambda: read(pilot, 1, leaf),
        lambda: received.erase(mianyang, 1, ErasureBasis.PURPOSE_ENDED),
    ):
        with pytest.raises(ConflictError, match=r"releases\.erased"):
            attempt()
    found = show(pilot.nodes["yuzhong"], f"leaf:{leaf >> 32}:{leaf & 0xFFFFFFFF}")
    assert [line.kind for line in found.lines][-1] == "erasure_recorded"
    # Another reading that the consent still allows brings it again, and goes the same way.
    used(pilot, consented, case, "second")
    assert read(pilot, 2, leaf) == CONTENT
    again = received.erase(mianyang, 2, ErasureBasis.CONSENT_WITHDRAWN)
    pilot.pump()
    assert pilot.outcome("mianyang", again) is Reason.OK
    assert received.destroy_once(mianyang) == 1
    assert set(mianyang.blobs.cids()) == before


def test_two_uses_of_one_consent_brought_the_same_keys_and_go_together(pilot, tmp_path):
    material, leaf = anchored(pilot, tmp_path)
    mianyang, case = pilot.nodes["mianyang"], opened(pilot)
    consented = granted(pilot, leaf, case, material)
    used(pilot, consented, case, "first")
    used(pilot, consented, case, "second")
    received.erase(mianyang, 1, ErasureBasis.PURPOSE_ENDED)
    assert states(pilot) == [(1, "erasing"), (2, "erasing")]
    pilot.pump()
    assert received.destroy_once(mianyang) == 2


def test_a_decided_cases_paper_stays_in_its_file_until_the_term_ends(pilot, tmp_path):
    material, leaf = anchored(pilot, tmp_path)
    case, mianyang = opened(pilot), pilot.nodes["mianyang"]
    used(pilot, granted(pilot, leaf, case, material), case, "first")
    for sequence, (action, options) in enumerate(
        (
            (Action.ACCEPT, {"department": 1, "role": 1}),
            (Action.REVIEW, {}),
            (Action.GRANT, {"department": 1, "role": 3}),
        ),
        start=1,
    ):
        cases.step(mianyang, pilot.network.addresses.cases, case, action, sequence=sequence, **options)
        pilot.pump()
    for basis in (ErasureBasis.CONSENT_WITHDRAWN, ErasureBasis.PURPOSE_ENDED):
        with pytest.raises(ConflictError, match=r"releases\.in_file"):
            received.erase(mianyang, 1, basis)
    last = received.erase(mianyang, 1, ErasureBasis.RETENTION_ENDED)
    pilot.pump()
    assert pilot.outcome("mianyang", last) is Reason.OK
    assert received.destroy_once(mianyang) == 1


def test_only_a_reader_erases(pilot, tmp_path):
    material, leaf = anchored(pilot, tmp_path)
    case = opened(pilot)
    used(pilot, granted(pilot, leaf, case, material), case, "first")
    for city, use in (("yuzhong", 1), ("mianyang", 7)):
        with pytest.raises(NotFoundError, match=r"releases\.not_received"):
            received.erase(pilot.nodes[city], use, ErasureBasis.PURPOSE_ENDED)


# ---- on a chain that says what it is told ---------------------------------------------------------------------------


def kept_at(cities: Cities, folder, member: int, batch: int, contract: str) -> list[int]:
    """A register of a city's own, anchored under a contract: the leaves of its first subject."""
    node = cities.nodes[member]
    materials.submit(node, "a1" * 16, [paper(folder)])
    formed = batching.run_once(later(node, 60), node.keys.open)
    assert formed is not None
    with node.database.read() as connection:
        call = json.loads(connection.execute(select(intents.c.call).where(intents.c.id == formed.intent)).scalar_one())
    root, blob = bytes.fromhex(call["root"][2:]), bytes.fromhex(call["blob"][2:])
    cities.say(Anchored(batch, member, KEY, root, call["size"], blob, call["flags"]), contract=contract)
    assert batching.open_batches(node, node.keys.open) == 1
    table = tables.material_leaves
    with node.database.read() as connection:
        places = connection.execute(
            select(table.c.index)
            .where(table.c.contract == contract, table.c.batch == batch, table.c.subject == 0)
            .order_by(table.c.turn)
        ).scalars()
        return [batch << 32 | int(place) for place in places]


def read_on_record(cities: Cities, reader: int, leaves: tuple[int, ...], number: int, contract: str) -> bytes:
    """A consent over leaves and its use on the record; returns the document of disclosed fields."""
    terms, _ = consent(leaves[0], "address")
    disclosed = new_disclosed(
        dict.fromkeys(leaves, ("address", "file.0")), lambda size: bytes([number + reader]) * size
    )
    terms = replace(terms, leaves=leaves, disclosed=disclosed.digest, salt=number.to_bytes() + contract.encode()[-31:])
    digest = consent_digest(terms, CHAIN_ID, contract)
    document = GrantedConsent(chain_id=CHAIN_ID, contract=contract, terms=terms, disclosed=disclosed, signatures=())
    releasing.use(cities.nodes[reader], document, case=CASE, intent=f"use-{contract[-2:]}-{number}")
    cities.say(
        Granted(
            digest, CASE, CASES, MATTER, 1, terms.disclosed, NOW, NOW + 86_400, leaves, (reader << 16 | 2,), reader, KEY,
            0, 0, bytes(32), NOW,
        ),
        Used(number, 1, digest, CASE, CASES, reader, KEY, 1, terms.disclosed, leaves, 1, bytes(32), bytes(32)),
        contract=contract,
    )  # fmt: skip
    return disclosed.encode()


def test_two_contracts_may_have_a_use_of_one_number(cities, tmp_path):
    wuhou, mianyang = cities.nodes[1], cities.nodes[2]
    first = kept_at(cities, tmp_path, 1, 1, MATERIALS)[0]
    one = read_on_record(cities, 2, (first,), 1, MATERIALS)
    assert receiving.run_once(mianyang, mianyang.keys.open) == 1
    cities.say(GenerationAdded(ContractKind.MATERIALS, 2, SECOND), contract=CONSORTIUM)
    second = kept_at(cities, tmp_path, 1, 1, SECOND)[0]
    other = read_on_record(cities, 2, (second,), 1, SECOND)
    assert receiving.run_once(mianyang, mianyang.keys.open) == 1
    assert receiving.run_once(mianyang, mianyang.keys.open) == 0
    for leaf, contract in ((first, MATERIALS), (second, SECOND)):
        found = read_received(mianyang, 1, leaf, contract)
        assert b"".join(content(mianyang, 1, leaf, found.files[0], contract)) == CONTENT
    # Whoever asks who read a paper is told of that contract's batch alone, however busy the other is.
    with wuhou.database.read() as connection:
        for leaf, contract in ((first, MATERIALS), (second, SECOND)):
            (reading,) = consents.feed(connection, [(contract, leaf)], limit=1)
            assert reading.leaf == leaf
        assert consents.feed(connection, [(SECOND, first + 1)], limit=9) == consents.feed(connection, [], limit=9) == []
        assert len(consents.feed(connection, [(MATERIALS, first), (SECOND, second)], limit=9)) == 2
    # The custodian knows by the list of fields which of the two is meant.
    for document in (one, other):
        assert releasing.release(wuhou, wuhou.keys.open, 1, 2, document)
    with pytest.raises(AuthorityError, match=r"releases\.disclosed"):
        releasing.release(wuhou, wuhou.keys.open, 1, 2, new_disclosed({first: ("number",)}, bytes).encode())
    with pytest.raises(ConflictError, match=r"releases\.ambiguous"):
        receiving.fetch(mianyang, mianyang.keys.open, 1)
    with pytest.raises(ConflictError, match=r"releases\.ambiguous"):
        received.erase(mianyang, 1, ErasureBasis.PURPOSE_ENDED)
    received.erase(mianyang, 1, ErasureBasis.PURPOSE_ENDED, SECOND)
    with mianyang.database.read() as connection:
        listed = {(item.contract, item.state) for item in received.listed(connection, case=CASE)}
    assert listed == {(MATERIALS, "here"), (SECOND, "erasing")}


def test_a_custodian_that_is_away_keeps_nothing_back_that_another_gave(cities, tmp_path):
    wuhou = cities.nodes[1]
    leaves = tuple(kept_at(cities, tmp_path, member, member, MATERIALS)[0] for member in (1, 2))
    read_on_record(cities, 1, leaves, 1, MATERIALS)
    away = replace(wuhou, peers=Unconnected())
    for _ in range(2):
        with pytest.raises(UnavailableError, match=r"peers\.unreachable"):
            receiving.run_once(away, away.keys.open)
    assert read_received(wuhou, 1, leaves[0]).fields["address"] == "样本路 1 号"
    with pytest.raises(NotFoundError, match=r"releases\.not_received"):
        read_received(wuhou, 1, leaves[1])
    assert receiving.run_once(wuhou, wuhou.keys.open) == 1
    assert read_received(wuhou, 1, leaves[1]).fields["address"] == "样本路 1 号"


def test_content_that_another_consent_brought_too_stays_for_that_one(cities, tmp_path):
    mianyang = cities.nodes[2]
    leaves = kept_at(cities, tmp_path, 1, 1, MATERIALS)[:2]
    for number, leaf in enumerate(leaves, start=1):
        read_on_record(cities, 2, (leaf,), number, MATERIALS)
    assert receiving.run_once(mianyang, mianyang.keys.open) == 2
    for number, leaf in enumerate(leaves, start=1):
        last = received.erase(mianyang, number, ErasureBasis.PURPOSE_ENDED)
        with mianyang.begin() as uow:
            uow.connection.execute(update(intents).where(intents.c.id == last).values(state="done"))
            uow.commit()
        assert received.destroy_once(mianyang) == 1
        with pytest.raises(ConflictError, match=r"releases\.erased"):
            read_received(mianyang, number, leaf)
        if number == 1:
            file = read_received(mianyang, 2, leaves[1]).files[0]
            assert b"".join(content(mianyang, 2, leaves[1], file)) == CONTENT
    assert list(mianyang.blobs.cids()) == []


def test_what_was_revoked_before_it_was_handed_over_is_not_asked_for_for_ever(cities, tmp_path):
    mianyang, memory = cities.nodes[2], receiving.ReceivingMemory()
    one, other = kept_at(cities, tmp_path, 1, 1, MATERIALS)[:2]
    read_on_record(cities, 2, tuple(sorted((one, other))), 1, MATERIALS)
    # The custodian knows it first: the reader asks again until its own picture says so.
    wuhou = cities.nodes[1]
    with wuhou.begin() as uow:
        uow.connection.execute(
            tables.leaf_revocations.insert().values(
                contract=MATERIALS, batch=1, index=one & 0xFFFFFFFF, member=1, key=KEY, cause=2, commitment=bytes(32),
                block=99, log_index=0, time=NOW,
            )
        )  # fmt: skip
        uow.commit()
    assert receiving.run_once(mianyang, mianyang.keys.open, memory) == 1
    with mianyang.database.read() as connection:
        assert receiving.pending(connection, 2) == ((MATERIALS, 1),)
    assert receiving.run_once(mianyang, mianyang.keys.open, memory) == 0
    with mianyang.database.read() as connection:
        assert receiving.pending(connection, 2) == ((MATERIALS, 1),)
    with wuhou.begin() as uow:
        uow.connection.execute(tables.leaf_revocations.delete())
        uow.commit()
    cities.say(LeavesRevoked(1, (one & 0xFFFFFFFF,), 1, KEY, 2, bytes(32)))
    assert receiving.run_once(mianyang, mianyang.keys.open, memory) == 0
    with mianyang.database.read() as connection:
        assert receiving.pending(connection, 2) == ()
        assert {item.leaf: item.state for item in received.listed(connection)} == {one: "withheld", other: "here"}
    with pytest.raises(ConflictError, match=r"releases\.withheld"):
        read_received(mianyang, 1, one)
    last = received.erase(mianyang, 1, ErasureBasis.PURPOSE_ENDED)
    with mianyang.database.read() as connection:
        call = connection.execute(select(intents.c.call).where(intents.c.id == last)).scalar_one()
    assert json.loads(call)["leaves"] == [other & 0xFFFFFFFF]


def test_where_all_was_revoked_the_custodian_says_so_and_that_is_final(cities, tmp_path):
    mianyang, wuhou = cities.nodes[2], cities.nodes[1]
    leaf = kept_at(cities, tmp_path, 1, 1, MATERIALS)[0]
    read_on_record(cities, 2, (leaf,), 1, MATERIALS)
    row = {
        "contract": MATERIALS, "batch": 1, "index": leaf & 0xFFFFFFFF, "member": 1, "key": KEY, "cause": 2,
        "commitment": bytes(32), "block": 99, "log_index": 0, "time": NOW,
    }  # fmt: skip
    for node, outcome in ((wuhou, "refused"), (mianyang, "withheld")):
        with node.begin() as uow:
            uow.connection.execute(tables.leaf_revocations.insert().values(**row))
            uow.commit()
        if outcome == "refused":
            with pytest.raises(ConflictError, match=r"releases\.revoked"):
                receiving.run_once(mianyang, mianyang.keys.open)
        else:
            assert receiving.run_once(mianyang, mianyang.keys.open) == 0
    with mianyang.database.read() as connection:
        assert receiving.pending(connection, 2) == ()
    with pytest.raises(NotFoundError, match=r"releases\.not_received"):
        received.erase(mianyang, 1, ErasureBasis.PURPOSE_ENDED)


def test_a_pass_counts_only_what_came_since_everything_was_here(cities, tmp_path):
    mianyang, memory = cities.nodes[2], receiving.ReceivingMemory()
    leaves = kept_at(cities, tmp_path, 1, 1, MATERIALS)
    read_on_record(cities, 2, (leaves[0],), 1, MATERIALS)
    away = replace(mianyang, peers=Unconnected())
    with pytest.raises(UnavailableError, match=r"peers\.unreachable"):
        receiving.run_once(away, away.keys.open, memory)
    assert receiving.run_once(mianyang, mianyang.keys.open, memory) == 1
    read_on_record(cities, 2, (leaves[1],), 2, MATERIALS)
    assert receiving.run_once(mianyang, mianyang.keys.open, memory) == 1
    assert receiving.run_once(mianyang, mianyang.keys.open, memory) == 0
