"""What the sending tests share: a node's database and sender over an engine, and what the chain says was done."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from ledger.domain.calls import Fields
from ledger.domain.events import Event, Refused
from ledger.domain.operations import Operation
from ledger.ports import Chain
from ledger.services import sending
from ledger.services.sending import Report, Sender
from ledger.storage import outbox
from ledger.storage.database import Database, open_database
from ledger.storage.outbox import StoredIntent
from ledger.storage.unit_of_work import UnitOfWork
from tests.integration.network import Addresses, Network, reopen, signers


def digest(text: str) -> bytes:
    """32 bytes that look random and are always the same."""
    return hashlib.sha256(text.encode()).digest()


@dataclass
class Clock:
    """A clock that a test moves."""

    now: int = 1_772_500_000

    def __call__(self) -> int:
        """The time."""
        return self.now


@dataclass
class Node:
    """A database, a chain and a sender."""

    folder: Path
    network: Network
    database: Database
    chain: Chain
    clock: Clock = field(default_factory=Clock)
    # Intents that the node was told to carry out, and how often each may appear on the chain.
    names: list[str] = field(default_factory=list)

    @property
    def sender(self) -> Sender:
        """A sender as the daemon makes it at its start."""
        return Sender(lambda: UnitOfWork(self.database), self.chain, signers("wuhou"), self.clock)

    def run(self) -> Report:
        """One pass."""
        return sending.run_once(self.sender)

    def run_until_idle(self, *, passes: int = 40) -> list[Report]:
        """Passes, each a little later, until nothing waits and nothing is under way."""
        reports: list[Report] = []
        for _ in range(passes):
            reports.append(self.run())
            self.network.engine.run_once()
            if not reports[-1].waiting and not reports[-1].in_flight:
                return reports
            self.clock.now += 400
        raise AssertionError(reports[-1])

    def enqueue(
        self,
        name: str,
        operation: Operation,
        fields: Fields,
        *,
        contract: str,
        role: str,
        subject: bytes | None = None,
        after: str | None = None,
    ) -> bool:
        """Write an intent down."""
        with UnitOfWork(self.database) as uow:
            new = sending.enqueue(
                uow.connection,
                intent=name,
                operation=operation,
                contract=contract,
                role=role,
                subject=digest(name) if subject is None else subject,
                fields=fields,
                now=self.clock(),
                after=after,
            )
            uow.commit()
        return new

    def anchor(self, name: str, *, size: int = 256, after: str | None = None) -> None:
        """An operation that the contract does as often as it is asked: a second time would be seen."""
        fields = {"root": digest(name), "size": size, "blob": digest("blob"), "flags": 0}
        self.enqueue(name, Operation.ANCHOR, fields, contract=self.at.materials, role="issue", after=after)

    def department(self, name: str, code: int, *, after: str | None = None) -> None:
        """The same, with another key and another contract."""
        fields = {"department": code, "active": True, "name": name}
        self.enqueue(name, Operation.SET_DEPARTMENTS, fields, contract=self.at.consortium, role="operate", after=after)

    def endpoint(self, name: str, *, after: str | None = None) -> None:
        """An entry point that takes one operation."""
        self.enqueue(
            name,
            Operation.PUBLISH_ENDPOINT,
            {"url": f"https://{name}.example"},
            contract=self.at.consortium,
            role="administer",
            after=after,
        )

    def revoke_nothing(self, name: str, *, after: str | None = None) -> None:
        """An operation that the contract refuses: there is no such batch."""
        fields = {"batch": 77, "leaves": [1, 2], "cause": 1, "commitment": digest(name)}
        self.enqueue(name, Operation.REVOKE, fields, contract=self.at.materials, role="issue", after=after)

    def intent(self, name: str) -> StoredIntent:
        """How an intent stands."""
        with self.database.read() as connection:
            return outbox.find(connection, name)

    def states(self) -> dict[str, str]:
        """How all intents stand."""
        with self.database.read() as connection:
            return {intent.id: intent.state for intent in outbox.listed(connection)}

    @property
    def at(self) -> Addresses:
        """Where the contracts are."""
        return self.network.addresses

    def done_on_chain(self) -> Counter[object]:
        """What the chain says was done or refused, and how often, by what tells each operation of these tests apart."""
        gateway = self.network.gateway()
        events = [
            located.event for block in gateway.blocks(self.start, gateway.head().number) for located in block.events
        ]
        return Counter(_mark(event) for event in events)

    start: int = 0

    def close(self) -> None:
        """Close database and engine."""
        self.database.close()
        self.network.close()


def _mark(event: Event) -> object:
    if isinstance(event, Refused):
        return ("refused", event.operation, event.reason)
    return next(
        getattr(event, name) for name in ("root", "url", "name", "commitment") if getattr(event, name, None) is not None
    )


def open_node(folder: Path, formed: Path, addresses: Addresses, *, mine: bool = True) -> Node:
    """A node of its own, on a copy of a formed chain."""
    folder.mkdir()
    network = reopen(formed, folder / "chain", addresses)
    shutil.copy(formed / "node.db", folder / "node.db")
    database = open_database(folder / "node.db")
    gateway = network.gateway(mine=mine)
    node = Node(folder, network, database, gateway)
    node.start = gateway.head().number + 1
    return node


def restarted(node: Node, chain: Chain, database: Database) -> Node:
    """The same node after its process has ended."""
    return replace(node, chain=chain, database=database)
