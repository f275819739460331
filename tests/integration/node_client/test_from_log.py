"""A node made again from the files of the log alone: the same rows as from the chain, and nothing from a log that is wrong."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger import projections
from ledger.bootstrap import opened_node
from ledger.domain.policies import format_policy
from ledger.log.files import DirectoryFiles
from ledger.log.store import LogStore
from ledger.services import consortium, materials, publishing, synchronising
from ledger.settings import load_settings
from ledger.storage import outbox
from ledger.storage.database import open_database
from ledger.storage.tables import chain
from node_client.holding import hold
from node_client.keys import CHAIN_ROLES, save_chain_key, save_service_keys
from tests.integration.network import CHAIN_ID
from tests.integration.services.logs import Logs, logs
from tests.integration.services.test_materials import paper
from tests.unit.node_client.commanding import Command

__all__ = ["logs"]

PASSPHRASE = "correct horse"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


@pytest.fixture
def again(logs: Logs, tmp_path: Path) -> Path:
    """Wuhou's folder as a backup without its database brings it back: keys, settings, blobs."""
    node, home = logs.nodes["wuhou"], tmp_path / "again"
    home.mkdir()
    # The engine is in this process: at the address there is nobody, so all comes from the log.
    (home / "node.toml").write_text(
        f'network = "{node.network}"\ndivision = "{node.division}"\nmember = 1\nconsortium = "{node.consortium}"\n'
        f'chain_id = {CHAIN_ID}\nrpc_urls = ["http://127.0.0.1:9"]\nscrypt_n = 1024\n'
    )
    (home / "passphrase").touch(mode=0o600)
    (home / "passphrase").write_text(PASSPHRASE)
    for role in CHAIN_ROLES:
        secret = hashlib.sha256(f"tongban test key: wuhou {role}".encode()).digest()
        save_chain_key(home / "keys", role, secret, PASSPHRASE, scrypt_n=1024)
    ring = logs.rings["wuhou"]
    save_service_keys(type(ring)(home / "keys", ring.chain, ring.service), PASSPHRASE, os.urandom, scrypt_n=1024)
    materials.submit(node, "a1" * 16, [paper(tmp_path)])
    logs.cities.pump()
    logs.blocks(17)
    logs.append()
    assert logs.publish() is not None
    shutil.copytree(tmp_path / "wuhou" / "blobs", home / "blobs")
    with node.database.read() as connection:
        (tmp_path / "policy").write_bytes(format_policy(publishing.policy_of(connection, node.network)))
    # What is served, and nothing else of the store.
    shutil.copytree(node.log_folder / "tile", tmp_path / "served" / "tile")
    shutil.copy(node.log_folder / "checkpoint", tmp_path / "served")
    return home


def rows(path: Path, *, journal: bool = True) -> dict[str, list[str]]:
    """Every row of the picture; of the journal what the log carries."""
    database = open_database(path)
    tables = [*projections.PICTURE, *((chain.events, chain.log_entries) if journal else ())]
    with database.read() as connection:
        found = {table.name: sorted(map(repr, connection.execute(select(table)))) for table in tables}
    database.close()
    return found


def rebuilt(command: Command, *options: str) -> dict[str, object]:
    said = command("node", "rebuild", "again", "--from-log", *options, "--policy", "policy", "--json")
    assert said.returncode == 0, said.stderr
    document: dict[str, object] = json.loads(said.stdout)
    assert document["behind"] == "chain.unreachable"
    return document


def code(command: Command, *options: str) -> str:
    said = command("node", "rebuild", "again", *options, "--json")
    assert said.returncode != 0
    return str(json.loads(said.stderr)["code"])


def test_the_rows_are_those_that_the_chain_gave(logs, again, command, tmp_path):
    node = logs.nodes["wuhou"]
    assert not (again / "node.db").exists()
    found = rebuilt(command, "served")
    size = logs.stores["wuhou"].published.size
    assert (found["entries"], found["materials"]) == (size, 1)
    # Whatever came after the checkpoint comes from the chain.
    database = open_database(again / "node.db")
    synchronising.synchronise(database, node.chain, node.consortium)
    database.close()
    assert rows(again / "node.db") == rows(tmp_path / "wuhou" / "node.db")
    # And again, over a picture that is there.
    assert rebuilt(command, "served") == found


def test_a_mirror_and_another_city_s_folder_do_as_well(again, command):
    mirrored = command("log", "mirror", "served", "mirror", "--policy", "policy", "--json")
    assert mirrored.returncode == 0, mirrored.stderr
    first = rebuilt(command, "mirror")
    picture = rows(again / "node.db")
    (again / "node.db").unlink()
    assert rebuilt(command, "wuhou/log") == first
    assert rows(again / "node.db") == picture


def test_what_is_this_node_s_own_is_kept(again, command):
    rebuilt(command, "served")
    with opened_node(load_settings(again)) as node:
        name = consortium.publish_endpoint(node, "https://again.example")
    rebuilt(command, "served")
    with opened_node(load_settings(again)) as node, node.database.read() as connection:
        assert outbox.find(connection, name).state == "waiting"


def changed(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_nothing_is_dropped_for_a_log_that_is_damaged_or_not_cosigned_or_another_s(again, command, tmp_path):
    rebuilt(command, "served")
    before = rows(again / "node.db")
    spoil: dict[str, Callable[[], object]] = {
        "log.damaged": lambda: changed(next((tmp_path / "served/tile/entries").rglob("*.p/*")), 40),
        "log.missing": lambda: shutil.rmtree(tmp_path / "served/tile/entries"),
        "log.no_checkpoint": (tmp_path / "served/checkpoint").unlink,
    }
    for expected, act in spoil.items():
        act()
        assert code(command, "--from-log", "served", "--policy", "policy") == expected
        assert rows(again / "node.db") == before
    note = (tmp_path / "wuhou/log/checkpoint").read_text()
    head, _, signatures = note.partition("\n\n")
    (tmp_path / "served/checkpoint").write_text(head + "\n\n" + signatures.splitlines()[0] + "\n")
    assert code(command, "--from-log", "served", "--policy", "policy") == "log.policy_quorum"
    toml = (again / "node.toml").read_text()
    (again / "node.toml").write_text(toml.replace(str(CHAIN_ID), "7"))
    assert code(command, "--from-log", "wuhou/log", "--policy", "policy") == "synchronising.genesis"
    assert rows(again / "node.db") == before


def test_a_log_that_parts_from_the_node_s_own_files_is_refused(again, command):
    rebuilt(command, "served")
    before = rows(again / "node.db")
    own = LogStore(DirectoryFiles(again / "log"))
    own.append([b"{}", b"{}"])
    assert code(command, "--from-log", "served", "--policy", "policy") == "log.mirror_split"
    assert rows(again / "node.db") == before


def test_the_log_and_its_policy_are_given_together_and_to_a_stopped_node(again, command):
    assert code(command, "--from-log", "served") == "rebuild.policy"
    assert code(command, "--policy", "policy") == "rebuild.policy"
    assert code(command, "--from-log", "nowhere", "--policy", "policy") == "log.no_folder"
    held = hold(again)
    assert code(command, "--from-log", "served", "--policy", "policy") == "rebuild.running"
    held.release()
