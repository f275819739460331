"""Publishing and cosigning by three cities on one engine: one tree, both kinds of cosignature, and no forgetting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from ledger.domain.checkpoints import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.domain.consortium import ServiceKeyKind
from ledger.domain.entries import StatusEntry, parse_entry
from ledger.domain.notes import format_note
from ledger.domain.policies import evaluate, format_policy
from ledger.errors import IntegrityError, SetupError, UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.publisher import Publication
from ledger.log.store import LogStore
from ledger.log.view import LogView
from ledger.log.witness import AddCheckpoint, format_request
from ledger.services import consortium, cosigning, publishing
from ledger.services.context import Node
from ledger.services.cosigning import Witness
from ledger.services.overview import log_shown
from ledger.wire.witnessing import Answer, encode_answer
from node_client.keyholder import DaemonKeyHolder, log_signer, note_signers
from node_client.keys import KeyRing
from node_client.seating import public_keys
from tests.integration.services.custodians import CITIES, Cities, _ring, cities_on_an_engine

DIVISIONS = {"wuhou": "510107", "mianyang": "510108", "yuzhong": "510109"}


@dataclass
class Logs:
    """Each city's node, tree and witness; ``away`` are cities that do not answer."""

    cities: Cities
    nodes: dict[str, Node]
    rings: dict[str, KeyRing]
    stores: dict[str, LogStore] = field(default_factory=dict)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    away: set[int] = field(default_factory=set)

    def append(self, *cities: str) -> None:
        for city in cities or CITIES:
            publishing.append(self.nodes[city], self.stores[city])

    def blocks(self, count: int) -> None:
        """Let the chain close that many blocks, and every city read them."""
        for _ in range(count):
            consortium.publish_endpoint(
                self.nodes["wuhou"], f"https://city{self.cities.network.engine.head.number}.example"
            )
            self.cities.pump()

    def publish(self, city: str = "wuhou") -> Publication | None:
        node = self.nodes[city]
        return publishing.publish_once(
            node, self.stores[city], log_signer(self.rings[city], node.network, node.division)
        )


class Asking:
    """The way to the other witnesses, without a wire."""

    def __init__(self, logs: Logs) -> None:
        self.logs = logs

    def add_checkpoint(self, member: int, request: bytes) -> Answer:
        if member in self.logs.away:
            raise UnavailableError("peers.unreachable", member=member)
        found = self.logs.witnesses[CITIES[member - 1]].answer(request)
        return Answer(found.status, found.body, found.content_type, found.retry_after)


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    with ExitStack() as stack:
        cities = stack.enter_context(cities_on_an_engine(tmp_path))
        rings = {city: _ring(tmp_path, city) for city in CITIES}
        found = Logs(cities, {}, rings)
        for city in CITIES:
            node = replace(
                cities.nodes[city], network="test/log", division=DIVISIONS[city], peers=Asking(found), publish_blocks=16,
            )  # fmt: skip
            found.nodes[city] = node
            signers = note_signers(rings[city], node.network, node.division)
            path = tmp_path / city / "witness.db"
            cosigning.begin_witness(path, signers)
            found.stores[city] = LogStore(DirectoryFiles(node.log_folder))
            view = LogView(DirectoryFiles(node.log_folder))
            witness = Witness(node, view, cosigning.open_witness(path, signers), signers)
            found.witnesses[city] = witness

            def cosign(request: bytes, witness: Witness = witness) -> bytes:
                got = witness.answer(request)
                return encode_answer(Answer(got.status, got.body, got.content_type, got.retry_after))

            cast("DaemonKeyHolder", node.keys)._cosign = cosign
            keys = dict(public_keys(rings[city]))
            if city != "wuhou":
                keys.pop(ServiceKeyKind.LOG_ED25519)
            consortium.publish_keys(node, keys)
        cities.pump()
        found.blocks(16)
        yield found


def test_every_city_has_the_same_tree_and_the_same_policy(logs):
    logs.append()
    assert len({(store.head.size, store.head.root) for store in logs.stores.values()}) == 1
    policies = set()
    for node in logs.nodes.values():
        with node.database.read() as connection:
            policies.add(format_policy(publishing.policy_of(connection, node.network)))
    assert len(policies) == 1
    assert publishing.append(logs.nodes["wuhou"], logs.stores["wuhou"]) == 0


def test_a_checkpoint_ends_with_a_status_and_carries_both_signatures_of_every_city(logs):
    logs.append()
    made = logs.publish()
    assert made is not None
    assert made.is_served
    assert logs.publish() is None
    node = logs.nodes["wuhou"]
    checkpoint, note = parse_checkpoint(logs.stores["wuhou"].published_note)
    with node.database.read() as connection:
        verdict = evaluate(publishing.policy_of(connection, node.network), checkpoint, note)
        last = parse_entry(logs.stores["wuhou"].entry(checkpoint.size - 1))
    assert len(verdict.cosigned) == 6
    assert isinstance(last, StatusEntry)
    assert log_shown(node, LogView(DirectoryFiles(node.log_folder))).cosigners == tuple(DIVISIONS.values())


def test_a_city_that_is_away_costs_its_signature_and_two_cost_the_quorum(logs):
    logs.append()
    logs.away = {3}
    assert logs.publish().is_served
    logs.blocks(16)
    logs.append()
    logs.away = {2, 3}
    with pytest.raises(UnavailableError, match=r"publishing\.quorum"):
        logs.publish()
    before = logs.stores["wuhou"].published.size
    logs.away = set()
    assert logs.publish().is_served
    assert logs.stores["wuhou"].published.size > before


def test_a_city_that_has_not_read_so_far_says_not_yet(logs):
    logs.append("wuhou", "mianyang")
    made = logs.publish()
    behind = next(one for one in made.collected if one.name == DIVISIONS["yuzhong"])
    assert (behind.code, behind.status) == ("log.not_synced", 503)
    assert made.is_served


def test_two_heads_at_one_size_are_evidence_and_stop_the_cosigning(logs):
    logs.append()
    node, ring = logs.nodes["wuhou"], logs.rings["wuhou"]
    signer = log_signer(ring, node.network, node.division)
    size = logs.stores["wuhou"].head.size
    lie = Checkpoint(signer.key.name, size, bytes(32))
    note = format_note(lie.text(), [sign_checkpoint(lie, signer)])
    witness = logs.witnesses["mianyang"]
    answer = witness.answer(format_request(AddCheckpoint(0, (), note)))
    assert (answer.status, answer.code) == (422, "log.split_view")
    assert len(witness.state.evidence()) == 1
    made = logs.publish()
    halted = next(one for one in made.collected if one.name == DIVISIONS["mianyang"])
    assert halted.code == "log.halted"


def test_files_that_are_ahead_of_the_picture_are_not_signed(logs, tmp_path):
    store = LogStore(DirectoryFiles(tmp_path / "ahead"))
    store.append([b"entry %d" % number for number in range(5000)])
    with pytest.raises(IntegrityError, match=r"publishing\.ahead"):
        publishing.append(logs.nodes["wuhou"], store)


def test_a_witness_that_lost_its_memory_signs_nothing(tmp_path, logs):
    signers = note_signers(logs.rings["wuhou"], "test/log", "510107")
    with pytest.raises(SetupError, match=r"log\.witness_lost"):
        cosigning.open_witness(tmp_path / "gone.db", signers)
    other = note_signers(logs.rings["mianyang"], "test/log", "510108")
    with pytest.raises(SetupError, match=r"log\.witness_keys"):
        cosigning.open_witness(tmp_path / "wuhou" / "witness.db", other)


def test_a_block_that_was_seen_late_is_not_vouched_for(logs):
    late = replace(logs.nodes["yuzhong"], clock=lambda: logs.nodes["yuzhong"].clock() + 3600)
    logs.append("wuhou", "mianyang")
    publishing.append(late, logs.stores["yuzhong"])
    made = logs.publish()
    untimely = next(one for one in made.collected if one.name == DIVISIONS["yuzhong"])
    assert untimely.code == "log.untimely"
