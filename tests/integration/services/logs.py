"""Three cities on one engine, each with its own log, its witness and the way to the other witnesses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from ledger.domain.consortium import ServiceKeyKind
from ledger.errors import UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.publisher import Publication
from ledger.log.store import LogStore
from ledger.log.view import LogView
from ledger.services import consortium, cosigning, publishing
from ledger.services.context import Node
from ledger.services.cosigning import Witness
from ledger.wire.witnessing import Answer, encode_answer
from node_client.keyholder import DaemonKeyHolder, log_signer, note_signers
from node_client.keys import KeyRing
from node_client.seating import public_keys
from tests.integration.services.custodians import CITIES, Cities, _ring, cities_on_an_engine

__all__ = ["DIVISIONS", "Logs", "logs"]

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
    """Three cities that have published their keys, sixteen blocks later."""
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
