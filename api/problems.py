"""Errors as RFC 9457 problems in the reader's language; to a browser, which shows them to a person, as a page."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.languages import language
from api.pages.rendering import problem_page
from ledger.errors import InputError, LedgerError, NotFoundError, UnavailableError
from ledger.wire.problems import MEDIA_TYPE, problem

__all__ = ["install", "respond", "status_of"]

_METHOD = 405
# Where HTTP has a status of its own for what the tree of errors calls by a wider name.
_STATUS = {"api.too_long": 413, "api.method": _METHOD}
_TAGS = {"zh": "zh-CN", "en": "en"}


def install(app: FastAPI) -> None:
    """Let every error of every route be a problem."""
    app.exception_handler(LedgerError)(_problem)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)


def status_of(error: LedgerError) -> int:
    """Return the HTTP status that tells of an error."""
    return _STATUS.get(error.code, error.http_status)


def respond(request: Request, error: LedgerError) -> Response:
    """Return the answer that tells of an error."""
    lang = language(request)
    status = status_of(error)
    headers = {"Vary": "Accept"}
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = str(error.retry_after)
    if _shown_to_a_person(request):
        page = problem_page(request, error, status)
        page.headers.update(headers)
        return page
    headers["Content-Language"] = _TAGS[lang]
    return JSONResponse(problem(error, lang) | {"status": status}, status, headers=headers, media_type=MEDIA_TYPE)


def _shown_to_a_person(request: Request) -> bool:
    """Whether a browser asks for a page; programs name JSON, or anything."""
    return request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", "").lower()


async def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, LedgerError):
        raise error
    return respond(request, error)


async def _invalid(request: Request, _error: Exception) -> Response:
    # What was sent is not repeated: it may be anything.
    return respond(request, InputError("api.malformed"))


async def _http(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", None)
    if status == NotFoundError.http_status:
        return respond(request, NotFoundError("api.no_route"))
    if status != _METHOD:
        return respond(request, InputError("api.malformed"))
    answer = respond(request, InputError("api.method"))
    # RFC 9110 section 15.5.6: which methods there are belongs to the answer.
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer
