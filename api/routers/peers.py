"""What the other cities' nodes ask of this one: encrypted blocks, releases for recorded uses, deliveries.

Requests and answers are signed (RFC 9421); an answer to a request that could not be verified is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias

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
# Answers a request once it is verified, or says why not; an error raised is of a request that could not be verified.
_Serve: TypeAlias = Callable[[Node, Asked], bytes | LedgerError]
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
        return await _answer(node, request, _served(lambda _member, _body: peers.serve_blob(node, cid)))

    @router.post("/releases/{use}", summary="What a recorded use lets the asking city read", response_class=Response)
    async def release(request: Request, use: _Use) -> Response:
        return await _answer(node, request, _served(lambda member, body: peers.serve_release(node, member, use, body)))

    @router.post("/inbox", summary="Deliver a sealed document", response_class=Response)
    async def inbox(request: Request) -> Response:
        return await _answer(node, request, peers.deliver)

    @router.post(
        "/attending",
        summary="What another city's window needs for a person whose keys this city keeps",
        response_class=Response,
    )
    async def attend(request: Request) -> Response:
        return await _answer(node, request, _served(lambda member, body: attending.serve(node, member, body)))

    return router


def _served(serve: Callable[[int, bytes], bytes]) -> _Serve:
    """Verify a request first, and give a refusal back as the answer that it is."""

    def answer(node: Node, asked: Asked) -> bytes | LedgerError:
        member = peers.verify(node, asked)
        try:
            return serve(member, asked.body)
        except LedgerError as refusal:
            return refusal

    return answer


async def _answer(node: Node, request: Request, serve: _Serve) -> Response:
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


def _respond(node: Node, asked: Asked, serve: _Serve) -> Response:
    body = serve(node, asked)
    status, kind, headers = 200, _OCTETS, {}
    if isinstance(body, LedgerError):
        # The other side verifies refusals too: only this city may say no in its own name.
        if isinstance(body, UnavailableError):
            headers["retry-after"] = str(body.retry_after)
        status, kind, body = body.http_status, MEDIA_TYPE, problem_bytes(body)
    return Response(body, status, headers={**headers, **peers.sign_answer(node, asked, status, body)}, media_type=kind)
