"""The wallet's own bookkeeping: a leaf for each case, an account for each material, nothing lost when it is refreshed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import holders as keys
from ledger.errors import ConflictError, NotFoundError
from ledger.services import holders, wallets
from ledger.wire.wallets import Wallet, WalletLeaf, WalletMaterial

CONTRACT = "0x" + "ab" * 20
CASES = [bytes([number]) * 32 for number in range(1, 10)]


def leaf(step: int, batch: int = 1) -> WalletLeaf:
    return WalletLeaf(CONTRACT, batch << 32 | step, step, bytes(32))


def material(name: str = "m1", account: int = 0, count: int = 3, subject: int = 0) -> WalletMaterial:
    return WalletMaterial(name, account, subject, b"{}", (), tuple(leaf(step) for step in range(count)))


@given(st.lists(st.sampled_from(CASES), max_size=12))
def test_a_case_has_one_leaf_and_a_leaf_one_case(asked):
    wallet = Wallet(materials=(material(count=len(CASES)),))
    given_out: dict[bytes, int] = {}
    for case in asked:
        wallet, chosen = wallets.allot(wallet, "m1", case)
        assert given_out.setdefault(case, chosen.leaf) == chosen.leaf
    assert len(set(given_out.values())) == len(given_out)
    assert sum(each.spent for each in wallet.materials[0].leaves) == len(given_out)


def test_no_leaf_is_given_twice_when_none_is_left():
    wallet = Wallet(materials=(material(count=1), material("m2", 1, subject=4)))
    wallet, _ = wallets.allot(wallet, "m1", CASES[0])
    with pytest.raises(ConflictError, match=r"wallets\.no_fresh_leaf"):
        wallets.allot(wallet, "m1", CASES[1])
    assert wallets.allot(wallet, "m2", CASES[1], subject=4)[1].leaf == 1 << 32
    for name, subject in (("m3", None), ("m2", 0)):
        with pytest.raises(NotFoundError, match=r"wallets\.no_material"):
            wallets.allot(wallet, name, CASES[1], subject=subject)


def test_an_account_that_was_handed_over_is_never_handed_over_again():
    wallet, first = wallets.reserve_account(Wallet())
    wallet, second = wallets.reserve_account(wallet)
    assert (first, second) == (0, 1)
    # Another device's wallet had gone further.
    assert wallets.reserve_account(wallets.add(wallet, material(account=7)))[1] == 8
    wallet, case = wallets.reserve_case(wallet)
    wallet = wallets.remember_case(wallet, CASES[0], case)
    assert dict(wallet.cases) == {CASES[0].hex(): 0}
    assert wallets.reserve_case(wallets.remember_case(wallet, CASES[1], 5))[1] == 6


def test_more_leaves_come_beside_those_that_are_there():
    wallet = wallets.add(Wallet(), replace(material(), receipts=(b"one",)))
    wallet, used = wallets.allot(wallet, "m1", CASES[0])
    more = replace(material(), leaves=(leaf(0), leaf(3, batch=2)), receipts=(b"one", b"two"))
    (held,) = wallets.add(wallet, more).materials
    assert [each.step for each in held.leaves] == [0, 1, 2, 3]
    assert held.leaves[0] == used
    assert held.receipts == (b"one", b"two")
    # The spouse's leaves of the same paper are another entry.
    assert len(wallets.add(wallet, material(subject=1, account=1)).materials) == 2


def test_the_account_handed_over_gives_the_addresses_that_the_holder_signs_with():
    seed = bytes(range(64))
    account = holders.material_account(seed, 3, start=8)
    addresses = keys.leaf_addresses(keys.ExtendedPublic.decode(account.account), account.start, 2)
    assert addresses == [keys.address_of(holders.leaf_key(seed, 3, step)) for step in (8, 9)]
    assert holders.case_address(seed, 0) != holders.case_address(seed, 1)
    assert account.person == ""
