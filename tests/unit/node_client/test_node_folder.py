"""A node's folder: made once, backed up while it is used, brought back whole or not at all."""

from __future__ import annotations

import errno
import os
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ledger.bootstrap import opened_node
from ledger.errors import ConflictError, InputError, IntegrityError, NotFoundError, SetupError, UnavailableError
from ledger.projections import journal
from ledger.projections.journal import SyncState
from ledger.services import audit, health
from ledger.settings import load_settings
from node_client.backup import backup, restore
from node_client.daemon import Daemon
from node_client.doctor import examine
from node_client.holding import hold
from node_client.keys import create_key_ring, open_key_ring, read_passphrase
from node_client.node_folder import create_node, rebuild_node

VALUES: dict[str, Any] = {
    "network": "tongban.example/test", "division": "510107", "member": 1, "consortium": "0x" + "ab" * 20, "chain_id": 7,
    "engine": "embedded", "rpc_urls": ["http://127.0.0.1:9"], "port": 0, "scrypt_n": 1024,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_node(tmp_path / "wuhou", VALUES, os.urandom)
    return tmp_path / "wuhou"


def outcomes(folder: Path) -> dict[str, tuple[str, str]]:
    return {item.name: (item.outcome, item.code) for item in examine(load_settings(folder))}


def test_a_folder_is_made_once_with_keys_that_only_its_owner_reads(folder, tmp_path):
    settings = load_settings(folder)
    assert (settings.division, settings.consortium) == ("510107", "0x" + "ab" * 20)
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".db":
            assert path.stat().st_mode & 0o077 == 0, path.name
    with pytest.raises(ConflictError, match=r"networks\.exists"):
        create_node(folder, VALUES, os.urandom)
    unfit = {
        "consortium": "0x12", "port": 70_000, "rpc_urls": [], "rpc_urls.0": [""], "scrypt_n": 5_000,
        "public_url": "wuhou.example",
    }  # fmt: skip
    for name, value in unfit.items():
        with pytest.raises(InputError, match=rf"settings\.value \(name={name}"):
            create_node(tmp_path / "bad", {**VALUES, name.partition(".")[0]: value}, os.urandom)
    for name in ("", "two words", "a+b", "n" * 65):
        with pytest.raises(InputError, match=r"networks\.name"):
            create_node(tmp_path / "bad", {**VALUES, "network": name}, os.urandom)
    with pytest.raises(InputError, match=r"divisions\.unknown"):
        create_node(tmp_path / "bad", {**VALUES, "division": "999999"}, os.urandom)
    assert not (tmp_path / "bad").exists()


def test_a_file_in_the_folder_s_place_and_a_line_that_is_missing_are_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConflictError, match=r"networks\.exists"):
        create_node(tmp_path / "file", VALUES, os.urandom)
    with pytest.raises(SetupError, match=r"settings\.missing"):
        load_settings(tmp_path / "file")
    (tmp_path / "node.toml").write_text('network = "n"\n')
    with pytest.raises(SetupError, match=r"settings\.line_missing \(name=division\)"):
        load_settings(tmp_path)


def test_keys_are_made_whole_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path / "keys").mkdir()

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="full"):
            create_key_ring(tmp_path / "keys", "passphrase", os.urandom, scrypt_n=1_024)
    ring = create_key_ring(tmp_path / "keys", "passphrase", os.urandom, scrypt_n=1_024)
    assert open_key_ring(tmp_path / "keys", "passphrase").chain == ring.chain
    assert ring.folder == tmp_path / "keys"
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_scrypt_takes_powers_of_two_and_nothing_is_made_otherwise(tmp_path):
    with pytest.raises(InputError, match=r"keys\.cost"):
        create_key_ring(tmp_path / "keys", "passphrase", os.urandom, scrypt_n=5_000)
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("content", ["{}", "[]", "no JSON", '{"version": 3, "crypto": {}}', '{"version": 1}'])
def test_a_key_file_of_another_form_is_called_damaged(folder, content):
    secret = read_passphrase(folder / "passphrase")
    for name in ("chain/issue.json", "service.json"):
        whole = (folder / "keys" / name).read_bytes()
        (folder / "keys" / name).write_text(content)
        with pytest.raises(SetupError, match=r"keys\.damaged"):
            open_key_ring(folder / "keys", secret)
        (folder / "keys" / name).write_bytes(whole)


def test_a_passphrase_that_is_no_text_is_named(folder):
    (folder / "passphrase").write_bytes(b"\xff\xfe")
    with pytest.raises(SetupError, match=r"keys\.passphrase_text"):
        read_passphrase(folder / "passphrase")


def test_a_place_where_nothing_can_be_written_is_not_called_a_full_disk(folder, tmp_path):
    with pytest.raises(InputError, match=r"backup\.no_place \(cause=ENOENT\)"):
        backup(folder, tmp_path / "none" / "node.tar", blobs=False)
    backup(folder, tmp_path / "node.tar", blobs=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConflictError, match=r"backup\.not_empty"):
        restore(tmp_path / "node.tar", tmp_path / "file")
    with pytest.raises(InputError, match=r"backup\.no_place \(cause=ENOTDIR\)"):
        restore(tmp_path / "node.tar", tmp_path / "file" / "again")


def test_a_full_disk_while_restoring_is_not_called_a_damaged_archive(folder, tmp_path, monkeypatch):
    backup(folder, tmp_path / "node.tar", blobs=False)

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnavailableError, match=r"backup\.not_restored"):
        restore(tmp_path / "node.tar", tmp_path / "again")
    assert {path.name for path in tmp_path.iterdir()} == {"wuhou", "node.tar"}


def test_what_an_earlier_attempt_left_does_not_come_with_a_restored_node(folder, tmp_path):
    backup(folder, tmp_path / "node.tar", blobs=False)
    (tmp_path / ".again.part").mkdir()
    (tmp_path / ".again.part" / "other.db").write_text("of another archive")
    restore(tmp_path / "node.tar", tmp_path / "again")
    assert not (tmp_path / "again" / "other.db").exists()


def test_a_backup_taken_in_use_brings_everything_back(folder, tmp_path):
    with opened_node(load_settings(folder)) as node:
        audit.note(node, "verify", "receipts.other_file", subject="1:2")
        cid = node.blobs.put(b"encrypted")
        count = backup(folder, tmp_path / "node.tar", blobs=True)
    assert (tmp_path / "node.tar").stat().st_mode & 0o077 == 0
    assert restore(tmp_path / "node.tar", tmp_path / "again") == count
    with opened_node(load_settings(tmp_path / "again")) as again:
        with again.database.read() as connection:
            assert [line.code for line in audit.listed(connection)] == ["receipts.other_file"]
        assert again.blobs.get(cid) == b"encrypted"
    found = outcomes(tmp_path / "again")
    assert {name for name, (outcome, _) in found.items() if outcome == "good"} >= {
        "keys",
        "database",
        "open",
        "witness",
    }


def test_nothing_is_overwritten_and_nothing_damaged_is_restored(folder, tmp_path):
    backup(folder, tmp_path / "node.tar", blobs=False)
    with pytest.raises(ConflictError, match=r"backup\.exists"):
        backup(folder, tmp_path / "node.tar", blobs=False)
    with pytest.raises(ConflictError, match=r"backup\.not_empty"):
        restore(tmp_path / "node.tar", folder)
    with pytest.raises(NotFoundError, match=r"backup\.no_node"):
        backup(tmp_path, tmp_path / "x.tar", blobs=False)
    with pytest.raises(NotFoundError, match=r"backup\.missing"):
        restore(tmp_path / "none.tar", tmp_path / "again")
    content = bytearray((tmp_path / "node.tar").read_bytes())
    with tarfile.open(tmp_path / "node.tar") as archive:
        place = archive.getmember("passphrase").offset_data
    content[place] ^= 1
    (tmp_path / "bad.tar").write_bytes(content)
    for damaged in (tmp_path / "bad.tar", folder / "node.toml"):
        with pytest.raises(IntegrityError, match=r"backup\.damaged"):
            restore(damaged, tmp_path / "again")
        assert not (tmp_path / "again").exists()


def test_the_doctor_names_what_is_wrong_and_calls_nothing_good_that_was_not_looked_at(folder):
    found = outcomes(folder)
    assert found["keys"] == ("good", "")
    assert found["engine"] == ("wrong", "chain.unreachable")
    # Everything that is wrong with the daemon, not only what comes first.
    silent = {item.code for item in examine(load_settings(folder)) if (item.name, item.outcome) == ("daemon", "wrong")}
    assert silent == {"health.daemon_never", "keys.holder_unreachable", "health.not_synchronised"}
    (folder / "passphrase").write_text("wrong")
    (folder / "witness-1-1.db").unlink()
    assert outcomes(folder)["keys"] == ("wrong", "keys.wrong_passphrase")
    assert outcomes(folder)["witness"] == ("skipped", "")
    (folder / "passphrase").chmod(0o644)
    assert outcomes(folder)["keys"] == ("wrong", "keys.open_permissions")
    (folder / "node.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    assert outcomes(folder)["database"] == ("wrong", "doctor.database")
    assert outcomes(folder)["blobs"][0] == "skipped"


def test_a_rebuild_waits_for_the_daemon_to_stop(folder):
    held = hold(folder)
    with pytest.raises(ConflictError, match=r"rebuild\.running"):
        rebuild_node(load_settings(folder))
    held.release()
    # A daemon that was killed left its socket: that keeps nobody away, the engine alone is missing now.
    (folder / "keys.sock").touch()
    with pytest.raises(UnavailableError, match=r"chain\.unreachable"):
        rebuild_node(load_settings(folder))


def test_settings_that_cannot_be_are_named(folder):
    with (folder / "node.toml").open("a") as file:
        file.write("log_level = 'x'\n")
    with pytest.raises(SetupError, match=r"settings\.invalid"):
        load_settings(folder)


@pytest.mark.parametrize(("engine", "behind"), [("embedded", False), ("network", True)])
def test_a_pilots_calendar_that_was_moved_is_remembered_while_its_engine_is_away(tmp_path, engine, behind):
    create_node(tmp_path / "wuhou", VALUES | {"engine": engine, "clock_offset": 0}, os.urandom)
    settings, ahead = load_settings(tmp_path / "wuhou"), 9 * 86_400
    with opened_node(settings) as node, node.begin() as uow:
        state = SyncState(
            block=7, hash=bytes(32), time=int(time.time()) + ahead, entries=1, chain_id=7, consortium=node.consortium,
            genesis=bytes(32),
        )  # fmt: skip
        journal.store_position(uow.connection, state)
        uow.commit()
    # Nothing answers at the engine's address.
    with opened_node(settings) as again:
        assert ("health.clock_behind" in {finding.code for finding in health.findings(again)}) is behind
        assert (again.clock() - int(time.time()) > ahead - 60) is not behind


def test_what_cannot_be_opened_is_not_left_half_open(folder):
    settings = load_settings(folder)
    # SQLite takes its journal away with the last connection.
    with opened_node(settings) as node:
        assert list(folder.glob("node.db-*"))
    assert not list(folder.glob("node.db-*"))
    with opened_node(settings) as node, node.begin() as uow:
        uow.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        uow.commit()
    with pytest.raises(SetupError, match=r"storage\.migration_unknown") as raised:
        opened_node(settings).__enter__()
    assert not list(folder.glob("node.db-*"))
    assert raised.value.facts == {"revision": "9999"}


def test_a_daemon_that_lacks_its_witness_leaves_nothing_open(folder):
    settings = load_settings(folder)
    (lost,) = folder.glob("witness*.db")
    lost.unlink()
    with pytest.raises(SetupError, match=r"log\.witness_lost") as raised:
        Daemon(settings)
    # The error still holds what was being made.
    assert not list(folder.glob("node.db-*"))
    assert raised.value.facts == {}
