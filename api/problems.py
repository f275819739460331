"""Errors as RFC 9457 problems in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ledger.errors import InputError, LedgerError, NotFoundError, UnavailableError
from ledger.wire.problems import MEDIA_TYPE, problem
from ledger.wire.sentences import LANGUAGES, Language

__all__ = ["install", "language", "respond", "status_of"]

_METHOD = 405
# Where HTTP has a status of its own for what the tree of errors calls by a wider name.
_STATUS = {"api.too_long": 413, "api.method": _METHOD}
_TAGS = {"zh": "zh-CN", "en": "en"}


def install(app: FastAPI) -> None:
    """Let every error of every route be a problem."""
    app.exception_handler(LedgerError)(_problem)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)


def language(request: Request) -> Language:
    """Return the reader's language: what the address says (``?lang=zh``, ``?lang=en``), else the browser's, else Chinese.

    Of ``Accept-Language`` the heavier one of the two counts (RFC 9110 section 12.5.4), the earlier one where both weigh
    the same; a tag counts with everything below it, ``zh-CN`` for Chinese.
    """
    asked = request.query_params.get("lang")
    for known in LANGUAGES:
        if asked == known:
            return known
    ranges = list(_ranges(request.headers.get("accept-language", "")))
    named = {tag for tag, _ in ranges}
    best: Language = "zh"
    heaviest = 0.0
    for tag, weight in ranges:
        # "*" stands for what is not named itself; of that, Chinese comes first.
        found = next((known for known in LANGUAGES if tag == known or (tag == "*" and known not in named)), None)
        if found is not None and weight > heaviest:
            best, heaviest = found, weight
    return best


def status_of(error: LedgerError) -> int:
    """Return the HTTP status that tells of an error."""
    return _STATUS.get(error.code, error.http_status)


def respond(request: Request, error: LedgerError) -> Response:
    """Return the answer that tells of an error."""
    lang = language(request)
    status = status_of(error)
    headers = {"Content-Language": _TAGS[lang]}
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = str(error.retry_after)
    return JSONResponse(problem(error, lang) | {"status": status}, status, headers=headers, media_type=MEDIA_TYPE)


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


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    """The primary tags of an ``Accept-Language`` field with their weights; what is malformed is passed over."""
    for item in header.split(","):
        tag, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                weight = _weight(value.strip())
        yield tag.partition("-")[0], weight


def _weight(text: str) -> float:
    # qvalue of RFC 9110 section 12.4.2: at most three digits, nothing above one.
    whole, _, part = text.partition(".")
    plain = (whole + part).isascii() and (whole + part).isdigit() and len(part) <= 3
    return min(float(text), 1.0) if plain and whole in {"0", "1"} else 0.0
