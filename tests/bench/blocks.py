"""Whether a long chain or a full one slows the engine down: against itself, lower and emptier."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from web3 import Web3

from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.provider import EngineProvider
from ledger.domain.cases import Action
from tests.bench.office import BATCH, LIFE, OPEN_BATCH, ROUNDS, Office, expect, play, sequence_of
from tests.bench.prepared import chain
from tests.bench.row import Row, Sample

__all__ = ["block_time", "growth", "long_chain", "many_cases"]

# Cases in review that a measured block suspends or resumes, and those that fill the chain until then.
_MEASURED = range(1, 21)
_FILLING = range(21, 33)
_HIGH, _LOW = 5_000, 100
_MANY, _FEW = 100_000, 20_000
_OPENED_AT_ONCE = 25 * OPEN_BATCH


def long_chain(height: int) -> Callable[[Engine, Office], None]:
    """What builds a chain up to a height: after the opening of some cases each block holds one step of one case."""

    def build(engine: Engine, office: Office) -> None:
        cases = range(1, 1 + OPEN_BATCH)
        play(engine, office.openings(1, OPEN_BATCH))
        for one in LIFE[:2]:
            play(engine, office.steps(cases, *one))
        turn = 0
        while engine.head.number < height:
            action = (Action.SUSPEND, Action.RESUME)[turn // len(_FILLING) % 2]
            play(engine, office.steps([_FILLING[turn % len(_FILLING)]], action, int(action is Action.SUSPEND)))
            turn += 1

    return build


@contextmanager
def block_time(scale: int) -> Iterator[Row]:
    """The time of a block of 20 steps at height 5,000 against height 100, in microseconds."""
    with ExitStack() as stack:
        high, low = (
            stack.enter_context(chain(f"height-{height}", long_chain(height))) for height in (_HIGH // scale, _LOW)
        )

        def microseconds(engine: Engine, office: Office) -> int:
            times = []
            for action in (Action.SUSPEND, Action.RESUME) * 3:
                (raw,) = office.steps(_MEASURED, action, int(action is Action.SUSPEND))
                engine.send_raw(raw)
                start = time.perf_counter_ns()
                engine.run_once()
                times.append(time.perf_counter_ns() - start)
            return round(statistics.median(times) / 1_000)

        against = f"itself at height {_LOW}"
        yield Row(against, 1.15, lambda: microseconds(*high), lambda: microseconds(*low), timed=False, at_most=True)


def many_cases(count: int) -> Callable[[Engine, Office], None]:
    """What opens so many cases, 25 transactions in a block."""

    def build(engine: Engine, office: Office) -> None:
        for first in range(1, count + 1, _OPENED_AT_ONCE):
            for raw in office.openings(first, min(_OPENED_AT_ONCE, count + 1 - first)):
                engine.send_raw(raw)
            while engine.run_once() is not None:
                pass

    return build


@contextmanager
def growth(scale: int) -> Iterator[Row]:
    """Steps of cases drawn at random where 100,000 cases stand, against where 20,000 do.

    Opening them takes a quarter of an hour the first time; the chains are then kept (see ``prepared``).
    """
    many, few = _MANY // scale, _FEW // scale
    with ExitStack() as stack:
        lives: list[Callable[[], Sample]] = []
        for count in (many, few):
            engine, office = stack.enter_context(chain(f"cases-{count}", many_cases(count)))
            drawn = random.Random(count).sample(range(1, count + 1), ROUNDS * BATCH)  # noqa: S311  # which cases, no secret
            lives.append(partial(_live, engine, office, drawn))
        yield Row(f"itself at {few:,} cases", 0.75, lives[0], lives[1])


def _live(engine: Engine, office: Office, drawn: list[int]) -> Sample:
    """Let the next 200 cases live; their transactions are signed before the clock starts."""
    cases, drawn[:BATCH] = drawn[:BATCH], []
    transactions = office.lives(cases)
    start = time.perf_counter()
    play(engine, transactions)
    took = time.perf_counter() - start
    expect(sequence_of(Web3(EngineProvider(engine)), office, cases[-1]))
    return BATCH * len(LIFE), took
