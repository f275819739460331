"""The network's time, as every process of a node tells it: this machine's clock and, in a pilot, the engine's offset.

A pilot plays its story at a fixed date and moves its calendar forward; signatures, expiry and limits follow that time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ledger.errors import UnavailableError

__all__ = ["NetworkClock"]

# A calendar that was moved is seen this many seconds later; asking costs a millisecond.
_FRESH = 1.0
# An engine that does not answer is left alone this long: each try may take as long as a request may.
_AWAY = 10.0


class NetworkClock:
    """A ``Clock`` that asks the engine for its offset, at most once a second.

    Args:
        offset: asks the engine; ``UnavailableError`` leaves what was known before.
        known: the offset to begin with, as the node's settings have it.
        wall: POSIX seconds of this machine.
        ticks: seconds that only go forward.
    """

    def __init__(
        self,
        offset: Callable[[], int],
        *,
        known: int = 0,
        wall: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = offset
        self._offset = known
        self._wall = wall
        self._ticks = ticks
        self._ask_at: float | None = None

    def __call__(self) -> int:
        """Return POSIX seconds."""
        return int(self._wall()) + self.offset()

    def offset(self) -> int:
        """Return how many seconds the network's clock stands before this machine's."""
        now = self._ticks()
        if self._ask_at is None or now >= self._ask_at:
            # Set before asking, so that of several threads one asks.
            self._ask_at = now + _FRESH
            try:
                self._offset = self._ask()
            except UnavailableError:
                # Time goes on while the engine is away.
                self._ask_at = now + _AWAY
        return self._offset
