"""Keys in custody sign on the person's word or on two witnesses', and for nobody else."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from coincurve import PublicKey

from ledger.domain import holders
from ledger.domain.limits import LIMITS
from ledger.errors import AuthorityError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.storage import custody as module
from ledger.storage.custody import CustodyStore, Witnessed

DIGEST = bytes(range(32))
PIN = "260117"


class Time:
    now = 1_790_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def store(tmp_path, time) -> CustodyStore:
    return open_store(tmp_path, time)


def open_store(folder, time, key: bytes = bytes(32)) -> CustodyStore:
    good = (b"first", b"second")
    return CustodyStore(folder / "custody.db", key, os.urandom, time, lambda _holder, _digest, given: given == good)


def test_a_signature_is_by_the_key_whose_address_was_handed_over(store):
    person = store.enrol(PIN)
    number, public = store.next_account(person, holders.Branch.MATERIAL)
    signature = store.sign(person, holders.Branch.MATERIAL, number, 5, DIGEST, PIN)
    raw = signature[:64] + bytes((signature[64] - 27,))
    key = PublicKey.from_signature_and_message(raw, DIGEST, hasher=None)
    assert key == PublicKey(public.child(5).key)


def test_accounts_are_never_given_twice(store, tmp_path, time):
    person = store.enrol(PIN)
    first = store.next_account(person, holders.Branch.MATERIAL)
    again = open_store(tmp_path, time).next_account(person, holders.Branch.MATERIAL)
    assert (first[0], again[0]) == (0, 1)
    assert first[1] != again[1]


def test_wrong_numbers_lock_and_the_lock_ends(store, time):
    person = store.enrol(PIN)
    sign = lambda pin: store.sign(person, holders.Branch.CASE, 0, 0, DIGEST, pin)  # noqa: E731 - one call, many numbers
    for left in reversed(range(LIMITS.custody_wrong_pins)):
        with pytest.raises(AuthorityError, match=rf"custody\.wrong_pin \(left={left}\)"):
            sign("000000")
    with pytest.raises(AuthorityError, match=r"custody\.locked"):
        sign(PIN)
    time.now += LIMITS.custody_lock_seconds
    assert len(sign(PIN)) == 65


def test_two_witnesses_stand_for_the_number(store):
    person = store.enrol(PIN)
    assert store.sign(person, holders.Branch.CASE, 0, 0, DIGEST, Witnessed((b"first", b"second")))
    with pytest.raises(AuthorityError, match=r"custody\.witnesses"):
        store.sign(person, holders.Branch.CASE, 0, 0, DIGEST, Witnessed((b"first", b"first")))


@pytest.mark.parametrize("pin", ["12345", "1234567890123", "12a456", "１２３４５６", ""])
def test_a_number_that_is_none_is_refused(store, pin):
    with pytest.raises(InputError, match=r"custody\.pin"):
        store.enrol(pin)


def test_an_unknown_person_is_not_found(store):
    with pytest.raises(NotFoundError):
        store.next_account("ab" * 16, holders.Branch.MATERIAL)


def test_a_seed_opens_with_its_own_key_alone(store, tmp_path, time):
    person = store.enrol(PIN)
    with pytest.raises(IntegrityError, match=r"custody\.damaged"):
        open_store(tmp_path, time, bytes(31) + b"\x01").next_account(person, holders.Branch.MATERIAL)


def test_a_store_that_is_locked_is_unavailable_and_nothing_is_kept(store, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LIMITS", replace(LIMITS, database_lock_seconds=0))
    with closing(sqlite3.connect(tmp_path / "custody.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match=r"storage\.unavailable \(cause=SQLITE_BUSY\)"):
            store.enrol(PIN)
        assert other.execute("SELECT count(*) FROM persons").fetchone() == (0,)
    assert store.enrol(PIN)
    # SQLite takes its journal away with the last connection.
    assert [path.name for path in tmp_path.iterdir()] == ["custody.db"]


def test_a_file_that_is_no_store_is_damaged(tmp_path, time):
    (tmp_path / "custody.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(IntegrityError, match=r"custody\.damaged"):
        open_store(tmp_path, time)
