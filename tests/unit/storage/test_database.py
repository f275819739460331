"""A transaction is whole or not at all, reading cannot write, and the database's errors have our names."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.domain.limits import LIMITS
from ledger.errors import ConflictError, IntegrityError, UnavailableError
from ledger.storage import database as module
from ledger.storage.database import Database, open_database
from ledger.storage.tables import metadata, transactions
from ledger.storage.unit_of_work import UnitOfWork


@pytest.fixture
def database(tmp_path: Path):
    opened = open_database(tmp_path / "node.db")
    with opened.begin() as connection:
        metadata.create_all(connection)
        connection.commit()
    yield opened
    opened.close()


def _row(number: int) -> dict[str, object]:
    return {
        "address": "0x" + "11" * 20, "nonce": number, "contract": "0x" + "22" * 20, "operation": 40, "raw": b"",
        "hash": bytes([number]) * 32, "state": "prepared", "prepared_at": 1, "send_after": 1, "attempts": 0,
    }  # fmt: skip


def _count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(transactions)).scalar_one()


def test_sqlite_is_durable_and_checks_foreign_keys(database: Database):
    with database.read() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": LIMITS.database_lock_seconds * 1000,
    }


def test_only_what_is_committed_stays(database: Database):
    with UnitOfWork(database) as uow:
        uow.connection.execute(sa.insert(transactions).values(_row(1)))
    assert _count(database) == 0
    with pytest.raises(KeyError), UnitOfWork(database) as uow:  # noqa: PT012  # the block is what is tested
        uow.connection.execute(sa.insert(transactions).values(_row(1)))
        raise KeyError
    assert _count(database) == 0
    with UnitOfWork(database) as uow:
        uow.connection.execute(sa.insert(transactions).values(_row(1)))
        uow.commit()
    assert _count(database) == 1
    with pytest.raises(RuntimeError, match="inside its with block"):
        _ = uow.connection


def test_reading_cannot_write_and_writing_still_can_afterwards(database: Database):
    with pytest.raises(UnavailableError, match="SQLITE_READONLY"), database.read() as connection:
        connection.execute(sa.insert(transactions).values(_row(1)))
    with UnitOfWork(database) as uow:
        uow.connection.execute(sa.insert(transactions).values(_row(1)))
        uow.commit()
    assert _count(database) == 1


def test_a_reader_keeps_its_picture_while_another_writes(database: Database):
    with database.read() as connection:
        before = connection.execute(sa.select(sa.func.count()).select_from(transactions)).scalar_one()
        with UnitOfWork(database) as uow:
            uow.connection.execute(sa.insert(transactions).values(_row(1)))
            uow.commit()
        assert connection.execute(sa.select(sa.func.count()).select_from(transactions)).scalar_one() == before
    assert _count(database) == before + 1


@pytest.mark.parametrize("apart", [False, True])
def test_writers_wait_for_one_another(tmp_path: Path, database: Database, apart: bool):  # noqa: FBT001 - a case
    """Eight writers, of one process or each on its own, read, then write what they have read: none is lost."""

    def add() -> None:
        own = open_database(tmp_path / "node.db") if apart else database
        for _ in range(5):
            with UnitOfWork(own) as uow:
                highest = uow.connection.execute(sa.select(sa.func.max(transactions.c.nonce))).scalar() or 0
                uow.connection.execute(sa.insert(transactions).values(_row(highest + 1)))
                uow.commit()
        if apart:
            own.close()

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(database) == 40


def test_a_locked_database_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database):
    monkeypatch.setattr(module, "LIMITS", replace(LIMITS, database_lock_seconds=0))
    impatient = open_database(tmp_path / "node.db")
    with UnitOfWork(database), pytest.raises(UnavailableError) as raised, UnitOfWork(impatient):
        pass
    assert (raised.value.code, raised.value.facts) == ("storage.unavailable", {"cause": "SQLITE_BUSY"})
    impatient.close()


def test_a_writer_of_the_same_process_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch, database: Database):
    monkeypatch.setattr(module, "LIMITS", replace(LIMITS, database_lock_seconds=0))
    raised: list[UnavailableError] = []

    def write() -> None:
        try:
            with UnitOfWork(database):
                pass
        except UnavailableError as error:
            raised.append(error)

    with UnitOfWork(database):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert [(error.code, error.facts) for error in raised] == [("storage.unavailable", {"cause": "SQLITE_BUSY"})]


def test_a_constraint_is_a_conflict_and_shows_no_values(database: Database):
    with pytest.raises(ConflictError) as raised, UnitOfWork(database) as uow:
        uow.connection.execute(sa.insert(transactions).values([_row(1), _row(1)]))
    assert raised.value.code == "storage.conflict"
    assert raised.value.facts == {"cause": "SQLITE_CONSTRAINT_UNIQUE"}


def test_a_file_that_is_no_database_or_is_damaged_is_named_so(tmp_path: Path, database: Database):
    no_database = tmp_path / "other.db"
    no_database.write_bytes(b"this is no database" * 100)
    broken = open_database(no_database)
    with pytest.raises(IntegrityError) as raised, broken.read() as connection:
        connection.execute(sa.text("SELECT 1 FROM sqlite_master"))
    assert raised.value.code == "storage.damaged"
    broken.close()
    database.close()
    path = tmp_path / "node.db"
    with sqlite3.connect(path) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    plain.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    damaged = open_database(path)
    with pytest.raises(IntegrityError), damaged.read() as connection:
        connection.execute(sa.select(transactions)).all()
    damaged.close()


def test_a_folder_that_is_gone_is_unavailable(tmp_path: Path):
    nowhere = open_database(tmp_path / "no" / "node.db")
    with pytest.raises(UnavailableError, match="SQLITE_CANTOPEN"), nowhere.read():
        pass
    nowhere.close()
