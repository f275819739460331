"""The full trace of one case from a node's picture against PostgreSQL's indexed read of the same rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select

from ledger.chain.embedded.provider import EngineProvider
from ledger.chain.gateway import Gateway
from ledger.domain.cases import Action
from ledger.services.synchronising import StatusMemory, synchronise
from ledger.services.trace import trace
from ledger.storage.database import Database, open_database
from ledger.storage.migrations import upgrade
from ledger.storage.tables import chain as tables
from tests.bench.blocks import many_cases
from tests.bench.office import LIFE, play
from tests.bench.postgres import cluster
from tests.bench.prepared import chain, copy_of
from tests.bench.row import Row

__all__ = ["full_trace"]

_MANY = 100_000
_STEPS = 30
_READS = 40

# The tables that a trace of a case reads its lines from, with the same indexes.
_SCHEMA = """
CREATE TABLE events (block bigint, log_index int, time bigint, transaction bytea, contract text, name text, entry bigint,
    PRIMARY KEY (block, log_index));
CREATE UNIQUE INDEX ON events (entry);
CREATE TABLE event_subjects (kind text, subject text, block bigint, log_index int, time bigint,
    PRIMARY KEY (kind, subject, block, log_index));
CREATE TABLE log_entries (index bigint PRIMARY KEY, block bigint, bytes bytea, kind text);
"""
_READ = """
SELECT e.entry, e.block, e.log_index, e.time, e.transaction, e.contract, e.name, l.bytes
FROM event_subjects s JOIN events e ON e.block = s.block AND e.log_index = s.log_index
JOIN log_entries l ON l.index = e.entry WHERE s.kind = 'case' AND s.subject = %s ORDER BY e.entry
"""


@contextmanager
def full_trace(scale: int) -> Iterator[Row]:
    """The full trace of a case of 30 steps, with names, offices and working days, where 100,000 cases stand."""
    count = _MANY // scale
    with ExitStack() as stack:
        folder = stack.enter_context(copy_of(f"picture-{count}", partial(_picture, count)))
        case: str = json.loads((folder / "case.json").read_text(encoding="utf-8"))
        database = open_database(folder / "node.db")
        stack.callback(database.close)
        driver, where = stack.enter_context(cluster())
        connection = stack.enter_context(driver.connect(where, autocommit=True))
        _copy(database, connection)

        def ours() -> int:
            for _ in range(_READS):
                with database.read() as reading:
                    _whole(trace(reading, case).lines)
            return _READS

        def peer() -> int:
            for _ in range(_READS):
                _whole(connection.execute(_READ, (case,)).fetchall())
            return _READS

        yield Row("PostgreSQL, indexed read of its rows", 0.3, ours, peer)


def _whole(lines: Sequence[object]) -> None:
    if len(lines) != 1 + _STEPS:
        raise SystemExit(f"the case has {len(lines)} lines")


def _picture(count: int, folder: Path) -> None:
    """Read a chain with so many cases, one of them with its thirty steps, into a node's database."""
    with chain(f"cases-{count}", many_cases(count)) as (engine, office):
        number = count // 2
        steps = [*LIFE[:2], *[(Action.SUSPEND, 1, 0, 0), (Action.RESUME, 0, 0, 0)] * ((_STEPS - 2) // 2)]
        for one in steps:
            play(engine, office.steps([number], *one))
        database = open_database(folder / "node.db")
        upgrade(database)
        gateway = Gateway([EngineProvider(engine)], office.addresses.consortium)
        synchronise(database, gateway, office.addresses.consortium, memory=StatusMemory())
        database.close()
        (folder / "case.json").write_text(json.dumps(office.case(number).hex()), encoding="utf-8")


def _copy(database: Database, connection: Any) -> None:
    """The same rows into PostgreSQL, and its statistics brought up to date."""
    connection.execute(_SCHEMA)
    copied: Sequence[Table] = (tables.events, tables.event_subjects, tables.log_entries)
    with database.read() as reading:
        for table in copied:
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            with connection.cursor().copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
                for row in reading.execute(select(table)):
                    copy.write_row(tuple(row))
    connection.execute("VACUUM ANALYZE")
