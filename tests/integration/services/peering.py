"""Two cities that reach one another over real HTTP on loopback, each with its own key for requests."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from api.guard import Guard
from api.problems import install
from api.routers.peers import peers_router
from ledger.domain.consortium import Level, ServiceKeyKind
from ledger.domain.events import EndpointPublished, MemberConfirmed, MemberListed, ServiceKeyPublished
from ledger.errors import NotFoundError
from ledger.services.context import Node
from ledger.services.peers import Asked
from ledger.wire import signatures
from node_client.peers import HttpPeers
from tests.integration.services.cities import CONSORTIUM, KEY, NOW, Cities, two_cities

__all__ = ["Keys", "Network", "answering", "opened_network"]


class Keys:
    """A city's key for requests; releases are refused as the daemon would."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()

    def sign_request(self, base: bytes) -> bytes:
        return self.key.sign(base)

    def release(self, use: int, requester: int, disclosed: bytes) -> bytes:
        if (use, requester) == (7, 2):
            return b"sealed:" + disclosed
        raise NotFoundError("releases.no_use", use=use)


@dataclass
class Network:
    """Two cities that reach one another."""

    cities: Cities
    nodes: dict[int, Node]
    keys: dict[int, Keys]
    urls: dict[int, str]
    opened: list[HttpPeers] = field(default_factory=list)

    def peers(self, member: int, *, now: int = NOW, keys: Keys | None = None) -> HttpPeers:
        found = HttpPeers(
            self.nodes[member].database, member, keys or self.keys[member], lambda: now, os.urandom, timeout=5
        )
        self.opened.append(found)
        return found

    def asked(self, path: str, body: bytes = b"", *, now: int = NOW, method: str = "GET") -> Asked:
        """A request of Mianyang's to Wuhou, signed."""
        headers = signatures.sign_request(
            method, self.urls[1] + path, body, sign=self.keys[2].sign_request, key_id="2:1", now=now,
            nonce=os.urandom(16).hex(),
        )  # fmt: skip
        return Asked(method, path, body, headers)


@contextmanager
def answering(node: Node) -> Iterator[str]:
    app = FastAPI()
    install(app)
    app.add_middleware(Guard)
    app.include_router(peers_router(node))
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets=None) -> None:
            await super().startup(sockets)
            started.set()

    server = Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert started.wait(20)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def opened_network(folder: Path) -> Iterator[Network]:
    """Wuhou (1) and Mianyang (2), both answering."""
    with ExitStack() as stack:
        cities = stack.enter_context(two_cities(folder))
        keys = {1: Keys(), 2: Keys()}
        nodes = {member: replace(node, keys=keys[member]) for member, node in cities.nodes.items()}
        urls = {member: stack.enter_context(answering(node)) for member, node in nodes.items()}
        for member, url in urls.items():
            cities.say(
                MemberListed(member, 510_000 + member, int(Level.CITY), 0, True, f"城{member}", KEY),  # noqa: FBT003 - a founder's vote
                MemberConfirmed(member, KEY),
                ServiceKeyPublished(
                    member, ServiceKeyKind.REQUESTS_ED25519, 1, keys[member].key.public_key().public_bytes_raw()
                ),
                EndpointPublished(member, url),
                contract=CONSORTIUM,
            )
        network = Network(cities, nodes, keys, urls)
        try:
            yield network
        finally:
            for found in network.opened:
                found.close()
