"""Whether a long chain slows the engine down: against itself, lower."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from ledger.chain.embedded.chain import Engine
from ledger.domain.cases import Action
from tests.bench.office import LIFE, OPEN_BATCH, Office, play
from tests.bench.prepared import chain
from tests.bench.row import Row

__all__ = ["block_time", "long_chain"]

# Cases in review that a measured block suspends or resumes, and those that fill the chain until then.
_MEASURED = range(1, 21)
_FILLING = range(21, 33)
_HIGH, _LOW = 5_000, 100


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
