"""``python -m node_client.engine FOLDER``: a network folder's embedded engine as a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from ledger import logs
from ledger.chain.embedded.config import EngineConfig
from ledger.chain.embedded.server import serve
from ledger.parentage import follow_parent
from node_client.holding import hold
from node_client.networks import engine_config, load_network

__all__ = ["main", "run_engine"]


def run_engine(folder: Path, config: EngineConfig) -> None:
    """Serve the engine until told to stop, alone on the folder of its store: two would each close blocks on its head.

    Raises:
        SetupError: ``processes.held``, ``engine.…``.
    """
    held = hold(folder)
    try:
        serve(config)
    finally:
        held.release()


def main() -> None:
    """Run the engine of the network in the folder named until told to stop."""
    logs.configure("INFO")
    follow_parent()
    network = load_network(Path(sys.argv[1]))
    folder = network.folder / "engine"
    run_engine(folder, engine_config(network, folder / "ready.json"))


if __name__ == "__main__":
    main()
