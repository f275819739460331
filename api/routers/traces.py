"""The trace 全程留痕 of a case, material, consent, transaction or file."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from api.deps import Site
from api.languages import language
from ledger.services.trace import show
from ledger.wire.traces import document

__all__ = ["traces_router"]


def traces_router(site: Site) -> APIRouter:
    """Return ``GET /v1/trace/{id}``."""
    router = APIRouter(prefix="/v1", tags=["trace"])

    @router.get("/trace/{identifier}", summary="The timeline of anything on the chain, a proof for each line")
    def trace(identifier: str, request: Request) -> dict[str, Any]:
        return document(show(site.node, identifier), language(request))

    return router
