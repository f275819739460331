"""Errors as problem documents (RFC 9457), the same for the API, the pages and between cities.

``title`` says what sort of problem it is, ``detail`` what happened, ``next_step`` what to do; ``code`` is stable and for
machines. Where a contract refused something, the reason that it gave is what the person is told.
"""

from __future__ import annotations

import json

from ledger.domain.canonical import JsonValue
from ledger.domain.reasons import Reason
from ledger.errors import (
    AuthorityError,
    ConflictError,
    InputError,
    IntegrityError,
    LedgerError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from ledger.wire.sentences import Language, Sentence, is_known, sentence

__all__ = ["MEDIA_TYPE", "explain", "problem", "problem_bytes", "read_problem", "reason_sentence"]

MEDIA_TYPE = "application/problem+json"
_BY_STATUS: dict[int, type[LedgerError]] = {
    kind.http_status: kind for kind in (AuthorityError, NotFoundError, ConflictError, InputError, IntegrityError)
}


def reason_sentence(reason: int, lang: Language) -> Sentence:
    """Why a contract refused, in words."""
    known = reason in Reason.__members__.values()
    name = Reason(reason).name.lower() if known else "unknown"
    return sentence(f"reasons.{name}", lang, reason=reason)


def explain(error: LedgerError, lang: Language) -> Sentence:
    """What to tell a person about an error."""
    reason = error.facts.get("reason")
    if isinstance(error, RefusedError) and isinstance(reason, int):
        return reason_sentence(reason, lang)
    return sentence(error.code, lang, **error.facts)


def problem(error: LedgerError, lang: Language, *, instance: str | None = None) -> dict[str, JsonValue]:
    """The problem document of an error; ``instance`` names this occurrence (a request's id)."""
    told = explain(error, lang)
    facts: dict[str, JsonValue] = dict(error.facts)
    document: dict[str, JsonValue] = {
        "type": f"/problems/{error.code}",
        "title": sentence(f"classes.{_sort(error)}", lang).text,
        "status": error.http_status,
        "detail": told.text,
        "next_step": told.next_step,
        "code": error.code,
        "facts": facts,
    }
    if isinstance(error, UnavailableError):
        document["retry_after"] = error.retry_after
    if instance is not None:
        document["instance"] = instance
    return document


def problem_bytes(error: LedgerError, lang: Language = "zh") -> bytes:
    """The problem document as it goes over the wire."""
    return json.dumps(problem(error, lang), ensure_ascii=False).encode()


def read_problem(data: bytes) -> LedgerError | None:
    """The error that another node's problem document tells of; ``None`` where it is none of ours.

    The kind follows from the status, and only codes that this node has words for are taken over.
    """
    try:
        document = json.loads(data)
        code, facts, status = document["code"], document["facts"], document["status"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(code, str) or not isinstance(facts, dict) or not is_known(code):
        return None
    known = {name: value for name, value in facts.items() if isinstance(value, str | int | bool | None)}
    if status == UnavailableError.http_status:
        retry = document.get("retry_after")
        return UnavailableError(code, retry_after=retry if isinstance(retry, int) else 5, **known)
    return _BY_STATUS.get(status, InputError)(code, **known)


def _sort(error: LedgerError) -> str:
    return type(error).__name__.removesuffix("Error").lower()
