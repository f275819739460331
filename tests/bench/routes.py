"""The HTTP API against what the framework alone can do, on one server in a process of its own."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.bench.row import Row
from tests.unit.wire.receipt_vectors import GOOD

__all__ = ["verify_route"]

_CLIENTS = 4
_ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def verify_route(scale: int) -> Iterator[Row]:
    """Verify receipts by POST /v1/verify against a FastAPI route that answers a constant to the same bodies.

    Four clients with a connection each; the bodies are the three checked-in receipts in turn, whose three checkpoints
    the city has seen before. The constant has the size of a verdict, stands in an application of its own without our
    headers and limits, and reads no body.
    """
    rounds = 400 // scale
    with _server() as port, ThreadPoolExecutor(_CLIENTS) as pool:

        def load(path: str) -> int:
            return sum(pool.map(lambda _: _client(port, path, rounds // _CLIENTS), range(_CLIENTS)))

        yield Row("FastAPI constant", 0.4, lambda: load("/v1/verify"), lambda: load("/constant"))


def _client(port: int, path: str, count: int) -> int:
    """Send so many requests over one connection."""
    bodies = list(GOOD.values())
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in range(count):
        connection.request("POST", path, bodies[number % len(bodies)], {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        # Without the file its fingerprint could not be checked; nothing may have failed.
        if answer.status != http.HTTPStatus.OK or b'"failed"' in said or b'"seen"' not in said:
            raise SystemExit(f"{path} answers {answer.status}")
    connection.close()
    return count


@contextmanager
def _server() -> Iterator[int]:
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.serving", folder], stdout=subprocess.PIPE, text=True, cwd=_ROOT
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise SystemExit("the server has ended; what it said stands above")
            yield int(json.loads(line)["port"])
        finally:
            process.terminate()
