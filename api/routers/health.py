"""Whether this node is alive, whether it is ready, and its figures for Prometheus."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.deps import Site
from api.languages import language
from api.telemetry import CONTENT_TYPE, figures
from ledger.services import health

__all__ = ["health_router"]


def health_router(site: Site) -> APIRouter:
    """Return ``/healthz``, ``/readyz`` and ``/metrics``."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Whether this process answers")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", summary="Whether the node is ready; if not, what is wrong and what to do")
    def readyz(request: Request) -> Response:
        found = health.findings(site.node, site.log)
        lang = language(request)
        listed: list[dict[str, Any]] = []
        for finding in found:
            told = finding.told(lang)
            listed.append({"code": finding.code, "text": told.text, "next_step": told.next_step})
        return JSONResponse({"ready": not found, "findings": listed}, 503 if found else 200)

    @router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    def metrics() -> Response:
        return Response(figures(site), media_type=CONTENT_TYPE)

    return router
