"""Errors as problem documents (RFC 9457), the same for the API, the pages and between cities.

``title`` says what sort of problem it is, ``detail`` what happened, ``next_step`` what to do; ``code`` is stable and for
machines. Where a contract refused something, the reason that it gave is what the person is told.
"""

from __future__ import annotations

from ledger.domain.canonical import JsonValue
from ledger.domain.reasons import Reason
from ledger.errors import LedgerError, RefusedError, UnavailableError
from ledger.wire.sentences import Language, Sentence, sentence

__all__ = ["MEDIA_TYPE", "explain", "problem", "reason_sentence"]

MEDIA_TYPE = "application/problem+json"


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


def _sort(error: LedgerError) -> str:
    return type(error).__name__.removesuffix("Error").lower()
