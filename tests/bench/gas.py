"""Gas of one operation in a full batch against the same operation as a transaction of its own, on the engine itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ledger.chain.embedded.chain import Engine
from tests.bench.office import BATCH, LIFE, RECORD_BATCH, Office, found_office, open_engine, play
from tests.bench.row import Row

__all__ = ["gas_step", "gas_update"]


@contextmanager
def gas_step(scale: int) -> Iterator[Row]:
    """Gas of accepting a case, each of a batch of 200 against alone."""
    del scale
    with _measured(lambda office, cases, batch: office.steps(cases, *LIFE[0], batch=batch), BATCH, 0.55) as row:
        yield row


@contextmanager
def gas_update(scale: int) -> Iterator[Row]:
    """Gas of a record, which rewrites one slot that its case already has, each of a full batch of 128 against alone."""
    del scale
    with _measured(lambda office, cases, batch: office.records(cases, batch=batch), RECORD_BATCH, 0.28) as row:
        yield row


@contextmanager
def _measured(making: Callable[[Office, Sequence[int], int], list[bytes]], batch: int, target: float) -> Iterator[Row]:
    """A row over the gas of an operation; gas is no matter of chance, so every round has the same answer."""
    engine = open_engine(None)
    try:
        office = found_office(engine)
        play(engine, office.openings(1, batch + 1))
        together = _gas(engine, making(office, range(1, batch + 1), batch)) // batch
        alone = _gas(engine, making(office, [batch + 1], 1))
        yield Row("a transaction of its own", target, lambda: together, lambda: alone, timed=False, at_most=True)
    finally:
        engine.close()


def _gas(engine: Engine, transactions: list[bytes]) -> int:
    used = 0
    for raw in transactions:
        engine.send_raw(raw)
        closed = engine.run_once()
        used += closed.gas_used if closed else 0
    return used
