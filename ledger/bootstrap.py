"""Wiring: from a node's settings to the node that services are handed.

The one place that knows which adapter stands behind which port. The daemon opens a node with its own keys; the web
process and the command open the same node with a key holder that forwards to the daemon.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeAlias

from ledger.blobs.directory import DirectoryStore
from ledger.blobs.ipfs import IpfsStore
from ledger.chain.clock import NetworkClock
from ledger.chain.gateway import Gateway
from ledger.ports import BlobStore, Chain, Clock, KeyHolder, Peers, Random
from ledger.projections import journal
from ledger.services.context import Node
from ledger.services.keyholding import ForwardingKeyHolder
from ledger.services.peers import Unconnected
from ledger.settings import NodeSettings
from ledger.storage.database import Database, open_database
from ledger.storage.migrations import upgrade

__all__ = ["KEY_SOCKET", "PeersFactory", "opened_node", "wall_clock"]

# Makes the way to the other cities from what signs and checks it: the picture's keys, the key holder, the time.
# It is closed with the node.
PeersFactory: TypeAlias = Callable[[Database, KeyHolder, Clock], AbstractContextManager[Peers]]

# Where the daemon answers for its keys, inside the node's folder.
KEY_SOCKET = "keys.sock"


def wall_clock() -> int:
    """The time of day in POSIX seconds."""
    return int(time.time())


@contextmanager
def opened_node(
    settings: NodeSettings,
    *,
    peers: PeersFactory | None = None,
    keys: KeyHolder | None = None,
    chain: Chain | None = None,
    clock: Clock | None = None,
    random: Random = os.urandom,
) -> Iterator[Node]:
    """Open a node: its database (brought to this program's tables), its blobs, its engine, its keys.

    What is opened here is closed at the end of ``with``, and where the opening fails; what is handed in stays open.

    Args:
        settings: what the operator chose.
        peers: makes the way to the other cities; by default there is none, as in the web process and the command.
        keys: the daemon's own key holder; by default one that forwards to the daemon.
        chain: an engine that is open already; by default those of the settings.
        clock: the network's time; by default this machine's, with the engine's offset where it has one.
        random: cryptographic randomness.

    Raises:
        SetupError: ``storage.migration_unknown`` where a newer program made the database.
        UnavailableError: the database or the blob store cannot be used now.
    """
    with ExitStack() as stack:
        database = stack.enter_context(open_database(settings.path("node.db")))
        upgrade(database)
        keys = keys or ForwardingKeyHolder(settings.path(KEY_SOCKET))
        if chain is None:
            gateway = Gateway.connect(settings.rpc_urls, settings.consortium, engine=settings.engine)
            stack.callback(gateway.close)
            chain = gateway
            clock = clock or NetworkClock(gateway.clock_offset, known=_known_offset(settings, database))
        clock = clock or wall_clock
        yield Node(
            network=settings.network,
            chain_id=settings.chain_id,
            consortium=settings.consortium,
            engine=settings.engine,
            clock_offset=settings.clock_offset,
            division=settings.division,
            member=settings.member,
            database=database,
            blobs=_blobs(settings, stack),
            keys=keys,
            peers=stack.enter_context(peers(database, keys, clock)) if peers is not None else Unconnected(),
            chain=chain,
            clock=clock,
            random=random,
            log_folder=settings.path("log"),
            batch_applicants=settings.batch_applicants,
            batch_wait=settings.batch_wait,
            publisher=settings.publisher,
            publish_blocks=settings.publish_blocks,
        )


def _blobs(settings: NodeSettings, stack: ExitStack) -> BlobStore:
    """The store of encrypted content that the settings name."""
    if settings.blobs == "ipfs":
        store = IpfsStore(settings.ipfs_api)
        stack.callback(store.close)
        return store
    return DirectoryStore.create(settings.path("blobs"))


def _known_offset(settings: NodeSettings, database: Database) -> int:
    """The offset to begin with, until the engine says its own.

    A pilot's calendar is moved forward as its story goes on, and the settings know only where it began; the newest block
    read says how far it had come. On a network's engine no calendar moves, and a clock that is behind the chain is wrong.
    """
    if settings.engine != "embedded":
        return settings.clock_offset
    with database.read() as connection:
        state = journal.position(connection)
    return settings.clock_offset if state is None else max(settings.clock_offset, state.time - wall_clock())
