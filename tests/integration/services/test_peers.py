"""City to city over real HTTP: signed, answered for, never twice, and nothing without a use on the record."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from api.problems import install
from api.routers.peers import peers_router
from ledger.domain.consortium import Level, MemberStatus, ServiceKeyKind
from ledger.domain.events import (
    EndpointPublished,
    MemberConfirmed,
    MemberListed,
    MemberStatusChanged,
    ServiceKeyPublished,
)
from ledger.domain.limits import LIMITS
from ledger.errors import AuthorityError, IntegrityError, LedgerError, NotFoundError, UnavailableError
from ledger.services import audit, peers
from ledger.services.context import Node
from ledger.services.peers import Asked
from ledger.wire import signatures
from ledger.wire.deliveries import Delivery, encode_delivery
from node_client.peers import HttpPeers
from tests.integration.services.cities import CONSORTIUM, KEY, NOW, Cities, two_cities


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
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    cities = two_cities(tmp_path)
    keys = {1: Keys(), 2: Keys()}
    nodes = {member: replace(node, keys=keys[member]) for member, node in cities.nodes.items()}
    with ExitStack() as stack:
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
        yield network
        for found in network.opened:
            found.close()


def test_a_block_travels_and_what_is_not_there_is_said_by_the_city_itself(network):
    cid = network.nodes[1].blobs.put(b"encrypted block")
    mianyang = network.peers(2)
    assert mianyang.blob(1, cid) == b"encrypted block"
    with pytest.raises(NotFoundError, match=r"blobs\.not_found"):
        mianyang.blob(1, cid[:-4] + ("aaaa" if not cid.endswith("aaaa") else "bbbb"))


def test_a_release_needs_the_use_and_a_refusal_is_remembered(network):
    mianyang = network.peers(2)
    assert mianyang.release(1, 7, b"document") == b"sealed:document"
    with pytest.raises(NotFoundError, match=r"releases\.no_use"):
        mianyang.release(1, 8, b"document")
    with network.nodes[1].database.read() as connection:
        (noted,) = audit.listed(connection)
    assert (noted.kind, noted.code, noted.member, noted.subject) == ("release", "releases.no_use", 2, "use:8")


def test_a_letter_is_kept_once_and_too_many_wait(network, monkeypatch):
    mianyang, letter = network.peers(2), encode_delivery(Delivery("lookup", bytes(32), b"sealed"))
    mianyang.hand_over(1, letter)
    mianyang.hand_over(1, letter)
    monkeypatch.setattr(peers, "LIMITS", replace(LIMITS, peer_inbox=1))
    with pytest.raises(UnavailableError, match=r"peers\.inbox_full") as full:
        mianyang.hand_over(1, encode_delivery(Delivery("lookup", bytes(32), b"another")))
    assert full.value.retry_after == 60
    with pytest.raises(LedgerError, match=r"canonical\.|peers\.delivery"):
        mianyang.hand_over(1, b"no letter")


def test_the_same_request_is_not_taken_twice(network):
    asked = network.asked("/peers/v1/blobs/x")
    assert peers.verify(network.nodes[1], asked) == 2
    with pytest.raises(AuthorityError, match=r"peers\.replayed"):
        peers.verify(network.nodes[1], asked)
    # Once it has expired its nonce is forgotten, and it is refused for its age.
    later = replace(network.nodes[1], clock=lambda: NOW + 3600)
    with pytest.raises(AuthorityError, match=r"peers\.expired"):
        peers.verify(later, asked)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"path": "/peers/v1/blobs/y"}, "peers.signature"),
        ({"method": "POST"}, "peers.signature"),
        ({"body": b"more"}, "peers.digest"),
        ({"headers": {}}, "peers.unsigned"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(network, change, code):
    with pytest.raises(AuthorityError, match=code.replace(".", r"\.")):
        peers.verify(network.nodes[1], replace(network.asked("/peers/v1/blobs/x"), **change))


def test_a_clock_that_is_an_hour_wrong_is_told_so(network):
    for wrong in (NOW - 3600, NOW + 3600):
        with pytest.raises(AuthorityError, match=r"peers\.expired"):
            network.peers(2, now=wrong).blob(1, "x")


def test_only_members_in_good_standing_with_their_own_key_are_answered(network):
    with pytest.raises(AuthorityError, match=r"peers\.signature"):
        network.peers(2, keys=Keys()).blob(1, "x")
    network.cities.say(MemberStatusChanged(2, MemberStatus.SUSPENDED, 1, bytes(32)), contract=CONSORTIUM)
    with pytest.raises(AuthorityError, match=r"peers\.unknown_key"):
        network.peers(2).blob(1, "x")


def test_an_answer_of_somebody_else_is_not_believed(network):
    cid = network.nodes[2].blobs.put(b"block")
    # Wuhou's address leads to Mianyang's own node: what answers signs with another key.
    network.cities.say(EndpointPublished(1, network.urls[2]), contract=CONSORTIUM)
    with pytest.raises((AuthorityError, IntegrityError)):
        network.peers(2).blob(1, cid)


def test_nobody_there_is_not_now(network):
    network.cities.say(EndpointPublished(1, "http://127.0.0.1:9"), contract=CONSORTIUM)
    with pytest.raises(UnavailableError, match=r"peers\.unreachable"):
        network.peers(2).blob(1, "x")


def test_an_unsigned_request_is_a_problem_with_a_next_step(network):
    answer = httpx2.get(f"{network.urls[1]}/peers/v1/blobs/x", headers={"Accept-Language": "en"}, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (403, "peers.unsigned")
    assert answer.json()["next_step"]
