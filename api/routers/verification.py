"""Verifying a receipt over HTTP: the same check that ``tongban verify`` makes offline."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.deps import Site
from ledger.services.verification import verify as verify_here

__all__ = ["verification_router"]


def verification_router(site: Site) -> APIRouter:
    """Return ``POST /v1/verify``."""
    router = APIRouter(prefix="/v1", tags=["verification"])

    @router.post("/verify", summary="Verify a receipt against the network's policy")
    async def verify(request: Request) -> dict[str, Any]:
        # The bytes themselves: a receipt is read strictly, duplicate keys and other spellings are refused.
        verdict = await run_in_threadpool(verify_here, site.node, await request.body())
        checks = [
            {"name": check.name, "outcome": check.outcome.value, "code": check.code, "evidence": dict(check.evidence)}
            for check in verdict.checks
        ]
        return {"good": verdict.good, "checks": checks}

    return router
