"""The log's files exactly as C2SP ``tlog-tiles`` says, so that any cache can carry them."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.deps import Site

__all__ = ["log_router"]

# Tiles never change once they are whole: a cache may keep them for ever.
_FOREVER = "public, max-age=31536000, immutable"


def log_router(site: Site) -> APIRouter:
    """Return the routes of the log, below no prefix, as a publisher's origin promises."""
    router = APIRouter(tags=["log"])

    @router.get("/checkpoint", summary="The signed checkpoint (C2SP tlog-checkpoint)", response_class=Response)
    def checkpoint() -> Response:
        return _file(site, "checkpoint")

    @router.get("/tile/{path:path}", summary="A tile or an entry bundle (C2SP tlog-tiles)", response_class=Response)
    def tile(path: str) -> Response:
        return _file(site, f"tile/{path}")

    return router


def _file(site: Site, path: str) -> Response:
    served = site.log.read(path)
    cache = _FOREVER if served.immutable else "no-cache"
    return Response(served.data, media_type=served.content_type, headers={"Cache-Control": cache})
