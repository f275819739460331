"""Cities on the real embedded engine whose keys are held as the daemon holds them: custody, wallets, look-ups."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ledger.blobs.directory import DirectoryStore
from ledger.domain.calls import Fields
from ledger.domain.consortium import Role, ServiceKeyKind
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.domain.wrapping import RecipientPrivate
from ledger.ports import Signer
from ledger.services import attending, batching, custody, releasing, sending, synchronising
from ledger.services.context import Node
from ledger.services.sending import Sender
from ledger.storage import outbox
from ledger.storage.database import open_database
from ledger.storage.migrations import upgrade
from node_client.keyholder import DaemonKeyHolder
from node_client.keys import SERVICE_KINDS, KeyRing, ServiceKey
from tests.integration.network import CHAIN_ID, Network, form, signer, signers

CITIES = ("wuhou", "mianyang", "yuzhong")


@dataclass
class Delivering:
    """The other cities, asked directly; documents handed over are kept as they came."""

    cities: dict[int, Node]
    me: int
    delivered: dict[int, list[tuple[int, bytes]]]

    def blob(self, member: int, cid: str) -> bytes:
        return self.cities[member].blobs.get(cid)

    def release(self, member: int, use: int, disclosed: bytes) -> bytes:
        other = self.cities[member]
        return releasing.release(other, other.keys.open, use, self.me, disclosed)

    def add_checkpoint(self, member: int, request: bytes) -> tuple[int, bytes]:
        raise AssertionError(f"nobody publishes here: {member}, {len(request)} bytes")

    def hand_over(self, member: int, document: bytes) -> None:
        self.delivered.setdefault(member, []).append((self.me, document))

    def attend(self, member: int, sealed: bytes) -> bytes:
        return attending.serve(self.cities[member], self.me, sealed)


@dataclass
class Cities:
    """The engine, and each city's node, chain keys and key holder."""

    network: Network
    nodes: dict[str, Node]
    keys: dict[str, Mapping[str, Signer]]
    delivered: dict[int, list[tuple[int, bytes]]]

    def enqueue(self, city: str, name: str, operation: Operation, contract: str, role: str, fields: Fields) -> None:
        node = self.nodes[city]
        with node.begin() as uow:
            sending.enqueue(
                uow.connection, intent=name, operation=operation, contract=contract, role=role,
                subject=bytes(32), fields=fields, now=node.clock(),
            )  # fmt: skip
            uow.commit()

    def pump(self) -> None:
        """Let every daemon work until nothing moves."""
        moved = True
        while moved:
            moved = False
            for city, node in self.nodes.items():
                moved |= batching.run_once(node, node.keys.open) is not None
                moved |= sending.run_once(Sender(node.begin, node.chain, self.keys[city], node.clock)).moved
                moved |= synchronising.run_once(node).added > 0
                moved |= batching.open_batches(node, node.keys.open) > 0

    def outcome(self, city: str, name: str) -> Reason:
        """What became of an intent."""
        with self.nodes[city].database.read() as connection:
            found = outbox.find(connection, name)
        assert found is not None
        assert found.state in {"done", "refused"}, found
        return Reason(found.reason or 0)


@contextmanager
def cities_on_an_engine(folder: Path) -> Iterator[Cities]:
    """Wuhou (1), Mianyang (2) and Yuzhong (3), each with its keys published and a folder as a node has."""
    network = form(None, *CITIES)
    everybody: dict[int, Node] = {}
    found = Cities(network, {}, {city: signers(city) for city in CITIES}, {})
    for number, city in enumerate(CITIES, start=1):
        home = folder / city
        home.mkdir()
        database = open_database(home / "node.db")
        upgrade(database)
        holder = DaemonKeyHolder(_ring(folder, city))
        node = Node(
            network="test/custody", chain_id=CHAIN_ID, consortium=network.addresses.consortium, engine="embedded",
            clock_offset=0, division="510107", member=number, database=database,
            blobs=DirectoryStore.create(home / "blobs"), keys=holder,
            peers=Delivering(everybody, number, found.delivered), chain=network.gateway(), clock=lambda: int(time.time()),
            random=os.urandom, log_folder=home / "log", batch_applicants=1, batch_wait=0, publisher=False,
            publish_blocks=16,
        )  # fmt: skip
        holder.bind(node, custody.custody_store(node, home / "custody.db", bytes(32)), lambda request: request)
        found.nodes[city] = everybody[number] = node
        public = RecipientPrivate(_seed(city, "hpke")).public().data
        fields = {"kind": int(ServiceKeyKind.HPKE), "key": public}
        found.enqueue(city, "hpke", Operation.PUBLISH_KEYS, network.addresses.consortium, "administer", fields)
    found.pump()
    try:
        yield found
    finally:
        for node in found.nodes.values():
            node.database.close()
        network.close()


def second_witness(cities: Cities, folder: Path, city: str) -> None:
    """A second clerk at a city's window: on the record, and with a key that the city's holder has."""
    name = f"tongban test key: {city} witness-2"
    secret = hashlib.sha256(name.encode()).digest()
    fields = {"key": signer(f"{city} witness-2").address, "roles": int(Role.WITNESS), "previous": "0x" + "00" * 20}
    consortium = cities.network.addresses.consortium
    cities.enqueue(city, "second-witness", Operation.SET_KEYS, consortium, "administer", fields)
    cities.pump()
    assert cities.outcome(city, "second-witness") is Reason.OK
    holder, ring = cities.nodes[city].keys, _ring(folder, city)
    assert isinstance(holder, DaemonKeyHolder)
    holder.replace_ring(replace(ring, chain={**ring.chain, "witness-2": secret}))


def _seed(city: str, kind: str) -> bytes:
    digest = hashlib.sha512(f"{city} {kind}".encode()).digest() * 2
    return digest[: 96 if kind == "hpke" else 32]


def _ring(folder: Path, city: str) -> KeyRing:
    chain = {
        role: hashlib.sha256(f"tongban test key: {city} {role}".encode()).digest()
        for role in ("operate", "issue", "witness")
    }
    return KeyRing(folder, chain, tuple(ServiceKey(kind, 1, _seed(city, kind)) for kind in SERVICE_KINDS))
