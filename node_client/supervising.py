"""The processes of a network on one machine: the engine, and for each member its node (daemon and web process).

Each has its own folder, log and keys, and is started, watched, stopped or killed apart from the others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from ledger.errors import SetupError
from node_client.holding import Hold, hold
from node_client.networks import Network
from node_client.processes import Child, port_free, python_child

__all__ = ["NetworkProcesses"]

_ENGINE_SECONDS = 60.0
_NODE_SECONDS = 120.0
# What an earlier run has left behind ends within a second of it, unless it is busy.
_LEFTOVER_SECONDS = 15.0
# Long enough to look at what the others say of it.
_REVIVE_SECONDS = 10.0
_PAUSE = 0.1


class NetworkProcesses:
    """The running processes of one network.

    Args:
        network: whose folders say the rest.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.engine: Child | None = None
        self.nodes: dict[str, Child] = {}
        self._hold: Hold | None = None
        self._missed: dict[str, float] = {}

    def start_engine(self) -> None:
        """Start the engine and wait until it answers; from then on the network's folder is held.

        Raises:
            SetupError: ``processes.held``, ``processes.ended``, ``processes.slow``.
        """
        folder = self._network.folder
        if self._hold is None:
            self._hold = hold(folder)
            self._leftovers_gone()
        self.engine = python_child(
            "engine",
            ("-m", "node_client.engine", str(folder)),
            ready=folder / "engine" / "ready.json",
            log=folder / "engine" / "engine.log",
        )
        self.engine.wait_ready(_ENGINE_SECONDS)

    def start_node(self, code: str) -> Child:
        """Start a member's node; ``wait`` tells when it answers."""
        folder = self._network.node_folder(code)
        child = python_child(
            code,
            ("-m", "node_client", "node", "run", str(folder), "--ready-file", str(folder / "ready.json")),
            ready=folder / "ready.json",
            log=folder / "node.log",
        )
        self.nodes[code] = child
        return child

    def start_nodes(self) -> None:
        """Start every member's node and wait until all of them answer."""
        for member in self._network.members:
            self.start_node(member.division)
        for child in self.nodes.values():
            child.wait_ready(_NODE_SECONDS)

    def url(self, code: str) -> str:
        """Return where a member's node answers."""
        return str(json.loads(self.nodes[code].ready.read_text(encoding="utf-8"))["url"])

    def require_running(self) -> None:
        """Require that no process has ended without being told to.

        Raises:
            SetupError: ``processes.gone``.
        """
        for child in (*self.nodes.values(), *([self.engine] if self.engine else [])):
            if not child.running:
                raise SetupError("processes.gone", name=child.name, status=child.process.returncode, log=child.log.name)

    def revive(self, tell: Callable[[Child], None], clock: Callable[[], float] = time.monotonic) -> None:
        """Start again, a while later, whatever has ended; to be called every second or so.

        Args:
            tell: told of each process when it was missed, and of the one in its place when that answers.
            clock: monotonic seconds.

        Raises:
            SetupError: ``processes.ended``, ``processes.slow`` where it does not start again.
        """
        for child in (*([self.engine] if self.engine else []), *self.nodes.values()):
            if child.running:
                continue
            if child.name not in self._missed:
                self._missed[child.name] = clock()
                tell(child)
            elif clock() - self._missed[child.name] >= _REVIVE_SECONDS:
                del self._missed[child.name]
                tell(self._again(child))

    def _again(self, child: Child) -> Child:
        if child is not self.engine:
            again = self.start_node(child.name)
            again.wait_ready(_NODE_SECONDS)
            return again
        self.start_engine()
        return self.engine

    def stop(self) -> None:
        """Stop the nodes, then the engine."""
        for child in self.nodes.values():
            if child.running:
                child.process.terminate()
        for child in self.nodes.values():
            child.stop()
        if self.engine is not None:
            self.engine.stop()
        if self._hold is not None:
            self._hold.release()
            self._hold = None

    def _leftovers_gone(self) -> None:
        """Wait for the processes of an earlier run that was killed: they are ending, and still have their ports."""
        deadline = time.monotonic() + _LEFTOVER_SECONDS
        while not port_free(self._network.engine_port) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
