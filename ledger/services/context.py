"""What every use case is handed: who this node is, and the ports through which it acts.

Wired once in ``ledger.bootstrap``. The web process has the same node without an engine and with a key holder that
forwards to the daemon.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ledger.ports import BlobStore, Chain, Clock, KeyHolder, Peers, Random
from ledger.storage.database import Database
from ledger.storage.unit_of_work import UnitOfWork

__all__ = ["Node"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A city's node as the services see it.

    ``member`` is the number in the consortium contract; ``engine`` is ``embedded`` (one sequencer) or ``network``;
    ``clock_offset`` the deliberate offset of the network's clock against the wall clock, in seconds.
    """

    network: str
    chain_id: int
    consortium: str
    engine: str
    clock_offset: int
    division: str
    member: int
    database: Database
    blobs: BlobStore
    keys: KeyHolder
    peers: Peers
    chain: Chain
    clock: Clock
    random: Random
    log_folder: Path
    batch_applicants: int
    batch_wait: int
    publisher: bool
    publish_blocks: int

    def begin(self) -> UnitOfWork:
        """Open one transaction of this node's database."""
        return UnitOfWork(self.database)
