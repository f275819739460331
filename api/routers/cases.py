"""A case as it stands, and how it came there: state, offices, limit, every step; nothing of what is in it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from api.deps import Site
from api.languages import language
from ledger.domain.cases import Mode, Outcome, Result, State
from ledger.services.overview import case_shown, transitions
from ledger.services.trace import show
from ledger.wire.sentences import Language, term
from ledger.wire.traces import Line, Trace, china_time, days_document, days_text, line_text

__all__ = ["cases_router"]


def cases_router(site: Site) -> APIRouter:
    """Return ``GET /v1/cases/{id}``."""
    router = APIRouter(prefix="/v1", tags=["cases"])

    @router.get("/cases/{identifier}", summary="A case as it stands, and every step of it")
    def case(
        request: Request,
        identifier: Annotated[str, Path(description="the case's id, 64 hexadecimal digits", max_length=96)],
    ) -> dict[str, Any]:
        lang = language(request)
        found = case_shown(site.node, identifier)
        trace = show(site.node, found.case.hex())
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
            "as_of_block": trace.block,
            "transitions": [_transition(line, trace, lang) for line in transitions(trace, found.case)],
        }

    return router


def _transition(line: Line, trace: Trace, lang: Language) -> dict[str, Any]:
    facts = {name: str(value) for name, _, value in line.facts}
    who = line.who
    party = None if who is None else trace.parties.get(who.member)
    # Submission is no step of the contract's table: the opening itself.
    state = facts.get("state", State.SUBMITTED.name.lower())
    action = facts.get("action", "submit")
    return {
        "action": {
            "code": action,
            "name": term("actions", action, lang) if line.kind == "stepped" else term("operations", "open", lang),
        },
        "state": {"code": int(State[state.upper()]), "name": term("states", state, lang)},
        "at": china_time(line.time),
        "member": None if who is None else {"number": who.member, "name": "" if party is None else party.name},
        "by_applicant": line.kind == "opened" or (who is not None and who.applicant),
        "days": days_document(line.days, lang),
        "text": line_text(line, trace.parties, lang),
        "block": line.place.block,
        "entry": line.place.entry,
    }
