"""The HTTP API against what the framework alone can do, on one server in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from ledger.wire import signatures
from ledger.wire.deliveries import Delivery, encode_delivery
from tests.bench.row import Row
from tests.bench.serving import URL, request_key
from tests.unit.wire.receipt_vectors import GOOD, NOW

__all__ = ["verify_route", "write_route"]

_CLIENTS = 4
_INBOX = "/peers/v1/inbox"
_SEALED = 3_000
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request without its path."""

    body: bytes
    headers: Mapping[str, str]


@contextmanager
def verify_route(scale: int) -> Iterator[Row]:
    """Verify receipts by POST /v1/verify against a FastAPI route that answers a constant to the same bodies.

    Four clients with a connection each; the bodies are the three checked-in receipts in turn, whose three checkpoints
    the city has seen before. The constant has the size of a verdict, stands in an application of its own without our
    headers and limits, and reads no body.
    """
    rounds = 400 // scale
    receipts = list(
        islice(cycle([_Asked(body, {"Content-Type": "application/json"}) for body in GOOD.values()]), rounds)
    )
    with _server() as port, ThreadPoolExecutor(_CLIENTS) as pool:
        yield Row(
            "FastAPI constant",
            0.4,
            lambda: _load(pool, port, "/v1/verify", receipts),
            lambda: _load(pool, port, "/constant", receipts),
        )


@contextmanager
def write_route(scale: int) -> Iterator[Row]:
    """Write durably by POST /peers/v1/inbox against a FastAPI route that answers a constant to the same bodies.

    A delivery of 4 KB from another city: its signature is verified, its nonce and the document are written in one
    transaction with full synchronisation, and the answer is signed. Requests are signed outside the measured time.
    """
    rounds = 400 // scale
    waiting: list[_Asked] = []

    def before() -> None:
        waiting[:] = [_delivery() for _ in range(rounds)]

    with _server() as port, ThreadPoolExecutor(_CLIENTS) as pool:
        yield Row(
            "FastAPI constant",
            0.12,
            lambda: _load(pool, port, _INBOX, waiting),
            lambda: _load(pool, port, "/constant", waiting),
            before=before,
        )


def _delivery() -> _Asked:
    """A document that was never delivered before, signed by the second city."""
    body = encode_delivery(Delivery("lookup", os.urandom(32), os.urandom(_SEALED)))
    signed = signatures.sign_request(
        "POST", URL + _INBOX, body, sign=request_key(2).sign, key_id="2:1", now=NOW, nonce=os.urandom(16).hex()
    )
    return _Asked(body, signed)


def _load(pool: ThreadPoolExecutor, port: int, path: str, asked: Sequence[_Asked]) -> int:
    return sum(pool.map(lambda client: _client(port, path, asked[client::_CLIENTS]), range(_CLIENTS)))


def _client(port: int, path: str, requests: Sequence[_Asked]) -> int:
    """Send requests over one connection; returns how many."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for asked in requests:
        connection.request("POST", path, asked.body, asked.headers)
        answer = connection.getresponse()
        said = answer.read()
        # Without its file a receipt's fingerprint could not be checked; nothing may have failed.
        if answer.status != http.HTTPStatus.OK or b'"failed"' in said:
            raise SystemExit(f"{path} answers {answer.status}")
    connection.close()
    return len(requests)


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
