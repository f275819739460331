"""A wallet follows its holder into every city: published by one, found by its seed in another, signed from there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from ledger.blobs.cids import cid_from_digest, digest_of
from ledger.blobs.content import delete_content, write_content
from ledger.domain import mnemonics
from ledger.domain.consents import Grantee
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.domain.workdays import day_of, day_start
from ledger.errors import ConflictError, NotFoundError, UnavailableError
from ledger.services import consents, holders, materials, wallets
from ledger.services.peers import Unconnected
from ledger.storage import outbox
from ledger.storage.tables import materials as tables
from ledger.wire.wallets import Wallet
from tests.integration.network import signer
from tests.integration.services.custodians import Cities, cities_on_an_engine
from tests.integration.services.test_materials import paper

CASE = b"\x11" * 32
SEED = bytes(range(64))


@pytest.fixture
def cities(tmp_path) -> Iterator[Cities]:
    with cities_on_an_engine(tmp_path) as found:
        yield found


def handed_in(cities: Cities, folder, seed: bytes, wallet: Wallet) -> tuple[Wallet, str]:
    """A household register in Wuhou, and the wallet with it."""
    wuhou = cities.nodes["wuhou"]
    wallet, number = wallets.reserve_account(wallet)
    submitted = replace(paper(folder), accounts=(holders.material_account(seed, number),))
    material = materials.submit(wuhou, "a1" * 16, [submitted]).materials[0]
    cities.pump()
    return wallets.add(wallet, wallets.hand_out(wuhou, material, 0, number, receipts=[b"receipt"])), material


def saved(cities: Cities, city: str, wallet: Wallet) -> Wallet:
    wallet, intent = wallets.save(cities.nodes[city], SEED, wallet, spread=0)
    cities.pump()
    assert cities.outcome(city, intent) is Reason.OK
    return wallet


def pinned(cities: Cities, version: int) -> str:
    """The blob of a version."""
    table = tables.wallet_pointers
    with cities.nodes["wuhou"].database.read() as connection:
        pointer = wallets.pointer_of(SEED, version)
        return cid_from_digest(connection.execute(select(table.c.blob).where(table.c.pointer == pointer)).scalar_one())


def test_twelve_words_are_enough_to_consent_and_revoke_in_another_city(cities, tmp_path):
    phrase = mnemonics.words_from_entropy(os.urandom(16), mnemonics.Language.CHINESE)
    seed = holders.recover(phrase)
    assert mnemonics.entropy_from_words(phrase)[1] is mnemonics.Language.CHINESE
    wallet, material = handed_in(cities, tmp_path, seed, Wallet())
    wallet, _ = wallets.save(cities.nodes["wuhou"], seed, wallet, spread=0)
    cities.pump()

    mianyang, addresses = cities.nodes["mianyang"], cities.network.addresses
    found = wallets.find(mianyang, holders.recover(phrase.replace(" ", "")))
    assert (found.wallet, found.used) == (wallet, 1)
    assert found.wallet.materials[0].receipts == (b"receipt",)
    assert not list(mianyang.blobs.cids())
    wallet, leaf = wallets.allot(found.wallet, material, CASE)
    prepared = consents.prepare(
        mianyang, addresses.materials, addresses.cases, case=CASE, matter=bytes([2]) * 32,
        shown={leaf.leaf: ("address",)}, grantees=[Grantee(2, 1)], days=30,
    )  # fmt: skip
    signed = holders.sign_consent(seed, wallet, prepared.terms, mianyang.chain_id, addresses.materials)
    intent = consents.grant(cities.nodes["yuzhong"], addresses.materials, prepared.terms, signed)
    cities.pump()
    assert cities.outcome("yuzhong", intent) is Reason.OK
    revoked = holders.sign_revocation(
        seed, wallet, prepared.digest, prepared.terms.leaves, mianyang.chain_id, addresses.materials
    )
    intent = consents.revoke(mianyang, addresses.materials, prepared.digest, revoked)
    cities.pump()
    assert cities.outcome("mianyang", intent) is Reason.OK


def test_a_wallet_signs_for_its_own_leaves_alone(cities, tmp_path):
    wallet, _ = handed_in(cities, tmp_path, SEED, Wallet())
    addresses = cities.network.addresses
    other = wallet.materials[0].leaves[0].leaf + (1 << 32)
    prepared = consents.prepare(
        cities.nodes["mianyang"], addresses.materials, addresses.cases, case=CASE, matter=bytes([2]) * 32,
        shown={other: ("address",)}, grantees=[Grantee(2, 1)], days=30,
    )  # fmt: skip
    with pytest.raises(NotFoundError, match=r"wallets\.no_leaf"):
        holders.sign_consent(SEED, wallet, prepared.terms, 1, addresses.materials)
    with pytest.raises(NotFoundError, match=r"wallets\.no_leaf"):
        holders.sign_revocation(SEED, wallet, prepared.digest, [other], 1, addresses.materials)


def test_the_newest_version_is_found_whoever_published_it(cities, tmp_path):
    with pytest.raises(NotFoundError, match=r"wallets\.not_found"):
        wallets.find(cities.nodes["wuhou"], SEED)
    first, _ = handed_in(cities, tmp_path, SEED, Wallet())
    first = saved(cities, "wuhou", first)
    second = saved(cities, "mianyang", wallets.remember_case(first, CASE, 4))
    assert (first.version, second.version, second.next_case) == (1, 2, 5)
    for node in cities.nodes.values():
        assert wallets.find(node, SEED).wallet == second
    with pytest.raises(NotFoundError):
        wallets.find(cities.nodes["wuhou"], bytes(64))


def test_a_version_that_waits_for_its_moment_is_newer_than_the_chains(cities):
    wuhou, mianyang = cities.nodes["wuhou"], cities.nodes["mianyang"]
    first = saved(cities, "wuhou", Wallet())
    numbers = []
    for _ in range(2):
        wallet, number = wallets.reserve_case(wallets.find(wuhou, SEED).wallet)
        numbers.append(number)
        wallets.save(wuhou, SEED, wallet, spread=3_600)
    assert numbers == [0, 1]
    assert (wallets.find(wuhou, SEED).wallet.version, wallets.find(mianyang, SEED).wallet) == (3, first)


def test_who_takes_the_next_pointer_gains_nothing(cities):
    wallet = saved(cities, "wuhou", Wallet())
    yuzhong = cities.nodes["yuzhong"]
    rubbish = wallets.SealedWallet(wallets.pointer_of(SEED, 2), b"nothing of anybody's")
    intent = wallets.publish(yuzhong, rubbish, spread=0)
    cities.pump()
    assert cities.outcome("yuzhong", intent) is Reason.OK
    found = wallets.find(cities.nodes["mianyang"], SEED)
    assert (found.wallet, found.used) == (wallet, 2)
    with pytest.raises(ConflictError, match=r"wallets\.version_taken"):
        wallets.publish(cities.nodes["wuhou"], wallets.seal(SEED, replace(wallet, version=2), os.urandom))
    assert saved(cities, "wuhou", wallet).version == 3


def test_an_older_version_helps_when_the_newest_is_gone_but_not_when_its_city_is_silent(cities):
    first = saved(cities, "wuhou", Wallet())
    saved(cities, "mianyang", replace(first, next_case=1))
    silent = replace(cities.nodes["wuhou"], peers=Unconnected())
    with pytest.raises(UnavailableError, match=r"peers\.unreachable"):
        wallets.find(silent, SEED)
    delete_content(cities.nodes["mianyang"].blobs, pinned(cities, 2))
    found = wallets.find(cities.nodes["wuhou"], SEED)
    assert (found.wallet, found.used) == (first, 2)


def test_a_version_on_its_way_is_not_overwritten_and_its_moment_is_random(cities):
    wuhou = cities.nodes["wuhou"]
    now = wuhou.clock()
    versions, moments = [], set()
    for _ in range(6):
        wallet, intent = wallets.save(wuhou, SEED, Wallet())
        with wuhou.database.read() as connection:
            moments.add(outbox.find(connection, intent).not_before)
        versions.append(wallet.version)
    assert versions == [1, 2, 3, 4, 5, 6]
    assert len(moments) > 1
    assert all(now <= moment < wuhou.clock() + LIMITS.wallet_spread_seconds for moment in moments)


def test_a_gap_in_the_versions_hides_nothing(cities):
    # More than one question to the database, and every pointer but one was taken by its holder.
    wuhou, contract = cities.nodes["wuhou"], cities.network.addresses.materials
    newest = replace(Wallet(), version=70)
    cid = write_content(wuhou.blobs, [wallets.seal(SEED, newest, os.urandom).content])
    for version in (*range(1, 30), *range(31, 71)):
        fields = {"pointer": wallets.pointer_of(SEED, version), "blob": digest_of(cid)}
        cities.enqueue("wuhou", f"point-{version}", Operation.POINT, contract, "operate", fields)
    cities.pump()
    found = wallets.find(wuhou, SEED)
    assert (found.wallet, found.used) == (newest, 70)


def test_a_quota_that_is_used_up_says_when_to_come_again(cities):
    wuhou = cities.nodes["wuhou"]
    now = wuhou.clock()
    row = {
        "blob": bytes([1]) * 32, "member": 1, "key": signer("wuhou operate").address, "block": 1, "log_index": 0, "time": now,
    }  # fmt: skip
    rows = [row | {"pointer": number.to_bytes(32, "big")} for number in range(LIMITS.wallet_pointers_a_day)]
    with wuhou.begin() as uow:
        uow.connection.execute(insert(tables.wallet_pointers), rows)
        uow.commit()
    with pytest.raises(UnavailableError, match=r"wallets\.daily_limit") as refused:
        wallets.save(replace(wuhou, clock=lambda: now), SEED, Wallet())
    tomorrow = now + refused.value.retry_after
    assert day_start(day_of(tomorrow)) - 2 <= tomorrow <= day_start(day_of(tomorrow)) + 2
    wallets.save(replace(wuhou, clock=lambda: tomorrow + 5), SEED, Wallet())
