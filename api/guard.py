"""The guard around every route: bounded bodies, the same safe headers, and a fault of the program that says nothing.

A body is counted while it is read, so that one without a stated length (chunked, RFC 9112 section 7.1) is served and
bounded too. What nobody foresaw becomes a problem with a reference; the log has the reference with the exception's kind
and place, never its text, which may be anybody's data.
"""

from __future__ import annotations

import os

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import respond
from ledger import logs
from ledger.domain.limits import LIMITS
from ledger.errors import InputError, LedgerError
from ledger.ports import Random

__all__ = ["Guard"]

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_REFERENCE_BYTES = 6
# A length of more digits is too long whatever it says.
_DIGITS = 12
# What is written in words comes in the reader's language, so a cache keeps one of each (RFC 9110 section 12.5.5).
_WORDS = ("text/html", "application/json", "application/problem+json")


class Guard:
    """ASGI middleware around the whole application.

    Args:
        app: what it guards.
        random: makes references.
    """

    def __init__(self, app: ASGIApp, random: Random = os.urandom) -> None:
        self._app = app
        self._random = random

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False
        received = 0
        # HEAD is GET without the content (RFC 9110 section 9.3.2); the routes know GET alone.
        bare = scope["method"] == "HEAD"
        if bare:
            scope = {**scope, "method": "GET"}

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > LIMITS.request_bytes:
                raise InputError("api.too_long", limit=LIMITS.request_bytes)
            return message

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith(_WORDS):
                    headers.add_vary_header("Accept-Language")
            elif bare:
                message = {**message, "body": b""}
            await send(message)

        request = Request(scope)
        stated = Headers(scope=scope).get("content-length", "0")
        if not stated.isdecimal() or len(stated) > _DIGITS or int(stated) > LIMITS.request_bytes:
            answer = respond(request, InputError("api.too_long", limit=LIMITS.request_bytes))
            await answer(scope, receive, guarded)
            return
        try:
            await self._app(scope, counted, guarded)
        except ClientDisconnect:
            # Whoever asked has gone: nobody is there to answer.
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends here, and is written down as where
            reference = self._random(_REFERENCE_BYTES).hex()
            logs.get().error(
                "api_fault",
                kind=type(error).__name__.lower(),
                place=logs.fault_places(error),
                reference=f"ref-{reference}",
            )
            if not begun:
                told = LedgerError("api.internal", reference=f"ref-{reference}")
                await respond(request, told)(scope, receive, guarded)
            # An answer that has begun is broken off: the server closes the connection, so that nobody takes it for whole.
