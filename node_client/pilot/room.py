"""What every desk of the story stands in: the cities' nodes, the people, the story's memory, and patience."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ledger.domain.consortium import ContractKind
from ledger.errors import UnavailableError
from ledger.services.context import Node
from ledger.services.registry import current_contract
from node_client.pilot.people import Holder
from node_client.pilot.record import Record
from node_client.waiting import caught_up, done, outcomes

__all__ = ["DEPARTMENT", "SECONDS", "Kept", "Leaf", "Room"]

DEPARTMENT = 1
SECONDS = 90.0
_PAUSE = 0.05

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A paper of the story once it is anchored: its name, where, and whose leaves it has, in order."""

    name: str
    city: str
    material: str
    type_code: str
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf chosen for one use: of which paper, of which subject, the how-manieth."""

    paper: str
    subject: int
    turn: int
    leaf: int
    city: str
    holder: str


class Room:
    """The cities' nodes and whoever stands in front of them.

    Args:
        nodes: every member's node, opened as a clerk's command does, by division.
        people: the story's holders by role.
        record: the story's memory.
    """

    def __init__(self, nodes: Mapping[str, Node], people: Mapping[str, Holder], record: Record) -> None:
        self.nodes = nodes
        self.people = people
        self.record = record
        self.papers: dict[str, Kept] = {}

    def contract(self, kind: ContractKind) -> str:
        """Return a contract's present address."""
        with next(iter(self.nodes.values())).database.read() as connection:
            return current_contract(connection, kind)

    def asked(self, name: str, ask: Callable[[], str]) -> str:
        """Ask for something once in the whole story and return the intent: asked again, what was refused would be tried again."""
        return self.record.fact(f"asked:{name}", ask)

    def settled(self, city: str, intents: Sequence[str], *, everywhere: bool = True) -> None:
        """Wait until intents are done, and until every city's picture shows it."""
        block = done(self.nodes[city], intents, seconds=SECONDS)
        if everywhere:
            caught_up(self.nodes.values(), block, seconds=SECONDS)

    def refusal(self, city: str, intent: str) -> str:
        """Wait for an intent's outcome and return the contract's reason, ``ok`` where it was done."""
        outcome = outcomes(self.nodes[city], [intent], seconds=SECONDS)[intent]
        caught_up(self.nodes.values(), outcome.block, seconds=SECONDS)
        return outcome.reason.name.lower() if outcome.state != "failed" else outcome.error

    def patiently(self, attempt: Callable[[], T | None]) -> T:
        """Try something until it answers.

        Raises:
            UnavailableError: ``outcomes.slow``.
        """
        deadline = time.monotonic() + SECONDS
        while True:
            found = attempt()
            if found is not None:
                return found
            if time.monotonic() > deadline:
                raise UnavailableError("outcomes.slow", waiting=1)
            time.sleep(_PAUSE)
