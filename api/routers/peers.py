"""What the other cities' nodes ask of this one: encrypted blocks, releases for recorded uses, deliveries.

Requests and answers are signed (RFC 9421); an answer to a request that could not be verified is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from ledger.domain.limits import LIMITS
from ledger.errors import InputError, LedgerError, UnavailableError
from ledger.services import attending, peers
from ledger.services.context import Node
from ledger.services.peers import Asked
from ledger.wire.problems import MEDIA_TYPE, problem_bytes

__all__ = ["peers_router"]

_OCTETS = "application/octet-stream"
# Uses are numbered from one; no database has whole numbers beyond 63 bits.
_Use = Annotated[int, Path(description="the number of a recorded use", ge=0, le=2**63 - 1, examples=[7])]


def peers_router(node: Node) -> APIRouter:
    """Return the routes under ``/peers/v1``.

    Args:
        node: this city.
    """
    router = APIRouter(prefix="/peers/v1", tags=["peers"])

    @router.get("/blobs/{cid}", summary="One block of encrypted content, by its CID", response_class=Response)
    async def blob(request: Request, cid: str) -> Response:
        return await _answer(node, request, lambda _member, _body: peers.serve_blob(node, cid))

    @router.post("/releases/{use}", summary="What a recorded use lets the asking city read", response_class=Response)
    async def release(request: Request, use: _Use) -> Response:
        return await _answer(node, request, lambda member, body: peers.serve_release(node, member, use, body))

    @router.post("/inbox", summary="Deliver a sealed document", response_class=Response)
    async def inbox(request: Request) -> Response:
        def take(member: int, body: bytes) -> bytes:
            peers.take_in(node, member, body)
            return b""

        return await _answer(node, request, take)

    @router.post(
        "/attending",
        summary="What another city's window needs for a person whose keys this city keeps",
        response_class=Response,
    )
    async def attend(request: Request) -> Response:
        return await _answer(node, request, lambda member, body: attending.serve(node, member, body))

    return router


async def _answer(node: Node, request: Request, serve: Callable[[int, bytes], bytes]) -> Response:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LIMITS.peer_delivery_bytes:
            raise InputError("peers.too_long", limit=LIMITS.peer_delivery_bytes)
    # The target as it was sent and signed, not as it reads once it is decoded.
    target = request.scope["raw_path"].decode("latin-1")
    query = f"?{request.url.query}" if request.url.query else ""
    asked = Asked(request.method, target + query, bytes(body), dict(request.headers))
    return await run_in_threadpool(_respond, node, asked, serve)


def _respond(node: Node, asked: Asked, serve: Callable[[int, bytes], bytes]) -> Response:
    member = peers.verify(node, asked)
    headers: dict[str, str] = {}
    try:
        status, kind, body = 200, _OCTETS, serve(member, asked.body)
    except LedgerError as error:
        # The other side verifies refusals too: only this city may say no in its own name.
        status, kind, body = error.http_status, MEDIA_TYPE, problem_bytes(error)
        if isinstance(error, UnavailableError):
            headers["retry-after"] = str(error.retry_after)
    return Response(body, status, headers={**headers, **peers.sign_answer(node, asked, status, body)}, media_type=kind)
