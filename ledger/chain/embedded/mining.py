"""The loop that closes blocks: on demand as soon as a transaction is ready, or at an interval. The work is the engine's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.errors import LedgerError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from ledger.chain.embedded.chain import Engine

__all__ = ["Miner"]

_log = logging.getLogger(__name__)
# After an error that names no time of its own: long enough not to fill a log, short enough to recover unseen.
_PAUSE = 15.0


@dataclass(slots=True)
class Miner:
    """The loop of one engine.

    Args:
        engine: closes the blocks.
        thread: an executor of one thread, on which all execution of blocks runs.
    """

    engine: Engine
    thread: Executor
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Close blocks until :meth:`stop`; a fault is logged, waited out and tried again."""
        loop = asyncio.get_running_loop()
        notify = self._from_any_thread(loop)
        self.engine.on_ready.append(notify)
        try:
            while not self._stop.is_set():
                config = self.engine.config
                await self._pause(config.interval or config.heartbeat or None, wake=config.interval == 0)
                if self._stop.is_set():
                    return
                quiet = config.interval == 0 and not self._wake.is_set()
                try:
                    await self._blocks(loop, empty=quiet or (config.empty_blocks and config.interval > 0))
                except LedgerError as error:
                    _log.error("no block can be closed: %s", error)  # code and facts say it all
                    seconds = float(error.retry_after) if isinstance(error, UnavailableError) else _PAUSE
                    await self._pause(min(seconds, _PAUSE), wake=False)
                    self._wake.set()
        finally:
            self.engine.on_ready.remove(notify)

    def stop(self) -> None:
        """End :meth:`run` after the block in progress."""
        self._stop.set()
        self._wake.set()

    async def _blocks(self, loop: asyncio.AbstractEventLoop, *, empty: bool) -> None:
        self._wake.clear()
        while not self._stop.is_set():
            closed = await loop.run_in_executor(self.thread, lambda: self.engine.run_once(empty=empty))
            if closed is None or empty or self.engine.config.interval > 0:
                return

    async def _pause(self, seconds: float | None, *, wake: bool) -> None:
        """Wait so long, or until there is something to do, or until the end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait() if wake else self._stop.wait(), seconds)

    def _from_any_thread(self, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
        def notify() -> None:
            loop.call_soon_threadsafe(self._wake.set)

        return notify
