"""The command beside a node whose daemon answers for the keys: custody is begun, a wallet published and found again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest

from ledger.bootstrap import KEY_SOCKET
from ledger.domain import typed
from ledger.domain.holders import Branch
from ledger.domain.reasons import Reason
from ledger.errors import AuthorityError
from ledger.services import custody, holders, materials
from ledger.services.keyholding import ForwardingKeyHolder
from ledger.wire.wallets import decode_wallet
from node_client.keyholder import KeyServer
from node_client.seeds import open_seed
from tests.integration.network import CHAIN_ID
from tests.integration.services.custodians import Cities, cities_on_an_engine
from tests.integration.services.test_materials import paper
from tests.unit.node_client.commanding import Command, Said

PASSPHRASE = "correct horse"
PIN = "260117"


@pytest.fixture
def cities(tmp_path) -> Iterator[Cities]:
    with ExitStack() as stack:
        found = stack.enter_context(cities_on_an_engine(tmp_path))
        for city, node in found.nodes.items():
            # The engine is in this process; the command finds nobody at the address and needs nobody.
            (tmp_path / city / "node.toml").write_text(
                f'network = "{node.network}"\ndivision = "510107"\nmember = {node.member}\n'
                f'consortium = "{node.consortium}"\nchain_id = {CHAIN_ID}\nrpc_urls = ["http://127.0.0.1:9"]\n'
            )
            stack.enter_context(closing(KeyServer(tmp_path / city / KEY_SOCKET, node.keys)))
        for name, text in (("passphrase", PASSPHRASE), ("pin", PIN)):
            (tmp_path / name).touch(mode=0o600)
            (tmp_path / name).write_text(text)
        yield found


@pytest.fixture
def run(tmp_path, monkeypatch, capsys) -> Callable[..., Said]:
    command = Command(tmp_path, monkeypatch, capsys)
    return lambda *arguments: command("holder", *arguments, "--json")


def test_a_custody_is_begun_at_the_node(cities, run, tmp_path):
    found = run("new", "--custody", "--node", "wuhou", "--pin-file", "pin")
    assert found.returncode == 0, found.stderr
    person = json.loads(found.stdout)["person"]
    assert PIN not in found.stdout
    wuhou = cities.nodes["wuhou"]
    key = holders.custody_case_key(wuhou, person)
    assert holders.custody_sign(wuhou, person, Branch.CASE, key.number, 0, bytes(32), PIN)
    (tmp_path / "pin").write_text("12345")
    refused = run("new", "--custody", "--node", "wuhou", "--pin-file", "pin")
    assert json.loads(refused.stderr)["type"] == "/problems/custody.pin"


def test_whoever_has_the_socket_gains_no_more_than_the_rules_allow(cities, tmp_path):
    keys = ForwardingKeyHolder(tmp_path / "wuhou" / KEY_SOCKET)
    forwarding = replace(cities.nodes["wuhou"], keys=keys)
    digest = bytes(range(32))
    key = holders.custody_case_key(forwarding, holders.enrol(forwarding, PIN))
    stated = custody.statement(forwarding, key.address, digest)
    both = (keys.witness(1, stated), cities.nodes["yuzhong"].keys.witness(1, stated))
    for confirmation in (both, PIN):
        assert typed.recover(digest, holders.sign_case(forwarding, key.address, digest, confirmation)) == key.address
    with pytest.raises(AuthorityError, match=r"custody\.witnesses"):
        holders.sign_case(forwarding, key.address, bytes(32), both)
    with pytest.raises(AuthorityError, match=r"custody\.wrong_pin"):
        holders.sign_case(forwarding, key.address, digest, "000000")


def test_a_wallet_is_made_from_a_material_and_found_again(cities, run, tmp_path):
    common = ("my.seed", "--passphrase-file", "passphrase")
    assert run("new", *common, "--scrypt-n", "1024").returncode == 0
    seed = open_seed(tmp_path / "my.seed", PASSPHRASE).seed()
    submitted = replace(paper(tmp_path), accounts=(holders.material_account(seed, 0),))
    material = materials.submit(cities.nodes["wuhou"], "a1" * 16, [submitted]).materials[0]
    cities.pump()
    empty = run("wallet", *common, "--node", "wuhou")
    assert (empty.returncode, json.loads(empty.stderr)["type"]) == (2, "/problems/wallets.not_found")
    added = run("wallet", *common, "--node", "wuhou", "--add", f"{material}:0:0", "--at-once")
    assert added.returncode == 0, added.stderr
    cities.pump()
    assert cities.outcome("wuhou", json.loads(added.stdout)["intent"]) is Reason.OK
    listed = run("wallet", *common, "--node", "wuhou", "--save", "wallet.json")
    found = json.loads(listed.stdout)
    assert (found["version"], found["intent"]) == (1, "")
    assert found["materials"] == [
        {
            "material": material, "type": "household-register", "member": 1, "subject": 0, "account": 0, "leaves": 8,
            "fresh": 8,
        }
    ]  # fmt: skip
    assert (tmp_path / "wallet.json").stat().st_mode & 0o077 == 0
    assert decode_wallet((tmp_path / "wallet.json").read_bytes()).next_material == 1
    # Elsewhere the pointer is known, but the city that pinned it has published no address.
    elsewhere = run("wallet", *common, "--node", "mianyang")
    assert (elsewhere.returncode, json.loads(elsewhere.stderr)["type"]) == (3, "/problems/peers.no_endpoint")
    for wanted in ("", ":0", "a:b", "a:0:0:0"):
        refused = run("wallet", *common, "--node", "wuhou", "--add", wanted)
        assert json.loads(refused.stderr)["type"] == "/problems/holders.add_form"
