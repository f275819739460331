"""``python -m node_client.engine FOLDER``: a network folder's embedded engine as a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from ledger import logs
from ledger.chain.embedded.server import serve
from ledger.parentage import follow_parent
from node_client.networks import engine_config, load_network

__all__ = ["main"]


def main() -> None:
    """Run the engine of the network in the folder named until told to stop."""
    logs.configure("INFO")
    follow_parent()
    network = load_network(Path(sys.argv[1]))
    serve(engine_config(network, network.folder / "engine" / "ready.json"))


if __name__ == "__main__":
    main()
