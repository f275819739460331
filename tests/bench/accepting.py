"""Accepting work durably: an intent on disk against PostgreSQL's way to the same promise, a hash-chained audit table."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import delete

from ledger.chain.codec import canonical_call
from ledger.domain.calls import Fields
from ledger.domain.cases import RecordKind
from ledger.domain.operations import Operation
from ledger.storage import outbox
from ledger.storage.database import Database, open_database
from ledger.storage.migrations import upgrade
from ledger.storage.outbox import Intent
from ledger.storage.tables.outbox import intents
from ledger.storage.unit_of_work import UnitOfWork
from tests.bench.postgres import cluster
from tests.bench.row import Row

__all__ = ["accepted", "accepted_thousand"]

CLIENTS = 8
_CONTRACT = "0x" + "c5" * 20
_NOW = 1_772_413_200

# What an outbox gives besides durability, given by the database itself: no name twice, an order, and a chain of hashes
# by which a row changed or taken out later is found.
_AUDIT = """
CREATE SEQUENCE audit_sequence;
CREATE TABLE audit (
    sequence bigint PRIMARY KEY,
    name text NOT NULL UNIQUE, subject bytea NOT NULL, call text NOT NULL, at bigint NOT NULL, hash bytea NOT NULL
);
CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE before bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(1);
    -- Numbered under the lock: otherwise a later number could be chained first.
    NEW.sequence := nextval('audit_sequence');
    SELECT hash INTO before FROM audit ORDER BY sequence DESC LIMIT 1;
    NEW.hash := sha256(coalesce(before, '') || convert_to(NEW.name, 'UTF8') || NEW.subject || convert_to(NEW.call, 'UTF8'));
    RETURN NEW;
END $$;
CREATE TRIGGER audit_chain BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_chain();
"""
_INSERT = "INSERT INTO audit (name, subject, call, at) VALUES (%s, %s, %s, %s)"
# One statement for many rows is what PostgreSQL does fastest.
_INSERT_MANY = "INSERT INTO audit (name, subject, call, at) SELECT * FROM unnest(%s::text[], %s::bytea[], %s::text[], %s::bigint[])"


@contextmanager
def accepted(scale: int) -> Iterator[Row]:
    """Single intents accepted durably by eight clients at once against the audit table with eight clients."""
    with _row(turns=200 // scale, batch=1, target=1.0) as row:
        yield row


@contextmanager
def accepted_thousand(scale: int) -> Iterator[Row]:
    """Intents accepted durably a thousand in a transaction against the audit table, the same."""
    with _row(turns=2, batch=1_000 // scale, target=0.6) as row:
        yield row


@contextmanager
def _row(*, turns: int, batch: int, target: float) -> Iterator[Row]:
    with ExitStack() as stack:
        database = _database(stack)
        driver, where = stack.enter_context(cluster())
        connections = [stack.enter_context(driver.connect(where)) for _ in range(CLIENTS)]
        connections[0].execute(_AUDIT)
        connections[0].commit()
        clients = stack.enter_context(ThreadPoolExecutor(CLIENTS))
        names = itertools.count()
        work: dict[str, list[list[list[Intent]]]] = {}

        def before() -> None:
            """Empty both tables, and write the next round's intents."""
            with UnitOfWork(database) as uow:
                uow.connection.execute(delete(intents))
                uow.commit()
            connections[0].execute("TRUNCATE audit")
            connections[0].commit()
            work["next"] = [
                [[_intent(next(names)) for _ in range(batch)] for _ in range(turns)] for _ in range(CLIENTS)
            ]

        def run(accept: Callable[[int, Sequence[Intent]], None]) -> int:
            def client(number: int) -> None:
                for part in work["next"][number]:
                    accept(number, part)

            list(clients.map(client, range(CLIENTS)))
            return CLIENTS * turns * batch

        def ours(number: int, part: Sequence[Intent]) -> None:
            del number
            with UnitOfWork(database) as uow:
                outbox.enqueue_all(uow.connection, part, now=_NOW)
                uow.commit()

        def peer(number: int, part: Sequence[Intent]) -> None:
            rows = [(one.id, one.subject, one.call, _NOW) for one in part]
            _insert(connections[number], rows)

        yield Row("PostgreSQL, hash-chained by trigger", target, lambda: run(ours), lambda: run(peer), before=before)


def _insert(connection: Any, rows: Sequence[tuple[str, bytes, str, int]]) -> None:
    with connection.cursor() as cursor:
        if len(rows) == 1:
            cursor.execute(_INSERT, rows[0])
        else:
            cursor.execute(_INSERT_MANY, [list(column) for column in zip(*rows, strict=True)])
    connection.commit()


def _database(stack: ExitStack) -> Database:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tongban-bench-")))
    database = open_database(folder / "node.db")
    stack.callback(database.close)
    upgrade(database)
    return database


def _intent(number: int) -> Intent:
    """A record for a case, as a clerk's click leaves one."""
    case, commitment, blob = (os.urandom(32) for _ in range(3))
    fields: Fields = {"case": case, "kind": int(RecordKind.PAPER_SEEN), "commitment": commitment, "blob": blob}
    return Intent(
        id=f"record:{number}",
        operation=Operation.RECORD,
        contract=_CONTRACT,
        role="operate",
        subject=case,
        call=canonical_call(Operation.RECORD, fields),
    )
