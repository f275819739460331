"""Cosigning: what this city answers when a publisher asks it to vouch for a tree.

It signs only what it has rebuilt from its own view of the chain, and whose newest block it saw in time. What it signed
last is durable before the answer leaves, and two different heads at one size are kept as evidence and stop it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from ledger.domain.limits import LIMITS
from ledger.domain.notes import NoteSigner
from ledger.log.view import LogView
from ledger.log.witness import WitnessAnswer, WitnessedLog, add_checkpoint
from ledger.log.witness_store import WitnessStore
from ledger.services.context import Node
from ledger.services.publishing import log_cities, newest_time, seen_at

__all__ = ["Witness", "begin_witness", "open_witness"]


def begin_witness(path: Path, signers: Sequence[NoteSigner]) -> None:
    """Begin the memory of new cosigning keys: with a new node, and with each rotation of those keys.

    Raises:
        ConflictError: ``log.witness_exists``.
    """
    WitnessStore.create(path, [signer.key for signer in signers])


def open_witness(path: Path, signers: Sequence[NoteSigner]) -> WitnessStore:
    """Open the memory of these keys.

    Raises:
        SetupError: ``log.witness_lost``, ``log.witness_keys``: the keys must be rotated before anything is cosigned.
    """
    return WitnessStore.open(path, [signer.key for signer in signers])


class Witness:
    """This city as a witness of its network's logs.

    Args:
        node: this city.
        log: its own tree, read-only.
        state: what it signed so far.
        signers: its cosigning keys, all of which sign.
    """

    def __init__(self, node: Node, log: LogView, state: WitnessStore, signers: Sequence[NoteSigner]) -> None:
        self._node = node
        self._log = log
        self._state = state
        self._signers = tuple(signers)
        # The view keeps what it read; publishers may ask at the same time.
        self._lock = Lock()

    @property
    def state(self) -> WitnessStore:
        """What was signed, and the evidence."""
        return self._state

    def answer(self, body: bytes) -> WitnessAnswer:
        """Answer ``add-checkpoint`` (C2SP tlog-witness)."""
        with self._node.database.read() as connection:
            logs = {
                city.log.name: WitnessedLog((city.log,), rebuilt=True)
                for city in log_cities(connection, self._node.network)
                if city.log is not None
            }
        with self._lock:
            return add_checkpoint(
                body, logs=logs, state=self._state, view=self, signers=self._signers, now=self._node.clock()
            )

    def root_at(self, size: int) -> bytes | None:
        """Return the head of this city's own tree at a size, ``None`` while it is not that far."""
        tree = self._log.tree()
        return tree.root_at(size) if size <= tree.head.size else None

    def is_timely(self, size: int) -> bool:
        """Say whether the newest block of the tree at that size was seen within the tolerance of its time."""
        time = newest_time(self._log.tree().entry(size - 1))
        with self._node.database.read() as connection:
            seen = seen_at(connection, size)
        return time is None or (seen is not None and abs(seen - time) <= LIMITS.log_timely_seconds)
