"""How an embedded engine is set up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EngineConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """The settings of one engine.

    ``chain_id``, ``gas_limit`` and the genesis time belong to the network: they are written with block 0, and an
    existing store with another chain id or gas limit is refused.

    Args:
        path: the database file (beside it SQLite keeps ``-wal`` and ``-shm``, the engine ``.head``); ``None`` keeps
            the chain in memory, for tests.
        chain_id: the network's number, part of every signature (EIP-155, EIP-712).
        gas_limit: of every block.
        genesis_time: timestamp of block 0; ``None`` for the clock at the moment of creation.
        clock_offset: seconds added to the wall clock when the chain is created; afterwards the stored offset holds.
        interval: seconds between blocks; 0 closes a block as soon as a transaction is ready.
        empty_blocks: with an interval, also close blocks without transactions.
        heartbeat: without an interval, close an empty block after so many seconds of quiet, so that the log's status
            entries go on; 0 for never.
        private: take transactions only from ``allowed_senders``, senders allowed later, and those whom the admission
            contract names.
        allowed_senders: 20-byte addresses.
        admission_contract: address of a contract that knows the members' keys, which rotate; see ``admission``.
        admission_selector: four bytes of its function of an address, whose answer is zero for strangers.
        adjustable_clock: whether ``tongban_clock`` may move the offset forward.
        host: the address to listen on.
        port: the port, 0 for any free one.
        ready_file: written, whole, with the bound address once the server answers.
        cached_nodes: how many trie nodes stay in memory; without a cache the throughput falls to 0.70 at 100,000 cases.
    """

    path: Path | None
    chain_id: int
    gas_limit: int = 200_000_000
    genesis_time: int | None = None
    clock_offset: int = 0
    interval: float = 0.0
    empty_blocks: bool = False
    heartbeat: float = 0.0
    private: bool = False
    allowed_senders: frozenset[bytes] = frozenset()
    admission_contract: bytes | None = None
    admission_selector: bytes = b""
    adjustable_clock: bool = False
    host: str = "127.0.0.1"
    port: int = 0
    ready_file: Path | None = None
    cached_nodes: int = 131_072

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            SetupError: ``engine.setting`` with the name of the setting.
        """
        sound = {
            "chain_id": 0 < self.chain_id < 2**53,
            "gas_limit": 100_000 <= self.gas_limit < 2**53,
            "genesis_time": self.genesis_time is None or 0 <= self.genesis_time < 2**40,
            "clock_offset": abs(self.clock_offset) < 2**40,
            "interval": 0 <= self.interval <= 3600,
            "heartbeat": 0 <= self.heartbeat <= 3600,
            "allowed_senders": all(len(address) == 20 for address in self.allowed_senders),
            "admission_contract": self.admission_contract is None
            or (len(self.admission_contract) == 20 and len(self.admission_selector) == 4),
            "port": 0 <= self.port < 65536,
            "cached_nodes": self.cached_nodes > 0,
        }
        for name, held in sound.items():
            if not held:
                raise SetupError("engine.setting", name=name)
