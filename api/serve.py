"""``python -m api.serve FOLDER``: a node's web process, until it is told to stop."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from api.app import create_app
from api.deps import Site
from ledger import logs
from ledger.bootstrap import opened_node
from ledger.domain.policies import Policy
from ledger.errors import LedgerError, SetupError
from ledger.log.files import DirectoryFiles
from ledger.log.view import LogView
from ledger.parentage import follow_parent
from ledger.services.context import Node
from ledger.services.publishing import policy_of
from ledger.settings import NodeSettings, load_settings
from ledger.wire.problems import explain
from ledger.wire.sentences import LANGUAGES

__all__ = ["main", "opened_site"]

_GRACE_SECONDS = 5
_NOT_STARTED = 1


@contextmanager
def opened_site(settings: NodeSettings) -> Iterator[Site]:
    """Open a node's web side: its picture, its log, no keys."""
    with opened_node(settings) as node:
        yield Site(node, LogView(DirectoryFiles(node.log_folder)), lambda: _policy(node))


def main() -> None:
    """Read the arguments, and serve until SIGTERM or SIGINT; what is being answered then is answered to its end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the node's folder")
    parser.add_argument("--ready-file", type=Path, help="gets the address once requests are answered")
    chosen = parser.parse_args()
    try:
        settings = load_settings(chosen.folder)
        logs.configure(settings.log_level)
        _serve(settings, chosen.ready_file)
    except LedgerError as error:
        # Somebody has just started this: told in words, not by a trace of the program.
        for lang in LANGUAGES:
            told = explain(error, lang)
            sys.stderr.write(f"{told.text} {told.next_step} [{error.code}]\n")
        raise SystemExit(_NOT_STARTED) from None


def _serve(settings: NodeSettings, ready_file: Path | None) -> None:
    with _bound(settings) as bound, opened_site(settings) as site:
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(site),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

        def stop(_number: int, _frame: object) -> None:
            server.should_exit = True

        # uvicorn raises the signal again once it has stopped: here it ends nothing then, and what follows is still done.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        follow_parent()
        try:
            if ready_file is not None:
                _announce(ready_file, bound)
            server.run(sockets=[bound])
        finally:
            if ready_file is not None:
                ready_file.unlink(missing_ok=True)


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
