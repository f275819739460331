"""Reading the chain: the same picture and the same log, from blocks or from entries, cut anywhere, twice at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from ledger import projections
from ledger.domain.entries import EventEntry, GenesisEntry, StatusEntry, parse_entry
from ledger.domain.status import StatusTree
from ledger.errors import FormatError, IntegrityError, UnavailableError
from ledger.projections import journal, status
from ledger.services.synchronising import StatusMemory, entries_from, rebuild, synchronise, synchronise_from_entries
from ledger.storage.database import Database, open_database
from ledger.storage.tables import chain as chain_tables
from ledger.storage.tables import metadata
from tests.unit.projections.streams import CONSORTIUM, TYPES, History, history
from tests.unit.services.chains import HistoryChain

Open = Callable[[], Database]
EPOCH = 4
_FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def fresh(tmp_path: Path):
    opened: list[Database] = []

    def make() -> Database:
        database = open_database(tmp_path / f"{len(opened)}.db")
        metadata.create_all(database.engine)
        opened.append(database)
        return database

    yield make
    for database in opened:
        database.close()


def chain_of(made: History) -> HistoryChain:
    return HistoryChain(made.blocks, made.blocks[-1].number)


def log(database: Database) -> list[bytes]:
    with database.read() as connection:
        return list(entries_from(connection, 0))


def picture(database: Database) -> dict[str, list[str]]:
    """Every row of the picture, and the events of the journal."""
    with database.read() as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in (*projections.PICTURE, chain_tables.events)
        }


def read_all(database: Database, made: History, **how: int) -> None:
    synchronise(database, chain_of(made), CONSORTIUM, **how)


@_FEW
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_the_log_follows_the_chain_whatever_the_chunks(fresh: Open, seed: int, chunk: int):
    made = history(seed, 40, epoch=EPOCH)
    whole, parts = fresh(), fresh()
    read_all(whole, made)
    read_all(parts, made, chunk=chunk)
    assert log(whole) == log(parts)
    assert picture(whole) == picture(parts)
    first, *rest = (parse_entry(data) for data in log(whole))
    assert isinstance(first, GenesisEntry)
    assert first.genesis_hash == made.blocks[0].hash
    places = [(entry.block_number, entry.log_index) for entry in rest if isinstance(entry, EventEntry)]
    assert places == [(located.block, located.log_index) for located in made.events]
    statuses = [entry.block_number for entry in rest if isinstance(entry, StatusEntry)]
    assert statuses == [block.number for block in made.blocks if block.number % EPOCH == 0 and block.number > 0]


def test_status_entries_hold_what_may_not_be_relied_on(fresh: Open):
    made = history(11, 150, epoch=EPOCH)
    database = fresh()
    read_all(database, made)
    members: set[bytes] = set()
    events = iter(made.events)
    pending = next(events)
    sizes = []
    for data in log(database):
        entry = parse_entry(data)
        if not isinstance(entry, StatusEntry):
            continue
        while pending.block <= entry.block_number:
            for _, identifier, present in status.changes(pending):
                (members.add if present else members.discard)(identifier)
            pending = next(events, replace(pending, block=10**9))
        tree = StatusTree.of(members)
        assert (entry.status_root, entry.status_size) == (tree.root(), tree.size)
        assert entry.clock_offset == 120
        with database.read() as connection:
            assert status.tree_at(connection, entry.block_number) == tree
        sizes.append(tree.size)
    assert sizes[-1] > 5


@_FEW
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_the_picture_from_entries_is_the_picture_from_the_chain(fresh: Open, seed: int, chunk: int):
    made = history(seed, 40, epoch=EPOCH)
    chained, mirrored = fresh(), fresh()
    read_all(chained, made)
    progress = synchronise_from_entries(mirrored, log(chained), consortium=CONSORTIUM, types=TYPES, chunk=chunk)
    ended = synchronise(mirrored, chain_of(made), CONSORTIUM)
    assert progress.entries <= ended.entries == len(log(chained))
    assert ended.caught_up
    assert log(mirrored) == log(chained)
    assert picture(mirrored) == picture(chained)


def test_entries_may_come_in_pieces_cut_anywhere(fresh: Open):
    made = history(5, 40, epoch=EPOCH)
    chained = fresh()
    read_all(chained, made)
    whole = log(chained)
    mirrored = fresh()
    for size in range(1, len(whole) + 1, 3):
        with mirrored.read() as connection:
            have = journal.position(connection)
        done = have.entries if have else 0
        progress = synchronise_from_entries(mirrored, whole[done:size], consortium=CONSORTIUM, types=TYPES)
        assert progress.entries <= size
        assert log(mirrored) == whole[: progress.entries]
    synchronise(mirrored, chain_of(made), CONSORTIUM)
    assert picture(mirrored) == picture(chained)


def test_false_entries_are_refused(fresh: Open):
    made = history(6, 60, epoch=EPOCH)
    chained = fresh()
    read_all(chained, made)
    whole = log(chained)
    first_status = next(i for i, data in enumerate(whole) if isinstance(parse_entry(data), StatusEntry) and i > 30)
    wrong_root = whole[first_status].replace(b'"status_size":"', b'"status_size":"9')
    cases = {
        "synchronising.status_missing": [*whole[:first_status], *whole[first_status + 1 :]],
        "synchronising.entry": [*whole[:first_status], wrong_root, *whole[first_status + 1 :]],
        "synchronising.order": [*whole[: first_status + 1], whole[first_status - 1], *whole[first_status + 1 :]],
        "synchronising.second_genesis": [*whole[:5], whole[0], *whole[5:]],
        "synchronising.genesis": whole[1:],
    }
    for code, entries in cases.items():
        with pytest.raises((IntegrityError, FormatError)) as caught:
            synchronise_from_entries(fresh(), entries, consortium=CONSORTIUM, types=TYPES)
        assert caught.value.code == code


def test_another_chain_is_not_joined(fresh: Open):
    # Without a status entry no hash is known of the last block.
    made, other = history(5, 40, epoch=1_000), history(6, 150, epoch=1_000)
    chained, mirrored = fresh(), fresh()
    read_all(chained, made)
    synchronise_from_entries(mirrored, log(chained), consortium=CONSORTIUM, types=TYPES)
    with pytest.raises(IntegrityError, match=r"synchronising\.entry"):
        synchronise(mirrored, HistoryChain(other.blocks, other.blocks[-1].number), CONSORTIUM)


def test_a_parent_that_does_not_fit_stops_the_reading(fresh: Open):
    made = history(8, 40, epoch=EPOCH)
    database = fresh()
    middle = len(made.blocks) // 2
    synchronise(database, HistoryChain(made.blocks, middle), CONSORTIUM)
    before = log(database)
    lying = list(made.blocks)
    lying[middle + 1] = replace(lying[middle + 1], parent=bytes(32))
    with pytest.raises(IntegrityError, match=r"synchronising\.parent"):
        synchronise(database, HistoryChain(lying, lying[-1].number), CONSORTIUM)
    gap = [*made.blocks[: middle + 2], *made.blocks[middle + 3 :], made.blocks[-1]]
    with pytest.raises(IntegrityError, match=r"synchronising\.(order|parent)"):
        synchronise(database, HistoryChain(gap, made.blocks[-1].number), CONSORTIUM)
    assert log(database) == before


def test_only_final_blocks_are_read_and_a_second_run_finds_nothing(fresh: Open):
    made = history(9, 40, epoch=EPOCH)
    database, memory = fresh(), StatusMemory()
    chain = HistoryChain(made.blocks, 10)
    first = synchronise(database, chain, CONSORTIUM, memory=memory)
    assert (first.block, first.caught_up) == (10, True)
    again = synchronise(database, chain, CONSORTIUM, memory=memory)
    assert (again.added, again.entries) == (0, first.entries)
    assert chain.reads == 1
    chain.finalised = made.blocks[-1].number
    synchronise(database, chain, CONSORTIUM, memory=memory)
    reference = fresh()
    read_all(reference, made)
    assert log(database) == log(reference)
    # A chain that was set back is not followed backwards.
    behind = synchronise(database, HistoryChain(made.blocks[:5], 4), CONSORTIUM)
    assert behind.added == 0
    assert behind.block > behind.finalised


def test_cut_at_any_statement_and_run_again(fresh: Open):
    made = history(10, 25, epoch=EPOCH)
    reference = fresh()
    statements = _count(reference, made)
    wanted, wanted_log = picture(reference), log(reference)
    for cut in [*range(0, statements, max(1, statements // 25)), statements - 1]:
        database = fresh()
        memory = StatusMemory()
        with _Failing(database, cut), pytest.raises(UnavailableError):
            synchronise(database, chain_of(made), CONSORTIUM, chunk=7, memory=memory)
        assert log(database) == wanted_log[: len(log(database))]
        synchronise(database, chain_of(made), CONSORTIUM, chunk=7, memory=memory)
        assert log(database) == wanted_log
        assert picture(database) == wanted


class _Failing:
    """Makes the n-th statement fail once, as a full disk would."""

    def __init__(self, database: Database, cut: int) -> None:
        self._engine, self._left = database.engine, cut

    def __enter__(self) -> None:
        event.listen(self._engine, "before_cursor_execute", self._count)

    def __exit__(self, *_error: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._count)

    def _count(self, *_arguments: object) -> None:
        if self._left == 0:
            raise UnavailableError("storage.unavailable", cause="SQLITE_FULL")
        self._left -= 1


def _count(database: Database, made: History) -> int:
    counted: list[int] = []
    event.listen(database.engine, "before_cursor_execute", lambda *_: counted.append(1))
    synchronise(database, chain_of(made), CONSORTIUM, chunk=7)
    return len(counted)


def test_two_runners_do_not_double(fresh: Open):
    made = history(12, 120, epoch=EPOCH)
    reference, shared = fresh(), fresh()
    read_all(reference, made)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            synchronise(shared, chain_of(made), CONSORTIUM, chunk=3)
        except BaseException as error:  # noqa: BLE001  # shown by the assertion below
            failures.append(error)

    runners = [threading.Thread(target=run) for _ in range(3)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert failures == []
    assert log(shared) == log(reference)
    assert picture(shared) == picture(reference)


def test_the_journal_alone_rebuilds_the_picture(fresh: Open):
    made = history(13, 120, epoch=EPOCH)
    database = fresh()
    read_all(database, made)
    before = picture(database)
    with database.begin() as connection, connection.begin():
        projections.drop(connection)
    assert picture(database) != before
    rebuild(database, types=TYPES)
    assert picture(database) == before
