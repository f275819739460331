"""Peers written for node: installed once from a lock, then one long-lived process a row that is asked line by line."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.bench.row import Sample

__all__ = ["NodePeer", "installed", "node_peer"]

_INSTALL_SECONDS = 600


@dataclass(frozen=True, slots=True)
class NodePeer:
    """A running peer."""

    requests: IO[str]
    answers: IO[str]

    def ask(self, do: str, **details: object) -> Mapping[str, Any]:
        """Send one request and wait for its answer."""
        self.requests.write(json.dumps({"do": do, **details}) + "\n")
        self.requests.flush()
        line = self.answers.readline()
        if not line:
            raise SystemExit("the peer has ended; what it said stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def measure(self, do: str, **details: object) -> Sample:
        """Send a request whose answer says how much was done in how many seconds."""
        answer = self.ask(do, **details)
        return int(answer["items"]), float(answer["seconds"])


@contextmanager
def node_peer(source: Path) -> Iterator[NodePeer]:
    """Install the peer of a folder (``package.json``, ``package-lock.json``, ``peer.mjs``) if need be, and run it.

    The packages go into a folder of the user's cache that carries the lock's digest, so that a new lock is a new folder
    and what was installed once is used by every row.
    """
    node = _command("node")
    home = installed(source)
    shutil.copyfile(source / "peer.mjs", home / "peer.mjs")
    with subprocess.Popen(
        [node, str(home / "peer.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise SystemExit("the peer has no pipes")
        try:
            yield NodePeer(process.stdin, process.stdout)
        finally:
            # It ends with its input; one that is still busy is not waited for.
            process.kill()


def installed(source: Path) -> Path:
    """The folder of the user's cache where the packages of a folder's lock are installed, once they are."""
    lock = (source / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "tongban" / "bench" / f"{source.name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    done = home / "installed"
    if not done.exists():
        home.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(source / name, home / name)
        # Install scripts of packages are not run: none of these peers needs one.
        subprocess.run(
            [_command("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=home,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=_INSTALL_SECONDS,
        )
        done.touch()
    return home


def _command(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"this row needs {name}: install Node.js 20 or newer with npm")
    return found
