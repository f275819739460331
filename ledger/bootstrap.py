"""Wiring: from a node's settings to the node that services are handed.

The one place that knows which adapter stands behind which port. The daemon opens a node with its own keys; the web
process and the command open the same node with a key holder that forwards to the daemon.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from ledger.blobs.directory import DirectoryStore
from ledger.blobs.ipfs import IpfsStore
from ledger.chain.gateway import Gateway
from ledger.ports import BlobStore, Chain, Clock, KeyHolder, Peers, Random
from ledger.services.context import Node
from ledger.services.keyholding import ForwardingKeyHolder
from ledger.settings import NodeSettings
from ledger.storage.database import open_database
from ledger.storage.migrations import upgrade

__all__ = ["KEY_SOCKET", "open_blobs", "open_node", "wall_clock"]

# Where the daemon answers for its keys, inside the node's folder.
KEY_SOCKET = "keys.sock"


def wall_clock() -> int:
    """The time of day in POSIX seconds."""
    return int(time.time())


def open_blobs(settings: NodeSettings) -> BlobStore:
    """Open the store of encrypted content that the settings name."""
    if settings.blobs == "ipfs":
        return IpfsStore(settings.ipfs_api)
    return DirectoryStore.create(settings.path("blobs"))


def open_node(
    settings: NodeSettings,
    *,
    peers: Callable[[NodeSettings], Peers],
    keys: KeyHolder | None = None,
    chain: Chain | None = None,
    clock: Clock = wall_clock,
    random: Random = os.urandom,
    clock_offset: int = 0,
) -> Node:
    """Open a node: its database (brought to this program's tables), its blobs, its engine, its keys.

    Args:
        settings: what the operator chose.
        peers: makes the way to the other cities.
        keys: the daemon's own key holder; by default one that forwards to the daemon.
        chain: an engine that is open already; by default those of the settings.
        clock: the network's time.
        random: cryptographic randomness.
        clock_offset: the deliberate offset of the network's clock, in seconds.

    Raises:
        SetupError: ``storage.migration_unknown`` where a newer program made the database.
        UnavailableError: the database or the blob store cannot be used now.
    """
    database = open_database(settings.path("node.db"))
    upgrade(database)
    return Node(
        network=settings.network,
        chain_id=settings.chain_id,
        consortium=settings.consortium,
        engine=settings.engine,
        clock_offset=clock_offset,
        division=settings.division,
        member=settings.member,
        database=database,
        blobs=open_blobs(settings),
        keys=keys or ForwardingKeyHolder(settings.path(KEY_SOCKET)),
        peers=peers(settings),
        chain=chain or Gateway.connect(settings.rpc_urls, settings.consortium, engine=settings.engine),
        clock=clock,
        random=random,
        log_folder=settings.path("log"),
        batch_applicants=settings.batch_applicants,
        batch_wait=settings.batch_wait,
        publisher=settings.publisher,
        publish_blocks=settings.publish_blocks,
    )
