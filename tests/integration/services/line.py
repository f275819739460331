"""Somebody on the line between two cities, who answers in one's place or changes what it says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2

__all__ = ["Said", "forward", "on_the_line"]

_OWN = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


@dataclass(frozen=True)
class Said:
    """An answer as it goes over the line."""

    status: int
    body: bytes
    headers: dict[str, str]

    def without_signature(self) -> Said:
        """The same, signed by nobody."""
        kept = {name: value for name, value in self.headers.items() if not name.startswith("signature")}
        return replace(self, headers=kept)


@dataclass(frozen=True)
class Heard:
    """A request as it goes over the line."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


def forward(url: str, heard: Heard) -> Said:
    """Ask the real city what it answers, under its own name."""
    answer = httpx2.request(
        heard.method, url + heard.path, content=heard.body, headers=heard.headers, trust_env=False, timeout=10
    )
    return Said(
        answer.status_code, answer.content, {name: value for name, value in answer.headers.items() if name not in _OWN}
    )


@contextmanager
def on_the_line(answer: Callable[[Heard], Said]) -> Iterator[str]:
    """Listen at an address and answer each request so."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = answer(Heard(self.command, self.path, body, headers))
            # Nothing of its own: what is said is the whole answer.
            self.send_response_only(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(said.body)))
            self.end_headers()
            # Whoever has read enough hangs up.
            try:
                self.wfile.write(said.body)
            except ConnectionError:
                self.close_connection = True

        do_GET = do_POST = _any  # noqa: N815 - the names that the server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the server gives it
            """Say nothing of what passed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
