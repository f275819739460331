"""A process that goes when whoever started it is gone.

A parent that is killed outright can stop nobody; what it had started would go on unseen, with its ports and its keys. So
a child is told who its parent is, and ends as if it had been asked to once that is no longer so. Started by hand or by a
service manager it follows nobody.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping

__all__ = ["PARENT", "follow_parent"]

PARENT = "TONGBAN_PARENT"
"""The environment variable with the parent's process number."""

_PAUSE = 0.5


def follow_parent(environment: Mapping[str, str] = os.environ) -> None:
    """End this process as SIGTERM does once the parent that the environment names is gone; with none named, do nothing."""
    named = environment.get(PARENT, "")
    if named.isdecimal():
        threading.Thread(target=_watch, args=(int(named),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    # Whoever's parent has ended is handed to another process, whatever that one's number.
    while os.getppid() == parent:
        time.sleep(_PAUSE)
    os.kill(os.getpid(), signal.SIGTERM)
