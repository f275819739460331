"""Reading the chain: finalised blocks become rows and entries of the log, a chunk at a time.

Everything that a chunk of blocks brings is written in one database transaction with the mark of how far was read, so a
runner that is cut anywhere starts again where the last whole chunk ended, and of two runners the second finds the mark
moved and writes nothing. Only blocks that the engine calls final are read; a parent that does not fit is therefore not
a reorganisation but a lie or a damaged store, and stops the reading.

A city that is new, or was away, need not ask the chain: the log's entries say the same (``synchronise_from_entries``),
and every status entry on the way is computed again and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from contracts import NAMES, load
from ledger import projections
from ledger.domain.entries import (
    GenesisEntry,
    StatusEntry,
    encode_entry,
    event_entry,
    parse_entry,
)
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, IntegrityError, UnavailableError
from ledger.ports import Block, Blocks, Head, LocatedEvent
from ledger.projections import journal
from ledger.projections.journal import EventTypes, SyncState
from ledger.services.chunks import StatusMemory, Step, write_chunk
from ledger.services.context import Node
from ledger.storage.database import Database
from ledger.storage.unit_of_work import UnitOfWork

__all__ = [
    "Progress",
    "StatusMemory",
    "entries_from",
    "event_types",
    "forget",
    "rebuild",
    "run_once",
    "synchronise",
    "synchronise_from_entries",
]

entries_from = journal.entries_from


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run did: up to which block the picture goes, how many entries the log has, how many of them are new.

    ``finalised`` is where the chain stands; a chain behind the picture has been set back or is not the nearest one.
    """

    block: int
    entries: int
    added: int
    finalised: int

    @property
    def caught_up(self) -> bool:
        """Whether the picture shows all that is final."""
        return self.block >= self.finalised


def run_once(
    node: Node, *, memory: StatusMemory | None = None, seen: Callable[[Head], None] = lambda _: None
) -> Progress:
    """Read whatever has become final since the last run; see ``synchronise``."""
    return synchronise(node.database, node.chain, node.consortium, memory=memory, seen=seen)


def synchronise(
    database: Database,
    chain: Blocks,
    consortium: str,
    *,
    memory: StatusMemory | None = None,
    chunk: int = LIMITS.synchronising_blocks,
    seen: Callable[[Head], None] = lambda _: None,
) -> Progress:
    """Read from the last block of the picture to the last final one.

    Args:
        database: this node's.
        chain: where the blocks are.
        consortium: address of the network's consortium contract.
        memory: a status tree kept between runs.
        chunk: blocks for each database transaction.
        seen: is told where the chain stands, before anything is read: catching up may take long.

    Raises:
        IntegrityError: ``synchronising.parent``, ``synchronising.order``, ``synchronising.genesis`` or
            ``synchronising.entry``: the chain is not the one that was read before; codes of the chain.
        UnavailableError: the chain or the database does not answer; what was written stays whole.
    """
    memory = memory if memory is not None else StatusMemory()
    with database.read() as connection:
        before = state = journal.position(connection)
    head = chain.head()
    seen(head)
    finalised = head.finalised
    if state is not None and state.hash is None and finalised >= state.block:
        state = _join(database, chain, state, consortium)
    while state is None or state.block < finalised:
        first = 0 if state is None else state.block + 1
        blocks = chain.blocks(first, min(finalised, first + chunk - 1))
        _require_run(state, first, blocks)
        steps = [_step_of(block) for block in blocks]
        start = state or _fresh(blocks[0].hash, chain.chain_id(), consortium)
        state = _commit(database, state, start, steps, memory)
    done = 0 if before is None else before.entries
    return Progress(state.block, state.entries, state.entries - done, finalised)


def synchronise_from_entries(
    database: Database,
    entries: Iterable[bytes],
    *,
    consortium: str,
    types: EventTypes | None = None,
    memory: StatusMemory | None = None,
    chunk: int = LIMITS.synchronising_blocks,
) -> Progress:
    """Make the picture from the log's entries, beginning with the first one that the picture has not.

    That the entries are those of the consortium's log is the caller's to check (``ledger.log.mirror``). A block at the
    end of which it is not certain that it is whole waits for the entry after it, or for the chain.

    Raises:
        FormatError: an entry is malformed.
        IntegrityError: ``synchronising.genesis``, ``synchronising.order``, ``synchronising.status_missing`` or
            ``synchronising.entry``: the entries do not follow what is there.
        UnavailableError: ``synchronising.moved``: another runner read the same; the database does not answer. What was
            written stays whole.
    """
    memory = memory if memory is not None else StatusMemory()
    with database.read() as connection:
        before = state = journal.position(connection)
    rest = iter(entries)
    start = state if state is not None else _genesis(next(rest, b""), consortium)
    waiting: list[Step] = []
    expected: list[bytes] = []
    for step, own in _grouped(rest, types if types is not None else event_types()):
        _require_order(waiting[-1].number if waiting else start.block, step)
        waiting.append(step)
        expected += own
        if len(waiting) >= chunk:
            state = start = _commit_exactly(database, state, start, waiting, memory, expected)
            waiting, expected = [], []
    if waiting or state is None:
        state = _commit_exactly(database, state, start, waiting, memory, expected)
    done = 0 if before is None else before.entries
    return Progress(state.block, state.entries, state.entries - done, state.block)


def rebuild(database: Database, *, types: EventTypes | None = None) -> None:
    """Drop the picture and make it again from the journal, in one transaction; opened rows are opened again after."""
    with UnitOfWork(database) as uow:
        events = journal.events_from(uow.connection, types if types is not None else event_types())
        projections.drop_and_rebuild(uow.connection, events)
        uow.commit()


def forget(database: Database) -> None:
    """Empty journal and picture, to be read anew from the first entry on; what is this node's own stays."""
    with UnitOfWork(database) as uow:
        projections.drop(uow.connection)
        for table in projections.JOURNAL:
            uow.connection.execute(table.delete())
        uow.commit()


@cache
def event_types() -> EventTypes:
    """The parameters of every event with their ABI types, from the checked-in contracts."""
    return {
        entry["name"]: tuple((item["name"], item["type"]) for item in entry["inputs"])
        for name in NAMES
        for entry in load(name).abi
        if entry["type"] == "event"
    }


# ---- one chunk ------------------------------------------------------------------------------------------------------


def _commit(
    database: Database,
    seen: SyncState | None,
    start: SyncState,
    steps: Sequence[Step],
    memory: StatusMemory,
    expected: Sequence[bytes] | None = None,
) -> SyncState:
    """Write a chunk, unless another runner has moved the mark meanwhile; answers where the picture stands then."""
    with UnitOfWork(database) as uow:
        found = journal.position(uow.connection)
        if found is not None and found != seen:
            return found
        state, tree = write_chunk(uow.connection, start, steps, replace(memory), expected)
        uow.commit()
    memory.block, memory.tree = tree.block, tree.tree
    return state


def _commit_exactly(
    database: Database,
    seen: SyncState | None,
    start: SyncState,
    steps: Sequence[Step],
    memory: StatusMemory,
    expected: Sequence[bytes],
) -> SyncState:
    state = _commit(database, seen, start, steps, memory, expected)
    if state.block != (steps[-1].number if steps else start.block):
        # The entries that follow are no longer the next ones.
        raise UnavailableError("synchronising.moved", retry_after=1)
    return state


# ---- from the chain -------------------------------------------------------------------------------------------------


def _fresh(genesis: bytes, chain_id: int, consortium: str) -> SyncState:
    return SyncState(
        block=-1, hash=None, time=0, entries=0, chain_id=chain_id, consortium=consortium, genesis=genesis
    )  # fmt: skip


def _step_of(block: Block) -> Step:
    return Step(block.number, block.time, block.hash, block.events, block.parent, block.receipts_root)


def _require_run(state: SyncState | None, first: int, blocks: Sequence[Block]) -> None:
    """Blocks without a gap, each on its parent, each event in its place."""
    if not blocks:
        raise IntegrityError("synchronising.order", block=first)
    parent = None if state is None else state.hash
    for number, block in enumerate(blocks, first):
        if block.number != number:
            raise IntegrityError("synchronising.order", block=number)
        if parent is not None and block.parent != parent:
            raise IntegrityError("synchronising.parent", block=number)
        places = [located.log_index for located in block.events]
        if places != sorted(set(places)) or any(
            located.block != number or located.time != block.time for located in block.events
        ):
            raise IntegrityError("synchronising.order", block=number)
        parent = block.hash


def _join(database: Database, chain: Blocks, state: SyncState, consortium: str) -> SyncState:
    """Go on from the log's files with the chain: the same genesis, and the last block read again and compared."""
    (genesis,) = chain.blocks(0, 0)
    if (genesis.hash, chain.chain_id(), consortium) != (state.genesis, state.chain_id, state.consortium):
        raise IntegrityError("synchronising.genesis")
    (block,) = chain.blocks(state.block, state.block)
    with database.read() as connection:
        own = journal.entries_of_block(connection, state.block)
    theirs = [encode_entry(event_entry(state.chain_id, journal.record_of(located))) for located in block.events]
    if own != theirs:
        raise IntegrityError("synchronising.entry", block=state.block)
    joined = replace(state, hash=block.hash)
    with UnitOfWork(database) as uow:
        found = journal.position(uow.connection)
        if found is not None and found != state:
            return found
        journal.store_position(uow.connection, joined)
        uow.commit()
    return joined


# ---- from the log ---------------------------------------------------------------------------------------------------


def _genesis(data: bytes, consortium: str) -> SyncState:
    entry = parse_entry(data)
    if not isinstance(entry, GenesisEntry) or entry.consortium != consortium:
        raise IntegrityError("synchronising.genesis")
    # Block 0 holds no events of contracts that were not yet deployed.
    return replace(_fresh(entry.genesis_hash, entry.chain_id, consortium), block=0, hash=entry.genesis_hash)


def _grouped(entries: Iterator[bytes], types: EventTypes) -> Iterator[tuple[Step, list[bytes]]]:
    """Whole blocks with their entries; the last one only where a status entry or a later block closes it."""
    events: list[LocatedEvent] = []
    own: list[bytes] = []
    for data in entries:
        entry = parse_entry(data)
        if isinstance(entry, GenesisEntry):
            raise FormatError("synchronising.second_genesis")
        if events and entry.block_number != events[-1].block:
            yield Step(events[-1].block, events[-1].time, None, tuple(events)), own
            events, own = [], []
        own.append(data)
        if isinstance(entry, StatusEntry):
            yield Step(entry.block_number, entry.block_time, entry.block_hash, tuple(events)), own
            events, own = [], []
        else:
            events.append(journal.located_of(entry, types))


def _require_order(last: int, step: Step) -> None:
    places = [located.log_index for located in step.events]
    if step.number <= last or places != sorted(set(places)):
        raise IntegrityError("synchronising.order", block=step.number)
