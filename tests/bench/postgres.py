"""PostgreSQL as a peer: a cluster of its own in a temporary folder, on a Unix socket, with its durable defaults.

The server is the one installed (``pg_config`` on the path, or Debian's folders); it refuses to run as root, so root
hands the folder to the user ``postgres``. The driver is no dependency of the project: psycopg is installed once into
the user's cache.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.prepared import cache_folder

__all__ = ["cluster"]

_DRIVER_VERSION = "3.3.9"
# More memory than the default of 128 MB, so that nothing measured waits for a cache; all else as it comes, above all
# fsync and synchronous_commit.
_SETTINGS = ("shared_buffers=512MB", "listen_addresses=", "fsync=on", "synchronous_commit=on", "full_page_writes=on")


@contextmanager
def cluster() -> Iterator[tuple[Any, str]]:
    """The driver's module, and how to connect to a fresh cluster that goes with the context."""
    driver = _driver()
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="tongban-bench-pg-") as name:
        folder = Path(name)
        owner = _owner(folder)
        data, socket = folder / "data", folder
        _run(
            [str(programs / "initdb"), "-D", str(data), "-U", "bench", "--auth=trust", "-E", "UTF8", "--locale=C"],
            owner,
        )
        options = " ".join(f"-c {setting}" for setting in (*_SETTINGS, f"unix_socket_directories={socket}"))
        control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
        _run([*control, "-o", options, "start"], owner)
        try:
            yield driver, f"host={socket} user=bench dbname=postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"], owner)


def _driver() -> Any:
    home = cache_folder() / f"psycopg-{_DRIVER_VERSION}"
    if not (home / "psycopg").exists():
        packages = [f"{name}=={_DRIVER_VERSION}" for name in ("psycopg", "psycopg-binary")]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(home), *packages]
        subprocess.run(command, check=True)
    sys.path.append(str(home))
    return importlib.import_module("psycopg")


def _programs() -> Path:
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        raise SystemExit("this row needs PostgreSQL's server programs: initdb and pg_ctl")
    return folders[-1]


def _owner(folder: Path) -> str | None:
    """Whom the server runs as: ``None`` for this user."""
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, "postgres", "postgres")
    return "postgres"


def _run(command: Sequence[str], owner: str | None) -> None:
    done = subprocess.run(
        command, user=owner, group=owner, cwd="/", check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if done.returncode:
        raise SystemExit(f"{Path(command[0]).name}: {done.stderr.decode(errors='replace')[-400:]}")
