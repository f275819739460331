"""Starting, watching and stopping the processes of a node and of the pilot.

A child writes what it says to a log file of its own and announces that it is ready by a file. It is told to stop with
SIGTERM, and killed only if it does not; and it goes by itself once this process is gone, however that ended.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import SetupError
from ledger.parentage import PARENT

__all__ = ["Child", "free_port", "port_free", "python_child"]

_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Child:
    """A running child process."""

    name: str
    process: subprocess.Popen[bytes]
    ready: Path
    log: Path
    own_group: bool = True

    def wait_ready(self, seconds: float) -> None:
        """Return once the child has written its ready file.

        Raises:
            SetupError: ``processes.ended`` where it ended instead, ``processes.slow`` where it takes too long.
        """
        deadline = time.monotonic() + seconds
        while not self.ready.exists():
            if self.process.poll() is not None:
                raise SetupError("processes.ended", name=self.name, status=self.process.returncode, log=self.log.name)
            if time.monotonic() > deadline:
                raise SetupError("processes.slow", name=self.name, seconds=int(seconds), log=self.log.name)
            time.sleep(_PAUSE)

    @property
    def running(self) -> bool:
        """Say whether the process is still there."""
        return self.process.poll() is None

    def stop(self, seconds: float = 10.0) -> int:
        """Ask the child to end, with its own children, and return its status."""
        if self.running:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return int(self.process.returncode)

    def kill(self) -> None:
        """End the child and all its children at once, as a loss of power would."""
        if self.running and self.own_group:
            os.killpg(self.process.pid, signal.SIGKILL)
        elif self.running:
            self.process.kill()
        self.process.wait()


def python_child(
    name: str,
    arguments: Sequence[str],
    *,
    ready: Path,
    log: Path,
    environment: Mapping[str, str] | None = None,
    own_group: bool = True,
) -> Child:
    """Start this Python with arguments.

    Args:
        name: what it is called in messages.
        arguments: what follows the interpreter, such as ``("-m", "module", …)``.
        ready: the file by which it says that it is ready; an old one is removed first.
        log: where its output goes, appended.
        environment: variables besides those of this process.
        own_group: whether it has a process group of its own, or lives and dies with this process's.
    """
    ready.unlink(missing_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {}), PARENT: str(os.getpid())},
            start_new_session=own_group,
        )
    return Child(name, process, ready, log, own_group)


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_free(port: int) -> bool:
    """Say whether a port of the loopback address can be listened on now."""
    with socket.socket() as probe:
        # As a server does it: what is left of connections that have ended is no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
