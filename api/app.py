"""The web process: what anyone may ask without signing in.

Serves the log's files exactly as C2SP ``tlog-tiles`` says, so that any cache can carry them, and verifies receipts. Holds
no key. Errors are RFC 9457 problems in the language of ``Accept-Language``: a code, a sentence, a next step.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from ledger.domain.limits import LIMITS
from ledger.domain.policies import Policy
from ledger.errors import InputError, LedgerError, UnavailableError
from ledger.log.view import LogView
from ledger.ports import Clock
from ledger.wire.problems import problem
from ledger.wire.receipts import read_receipt
from ledger.wire.verification import verify_receipt

__all__ = ["create_app"]

_PROBLEM = "application/problem+json"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Tiles never change once they are whole: a cache may keep them for ever.
_FOREVER = "public, max-age=31536000, immutable"


def create_app(log: LogView, policy: Policy, clock: Clock) -> FastAPI:
    """Make the application.

    Args:
        log: the city's log, which the daemon writes.
        policy: the network's cosigning policy, against which receipts are verified.
        clock: POSIX seconds.
    """
    app = FastAPI(title="Tongban Ledger 通办链", version="0.1.0", docs_url=None, redoc_url=None)
    app.exception_handler(LedgerError)(_problem)
    app.middleware("http")(_guard)

    @app.get("/healthz", summary="Whether this process answers")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Whether a checkpoint of the log is served")
    def readyz() -> dict[str, int]:
        return {"log_size": log.tree().head.size, "checkpoint_bytes": len(log.checkpoint())}

    @app.get("/checkpoint", summary="The signed checkpoint (C2SP tlog-checkpoint)")
    def checkpoint() -> Response:
        return _file("checkpoint")

    @app.get("/tile/{path:path}", summary="A tile or an entry bundle (C2SP tlog-tiles)")
    def tile(path: str) -> Response:
        return _file(f"tile/{path}")

    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}

    @app.post("/v1/verify", summary="Verify a receipt against the network's policy", openapi_extra=body)
    async def verify(request: Request) -> dict[str, Any]:
        # The bytes themselves: a receipt is read strictly, duplicate keys and other spellings are refused.
        receipt = read_receipt(await request.body())
        verdict = verify_receipt(receipt, policy, now=clock())
        checks = [
            {"name": check.name, "outcome": check.outcome.value, "code": check.code, "evidence": dict(check.evidence)}
            for check in verdict.checks
        ]
        return {"good": verdict.good, "checks": checks}

    def _file(path: str) -> Response:
        served = log.read(path)
        cache = _FOREVER if served.immutable else "no-cache"
        return Response(served.data, media_type=served.content_type, headers={"Cache-Control": cache})

    return app


async def _guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse a body that is too long before it is read, and set the headers that every answer has."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > LIMITS.receipt_bytes or "transfer-encoding" in request.headers:
        error = InputError("api.too_long", limit=LIMITS.receipt_bytes)
        response: Response = JSONResponse(problem(error, _language(request)), 413, media_type=_PROBLEM)
    else:
        response = await go_on(request)
    response.headers.update(_HEADERS)
    return response


async def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, LedgerError):
        raise error
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, UnavailableError) else {}
    document = problem(error, _language(request))
    return JSONResponse(document, error.http_status, headers=headers, media_type=_PROBLEM)


def _language(request: Request) -> Literal["zh", "en"]:
    return "en" if request.headers.get("accept-language", "").startswith("en") else "zh"
