"""Four real validators of a permissioned network (Kaia, Istanbul BFT) on loopback, for tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from coincurve import PrivateKey
from rlp.codec import encode

from ledger.chain.gateway import Gateway
from ledger.domain.holders import address_of, address_text
from node_client.processes import free_port
from tests.integration.kubo import UNPACK
from tests.integration.network import CHAIN_ID, Addresses

__all__ = ["Validators", "validators"]

_COUNT = 4
_SECONDS = 90.0
_FORKS = ("istanbul", "london", "ethTxType", "magma", "kore", "shanghai", "cancun", "prague")


@dataclass
class Validators:
    """The running network; ``addresses`` once a consortium stands on it."""

    urls: list[str]
    processes: list[subprocess.Popen[bytes]]
    consortium: Addresses | None = field(default=None)

    @property
    def addresses(self) -> Addresses:
        """Where the contracts are."""
        assert self.consortium is not None
        return self.consortium

    def connect(self, consortium: str) -> Gateway:
        """A gateway to all of them, the first preferred."""
        return Gateway.connect(self.urls, consortium, engine="network")

    def gateway(self) -> Gateway:
        """A gateway to the formed network."""
        return self.connect(self.addresses.consortium)

    def kill(self, number: int) -> None:
        """Kill one validator at once."""
        os.killpg(self.processes[number].pid, signal.SIGKILL)
        self.processes[number].wait()

    def height(self) -> int:
        """The newest block of whichever answers."""
        for url in self.urls:
            found = ask(url, "eth_blockNumber")
            if found is not None:
                return int(found, 16)
        return -1

    def wait_for(self, height: int, seconds: float = _SECONDS) -> None:
        """Return once the chain is that high."""
        deadline = time.monotonic() + seconds
        while self.height() < height:
            assert time.monotonic() < deadline, "the validators made no blocks"
            self.pause()

    def pause(self) -> None:
        """Let the network go on for a moment; the last validator, which no test kills, must not end in it."""
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"a validator ended with {self.processes[-1].wait(timeout=0.2)}")


def ask(url: str, method: str, *params: object) -> str | None:
    """Ask a validator, ``None`` while it does not answer."""
    try:
        answer = httpx2.post(
            url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}, timeout=5, trust_env=False
        )
        return str(answer.json()["result"])
    except (httpx2.HTTPError, ValueError, KeyError):
        return None


@contextmanager
def validators(folder: Path) -> Iterator[Validators]:
    """Start four validators with a genesis of their own and wait for their first blocks."""
    binary = _binary(folder)
    keys = [PrivateKey((number + 1).to_bytes(32, "big")) for number in range(_COUNT)]
    ports = [(free_port(), free_port(), free_port()) for _ in keys]
    genesis = folder / "genesis.json"
    genesis.write_text(json.dumps(_genesis(keys)))
    peers = [
        f"kni://{key.public_key.format(compressed=False)[1:].hex()}@127.0.0.1:{port}?discport=0&ntype=cn"
        for key, (port, _, _) in zip(keys, ports, strict=True)
    ]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number, key in enumerate(keys):
            home = folder / f"node{number}"
            (home / "klay").mkdir(parents=True)
            (home / "klay" / "nodekey").write_text(key.secret.hex())
            (home / "klay" / "static-nodes.json").write_text(json.dumps(peers))
            subprocess.run([binary, "--datadir", home, "init", genesis], check=True, capture_output=True, timeout=60)
        for number, (key, (port, rpc, web)) in enumerate(zip(keys, ports, strict=True)):
            started.append(_start(binary, folder / f"node{number}", key, port, rpc, web))
        network = Validators([f"http://127.0.0.1:{rpc}" for _, rpc, _ in ports], started)
        network.wait_for(2)
        yield network
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _binary(folder: Path) -> Path:
    if UNPACK.exists():
        subprocess.run([sys.executable, str(UNPACK), str(folder / "bin")], check=True, timeout=120)
        return folder / "bin" / "kcn"
    found = shutil.which("kcn")
    assert found, "Kaia is needed: put `kcn` on PATH"
    return Path(found)


def _start(binary: Path, home: Path, key: PrivateKey, port: int, rpc: int, web: int) -> subprocess.Popen[bytes]:
    arguments = [
        "--datadir", home, "--port", port, "--nodiscover", "--nat", "none", "--syncmode", "full", "--gcmode", "archive",
        "--networkid", CHAIN_ID, "--rewardbase", address_text(address_of(key.secret)), "--rpc", "--rpcaddr", "127.0.0.1",
        "--rpcport", rpc, "--rpcapi", "eth,net,web3,istanbul,governance", "--ws", "--wsaddr", "127.0.0.1", "--wsport", web,
        "--wsapi", "eth,net,web3", "--auction.disable", "--db.leveldb.cache-size", "64",
    ]  # fmt: skip
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [str(binary), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _genesis(keys: list[PrivateKey]) -> dict[str, object]:
    addresses = sorted(address_of(key.secret) for key in keys)
    extra = bytes(32) + encode([addresses, bytes(65), []])
    free = {
        "lowerboundbasefee": 0, "upperboundbasefee": 0, "gastarget": 30_000_000, "maxblockgasusedforbasefee": 60_000_000,
        "basefeedenominator": 20,
    }  # fmt: skip
    reward = {
        "mintingamount": 0, "ratio": "100/0/0", "kip82ratio": "20/80", "useginicoeff": False, "deferredtxfee": True,
        "stakingupdateinterval": 60, "proposerupdateinterval": 30, "minimumstake": 0,
    }  # fmt: skip
    return {
        "config": {
            "chainId": CHAIN_ID,
            **{f"{fork}CompatibleBlock": 0 for fork in _FORKS},
            "istanbul": {"epoch": 604_800, "policy": 0, "sub": 22},
            "unitPrice": 0,
            "deriveShaImpl": 2,
            "governance": {
                "governingNode": address_text(addresses[0]),
                "governanceMode": "none",
                "govParamContract": "0x" + "00" * 20,
                "reward": reward,
                "kip71": free,
            },
        },
        # Just before the start: minutes back, the first rounds would time out.
        "timestamp": hex(int(time.time())),
        "extraData": "0x" + extra.hex(),
        "governanceData": None,
        "blockScore": "0x1",
        "alloc": {},
        "number": "0x0",
        "gasUsed": "0x0",
        "parentHash": "0x" + "00" * 32,
    }
