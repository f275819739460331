"""One measurement: our work and the peer's in interleaved rounds, their medians and the ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Making", "Measured", "Row", "Sample", "measure"]

# What a callable did: items, for which the clock is read here; or items and the seconds that the worker itself counted,
# where starting it and talking to it are no part of the work.
Sample: TypeAlias = int | tuple[int, float]


@dataclass(frozen=True, slots=True)
class Row:
    """Ours and the peer's work for one round.

    Each callable does its work and returns how many items it did (see ``Sample``); the ratio is ours over the peer's,
    in items a second. With ``timed`` off it returns the figure itself (gas, bytes) and no clock is read. ``at_most``
    says that the target is an upper bound. ``before`` prepares a round outside the measured time.
    """

    against: str
    target: float
    ours: Callable[[], Sample]
    peer: Callable[[], Sample]
    timed: bool = True
    at_most: bool = False
    before: Callable[[], None] | None = None


# Makes a row, its data and its peer; the argument is the divisor of the sizes (1, or 10 with --quick).
Making = Callable[[int], AbstractContextManager[Row]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a row came to."""

    name: str
    against: str
    ours: float
    ours_spread: float
    peer: float
    peer_spread: float
    ratio: float
    target: float
    at_most: bool
    reached: bool


def measure(name: str, row: Row, rounds: int, tick: Callable[[], None]) -> Measured:
    """Run a row: one warm-up, then interleaved rounds; ``tick`` is called after each round."""
    ours: list[float] = []
    peer: list[float] = []
    for number in range(rounds + 1):
        for work, found in ((row.ours, ours), (row.peer, peer)):
            if row.before is not None:
                row.before()
            start = time.perf_counter()
            done = work()
            took = time.perf_counter() - start
            if isinstance(done, tuple):
                done, took = done
            if number:
                found.append(done / took if row.timed else float(done))
        tick()
    mine, theirs = statistics.median(ours), statistics.median(peer)
    ratio = mine / theirs
    return Measured(
        name=name,
        against=row.against,
        ours=mine,
        ours_spread=max(ours) - min(ours),
        peer=theirs,
        peer_spread=max(peer) - min(peer),
        ratio=ratio,
        target=row.target,
        at_most=row.at_most,
        reached=ratio <= row.target if row.at_most else ratio >= row.target,
    )
