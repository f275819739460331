"""The witness endpoint (C2SP tlog-witness): the daemon, which has the keys and the tree, answers; this only carries it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.deps import Site
from ledger.wire.witnessing import decode_answer

__all__ = ["witness_router"]


def witness_router(site: Site) -> APIRouter:
    """Return the route under ``/witness/v1``."""
    router = APIRouter(prefix="/witness/v1", tags=["log"])

    @router.post(
        "/add-checkpoint",
        summary="Ask this city to cosign a checkpoint (C2SP tlog-witness)",
        response_class=Response,
    )
    async def add_checkpoint(request: Request) -> Response:
        body = await request.body()
        answer = decode_answer(await run_in_threadpool(site.node.keys.cosign, body))
        # As a header and not as a media type, to which a charset would be added: the standard's clients compare the whole.
        headers = {"Content-Type": answer.content_type}
        if answer.retry_after is not None:
            headers["Retry-After"] = str(answer.retry_after)
        return Response(answer.body, answer.status, headers=headers)

    return router
