"""A case as it stands: state, offices, limit; nothing of what is in it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from api.deps import Site
from api.problems import language
from ledger.domain.cases import Mode, Outcome, Result, State
from ledger.services.overview import case_shown
from ledger.wire.sentences import term
from ledger.wire.traces import china_time, days_text

__all__ = ["cases_router"]

_EXAMPLE = "22baf9eda447490aa5b86d909106b08892c30b5347cf6685b5fe95828e5109a3"
_ANSWER = {
    "case": _EXAMPLE, "state": {"code": 6, "name": "审查"}, "mode": {"code": 2, "name": "异地代收代办"},
    "receiving": 4, "handling": 3, "office": 3, "matter": {"id": "…", "code": "local:tongban:…"}, "result": "none",
    "outcome": "stands", "sequence": 7, "corrections": 1, "opened_at": "2026-03-02T09:00:52+08:00",
    "changed_at": "2026-03-02T09:00:58+08:00", "parent": None, "agreement": "…", "limit": "决定时限：已用 0 个工作日",
}  # fmt: skip


def cases_router(site: Site) -> APIRouter:
    """Return ``GET /v1/cases/{id}``."""
    router = APIRouter(prefix="/v1", tags=["cases"])

    @router.get(
        "/cases/{identifier}",
        summary="A case as it stands",
        responses={200: {"content": {"application/json": {"example": _ANSWER}}}},
    )
    def case(
        request: Request,
        identifier: Annotated[
            str, Path(description="the case's id, 64 hexadecimal digits", examples=[_EXAMPLE], max_length=96)
        ],
    ) -> dict[str, Any]:
        lang = language(request)
        found = case_shown(site.node, identifier)
        zero = bytes(32)
        return {
            "case": found.case.hex(),
            "state": {"code": found.state, "name": term("states", State(found.state).name, lang)},
            "mode": {"code": found.mode, "name": term("modes", Mode(found.mode).name, lang)},
            "receiving": found.receiving,
            "handling": found.handling,
            "office": found.office,
            "matter": {"id": found.matter.hex(), "code": found.code},
            "result": Result(found.result).name.lower(),
            "outcome": Outcome(found.outcome).name.lower(),
            "sequence": found.sequence,
            "corrections": found.corrections,
            "opened_at": china_time(found.opened_at),
            "changed_at": china_time(found.changed_at),
            "parent": found.parent.hex() if found.parent != zero else None,
            "agreement": found.agreement.hex() if found.agreement != zero else None,
            "limit": days_text(found.days, lang) if found.days is not None else None,
        }

    return router
