"""A material whose leaves are used up is anchored anew by its city, and nobody hands a paper in twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from ledger.domain.consents import Grantee
from ledger.domain.consortium import ContractKind
from ledger.domain.events import GenerationAdded
from ledger.domain.limits import LIMITS
from ledger.domain.materials import ErasureBasis, RevocationCause
from ledger.domain.reasons import Reason
from ledger.errors import ConflictError, NotFoundError, UnavailableError
from ledger.services import batching, consents, erasing, holders, materials, renewing, synchronising, wallets
from ledger.services.consents import LeafShown
from ledger.services.renewing import RenewalMemory
from ledger.storage.database import open_database
from ledger.storage.migrations import upgrade
from ledger.storage.tables import drafts
from ledger.storage.tables import materials as tables
from ledger.storage.tables.outbox import intents
from ledger.wire.wallets import Wallet
from tests.integration.services.cities import CONSORTIUM, two_cities
from tests.integration.services.custodians import Cities, cities_on_an_engine
from tests.integration.services.test_materials import anchor, paper

PIN = "260117"
SEED = bytes(range(64))
EACH = LIMITS.leaves_per_subject
OPENED = (tables.materials, tables.material_files, tables.material_subjects, tables.material_leaves)


@pytest.fixture
def cities(tmp_path) -> Iterator[Cities]:
    with cities_on_an_engine(tmp_path) as found:
        yield found


def case(number: int) -> bytes:
    return number.to_bytes(32)


def handed_in(cities: Cities, folder, *accounts) -> str:
    handed = materials.submit(cities.nodes["wuhou"], "a1" * 16, [replace(paper(folder), accounts=accounts)])
    cities.pump()
    return handed.materials[0]


def in_custody(cities: Cities):
    wuhou = cities.nodes["wuhou"]
    return holders.custody_account(wuhou, holders.enrol(wuhou, PIN))


def leaves(cities: Cities, material: str) -> list[tuple[int, int, int, str]]:
    """Batch, subject, turn and holder of a material's leaves in Wuhou."""
    table = tables.material_leaves
    with cities.nodes["wuhou"].database.read() as connection:
        rows = connection.execute(
            select(table.c.batch, table.c.subject, table.c.turn, table.c.holder)
            .where(table.c.material == material)
            .order_by(table.c.subject, table.c.turn)
        )
        return [tuple(row) for row in rows]


def granted(cities: Cities, material: str, leaf: int, number: int, signature=None) -> None:
    """A consent over one leaf, signed in custody unless somebody else has, that the chain takes."""
    addresses, wuhou = cities.network.addresses, cities.nodes["wuhou"]
    prepared = consents.prepare(
        cities.nodes["mianyang"], addresses.materials, addresses.cases, case=case(number), matter=bytes([2]) * 32,
        shown={leaf: ("address",)}, grantees=[Grantee(2, 1)], days=30,
    )  # fmt: skip
    if signature is None:
        signed = holders.sign_leaf(wuhou, material, leaf, prepared.digest, PIN)
        shown = [holders.show_leaf(wuhou, material, leaf, signed)]
    else:
        shown = signature(prepared)
    intent = consents.grant(cities.nodes["mianyang"], addresses.materials, prepared.terms, shown)
    cities.pump()
    assert cities.outcome("mianyang", intent) is Reason.OK


def test_the_ninth_case_takes_a_leaf_that_the_city_anchored_by_itself(cities, tmp_path):
    wuhou, memory = cities.nodes["wuhou"], RenewalMemory()
    material = handed_in(cities, tmp_path, in_custody(cities), holders.material_account(SEED, 0))
    assert renewing.run_once(wuhou, wuhou.keys.open, memory) == 0
    before = leaves(cities, material)
    for number in range(EACH - LIMITS.fresh_leaves_least):
        holders.allot(wuhou, material, 0, case(number))
    assert renewing.run_once(wuhou, wuhou.keys.open, memory) == 0
    holders.allot(wuhou, material, 0, case(EACH))
    assert renewing.run_once(wuhou, wuhou.keys.open, memory) == 1
    # In line already, and nothing was used since.
    assert renewing.run_once(wuhou, wuhou.keys.open, memory) == 0
    assert renewing.run_once(wuhou, wuhou.keys.open, RenewalMemory()) == 0
    cities.pump()
    after = leaves(cities, material)
    assert set(before) < set(after)
    assert [row[2] for row in after if row[1] == 0] == list(range(2 * EACH))
    assert len({row[3] for row in after}) == 4 * EACH
    with wuhou.database.read() as connection:
        left = renewing.fresh(connection, material, wuhou.clock())
        assert left == {0: EACH + LIMITS.fresh_leaves_least - 1, 1: 2 * EACH}
    for number in range(100, 100 + left[0]):
        leaf = holders.allot(wuhou, material, 0, case(number))
    assert leaf >> 32 != before[0][0]
    granted(cities, material, leaf, 99)
    with pytest.raises(ConflictError, match=r"wallets\.no_fresh_leaf"):
        holders.allot(wuhou, material, 0, case(999))


def test_who_keeps_the_keys_alone_finds_the_new_leaves_in_the_wallet(cities, tmp_path):
    wuhou = cities.nodes["wuhou"]
    material = handed_in(cities, tmp_path, holders.material_account(SEED, 7))
    wallet = wallets.add(Wallet(), wallets.hand_out(wuhou, material, 0, 7))
    for number in range(EACH):
        wallet, _ = wallets.allot(wallet, material, case(number))
    with pytest.raises(ConflictError, match=r"wallets\.no_fresh_leaf"):
        wallets.allot(wallet, material, case(EACH))
    assert renewing.renew(wuhou, material)
    assert not renewing.renew(wuhou, material)
    cities.pump()
    wallet = wallets.add(wallet, wallets.hand_out(wuhou, material, 0, 7))
    assert [leaf.step for leaf in wallet.materials[0].leaves] == list(range(2 * EACH))
    contract = cities.network.addresses.materials
    wallet, leaf = wallets.allot(wallet, material, case(EACH), contract=contract)
    with pytest.raises(ConflictError, match=r"wallets\.no_fresh_leaf"):
        wallets.allot(wallet, material, case(EACH + 1), contract="0x" + "9" * 40)

    def signed(prepared: consents.Prepared) -> list[LeafShown]:
        return holders.sign_consent(SEED, wallet, prepared.terms, wuhou.chain_id, contract)

    granted(cities, material, leaf.leaf, EACH, signed)


def test_every_leaf_of_every_batch_is_revoked_with_the_material(cities, tmp_path):
    wuhou = cities.nodes["wuhou"]
    # Three people: more leaves than one operation of the contract takes.
    material = handed_in(cities, tmp_path, *(in_custody(cities) for _ in range(3)))
    renewing.renew(wuhou, material)
    cities.pump()
    last = materials.revoke(wuhou, material, RevocationCause.INSPECTION_WITHDRAWN, "样本说明")
    assert materials.revoke(wuhou, material, RevocationCause.INSPECTION_WITHDRAWN, "样本说明") == last
    cities.pump()
    assert cities.outcome("wuhou", last) is Reason.OK
    with wuhou.database.read() as connection:
        assert len(connection.execute(select(tables.leaf_revocations)).all()) == 6 * EACH
        assert renewing.fresh(connection, material, wuhou.clock()) == {0: 0, 1: 0, 2: 0}
    with pytest.raises(ConflictError, match=r"materials\.revoked"):
        renewing.renew(wuhou, material)
    assert renewing.run_once(wuhou, wuhou.keys.open, RenewalMemory()) == 0


def test_the_end_of_a_material_ends_its_renewal(cities, tmp_path):
    wuhou = cities.nodes["wuhou"]
    waiting, on_its_way = (handed_in(cities, tmp_path, in_custody(cities)) for _ in range(2))
    renewing.renew(wuhou, waiting)
    materials.revoke(wuhou, waiting, RevocationCause.INSPECTION_WITHDRAWN, "样本说明")
    cities.pump()
    assert len(leaves(cities, waiting)) == EACH
    renewing.renew(wuhou, on_its_way)
    assert batching.run_once(wuhou, wuhou.keys.open) is not None
    for end in (
        lambda: materials.erase(wuhou, on_its_way, ErasureBasis.CONSENT_WITHDRAWN),
        lambda: materials.revoke(wuhou, on_its_way, RevocationCause.INSPECTION_WITHDRAWN, "样本说明"),
    ):
        with pytest.raises(UnavailableError, match=r"materials\.renewing"):
            end()
    # The chain refuses the batch; then nothing is on its way any more.
    with wuhou.begin() as uow:
        uow.connection.execute(update(intents).where(intents.c.state == "waiting").values(state="refused", reason=3))
        uow.commit()
    renewing.run_once(wuhou, wuhou.keys.open, RenewalMemory())
    materials.erase(wuhou, on_its_way, ErasureBasis.CONSENT_WITHDRAWN)
    with pytest.raises(ConflictError, match=r"materials\.erased"):
        renewing.renew(wuhou, on_its_way)


def test_a_batch_that_loses_a_material_in_this_moment_is_not_anchored(cities, tmp_path):
    wuhou = cities.nodes["wuhou"]
    material = handed_in(cities, tmp_path, in_custody(cities))
    renewing.renew(wuhou, material)
    kept = set(wuhou.blobs.cids())

    def revoked_meanwhile(sealed, info):
        materials.revoke(wuhou, material, RevocationCause.INSPECTION_WITHDRAWN, "样本说明")
        return wuhou.keys.open(sealed, info)

    assert batching.run_once(wuhou, revoked_meanwhile) is None
    # One more blob: the sealed words of the revocation.
    assert len(set(wuhou.blobs.cids()) - kept) == 1
    cities.pump()
    assert len(leaves(cities, material)) == EACH


def test_what_is_not_there_or_over_is_not_renewed(cities, tmp_path):
    wuhou = cities.nodes["wuhou"]
    with pytest.raises(NotFoundError, match=r"materials\.not_found"):
        renewing.renew(wuhou, "none")
    expiring = replace(paper(tmp_path), accounts=(in_custody(cities),), expires_at=wuhou.clock() + 400 * 86_400)
    material = materials.submit(wuhou, "a1" * 16, [expiring]).materials[0]
    with pytest.raises(NotFoundError, match=r"materials\.waiting"):
        renewing.renew(wuhou, material)
    cities.pump()
    over = replace(wuhou, clock=lambda: wuhou.clock() + 401 * 86_400)
    with pytest.raises(ConflictError, match=r"materials\.expired"):
        renewing.renew(over, material)
    with pytest.raises(ConflictError, match=r"materials\.expired"):
        holders.allot(over, material, 0, case(1))
    assert holders.allot(wuhou, material, 0, case(1))
    assert renewing.run_once(over, over.keys.open, RenewalMemory()) == 0
    assert renewing.renew(wuhou, material)


def test_all_are_looked_through_a_window_at_a_time_and_a_fault_loses_none(cities, tmp_path, monkeypatch):
    wuhou = cities.nodes["wuhou"]
    names = sorted(handed_in(cities, tmp_path, in_custody(cities)) for _ in range(3))
    for name in (names[0], names[2]):
        for number in range(EACH - 1):
            holders.allot(wuhou, name, 0, case(number))
    monkeypatch.setattr(renewing, "LIMITS", replace(LIMITS, renewals_at_once=2))
    memory = RenewalMemory()

    def away(*_):
        raise UnavailableError("keys.holder_unreachable")

    with pytest.raises(UnavailableError):
        renewing.run_once(wuhou, away, memory)
    assert [renewing.run_once(wuhou, wuhou.keys.open, memory) for _ in range(3)] == [1, 1, 0]
    with wuhou.database.read() as connection:
        table = drafts.material_drafts
        waiting = set(connection.execute(select(table.c.id).where(table.c.state == "waiting")).scalars())
    assert waiting == {names[0], names[2]}


def rebuilt(cities: Cities, folder) -> list[list[str]]:
    """The opened rows of a new database, made from the chain and the blobs alone."""
    wuhou = cities.nodes["wuhou"]
    with open_database(folder / "again.db") as database:
        upgrade(database)
        again = replace(wuhou, database=database, chain=cities.network.gateway())
        synchronising.run_once(again)
        batching.open_batches(again, again.keys.open)
        found = rows(again)
    (folder / "again.db").unlink()
    return found


def rows(node) -> list[list[str]]:
    with node.database.read() as connection:
        return [sorted(map(repr, connection.execute(select(table)))) for table in OPENED]


def test_a_dropped_database_comes_back_with_all_batches_and_what_was_erased_stays_erased(cities, tmp_path):
    wuhou = cities.nodes["wuhou"]
    material = handed_in(cities, tmp_path, in_custody(cities), holders.material_account(SEED, 0))
    for _ in range(2):
        assert renewing.renew(wuhou, material)
        cities.pump()
    assert len({row[0] for row in leaves(cities, material)}) == 3
    assert rebuilt(cities, tmp_path) == rows(wuhou)
    kept = set(wuhou.blobs.cids())
    last = materials.erase(wuhou, material, ErasureBasis.CONSENT_WITHDRAWN)
    cities.pump()
    assert cities.outcome("wuhou", last) is Reason.OK
    with pytest.raises(ConflictError, match=r"materials\.erased"):
        materials.document_of(wuhou, material)
    assert rebuilt(cities, tmp_path) == rows(wuhou)
    assert erasing.run_once(wuhou, wuhou.keys.open) == 1
    # Three documents and one file, each with its list of blocks, are gone; the three manifests stay.
    left = set(wuhou.blobs.cids())
    assert left < kept
    assert len(left) == 6
    assert rebuilt(cities, tmp_path) == rows(wuhou)


def test_a_new_contract_makes_every_material_wait_for_leaves_under_it(tmp_path):
    with two_cities(tmp_path) as cities:
        anchor(cities, tmp_path)
        wuhou, memory = cities.nodes[1], RenewalMemory()
        assert renewing.run_once(wuhou, wuhou.keys.open, memory) == 0
        cities.say(GenerationAdded(ContractKind.MATERIALS, 2, "0x" + "9" * 40), contract=CONSORTIUM)
        assert renewing.run_once(wuhou, wuhou.keys.open, memory) == 1
        with wuhou.database.read() as connection:
            assert connection.execute(select(drafts.material_drafts.c.state)).scalars().all() == ["waiting"]
