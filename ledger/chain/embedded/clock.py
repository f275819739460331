"""The chain's clock: the wall clock plus a deliberate offset, never ahead of that, never backwards.

Legal limits run on the time that contracts see. A chain that adds a second per block runs away from the wall clock
(five minutes in a second and a half under load); here several blocks may carry the same second, and when the wall
clock has been set back, no block is closed until it has caught up. The offset is for a pilot that plays a story at a
fixed date or moves its calendar forward; it is kept in the store and shown by ``tongban_clock``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ChainClock"]

# Wall clocks are slewed by small steps all the time; the figure to keep is two seconds.
_DRIFT = 2


@dataclass(slots=True)
class ChainClock:
    """The clock of one chain.

    Args:
        wall: seconds since 1970, as ``time.time`` gives them.
        offset: seconds added to the wall clock.
    """

    wall: Callable[[], float]
    offset: int = 0

    def now(self) -> int:
        """The chain's time, whole seconds."""
        return int(self.wall()) + self.offset

    def next_timestamp(self, parent: int) -> int:
        """The timestamp of a block after one with the timestamp ``parent``.

        Raises:
            UnavailableError: ``engine.clock_behind``, the wall clock stands more than two seconds before the last
                block; ``retry_after`` says when it will have caught up.
        """
        now = self.now()
        if parent - now > _DRIFT:
            raise UnavailableError("engine.clock_behind", retry_after=parent - now, seconds=parent - now)
        return max(parent, now)

    def check_offset(self, offset: int) -> None:
        """Refuse an offset that would turn the time back.

        Raises:
            InputError: ``engine.clock_backwards``.
        """
        if offset < self.offset:
            raise InputError("engine.clock_backwards", offset=self.offset, asked=offset)
