"""The engine as others meet it: over HTTP, and as a process that is told to stop or is killed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3, HTTPProvider, Web3
from web3.exceptions import ContractLogicError
from web3.middleware import SignAndSendRawMiddlewareBuilder

from ledger.chain.embedded import index
from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.scrub import scrub
from ledger.chain.embedded.server import running, serve
from ledger.domain.limits import LIMITS
from ledger.errors import SetupError
from tests.unit.chain.embedded.bench import CHAIN_ID, account, build, calldata, config, sign

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path):
    with running(config(path=tmp_path / "chain.db", genesis_time=None)) as found:
        yield found


def awaited(client: httpx2.Client, transaction_hash: str, seconds: float = 10) -> dict[str, Any]:
    """The receipt, asked for until it is there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found: dict[str, Any] | None = ask(client, "eth_getTransactionReceipt", transaction_hash).get("result")
        if found is not None:
            return found
    raise AssertionError("not mined in time")


def ask(client: httpx2.Client, method: str, *params: object) -> dict[str, Any]:
    """One request."""
    answer = client.post("/", json={"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    document: dict[str, Any] = answer.json()
    return document


def test_web3_over_http_unchanged(server):
    url, _ = server
    signer = account("http")
    w3 = Web3(HTTPProvider(url))
    w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(signer), layer=0)
    w3.eth.default_account = signer.address
    assert w3.is_connected()
    assert w3.eth.chain_id == CHAIN_ID
    created = w3.eth.wait_for_transaction_receipt(
        w3.eth.contract(abi=build()["abi"], bytecode=build()["bytecode"]).constructor().transact(), poll_latency=0.01
    )
    contract = w3.eth.contract(abi=build()["abi"], address=created["contractAddress"])
    receipt = w3.eth.wait_for_transaction_receipt(contract.functions.bump(2).transact(), poll_latency=0.01)
    assert len(contract.events.Counted().process_receipt(receipt)) == 2
    with pytest.raises(ContractLogicError, match="over http"):
        contract.functions.fail("over http").call()
    with w3.batch_requests() as batch:
        batch.add(contract.functions.count())
        batch.add(w3.eth.get_block("latest"))
        answers: list[Any] = list(batch.execute())
    assert (answers[0], answers[1]["number"]) == (2, 2)


def test_async_web3_over_http(server):
    url, engine = server
    signer = account("async")

    async def story() -> None:
        provider = AsyncHTTPProvider(url)
        w3 = AsyncWeb3(provider)
        raw = sign(signer, 0, bytes.fromhex(signer.address[2:]), gas=21_000)
        sent = await w3.eth.send_raw_transaction(raw)
        receipt = await w3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        assert receipt["status"] == 1
        assert await w3.eth.get_transaction_count(signer.address) == 1
        assert (await w3.eth.get_block("latest"))["number"] == engine.head.number
        await provider.disconnect()

    asyncio.run(story())


def test_many_senders_at_once_are_all_mined(server):
    url, engine = server
    signers = [account(f"many {n}") for n in range(6)]

    def stream(signer):
        with httpx2.Client(base_url=url) as client:
            return [
                ask(client, "eth_sendRawTransaction", "0x" + sign(signer, nonce, bytes(20), gas=30_000).hex())["result"]
                for nonce in range(12)
            ]

    with ThreadPoolExecutor(6) as pool:
        sent = [one for hashes in pool.map(stream, signers) for one in hashes]
    with httpx2.Client(base_url=url) as client:
        receipts = [awaited(client, one) for one in sent]
    assert {receipt["status"] for receipt in receipts} == {"0x1"}
    assert engine.pool.counts() == (0, 0)
    assert [engine.nonce(bytes.fromhex(signer.address[2:])) for signer in signers] == [12] * 6


def test_readers_are_answered_while_a_block_is_closed(server):
    url, engine = server
    signer = account("busy")
    with httpx2.Client(base_url=url) as client:
        code = bytes.fromhex(build()["bytecode"][2:])
        receipt = awaited(
            client, ask(client, "eth_sendRawTransaction", "0x" + sign(signer, 0, None, code).hex())["result"]
        )
        contract = bytes.fromhex(receipt["contractAddress"][2:])
        raw = sign(signer, 1, contract, calldata("burn()"), gas=60_000_000)
        sent = ask(client, "eth_sendRawTransaction", "0x" + raw.hex())["result"]
        answered = 0
        while ask(client, "eth_getTransactionReceipt", sent)["result"] is None:
            assert ask(client, "eth_getTransactionReceipt", receipt["transactionHash"])["result"] == receipt
            answered += 1
    assert answered > 1
    assert engine.head.number == 2


@pytest.mark.parametrize(
    ("method", "headers", "content", "status"),
    [
        ("POST", {"content-type": "text/plain"}, b"{}", 415),
        ("POST", {}, b"{}", 415),
        ("POST", {"content-type": "application/json", "host": "evil.example"}, b"{}", 403),
        ("POST", {"content-type": "application/json", "host": "[::1]:8545"}, b"{}", 200),
        ("POST", {"content-type": "application/json; charset=utf-8"}, b"{}", 200),
        ("GET", {}, b"", 405),
        ("DELETE", {}, b"", 405),
    ],
)
def test_only_json_to_this_machine(server, method, headers, content, status):
    with httpx2.Client(base_url=server[0]) as client:
        assert client.request(method, "/", headers=headers, content=content).status_code == status


def test_bodies_are_bounded_and_notifications_have_none(server):
    with httpx2.Client(base_url=server[0]) as client:
        headers = {"content-type": "application/json"}
        large = b'"' + b"a" * LIMITS.engine_body_bytes
        assert client.post("/", headers=headers, content=large).status_code == 413
        silent = client.post("/", json={"jsonrpc": "2.0", "method": "eth_chainId"})
        assert (silent.status_code, silent.content) == (204, b"")
        health = client.get("/healthz")
        assert (health.status_code, health.json()) == (200, {"height": 0, "fault": None})


def test_an_interval_closes_blocks_by_itself(tmp_path):
    settings = config(path=tmp_path / "chain.db", genesis_time=None, interval=0.02, empty_blocks=True)
    with running(settings) as (url, engine), httpx2.Client(base_url=url) as client:
        while engine.head.number < 3:
            assert ask(client, "eth_blockNumber")["result"]
        sent = ask(client, "eth_sendRawTransaction", "0x" + sign(account("slow"), 0, bytes(20)).hex())["result"]
        assert awaited(client, sent)["status"] == "0x1"


def test_a_fault_is_shown_and_over_when_its_cause_is(tmp_path):
    wall = [2_000_000_000.0]
    settings = config(path=tmp_path / "chain.db", genesis_time=None)
    engine = Engine.open(settings, wall=lambda: wall[0])
    engine.run_once(empty=True)
    engine.close()
    # The real clock is decades behind the block: nothing is closed, and the server says so.
    with running(settings) as (url, engine), httpx2.Client(base_url=url) as client:
        sent = ask(client, "eth_sendRawTransaction", "0x" + sign(account("early"), 0, bytes(20)).hex())["result"]
        while client.get("/healthz").status_code == 200:
            assert ask(client, "eth_blockNumber")["result"] == "0x1"
        assert ask(client, "tongban_status")["result"]["fault"] == "engine.clock_behind"
        assert ask(client, "tongban_transaction", sent)["result"]["state"] == "ready"
        engine.clock.wall = lambda: wall[0] + 1
        assert engine.run_once() is not None
        assert client.get("/healthz").status_code == 200
        assert awaited(client, sent)["status"] == "0x1"


def test_an_address_in_use_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SetupError, match=r"engine\.address_in_use"):
            serve(config(path=tmp_path / "chain.db", port=taken.getsockname()[1]))


PROGRAM = """
import sys
from pathlib import Path
from ledger.chain.embedded.config import EngineConfig
from ledger.chain.embedded.server import serve
folder = Path(sys.argv[1])
serve(EngineConfig(path=folder / "chain.db", chain_id=int(sys.argv[2]), ready_file=folder / "ready.json"))
"""


@contextmanager
def process(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The engine as a process of its own, and its URL."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    started = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), str(CHAIN_ID)])
    try:
        end = time.monotonic() + 60
        while not ready.exists():
            assert started.poll() is None
            assert time.monotonic() < end
        document = json.loads(ready.read_text(encoding="utf-8"))
        assert document["pid"] == started.pid
        yield started, document["url"]
    finally:
        if started.poll() is None:
            started.kill()
        started.wait()


@pytest.mark.serial
def test_a_process_told_to_stop_ends_cleanly(tmp_path):
    with process(tmp_path) as (started, url):
        with httpx2.Client(base_url=url) as client:
            sent = ask(client, "eth_sendRawTransaction", "0x" + sign(account("stop"), 0, bytes(20)).hex())["result"]
            awaited(client, sent)
        started.send_signal(signal.SIGTERM)
        assert started.wait(30) == 0
    assert not (tmp_path / "ready.json").exists()
    assert not (tmp_path / "chain.db-wal").exists()
    engine = Engine.open(config(path=tmp_path / "chain.db"))
    assert engine.head.number == 1
    engine.close()


@pytest.mark.serial
def test_a_process_killed_at_any_instant_loses_no_block_that_was_answered_for(tmp_path):
    chance = random.Random(7)  # noqa: S311  # instants, not secrets
    signer = account("killed")
    nonce = 0
    answered: dict[str, str] = {}
    for _ in range(4):
        with process(tmp_path) as (started, url), httpx2.Client(base_url=url) as client:
            # What was in no block when it was killed is sent again: the same nonce, the same bytes.
            nonce = int(ask(client, "eth_getTransactionCount", signer.address, "latest")["result"], 16)
            killer = threading.Timer(chance.random() / 2, os.kill, (started.pid, signal.SIGKILL))
            try:
                for turn in count():
                    raw = sign(signer, nonce, bytes(20), b"x" * 500, gas=60_000)
                    sent = ask(client, "eth_sendRawTransaction", "0x" + raw.hex())["result"]
                    answered[sent] = awaited(client, sent)["blockHash"]
                    nonce += 1
                    if turn == 0:
                        # However slow the machine, each life has answered for a block.
                        killer.start()
            except httpx2.TransportError:
                killer.join()
            assert started.wait(30) == -signal.SIGKILL
        engine = Engine.open(config(path=tmp_path / "chain.db"))
        scrub(engine.store)
        for sent, block_hash in answered.items():
            receipt = engine.receipt(bytes.fromhex(sent[2:]))
            assert receipt is not None
            assert receipt["blockHash"] == block_hash
        blocks = list(index.blocks_between(engine.store, 0, engine.head.number))
        mined = [one for block in blocks for one in block.transactions]
        assert len(mined) == len(set(mined)) == engine.nonce(bytes.fromhex(signer.address[2:]))
        engine.close()
    assert len(answered) >= 4
