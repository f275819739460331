"""Verifying a receipt over HTTP: the same check that ``tongban verify`` makes offline.

The files themselves stay where they are: whoever asks sends their digests beside the receipt, or the receipt alone.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.deps import Site
from ledger.services.verification import verify as verify_here
from ledger.wire.questions import read_question
from ledger.wire.verification import Verdict

__all__ = ["verification_router"]


def verification_router(site: Site) -> APIRouter:
    """Return ``POST /v1/verify``."""
    router = APIRouter(prefix="/v1", tags=["verification"])

    @router.post(
        "/verify",
        summary="Verify a receipt by the network's policy: the receipt alone is the body, or it and its files' digests",
        description="A receipt is some 20 KB; the example leaves most of its text out. To try it, send a receipt's file as it "
        "is: curl --data-binary @household.receipt.json -H 'content-type: application/json' ADDRESS/v1/verify",
    )
    async def verify(request: Request) -> dict[str, Any]:
        # The bytes themselves: a receipt is read strictly, duplicate keys and other spellings are refused.
        body = await request.body()
        verdict = await run_in_threadpool(_verified, site, body)
        checks = [
            {"name": check.name, "outcome": check.outcome.value, "code": check.code, "evidence": dict(check.evidence)}
            for check in verdict.checks
        ]
        return {"good": verdict.good, "checks": checks}

    return router


def _verified(site: Site, body: bytes) -> Verdict:
    question = read_question(body)
    return verify_here(site.node, question.receipt, question.files)
