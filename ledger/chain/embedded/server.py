"""The engine's JSON-RPC over HTTP: a small ASGI application, run by uvicorn, and the process around it.

One thread executes blocks, a few others answer requests on connections of their own, so that neither waits for the
other. Only requests that name this machine are answered (a browser can be led by DNS to a loopback address under any
other name), and only bodies declared as JSON, which a page of another origin cannot send without being asked first.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uvicorn

from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.mining import Miner
from ledger.chain.embedded.rpc.dispatch import Rpc
from ledger.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from ledger.chain.embedded.admission import Admission
    from ledger.chain.embedded.config import EngineConfig

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

__all__ = ["RpcApp", "running", "serve"]

_READERS = 4
_CONNECTIONS = 512
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(slots=True)
class RpcApp:
    """The ASGI application over an open engine, which it closes at the end of its life.

    Args:
        engine: answers and closes blocks.
        on_started: called once the application is ready to answer.
    """

    engine: Engine
    on_started: Callable[[], None] = lambda: None
    _rpc: Rpc = field(init=False)
    _readers: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._rpc = Rpc(self.engine)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="engine-read")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._life(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _life(self, receive: Receive, send: Send) -> None:
        await receive()
        with ThreadPoolExecutor(1, thread_name_prefix="engine-mine") as thread:
            miner = Miner(self.engine, thread)
            loop = asyncio.create_task(miner.run())
            self.on_started()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            miner.stop()
            await loop
        self._readers.shutdown()
        self.engine.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        if not self._local(headers.get(b"host", b"")):
            await _answer(send, 403, b'{"error":"host not allowed"}')
        elif scope["method"] in {"GET", "HEAD"} and scope["path"] == "/healthz":
            await self._health(send)
        elif scope["method"] != "POST":
            await _answer(send, 405, b'{"error":"POST a JSON-RPC 2.0 request"}', (b"allow", b"POST"))
        elif headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
            await _answer(send, 415, b'{"error":"content-type must be application/json"}')
        else:
            body = await _body(receive, self.engine.limits.engine_body_bytes)
            if body is None:
                await _answer(send, 413, b'{"error":"request body too large"}')
                return
            answer = await asyncio.get_running_loop().run_in_executor(self._readers, self._rpc.respond, body)
            await _answer(send, 204 if answer is None else 200, answer or b"")

    def _local(self, host: bytes) -> bool:
        name = host.decode("latin-1").lower()
        name = name[1 : name.find("]")] if name.startswith("[") else name.rsplit(":", 1)[0] if ":" in name else name
        return name in _LOCAL_NAMES or name == self.engine.config.host

    async def _health(self, send: Send) -> None:
        fault = self.engine.fault
        body = json.dumps({"height": self.engine.head.number, "fault": fault}).encode()
        await _answer(send, 200 if fault is None else 503, body)


async def _body(receive: Receive, most: int) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    fixed = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})


def serve(config: EngineConfig, *, admission: Admission | None = None) -> None:
    """Run the engine as this process until it is told to stop (SIGTERM or SIGINT).

    Args:
        config: the settings; ``ready_file`` appears, whole, when requests are answered, and goes when they no longer
            are. It holds a JSON object with ``url``, ``host``, ``port``, ``pid`` and ``chain_id``.
        admission: see ``admission``.

    Raises:
        SetupError: ``engine.address_in_use``, and what ``Engine.open`` raises.
    """
    if config.ready_file is not None:
        config.ready_file.unlink(missing_ok=True)
    with _bound(config) as bound:
        engine = Engine.open(config, admission=admission)
        app = RpcApp(engine, on_started=lambda: _announce(config, bound))
        # uvicorn raises the signal once more when it has shut down; this handler lets the process end with status 0.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)
        try:
            _server(app).run(sockets=[bound])
        finally:
            engine.close()
            if config.ready_file is not None:
                config.ready_file.unlink(missing_ok=True)


@contextlib.contextmanager
def running(config: EngineConfig, *, admission: Admission | None = None) -> Iterator[tuple[str, Engine]]:
    """Run the engine's server in a thread of this process, for tests and demonstrations.

    Yields:
        The URL, and the engine behind it.
    """
    with _bound(config) as bound:
        engine = Engine.open(config, admission=admission)
        started = threading.Event()
        server = _server(RpcApp(engine, on_started=started.set))

        def run() -> None:
            try:
                server.run(sockets=[bound])
            finally:
                started.set()

        thread = threading.Thread(target=run, name="engine-server")
        thread.start()
        started.wait()
        try:
            yield _url(bound), engine
        finally:
            server.should_exit = True
            thread.join()
            engine.close()


def _server(app: RpcApp) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=5,
        )
    )


def _bound(config: EngineConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((config.host, config.port))
        bound.listen(_CONNECTIONS)
    except OSError as error:
        bound.close()
        raise SetupError("engine.address_in_use", address=f"{config.host}:{config.port}") from error
    return bound


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(config: EngineConfig, bound: socket.socket) -> None:
    """Write the bound address; whoever waits for the file never reads half of it."""
    if config.ready_file is None:
        return
    host, port = bound.getsockname()[:2]
    document = {"url": _url(bound), "host": host, "port": port, "pid": os.getpid(), "chain_id": config.chain_id}
    draft = config.ready_file.with_name(config.ready_file.name + ".part")
    draft.write_text(json.dumps(document), encoding="utf-8")
    draft.replace(config.ready_file)
