"""Errors as problem documents (RFC 9457), the same for the API, the pages and between cities.

``title`` says what sort of problem it is, ``detail`` what happened, ``next_step`` what to do; ``code`` is stable and for
machines. Where a contract refused something, the reason that it gave is what the person is told.
"""

from __future__ import annotations

import json
import re
from typing import TypeGuard

from ledger.domain import canonical
from ledger.domain.canonical import JsonValue
from ledger.domain.limits import LIMITS
from ledger.domain.materials import RevocationCause
from ledger.domain.reasons import Reason
from ledger.errors import (
    AuthorityError,
    ConflictError,
    Fact,
    FormatError,
    InputError,
    IntegrityError,
    LedgerError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from ledger.wire.sentences import PHRASES, Language, Sentence, is_known, sentence, term

__all__ = ["MEDIA_TYPE", "explain", "problem", "problem_bytes", "read_problem", "reason_sentence"]

MEDIA_TYPE = "application/problem+json"
# Names that an error can carry as a fact; what it is made of is none.
_FACT = re.compile(r"(?!(?:code|self|retry_after)\Z)[a-z][a-z0-9_]{0,31}\Z")
_FACT_CHARS = 200
_PAUSE = 5
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
    return sentence(error.code, lang, **{name: _worded(name, value, lang) for name, value in error.facts.items()})


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


def read_problem(data: bytes, status: int) -> LedgerError | None:
    """The error that another node's problem document tells of; ``None`` where it is none of ours.

    Whatever another node sends is read without raising: only codes that this node has words for are taken over, and of
    the facts only short ones. The kind follows from the status of the answer, which the document must repeat.

    Args:
        data: the body of the answer.
        status: the answer's HTTP status.
    """
    try:
        document = canonical.parse(data, limit=LIMITS.problem_bytes)
    except FormatError:
        return None
    if not isinstance(document, dict) or type(document.get("status")) is not int or document["status"] != status:
        return None
    code, facts = document.get("code"), document.get("facts")
    if not isinstance(code, str) or not isinstance(facts, dict) or code.partition(".")[0] in PHRASES:
        return None
    if not is_known(code):
        return None
    known = {name: value for name, value in facts.items() if _FACT.match(name) and _is_fact(value)}
    if status == UnavailableError.http_status:
        return UnavailableError(code, retry_after=_pause(document.get("retry_after")), **known)
    return _BY_STATUS.get(status, InputError)(code, **known)


def _worded(name: str, value: Fact, lang: Language) -> Fact:
    """A reason of the contracts and a cause of a revocation are names and numbers for programs, words for people."""
    if name == "reason" and isinstance(value, str) and is_known(f"reasons.{value}"):
        return sentence(f"reasons.{value}", lang).text.rstrip("。.")
    if name == "cause" and isinstance(value, int) and value in RevocationCause.__members__.values():
        return term("revocation_causes", RevocationCause(value).name, lang)
    return value


def _is_fact(value: object) -> TypeGuard[Fact]:
    return (
        value is None
        or isinstance(value, int)
        or (isinstance(value, str) and len(value) <= _FACT_CHARS and value.isprintable())
    )


def _pause(stated: object) -> int:
    if type(stated) is not int:
        return _PAUSE
    return min(max(stated, 1), LIMITS.peer_retry_seconds)


def _sort(error: LedgerError) -> str:
    return type(error).__name__.removesuffix("Error").lower()
