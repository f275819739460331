"""The processes of a network on one machine: the engine, and for each member its node (daemon and web process).

Each has its own folder, log and keys, and is started, watched, stopped or killed apart from the others.
"""

from __future__ import annotations

import json

from ledger.errors import SetupError
from node_client.networks import Network
from node_client.processes import Child, python_child

__all__ = ["NetworkProcesses"]

_ENGINE_SECONDS = 60.0
_NODE_SECONDS = 120.0


class NetworkProcesses:
    """The running processes of one network.

    Args:
        network: whose folders say the rest.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.engine: Child | None = None
        self.nodes: dict[str, Child] = {}

    def start_engine(self) -> None:
        """Start the engine and wait until it answers.

        Raises:
            SetupError: ``processes.ended``, ``processes.slow``.
        """
        folder = self._network.folder
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

    def stop(self) -> None:
        """Stop the nodes, then the engine."""
        for child in self.nodes.values():
            if child.running:
                child.process.terminate()
        for child in self.nodes.values():
            child.stop()
        if self.engine is not None:
            self.engine.stop()
