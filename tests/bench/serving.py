"""``python -m tests.bench.serving FOLDER``: a city's web process and a constant beside it, on one server.

The city has a register in which five cities have published their keys, so that the checked-in receipts verify and
what the second city delivers is taken in. Its port is printed once requests are answered.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.deps import Site
from ledger.domain.consortium import Level, ServiceKeyKind
from ledger.domain.events import EndpointPublished, Event, MemberConfirmed, MemberListed, ServiceKeyPublished
from ledger.log.files import DirectoryFiles
from ledger.log.view import LogView
from tests.integration.services.cities import CONSORTIUM, KEY, two_cities
from tests.unit.log.network import DIVISIONS, NETWORK, log_signer, signers
from tests.unit.wire.receipt_vectors import EXPECTED, NOW, POLICY

__all__ = ["URL", "main", "request_key"]

# What the city has published as its address; requests are signed for it, however they get here.
URL = "https://city1.example"


class _Signing:
    """The city's key for requests, in this process; a node's daemon has it in one of its own."""

    def sign_request(self, base: bytes) -> bytes:
        return request_key(1).sign(base)


def request_key(member: int) -> Ed25519PrivateKey:
    """The key with which a city signs what it asks of others."""
    return Ed25519PrivateKey.from_private_bytes(bytes([member]) * 32)


def main() -> None:
    """Serve until the process is ended."""
    folder = Path(sys.argv[1])
    with _site(folder) as site:
        _serve(create_app(site), _constant())


def _serve(ours: FastAPI, constant: FastAPI) -> None:
    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        await (constant if scope.get("path") == "/constant" else ours)(scope, receive, send)

    with socket.create_server(("127.0.0.1", 0), backlog=512) as bound:
        # As in api.serve.
        server = uvicorn.Server(uvicorn.Config(both, log_config=None, access_log=False, server_header=False))
        sys.stdout.write(json.dumps({"port": bound.getsockname()[1]}) + "\n")
        sys.stdout.flush()
        server.run(sockets=[bound])


def _constant() -> FastAPI:
    """What the framework alone can do: an answer of the same size as ours, always the same."""
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.post("/constant")
    async def constant() -> dict[str, Any]:
        return answer

    answer: dict[str, Any] = EXPECTED["verdicts"]["use"]
    return app


@contextmanager
def _site(folder: Path) -> Iterator[Site]:
    with two_cities(folder) as cities:
        said: list[Event] = []
        for member, division in enumerate(DIVISIONS, start=1):
            ed25519, ml_dsa = signers(division)
            keys = {ServiceKeyKind.COSIGN_ED25519: ed25519, ServiceKeyKind.COSIGN_ML_DSA_44: ml_dsa}
            if member == 1:
                keys[ServiceKeyKind.LOG_ED25519] = log_signer()
            said += [
                MemberListed(member, int(division), int(Level.DISTRICT), 0, True, division, KEY),  # noqa: FBT003  # a founder's vote
                MemberConfirmed(member, KEY),
                ServiceKeyPublished(
                    member, ServiceKeyKind.REQUESTS_ED25519, 1, request_key(member).public_key().public_bytes_raw()
                ),
                *(ServiceKeyPublished(member, kind, 1, signer.key.public) for kind, signer in keys.items()),
            ]
        cities.say(*said, EndpointPublished(1, URL), contract=CONSORTIUM)
        node = replace(cities.nodes[1], network=NETWORK, keys=_Signing(), clock=lambda: NOW)
        yield Site(node, LogView(DirectoryFiles(node.log_folder)), lambda: POLICY)


if __name__ == "__main__":
    main()
