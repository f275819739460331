"""Holding a folder: of all processes that mean to work on it, one does.

The hold is the kernel's lock on the folder itself, so it ends with the process however that ends, and leaves no file
behind that somebody has to remove.
"""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import SetupError

__all__ = ["Hold", "hold"]

_PAUSE = 0.05


@dataclass(slots=True)
class Hold:
    """A folder held by this process."""

    descriptor: int

    def release(self) -> None:
        """Let others have it; once is enough."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def hold(folder: Path, *, seconds: float = 0.0) -> Hold:
    """Hold a folder until released, or until this process ends.

    Args:
        folder: an existing one.
        seconds: how long to wait for another process that is just ending.

    Raises:
        SetupError: ``processes.held`` where another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() < deadline:
                time.sleep(_PAUSE)
                continue
            os.close(descriptor)
            raise SetupError("processes.held", folder=folder.name) from None
        return Hold(descriptor)
