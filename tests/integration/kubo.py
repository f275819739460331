"""A real Kubo node in a private swarm on loopback, for tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

__all__ = ["Kubo", "find_kubo", "start_kubo"]

# One key for all nodes of a test: whoever has not this key cannot join the swarm.
SWARM_KEY = "/key/swarm/psk/1.0.0/\n/base16/\n" + "5a" * 32 + "\n"
UNPACK = Path(__file__).resolve().parents[2].parent / "shared" / "tools" / "unpack"


def find_kubo(folder: Path) -> Path:
    """Unpack the binary that stands beside the repository, or take ``ipfs`` from PATH; fail when there is neither."""
    if UNPACK.exists():
        subprocess.run([sys.executable, str(UNPACK), str(folder)], check=True, timeout=120)
        return folder / "ipfs"
    found = shutil.which("ipfs")
    assert found, "Kubo is needed: put `ipfs` on PATH"
    return Path(found)


@dataclass
class Kubo:
    """A running node."""

    binary: Path
    repository: Path
    process: subprocess.Popen[str]

    @property
    def api(self) -> str:
        """The RPC's multiaddress, with the port that it chose."""
        return (self.repository / "api").read_text("utf-8").strip() + "/http"

    def run(self, *arguments: str) -> str:
        """Run a command of the node's own tool."""
        done = subprocess.run(
            [str(self.binary), *arguments],
            env=_environment(self.repository), check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout

    def address(self) -> str:
        """The swarm address to connect to."""
        addresses: list[str] = json.loads(self.run("id"))["Addresses"]
        return next(address for address in addresses if address.startswith("/ip4/127.0.0.1/"))

    def stop(self) -> None:
        """End the process and wait for it."""
        self.process.terminate()
        self.process.communicate(timeout=60)


def start_kubo(binary: Path, repository: Path) -> Kubo:
    """Make a node as the operators' documentation says, start it and wait until it answers."""
    if not (repository / "config").exists():
        _run(binary, repository, "init", "--empty-repo")
        (repository / "swarm.key").write_text(SWARM_KEY, "ascii")
        _configure(repository / "config")
    process = subprocess.Popen(
        [str(binary), "daemon"],
        env=_environment(repository), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    heard = []
    for line in cast("IO[str]", process.stdout):
        heard.append(line)
        if "Daemon is ready" in line:
            return Kubo(binary, repository, process)
    raise AssertionError("".join(heard))


def _environment(repository: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(repository),
        "IPFS_PATH": str(repository),
        "IPFS_TELEMETRY": "off",
        "LIBP2P_FORCE_PNET": "1",
    }


def _run(binary: Path, repository: Path, *arguments: str) -> None:
    repository.mkdir(parents=True, exist_ok=True)
    subprocess.run([str(binary), *arguments], env=_environment(repository), check=True, capture_output=True, timeout=60)


def _configure(path: Path) -> None:
    config = json.loads(path.read_text("utf-8"))
    config["AutoConf"] = {"Enabled": False}
    config["Bootstrap"] = []
    config["DNS"] = {"Resolvers": {}}
    config["Routing"] = {"Type": "none", "DelegatedRouters": []}
    config["Ipns"] = {**config["Ipns"], "DelegatedPublishers": []}
    config["AutoTLS"] = {"Enabled": False}
    config["Discovery"] = {"MDNS": {"Enabled": False}}
    config["Provide"] = {"Enabled": False}
    config["Swarm"] = {
        **config["Swarm"],
        "DisableNatPortMap": True,
        "RelayClient": {"Enabled": False},
        "RelayService": {"Enabled": False},
    }
    config["Addresses"] = {
        **config["Addresses"],
        "API": "/ip4/127.0.0.1/tcp/0",
        "Gateway": "/ip4/127.0.0.1/tcp/0",
        "Swarm": ["/ip4/127.0.0.1/tcp/0"],
    }
    path.write_text(json.dumps(config), "utf-8")
