"""Replacing a chain key, cut at every place: whoever comes next goes on with it, and nothing refused meanwhile is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import projections
from ledger.domain.consortium import Role
from ledger.domain.events import KeySet
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.ports import LocatedEvent
from ledger.services import consortium
from ledger.settings import NodeSettings, load_settings
from ledger.storage.outbox import StoredIntent
from node_client.daemon import Daemon
from node_client.keyholder import chain_signers
from node_client.keys import open_key_ring, pending_key
from node_client.node_folder import create_node
from node_client.rotation import prepare_rotation
from node_client.taking_over import finish_rotations, retry_refused
from tests.integration.node_client.conftest import PASSPHRASE
from tests.integration.node_client.stage import Stage

VALUES: dict[str, object] = {
    "network": "tongban.example/test", "division": "510107", "member": 1, "consortium": "0x" + "ab" * 20, "chain_id": 7,
    "engine": "embedded", "rpc_urls": ["http://127.0.0.1:9"], "port": 0, "scrypt_n": 1024,
}  # fmt: skip


def in_file(settings: NodeSettings, role: str = "operate") -> str:
    return chain_signers(open_key_ring(settings.path("keys"), PASSPHRASE, roles=(role,)))[role].address


def rotate(staged: Stage) -> dict[str, Any]:
    return staged.said("member", "rotate-key", "operate", "--node", "wuhou", "--no-wait")


def test_a_key_is_replaced_by_running_the_command_until_it_is_done(staged, settings):
    old = in_file(settings)
    first = rotate(staged)
    assert in_file(settings) == old
    # Cut here, and run again: the same new key, the same intent.
    assert rotate(staged) == first
    staged.cities.pump()
    assert staged.cities.outcome("wuhou", first["intents"][0]) is Reason.OK
    assert in_file(settings) == old
    assert rotate(staged) == first
    assert in_file(settings) == first["address"]
    assert not pending_key(settings.path("keys"), "operate").exists()
    # The next time it is another key.
    assert rotate(staged)["address"] not in {old, first["address"]}


def test_what_the_replaced_key_was_refused_is_done_by_the_new_one_and_nothing_else_is(staged, settings):
    node, keys = staged.cities.nodes["wuhou"], staged.cities.keys
    # Refused for what it is, and before the key was replaced.
    staged.cities.enqueue(
        "wuhou", "never", Operation.SET_KEYS, node.consortium, "operate",
        {"key": "0x" + "77" * 20, "roles": 2, "previous": "0x" + "00" * 20},
    )  # fmt: skip
    staged.cities.pump()
    assert staged.cities.outcome("wuhou", "never") is Reason.WRONG_ROLE
    made = rotate(staged)
    staged.cities.pump()
    names = [*consortium.set_departments(node, {1: "公积金中心"}), *consortium.set_departments(node, {2: "民政局"})]
    staged.cities.pump()
    assert {staged.cities.outcome("wuhou", name) for name in names} == {Reason.WRONG_ROLE}
    old = {role: signer.address for role, signer in keys["wuhou"].items()}
    assert retry_refused(node, old) == []
    with node.database.read() as connection:
        assert finish_rotations(settings.path("keys"), connection, 2) == []
        assert finish_rotations(settings.path("keys"), connection, 1) == ["operate"]
        assert finish_rotations(settings.path("keys"), connection, 1) == []
    keys["wuhou"] = {
        **keys["wuhou"],
        **chain_signers(open_key_ring(settings.path("keys"), PASSPHRASE, roles=("operate",))),
    }
    new = {role: signer.address for role, signer in keys["wuhou"].items()}
    assert new["operate"] == made["address"]
    assert retry_refused(node, new) == names
    assert retry_refused(node, new) == []
    staged.cities.pump()
    assert {staged.cities.outcome("wuhou", name) for name in names} == {Reason.OK}
    assert staged.cities.outcome("wuhou", "never") is Reason.WRONG_ROLE


def test_a_service_key_is_replaced_without_waiting_and_the_older_one_still_opens(staged, settings):
    name = staged.asked("keys", "rotate", "hpke", "--node", "wuhou")
    assert staged.cities.outcome("wuhou", name) is Reason.OK
    ring = open_key_ring(settings.path("keys"), PASSPHRASE)
    assert [key.version for key in ring.versions("hpke")] == [1, 2]
    assert staged.refused("keys", "rotate", "custody", "--node", "wuhou") == "rotation.kind"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    create_node(tmp_path / "city", VALUES, os.urandom)
    made = Daemon(load_settings(tmp_path / "city"))
    yield made
    made.close()


def test_a_running_daemon_finishes_a_rotation_that_the_chain_knows_of_however_old_its_file_is(daemon, tmp_path):
    settings = load_settings(tmp_path / "city")
    change = prepare_rotation(settings, "operate")
    folder = settings.path("keys")
    # The new key was made before all other files were written.
    os.utime(pending_key(folder, "operate"), ns=(1, 1))
    daemon._reload_keys()
    assert daemon._signers["operate"].address == change.previous
    event = KeySet(1, change.address, Role.OPERATE, change.previous)
    with daemon.node.begin() as uow:
        projections.apply(uow.connection, LocatedEvent(event, "0x" + "ab" * 20, 1, 1, bytes(32), 0, ()))
        uow.commit()
    pending_key(folder, "witness").write_text("{")
    daemon._reload_keys()
    assert daemon._signers["operate"].address == change.address
    assert not pending_key(folder, "operate").exists()


def test_a_key_file_that_is_put_in_place_by_hand_is_noticed_though_it_is_older(daemon, tmp_path):
    folder = load_settings(tmp_path / "city").path("keys") / "chain"
    os.utime(folder / "issue.json", ns=(1, 1))
    (folder / "issue.json").replace(folder / "operate.json")
    wanted = daemon._signers["issue"].address
    daemon._reload_keys()
    assert daemon._signers["operate"].address == wanted


def recovered(staged: Stage, step: str) -> StoredIntent:
    return staged.intent("wuhou", staged.asked("member", "recover", step, "--node", "wuhou"))


def test_a_lost_administrator_key_is_replaced_with_the_recovery_key_after_seven_days(staged, settings):
    keys = settings.path("keys")
    (keys / "chain" / "administer.json").unlink()
    assert recovered(staged, "start").state == "done"
    early = recovered(staged, "finish")
    assert (early.state, early.reason) == ("refused", Reason.DELAY_RUNNING)
    staged.cities.network.gateway().advance_clock(8 * 86_400)
    assert recovered(staged, "finish").state == "done"
    with staged.cities.nodes["wuhou"].database.read() as connection:
        assert finish_rotations(keys, connection, 1) == ["administer"]
        assert consortium.roles_of(connection, 1, in_file(settings, "administer")) & Role.ADMINISTER


def test_who_still_has_the_administrator_key_objects_to_its_recovery(staged, settings):
    assert recovered(staged, "start").state == "done"
    assert recovered(staged, "object").state == "done"
    staged.cities.network.gateway().advance_clock(8 * 86_400)
    assert recovered(staged, "finish").state == "refused"
    (settings.path("keys") / "chain" / "recover.json").unlink()
    assert staged.refused("member", "recover", "start", "--node", "wuhou") == "rotation.no_recovery_key"
