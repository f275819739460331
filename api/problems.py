"""Errors as RFC 9457 problems in the reader's language, and the guard before every route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ledger.domain.limits import LIMITS
from ledger.errors import InputError, LedgerError, NotFoundError, UnavailableError
from ledger.wire.problems import MEDIA_TYPE, problem

__all__ = ["install", "language"]

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def install(app: FastAPI) -> None:
    """Let every error of every route be a problem, and every answer carry the same safe headers."""
    app.exception_handler(LedgerError)(_problem)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    app.middleware("http")(_guard)


def language(request: Request) -> Literal["zh", "en"]:
    """Return the reader's language: what the address says, else the browser's, else Chinese."""
    asked = request.query_params.get("lang") or request.headers.get("accept-language", "")
    return "en" if asked.lower().startswith("en") else "zh"


async def _guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse a body that is too long, or whose length is not said, before it is read."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > LIMITS.receipt_bytes or "transfer-encoding" in request.headers:
        response: Response = _respond(request, InputError("api.too_long", limit=LIMITS.receipt_bytes), 413)
    else:
        response = await go_on(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, LedgerError):
        raise error
    return _respond(request, error, error.http_status)


async def _invalid(request: Request, _error: Exception) -> Response:
    # What was sent is not repeated: it may be anything.
    return _respond(request, InputError("api.malformed"), InputError.http_status)


async def _http(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    if status == NotFoundError.http_status:
        return _respond(request, NotFoundError("api.no_route"), status)
    return _respond(request, InputError("api.method"), status)


def _respond(request: Request, error: LedgerError, status: int) -> Response:
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, UnavailableError) else {}
    document = problem(error, language(request)) | {"status": status}
    return JSONResponse(document, status, headers=headers, media_type=MEDIA_TYPE)
