"""A city's web process over a real database and a real log, without an engine: what the chain would say is said by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from api.deps import Site
from ledger.domain.cases import Channel, Mode
from ledger.domain.catalogue import LimitRule
from ledger.domain.consortium import Level
from ledger.domain.events import Anchored, MemberConfirmed, MemberListed, Opened
from ledger.log.files import DirectoryFiles
from ledger.log.store import LogStore
from ledger.log.view import LogView
from ledger.projections import journal
from ledger.projections.journal import SyncState
from ledger.services.keyholding import ForwardingKeyHolder
from tests.integration.services.cities import CASES, CHAIN_ID, CONSORTIUM, KEY, MATERIALS, NOW, Cities, two_cities
from tests.unit.log.network import network_policy, signed_checkpoint

CASE = b"\xaa" * 32
__all__ = ["CASE", "Served", "serve"]


@dataclass
class Served:
    """A site, the cities behind it, and its log."""

    site: Site
    cities: Cities
    log: LogStore


def serve(folder: Path, *, long_names: bool = False) -> Served:
    """Wuhou's site with two members, a batch, a case and a published log of 300 entries."""
    cities = two_cities(folder)
    node = cities.nodes[1]
    name = "某某省某某自治州某某高新技术产业开发区" if long_names else "四川省绵阳市"
    cities.say(
        MemberListed(1, 510_107, int(Level.DISTRICT), 0, True, "四川省成都市武侯区", KEY),  # noqa: FBT003 - a founder's vote
        MemberListed(2, 510_700, int(Level.CITY), 0, True, name, KEY),  # noqa: FBT003 - as above
        MemberConfirmed(1, KEY),
        contract=CONSORTIUM,
    )
    cities.say(Anchored(1, 1, KEY, bytes(32), 256, bytes(32), 1), contract=MATERIALS)
    zero = bytes(32)
    cities.say(
        Opened(
            CASE, KEY, 1, 2, b"\x22" * 32, int(Mode.RECEIVED_HERE), int(Channel.WINDOW), 1, LimitRule.licence().pack(), zero, 0,
            zero, zero, 1, KEY, 0, b"\x0c" * 32, zero, b"\x0d" * 32,
        ),
        contract=CASES,
    )  # fmt: skip
    with node.begin() as uow:
        state = SyncState(
            block=cities.block, hash=bytes(32), time=NOW + cities.block, entries=300, chain_id=CHAIN_ID,
            consortium=CONSORTIUM, genesis=bytes(32),
        )  # fmt: skip
        journal.store_position(uow.connection, state)
        uow.commit()
    log = LogStore(DirectoryFiles(node.log_folder))
    head = log.append([b"entry %d" % number for number in range(300)])
    log.publish(signed_checkpoint(head.size, head.root))
    # The web process holds no key, and in these tests nobody answers for it.
    keys = ForwardingKeyHolder(folder / "keys.sock")
    site = Site(replace(node, publisher=True, keys=keys), LogView(DirectoryFiles(node.log_folder)), network_policy)
    return Served(site, cities, log)
