"""Writing a run of blocks down: the rows of their events, their log entries, and the mark of how far was read.

All on the caller's connection, in one transaction. Beyond every E-th block, E as the network was founded, stands a status
entry, which is made here from the changes written so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.engine import Connection

from ledger import projections
from ledger.domain.entries import GenesisEntry, StatusEntry, encode_entry, event_entry
from ledger.domain.events import Founded
from ledger.domain.status import StatusTree
from ledger.errors import IntegrityError
from ledger.log.publisher import is_due
from ledger.ports import LocatedEvent
from ledger.projections import journal, status
from ledger.projections.journal import SyncState
from ledger.storage.tables import chain as tables

__all__ = ["StatusMemory", "Step", "write_chunk"]


@dataclass(slots=True)
class StatusMemory:
    """The status tree after some block, kept between runs so that it need not be read again; safe to throw away."""

    block: int = -1
    tree: StatusTree = field(default_factory=StatusTree)


@dataclass(frozen=True, slots=True)
class Step:
    """A block to be written; what the log does not carry of it is ``None``."""

    number: int
    time: int
    hash: bytes | None
    events: tuple[LocatedEvent, ...]
    parent: bytes | None = None
    receipts_root: bytes | None = None


def write_chunk(
    connection: Connection,
    state: SyncState,
    steps: Sequence[Step],
    memory: StatusMemory,
    expected: Sequence[bytes] | None,
) -> tuple[SyncState, StatusMemory]:
    """Write blocks that follow ``state``; answers where the picture then stands, and the tree to remember.

    Args:
        connection: of the caller's transaction.
        state: how far the picture goes now.
        steps: the blocks that follow; with entries, those alone that have any.
        memory: the status tree of an earlier block.
        expected: the entries that must come out, where blocks were read from a log.

    Raises:
        IntegrityError: ``synchronising.status_missing``, ``synchronising.entry``; codes of the projections.
    """
    chunk = _Chunk(state, memory)
    if state.entries == 0:
        chunk.append("genesis", 0, encode_entry(GenesisEntry(state.chain_id, state.genesis, state.consortium)))
    for step in steps:
        epoch = chunk.state.status_epoch
        if expected is not None and epoch and (step.number - 1) // epoch * epoch > chunk.state.block:
            raise IntegrityError("synchronising.status_missing", block=(step.number - 1) // epoch * epoch)
        _write_step(connection, chunk, step)
    made = [entry["bytes"] for entry in chunk.entries if entry["kind"] != "genesis"]
    if expected is not None and made != list(expected):
        raise IntegrityError("synchronising.entry", block=chunk.state.block)
    for table, rows in (
        (tables.blocks, chunk.blocks),
        (tables.events, chunk.events),
        (tables.log_entries, chunk.entries),
    ):
        if rows:
            connection.execute(table.insert(), rows)
    journal.store_position(connection, chunk.state)
    return chunk.state, chunk.memory


@dataclass(slots=True)
class _Chunk:
    """Rows of the journal that are written together at the end of a chunk."""

    state: SyncState
    memory: StatusMemory
    blocks: list[dict[str, object]] = field(default_factory=list)
    events: list[dict[str, object]] = field(default_factory=list)
    entries: list[dict[str, object]] = field(default_factory=list)

    def append(self, kind: str, block: int, data: bytes) -> int:
        """Give an entry its index in the log."""
        index = self.state.entries
        self.entries.append({"index": index, "block": block, "kind": kind, "bytes": data})
        self.state = replace(self.state, entries=index + 1)
        return index


def _write_step(connection: Connection, chunk: _Chunk, step: Step) -> None:
    for located in step.events:
        data = encode_entry(event_entry(chunk.state.chain_id, journal.record_of(located)))
        chunk.events.append(_event_row(located, chunk.append("event", step.number, data)))
        if isinstance(located.event, Founded):
            found = located.event
            chunk.state = replace(
                chunk.state, status_epoch=found.status_epoch, clock_offset=found.clock_offset
            )  # fmt: skip
    projections.apply_all(connection, step.events)
    due = chunk.state.status_epoch > 0 and is_due(step.number, chunk.state.status_epoch)
    if due:
        tree = _tree(connection, chunk.memory, step.number)
        chunk.append("status", step.number, encode_entry(_status_entry(chunk.state, step, tree)))
    if step.events or due:
        chunk.blocks.append(_block_row(step))
    chunk.state = replace(chunk.state, block=step.number, hash=step.hash, time=step.time)


def _tree(connection: Connection, memory: StatusMemory, block: int) -> StatusTree:
    """The status tree after a block, from the one that is remembered."""
    if memory.block >= block:
        # Remembered from a database that was longer than this one.
        memory.block, memory.tree = -1, StatusTree()
    changed = status.tree_changes(connection, memory.block, block)
    memory.tree = memory.tree.changed(
        insert=[identifier for identifier, present in changed.items() if present],
        remove=[identifier for identifier, present in changed.items() if not present],
    )
    memory.block = block
    return memory.tree


def _status_entry(state: SyncState, step: Step, tree: StatusTree) -> StatusEntry:
    if step.hash is None:
        # A block whose status entry is missing from the entries that were handed in.
        raise IntegrityError("synchronising.status_missing", block=step.number)
    return StatusEntry(
        chain_id=state.chain_id,
        block_number=step.number,
        block_hash=step.hash,
        block_time=step.time,
        status_root=tree.root(),
        status_size=tree.size,
        clock_offset=state.clock_offset,
    )


def _event_row(located: LocatedEvent, entry: int) -> dict[str, object]:
    return {
        "block": located.block,
        "log_index": located.log_index,
        "time": located.time,
        "transaction": located.transaction,
        "contract": located.contract,
        "name": type(located.event).__name__,
        "entry": entry,
    }


def _block_row(step: Step) -> dict[str, object]:
    return {
        "number": step.number,
        "time": step.time,
        "hash": step.hash,
        "parent": step.parent,
        "receipts_root": step.receipts_root,
    }
