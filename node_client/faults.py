"""Killing a pilot's processes at random instants under load, and counting what became of every acknowledged write.

A write is acknowledged once its intent is in the node's database. Whatever is killed when, each must be on the chain exactly
once in the end: none lost, none twice.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from ledger.domain.files import digests_of
from ledger.errors import UnavailableError
from ledger.services import consortium
from ledger.services.context import Node
from ledger.storage.tables import chain
from node_client.supervising import NetworkProcesses
from node_client.waiting import caught_up, outcomes

__all__ = ["Found", "torment"]

# The nodes that are killed and written to; the others look on and must agree in the end.
_VICTIMS = ("510107", "610113")
_ENGINE = "engine"
_LAST = 120.0


@dataclass(slots=True)
class Found:
    """What a run found; ``lost`` and ``doubled`` must be empty."""

    kills: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    same: bool = False

    @property
    def good(self) -> bool:
        """Whether nothing was lost, nothing came twice, and all cities tell the same."""
        return not self.lost and not self.doubled and self.same


def torment(
    processes: NetworkProcesses,
    nodes: Mapping[str, Node],
    *,
    kills: int,
    seed: int,
    tell: Callable[[str], None],
) -> Found:
    """Kill nodes and engine at seeded instants while two cities write, then let all settle and count.

    Args:
        processes: of a formed pilot, running.
        nodes: every node, opened.
        kills: how many.
        seed: of the choice of victims and instants.
        tell: says each kill.
    """
    chance = random.Random(seed)  # noqa: S311 - which process dies when, nothing secret
    found, written = Found(), dict[str, tuple[str, str]]()
    for number in range(kills):
        for city in _VICTIMS:
            for turn in range(chance.randint(1, 4)):
                url = f"https://{city}.example/{seed}/{number}/{turn}"
                try:
                    written[consortium.publish_endpoint(nodes[city], url)] = (city, url)
                except UnavailableError:
                    # Not acknowledged: whoever asked was told to come again.
                    continue
        victim = chance.choice((*_VICTIMS, _ENGINE, "both"))
        time.sleep(chance.random() * 0.6)
        _kill(processes, victim)
        found.kills[victim] = found.kills.get(victim, 0) + 1
        tell(f"{number + 1}/{kills} {victim}")
        _revive(processes, victim)
    # The address that the city really has, so that the others reach it again.
    for city in _VICTIMS:
        url = processes.url(city)
        written[consortium.publish_endpoint(nodes[city], url + "/")] = (city, url + "/")
    found.acknowledged = len(written)
    _settle(nodes, written, found)
    return found


def _settle(nodes: Mapping[str, Node], written: Mapping[str, tuple[str, str]], found: Found) -> None:
    newest = 0
    for city in _VICTIMS:
        mine = [name for name, (where, _) in written.items() if where == city]
        settled = outcomes(nodes[city], mine, seconds=_LAST)
        found.lost += [name for name, outcome in settled.items() if outcome.state != "done"]
        newest = max(newest, *(outcome.block for outcome in settled.values()))
    caught_up(nodes.values(), newest, seconds=_LAST)
    found.doubled += _events_twice(nodes, written)
    found.lost += _events_missing(nodes, written)
    found.same = len({_entries(node, newest) for node in nodes.values()}) == 1


def _urls(node: Node) -> dict[str, int]:
    """How often each address stands in the log's entries, as this city has them."""
    table = chain.log_entries
    counted: dict[str, int] = {}
    with node.database.read() as connection:
        for data in connection.execute(select(table.c.bytes).where(table.c.kind == "event")).scalars():
            text = bytes(data).decode()
            if '"EndpointPublished"' in text:
                start = text.index('"url":"') + len('"url":"')
                url = text[start : text.index('"', start)]
                counted[url] = counted.get(url, 0) + 1
    return counted


def _events_twice(nodes: Mapping[str, Node], written: Mapping[str, tuple[str, str]]) -> list[str]:
    counted = _urls(next(iter(nodes.values())))
    return [name for name, (_, url) in written.items() if counted.get(url, 0) > 1]


def _events_missing(nodes: Mapping[str, Node], written: Mapping[str, tuple[str, str]]) -> list[str]:
    counted = _urls(next(iter(nodes.values())))
    return [name for name, (_, url) in written.items() if not counted.get(url)]


def _entries(node: Node, upto: int) -> str:
    table = chain.log_entries
    with node.database.read() as connection:
        rows = connection.execute(select(table.c.bytes).where(table.c.block <= upto).order_by(table.c.index)).scalars()
        return digests_of(bytes(row) for row in rows).sha256


def _kill(processes: NetworkProcesses, victim: str) -> None:
    if victim in {_ENGINE, "both"} and processes.engine is not None:
        processes.engine.kill()
    for city in _VICTIMS if victim == "both" else (victim,):
        if city in processes.nodes:
            processes.nodes[city].kill()


def _revive(processes: NetworkProcesses, victim: str) -> None:
    if victim in {_ENGINE, "both"}:
        processes.start_engine()
    revived = [processes.start_node(city) for city in (_VICTIMS if victim == "both" else (victim,)) if city != _ENGINE]
    for child in revived:
        child.wait_ready(_LAST)
