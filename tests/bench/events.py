"""Reading every event of a chain of 5,000 blocks: from the engine's own index, from eth-tester, from anvil."""

from __future__ import annotations

import gc
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from web3 import EthereumTesterProvider

from ledger.domain.limits import LIMITS
from tests.bench.blocks import long_chain
from tests.bench.node_peer import installed
from tests.bench.office import CHAIN_ID, history
from tests.bench.operations import GAS_LIMIT, eth_tester
from tests.bench.prepared import chain, chain_folder
from tests.bench.row import Row, Sample
from tests.integration.network import GENESIS

__all__ = ["events", "events_anvil"]

_BLOCKS = 5_000
_READ = 500  # of eth-tester: the whole would take it half an hour
_LOOPBACK = "127.0.0.1"
_START_SECONDS = 30


@contextmanager
def events(scale: int) -> Iterator[Row]:
    """All events of 5,000 blocks as Python objects, paged as the gateway does, against eth-tester's get_logs.

    eth-tester looks each receipt up by walking back from the head, so the newest m blocks take it a·m + b·m²/2: a and b
    are solved from the newest 250 and all of 500 blocks in each round, and its time for 5,000 follows.
    """
    blocks, read = _BLOCKS // scale, _READ // scale
    with chain(f"height-{blocks}", long_chain(blocks)) as (engine, _):
        web3 = eth_tester(history(engine)[:read])
        tester = cast("EthereumTesterProvider", web3.provider).ethereum_tester

        # What stands by now lives as long as the row: neither side is to be slowed by looking through it for garbage.
        gc.collect()
        gc.freeze()

        def ours() -> Sample:
            start = time.perf_counter()
            found = sum(len(engine.logs(first, last)) for first, last in _pages(blocks))
            took = time.perf_counter() - start
            if found < blocks - read:
                raise SystemExit("events are missing")
            return blocks, took

        def peer() -> Sample:
            half, whole = _newest(tester, read, read // 2), _newest(tester, read, read)
            second = max(0.0, (whole - 2 * half) * 4 / read**2)
            first = whole / read - second * read / 2
            return blocks, first * blocks + second * blocks**2 / 2

        yield Row(f"eth-tester get_logs, from {read} blocks", 50_000.0, ours, peer)
        gc.unfreeze()


def _newest(tester: Any, head: int, count: int) -> float:
    start = time.perf_counter()
    tester.get_logs(from_block=head - count + 1, to_block=head)
    return time.perf_counter() - start


@contextmanager
def events_anvil(scale: int) -> Iterator[Row]:
    """The same events over HTTP, as bytes, each engine a process of its own, against anvil."""
    blocks = _BLOCKS // scale
    with chain_folder(f"height-{blocks}", long_chain(blocks)) as (path, _):
        with chain(f"height-{blocks}", long_chain(blocks)) as (engine, _):
            past = history(engine)
        with _engine(path) as mine, _anvil() as theirs:
            for raw in past:
                _post(theirs, "eth_sendRawTransaction", ["0x" + raw.hex()])
                _post(theirs, "evm_mine", [])

            def reading(connection: http.client.HTTPConnection) -> Callable[[], int]:
                def read() -> int:
                    found = 0
                    for first, last in _pages(blocks):
                        where = {"fromBlock": hex(first), "toBlock": hex(last)}
                        found += _post(connection, "eth_getLogs", [where]).count(b'"logIndex"')
                    if found < blocks - _READ:
                        raise SystemExit("events are missing")
                    return blocks

                return read

            yield Row("anvil 1.7.1, same requests", 2.0, reading(mine), reading(theirs))


def _pages(blocks: int) -> list[tuple[int, int]]:
    step = LIMITS.chain_log_range
    return [(first, min(first + step - 1, blocks)) for first in range(0, blocks + 1, step)]


def _post(connection: http.client.HTTPConnection, method: str, params: object) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    connection.request("POST", "/", body, {"content-type": "application/json"})
    answer = connection.getresponse().read()
    if b'"error"' in answer[:200]:
        raise SystemExit(f"{method}: {answer[:300]!r}")
    return answer


@contextmanager
def _engine(path: Path) -> Iterator[http.client.HTTPConnection]:
    program = (
        "import sys; from pathlib import Path; from ledger.chain.embedded.config import EngineConfig;"
        "from ledger.chain.embedded.server import serve;"
        "serve(EngineConfig(path=Path(sys.argv[1]), chain_id=int(sys.argv[2]), port=int(sys.argv[3])))"
    )
    port = _free_port()
    with _running([sys.executable, "-c", program, str(path), str(CHAIN_ID), str(port)], port) as connection:
        yield connection


@contextmanager
def _anvil() -> Iterator[http.client.HTTPConnection]:
    home = installed(Path(__file__).with_name("anvil"))
    binary = home / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
    port = _free_port()
    options = {
        "port": port, "chain-id": CHAIN_ID, "timestamp": GENESIS, "gas-limit": GAS_LIMIT, "base-fee": 0, "gas-price": 0,
        "hardfork": "prague",
    }  # fmt: skip
    command = [str(binary), "--silent", "--no-mining", "--disable-min-priority-fee"]
    command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with _running(command, port) as connection:
        yield connection


@contextmanager
def _running(command: list[str], port: int) -> Iterator[http.client.HTTPConnection]:
    """Run a server as a process, wait until it answers, and end it."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        connection = http.client.HTTPConnection(_LOOPBACK, port, timeout=120)
        try:
            deadline = time.monotonic() + _START_SECONDS
            while True:
                try:
                    connection.connect()
                    break
                except ConnectionRefusedError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise SystemExit(f"{command[0]} does not start") from None
            yield connection
        finally:
            connection.close()
            process.terminate()


def _free_port() -> int:
    with socket.create_server((_LOOPBACK, 0)) as bound:
        port: int = bound.getsockname()[1]
        return port
