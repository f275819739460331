"""``python -m api.serve FOLDER``: a node's web process, until it is told to stop."""

from __future__ import annotations

import argparse
import json
import os
import socket
from pathlib import Path

import uvicorn

from api.app import create_app
from api.deps import Site
from ledger.bootstrap import open_node
from ledger.domain.policies import Policy
from ledger.errors import SetupError
from ledger.log.files import DirectoryFiles
from ledger.log.view import LogView
from ledger.services.context import Node
from ledger.services.publishing import policy_of
from ledger.settings import NodeSettings, load_settings

__all__ = ["main", "open_site"]


def open_site(settings: NodeSettings) -> Site:
    """Open a node's web side: its picture, its log, no keys."""
    node = open_node(settings)
    return Site(node, LogView(DirectoryFiles(node.log_folder)), lambda: _policy(node))


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the node's folder")
    parser.add_argument("--ready-file", type=Path, help="gets the address once requests are answered")
    chosen = parser.parse_args()
    settings = load_settings(chosen.folder)
    site = open_site(settings)
    with _bound(settings) as bound:
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(site),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        if chosen.ready_file is not None:
            _announce(chosen.ready_file, bound)
        server.run(sockets=[bound])
    site.node.database.close()


def _policy(node: Node) -> Policy:
    with node.database.read() as connection:
        return policy_of(connection, node.network)


def _bound(settings: NodeSettings) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, settings.port))
        # From here on a request waits in the queue until the application answers it.
        bound.listen(512)
    except OSError as error:
        bound.close()
        raise SetupError("api.address_in_use", address=f"{settings.host}:{settings.port}") from error
    return bound


def _announce(path: Path, bound: socket.socket) -> None:
    host, port = bound.getsockname()[:2]
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({"url": f"http://{host}:{port}", "pid": os.getpid()}), encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    main()
