"""The log's files exactly as C2SP ``tlog-tiles`` says, so that any cache can carry them.

Entry bundles go compressed to whoever takes gzip, as the standard recommends: they are JSON, and shrink to a tenth.
"""

from __future__ import annotations

import gzip

from fastapi import APIRouter, Request, Response

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
    def tile(path: str, request: Request) -> Response:
        answer = _file(site, f"tile/{path}")
        return _compressed(request, answer) if path.startswith("entries/") else answer

    return router


def _file(site: Site, path: str) -> Response:
    served = site.log.read(path)
    cache = _FOREVER if served.immutable else "no-cache"
    return Response(served.data, media_type=served.content_type, headers={"Cache-Control": cache})


def _compressed(request: Request, answer: Response) -> Response:
    # A cache keeps one of each: to somebody who takes no gzip it may not give the compressed one.
    answer.headers["Vary"] = "Accept-Encoding"
    if _takes_gzip(request.headers.get("accept-encoding", "")):
        # mtime: the same bytes for the same bundle, whenever it is asked for.
        answer.body = gzip.compress(answer.body, compresslevel=6, mtime=0)
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Content-Length"] = str(len(answer.body))
    return answer


def _takes_gzip(header: str) -> bool:
    """Whether an ``Accept-Encoding`` field names gzip and not with weight zero (RFC 9110 section 12.5.3)."""
    for item in header.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        if name == "gzip":
            return not any(part.replace(" ", "").rstrip("0.") == "q=" for part in parameters)
    return False
