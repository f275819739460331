"""Two cities on real databases and blob stores, without an engine: what the chain would say is said by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ledger import projections
from ledger.blobs.directory import DirectoryStore
from ledger.domain import wrapping
from ledger.domain.consortium import ContractKind, ServiceKeyKind
from ledger.domain.events import Event, GenerationAdded, ServiceKeyPublished
from ledger.domain.wrapping import RecipientPrivate
from ledger.errors import LedgerError
from ledger.ports import LocatedEvent
from ledger.services import releasing
from ledger.services.context import Node
from ledger.storage.database import open_database
from ledger.storage.tables import metadata
from ledger.storage.unit_of_work import UnitOfWork

CHAIN_ID = 20_261
CONSORTIUM, MATERIALS, CASES = ("0x" + digit * 40 for digit in "abc")
KEY = "0x" + "d" * 40
NOW = 1_772_413_200


class Holder:
    """A city's key, held in the process."""

    def __init__(self, key: RecipientPrivate) -> None:
        self.key = key

    def check(self) -> None:
        """A key in the process is always there."""

    def open(self, sealed: bytes, info: bytes) -> bytes:
        return wrapping.unseal(sealed, self.key, info)


@dataclass
class Neighbours:
    """The other cities, asked directly; ``sent`` counts the blocks that travelled."""

    cities: dict[int, Node] = field(default_factory=dict)
    me: int = 0
    sent: int = 0

    def blob(self, member: int, cid: str) -> bytes:
        self.sent += 1
        return self.cities[member].blobs.get(cid)

    def release(self, member: int, use: int, disclosed: bytes) -> bytes:
        other = self.cities[member]
        return releasing.release(other, other.keys.open, use, self.me, disclosed)


@dataclass
class Cities:
    """The two cities and the chain's story so far."""

    nodes: dict[int, Node]
    peers: dict[int, Neighbours]
    block: int = 0

    def say(self, *events: Event, contract: str = MATERIALS) -> None:
        """Let the chain say something to both."""
        self.block += 1
        for node in self.nodes.values():
            with UnitOfWork(node.database) as uow:
                for index, event in enumerate(events):
                    place = LocatedEvent(event, contract, self.block, NOW + self.block, bytes(32), index, ())
                    projections.apply(uow.connection, place)
                uow.commit()


@contextmanager
def two_cities(folder: Path) -> Iterator[Cities]:
    """Wuhou (1) and Mianyang (2), with their databases open."""
    nodes, everybody, events = {}, {}, []
    with ExitStack() as stack:
        for member, division in ((1, "510107"), (2, "510700")):
            key = wrapping.new_recipient(os.urandom)
            database = stack.enter_context(open_database(folder / f"{division}.db"))
            metadata.create_all(database.engine)
            everybody[member] = Neighbours(me=member)
            nodes[member] = Node(
                network="test/cities",
                chain_id=CHAIN_ID,
                consortium=CONSORTIUM,
                engine="embedded",
                clock_offset=0,
                division=division,
                member=member,
                database=database,
                blobs=DirectoryStore.create(folder / f"{division}-blobs"),
                keys=Holder(key),
                peers=everybody[member],
                chain=None,
                clock=lambda: NOW,
                random=os.urandom,
                log_folder=folder / f"{division}-log",
                batch_applicants=2,
                batch_wait=60,
                publisher=False,
                publish_blocks=16,
            )
            events.append(ServiceKeyPublished(member, ServiceKeyKind.HPKE, 1, key.public().data))
        cities = Cities(nodes, everybody)
        for neighbours in everybody.values():
            neighbours.cities = nodes
        cities.say(GenerationAdded(ContractKind.MATERIALS, 1, MATERIALS), *events, contract=CONSORTIUM)
        yield cities


def later(node: Node, seconds: int) -> Node:
    """The same node at a later time."""
    return replace(node, clock=lambda: NOW + seconds)


__all__ = ["CASES", "CHAIN_ID", "KEY", "MATERIALS", "NOW", "Cities", "LedgerError", "later", "two_cities"]
