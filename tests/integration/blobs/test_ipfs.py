"""What only a Kubo node does."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.blobs import content
from ledger.blobs.cids import cid_of
from ledger.blobs.ipfs import IpfsStore
from ledger.errors import IntegrityError, NotFoundError, UnavailableError
from ledger.services.peers import serve_blob
from tests.integration.kubo import Kubo, start_kubo
from tests.integration.services.cities import two_cities

pytestmark = pytest.mark.serial


@pytest.fixture
def store(kubo: Kubo) -> Iterator[IpfsStore]:
    store = IpfsStore(kubo.api)
    yield store
    store.delete(list(store.cids()))
    store.close()


def test_the_node_knows_the_block_by_the_same_name(store: IpfsStore, kubo: Kubo) -> None:
    cid = store.put("给公证处的一块内容".encode())
    assert kubo.run("block", "get", cid) == "给公证处的一块内容"
    assert cid in kubo.run("pin", "ls", "--type=recursive", "--quiet")


def test_content_arrives_from_another_city_and_is_kept(store: IpfsStore, other_kubo: Kubo) -> None:
    cid = content.write_content(store, [b"x" * 1_500_000])
    elsewhere = IpfsStore(other_kubo.api, fetch_seconds=20)
    assert sum(map(len, content.read_content(elsewhere, cid))) == 1_500_000
    assert set(elsewhere.cids()) == set(store.cids())
    content.delete_content(store, cid)
    with pytest.raises(NotFoundError):
        store.get(cid)
    assert sum(map(len, content.read_content(elsewhere, cid))) == 1_500_000
    content.delete_content(elsewhere, cid)
    elsewhere.close()


def test_a_block_that_nobody_has_is_looked_for_in_bounded_time(other_kubo: Kubo) -> None:
    with_peers = IpfsStore(other_kubo.api, fetch_seconds=0.5)
    with pytest.raises(NotFoundError, match=r"blobs.not_found"):
        with_peers.get(cid_of(b"nobody has this"))
    with_peers.close()


def test_nothing_is_fetched_for_a_peer_that_asks(store: IpfsStore, other_kubo: Kubo, tmp_path: Path) -> None:
    cid = store.put(b"a block of one city")
    elsewhere = IpfsStore(other_kubo.api, fetch_seconds=20)
    with two_cities(tmp_path) as cities:
        city = replace(cities.nodes[1], blobs=elsewhere)
        with pytest.raises(NotFoundError, match=r"blobs\.not_found"):
            serve_blob(city, cid)
        assert list(elsewhere.cids()) == []
        # What the city has fetched for itself it serves.
        assert elsewhere.get(cid) == serve_blob(city, cid) == b"a block of one city"
    elsewhere.delete([cid])
    elsewhere.close()


def test_a_peer_cannot_pass_off_another_block(store: IpfsStore, kubo: Kubo, other_kubo: Kubo) -> None:
    cid = store.put(b"the true block")
    path = next(
        path for path in (kubo.repository / "blocks").glob("*/*.data") if path.read_bytes() == b"the true block"
    )
    path.chmod(0o600)
    path.write_bytes(b"the false one!")
    elsewhere = IpfsStore(other_kubo.api, fetch_seconds=1)
    with pytest.raises((NotFoundError, IntegrityError)):
        elsewhere.get(cid)
    assert not elsewhere.has(cid)
    elsewhere.close()


def test_a_node_that_is_gone_is_said_to_be_and_comes_back(kubo_binary: Path, tmp_path: Path) -> None:
    node = start_kubo(kubo_binary, tmp_path / "kubo")
    store = IpfsStore(node.api, seconds=5)
    cid = store.put(b"kept")
    node.stop()
    for attempt in (
        lambda: store.put(b"new"),
        lambda: store.get(cid),
        lambda: store.has(cid),
        store.check,
        lambda: list(store.cids()),
    ):
        with pytest.raises(UnavailableError, match=r"blobs.unreachable"):
            attempt()
    store.close()
    node = start_kubo(kubo_binary, tmp_path / "kubo")
    again = IpfsStore(node.api)
    assert again.get(cid) == b"kept"
    again.close()
    node.stop()
    shutil.rmtree(tmp_path / "kubo")


def test_something_else_that_answers_is_not_taken_for_a_node() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        store = IpfsStore(f"/ip4/127.0.0.1/tcp/{server.getsockname()[1]}/http", seconds=0.3)
        with pytest.raises(UnavailableError, match=r"blobs.unreachable"):
            store.put(b"block")
        store.close()
