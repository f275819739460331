"""A city's web process over a real database and a real log, without an engine: what the chain would say is said by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from api.deps import Site
from ledger.domain.cases import Action, Channel, Mode, NoticeKind, OfficerRole, State
from ledger.domain.catalogue import LimitRule
from ledger.domain.consortium import ContractKind, Level, ServiceKeyKind
from ledger.domain.events import (
    Anchored,
    CalendarPosted,
    DepartmentSet,
    EndpointPublished,
    Event,
    Founded,
    GenerationAdded,
    MatterPublished,
    MemberConfirmed,
    MemberListed,
    Opened,
    ServiceKeyPublished,
    Stepped,
)
from ledger.domain.notes import KeyType
from ledger.log.files import DirectoryFiles
from ledger.log.store import LogStore
from ledger.log.view import LogView
from ledger.ports import Head
from ledger.services import health
from ledger.services.keyholding import ForwardingKeyHolder
from ledger.services.synchronising import synchronise
from tests.integration.services.cities import CASES, CONSORTIUM, KEY, MATERIALS, NOW, Cities, two_cities
from tests.unit.log.network import NETWORK, log_signer, network_policy, signed_checkpoint, signers
from tests.unit.projections.scenery import World, calendar
from tests.unit.services.chains import HistoryChain

CASE = b"\xaa" * 32
MATTER = b"\x22" * 32
DAY = 86_400
CATALOGUE = "0x" + "e" * 40
_ZERO = bytes(32)
__all__ = ["CASE", "CATALOGUE", "Served", "opened", "serve"]


def opened(case: bytes, matter: bytes) -> Opened:
    """A case that the first city receives for the second."""
    return Opened(
        case, KEY, 1, 2, matter, int(Mode.RECEIVED_HERE), int(Channel.WINDOW), 1, LimitRule.licence().pack(), _ZERO, 0,
        _ZERO, _ZERO, 1, KEY, 0, b"\x0c" * 32, b"\x0e" * 32, b"\x0d" * 32,
    )  # fmt: skip


@dataclass
class Served:
    """A site, the cities behind it, and its log."""

    site: Site
    cities: Cities
    log: LogStore


@contextmanager
def serve(folder: Path, *, long_names: bool = False) -> Iterator[Served]:
    """Wuhou's site with two members, a batch, a case with its steps, and a published log of 300 entries."""
    with two_cities(folder) as cities:
        node = replace(cities.nodes[1], network=NETWORK, publisher=True)
        cities.nodes[1] = node
        world = _story("某某省某某自治州某某高新技术产业开发区" if long_names else "四川省绵阳市")
        chain = HistoryChain(world.blocks, len(world.blocks) - 1)
        synchronise(node.database, chain, CONSORTIUM)
        cities.block = len(world.blocks) - 1
        final = Head(cities.block, world.blocks[-1].hash, world.blocks[-1].time, cities.block)
        health.note_head(node, final, memory=health.Noted())
        log = LogStore(DirectoryFiles(node.log_folder))
        head = log.append([b"entry %d" % number for number in range(300)])
        log.publish(signed_checkpoint(head.size, head.root, timestamp=NOW + 3 * DAY))
        # The web process holds no key, and in these tests nobody answers for it.
        keys = ForwardingKeyHolder(folder / "keys.sock")
        site = Site(
            replace(node, keys=keys, clock=lambda: NOW + 3 * DAY + 20),
            LogView(DirectoryFiles(node.log_folder)),
            network_policy,
        )
        yield Served(site, cities, log)


def _story(other: str) -> World:
    """What the chain says: the consortium forms, a paper is anchored, a case is corrected once and accepted."""
    world = World(random.Random(7), now=NOW - DAY)  # noqa: S311 - repeatable, not secret
    world.close(1)
    year = calendar(2026)
    _say(world, CONSORTIUM, Founded("样本网络", 2, True, 16, 0))  # noqa: FBT003 - the event's own order
    _say(
        world,
        CONSORTIUM,
        MemberListed(1, 510_107, int(Level.DISTRICT), 0, True, "四川省成都市武侯区", KEY),  # noqa: FBT003 - a founder's vote
        MemberListed(2, 510_700, int(Level.CITY), 0, True, other, KEY),  # noqa: FBT003 - as above
        MemberConfirmed(1, KEY),
        MemberConfirmed(2, KEY),
        DepartmentSet(2, 1, True, "住房公积金管理中心"),  # noqa: FBT003 - the event's own order
        GenerationAdded(ContractKind.CATALOGUE, 1, CATALOGUE),
        GenerationAdded(ContractKind.CASES, 1, CASES),
        CalendarPosted(2026, 1, 1, KEY, year.low, year.high, _ZERO),
        ServiceKeyPublished(1, ServiceKeyKind.LOG_ED25519, 1, log_signer().key.public),
        EndpointPublished(1, "http://127.0.0.1:8801"),
        *(
            ServiceKeyPublished(
                member,
                ServiceKeyKind.COSIGN_ED25519 if one.key.type is KeyType.COSIGN_ED25519 else ServiceKeyKind.COSIGN_ML_DSA_44,
                1,
                one.key.public,
            )
            for member, division in ((1, "510107"), (2, "510700"))
            for one in signers(division)
        ),
    )  # fmt: skip
    world.now = NOW
    _say(
        world,
        CATALOGUE,
        MatterPublished(2, MATTER, 1, LimitRule.licence().pack(), b"\x30" * 32, b"\x31" * 32, "000129002000"),
    )
    _say(world, MATERIALS, Anchored(1, 1, KEY, bytes(32), 256, bytes(32), 1))
    _say(world, CASES, opened(CASE, MATTER))
    for sequence, (action, state, actor, detail, elapsed) in enumerate(
        (
            (Action.RECEIVE, State.SUBMITTED, 2, 0, 0),
            (Action.REQUEST_CORRECTION, State.CORRECTION, 2, int(NoticeKind.FORMAL), 0),
            (Action.SUPPLY, State.SUBMITTED, 0, 0, 1),
            (Action.ACCEPT, State.ACCEPTED, 2, 0, 1),
        ),
        2,
    ):
        world.now = NOW + sequence * DAY // 2
        role = int(OfficerRole.RECEIVER) if actor else 0
        _say(
            world,
            CASES,
            Stepped(
                CASE, sequence, int(action), int(state), actor, 2, KEY, 0, 1 if actor else 0, role, detail, elapsed,
                bytes([sequence]) * 32, bytes([sequence + 32]) * 32, bytes([sequence + 64]) * 32,
            ),
        )  # fmt: skip
    world.now = NOW + 3 * DAY
    world.close(1)
    return world


def _say(world: World, contract: str, *events: Event) -> None:
    for event in events:
        world.emit(event, contract)
    world.close(1)
