"""The node's own pages: how it is, what happened in a case, and what a programmer may call."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request, Response

from api.deps import Site
from api.examples import EXAMPLES
from api.languages import language
from api.pages.rendering import page, problem_page, words
from ledger.domain.cases import Mode, State
from ledger.domain.divisions import english_name, full_name
from ledger.errors import InputError, LedgerError
from ledger.services import audit, catalogue
from ledger.services.overview import CaseShown, MemberShown, Overview, case_shown, overview
from ledger.services.trace import show
from ledger.wire.problems import MEDIA_TYPE
from ledger.wire.sentences import Language, filled, sentence, term
from ledger.wire.traces import Line, Trace, china_time, days_text, line_text

__all__ = ["node_pages"]

_MINUTE = 120
_TO_MINUTES = len("2026-03-02 09:00")


def node_pages(site: Site) -> APIRouter:
    """Return ``/``, ``/trace/{id}`` and ``/docs``."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def status(request: Request) -> Response:
        lang = language(request)
        view = overview(site.node, site.log)
        names = {member.member: _name(member.division, lang) for member in view.members}
        found = [item.told(lang) for item in view.findings]
        matters = _matters(site, view.cases, lang)
        return page(
            request,
            "status.html",
            city=_name(view.division, lang),
            view=view,
            findings=[{"text": item.text, "next_step": item.next_step} for item in found],
            age=None if view.block_time is None else _age(view.now - view.block_time, lang),
            clock=_clock(view.now),
            offset=_offset(view.offset, lang),
            distance=_distance(view, lang),
            waiting=_waiting(view, lang),
            cosigners=[_name(code, lang) for code in view.log.cosigners],
            publishers=[]
            if view.publishes
            else [{"name": _name(one, lang), "url": url} for one, url in view.publishers],
            cases=[_case(case, names, matters, lang) for case in view.cases],
            members=[_member(member, view, lang) for member in view.members],
        )

    @router.get("/trace/{identifier}")
    def trace(identifier: str, request: Request) -> Response:
        lang = language(request)
        try:
            found = show(site.node, identifier)
        except LedgerError as error:
            return problem_page(request, error)
        with site.node.database.read() as connection:
            refused = audit.listed(connection, _subjects(found))
        return page(
            request,
            "trace.html",
            trace=found,
            kind=term("trace_kinds", found.kind, lang),
            matter=_matter_of(site, found, lang),
            upto=_clock(found.time),
            limit=days_text(found.days, lang) if found.days is not None else "",
            lines=[_line(line, found, lang) for line in found.lines],
            refused=[
                {"text": sentence(item.code, lang).text, "time": _clock(item.time), "code": item.code}
                for item in refused
            ],
        )

    @router.get("/docs")
    def docs(request: Request) -> Response:
        return page(request, "docs.html", routes=_routes(request.app.openapi(), language(request)))

    return router


def _example(content: dict[str, Any]) -> str:
    shown = next((told["example"] for told in content.values() if told.get("example") is not None), None)
    return shown if isinstance(shown, str) else "" if shown is None else json.dumps(shown, ensure_ascii=False, indent=1)


def _routes(document: dict[str, Any], lang: Language) -> list[dict[str, Any]]:
    found = []
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            content = told["responses"]["200"].get("content", {})
            asked = told.get("requestBody", {}).get("content", {})
            refusals = [
                {"status": status, "code": code, "text": sentence(code, lang, **example["value"]["facts"]).text}
                for status, answer in sorted(told["responses"].items())
                for code, example in answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {}).items()
            ]
            found.append(
                {
                    "method": method.upper(),
                    "path": path,
                    "summary": EXAMPLES[method, path].zh if lang == "zh" else told["summary"],
                    "request": _example(asked),
                    "answer": _example(content),
                    "refusals": refusals,
                }
            )
    return found


def _name(code: str, lang: Language) -> str:
    try:
        return (english_name(code) if lang == "en" else "") or full_name(code)
    except InputError:
        # A park or a zone has a local code that no table names.
        return code


def _member(member: MemberShown, view: Overview, lang: Language) -> dict[str, object]:
    cosigned = dict(zip(view.log.cosigners, view.log.cosigned_at, strict=True)).get(member.division)
    return {
        "name": (english_name(member.division) if lang == "en" else "") or member.name,
        "here": member.member == view.member,
        "status": term("member_statuses", member.status.name, lang),
        "voting": member.voting,
        "published": "" if member.published_at is None else _clock(member.published_at)[:_TO_MINUTES],
        "cosigned": "" if cosigned is None else _clock(cosigned)[:_TO_MINUTES],
    }


def _distance(view: Overview, lang: Language) -> str:
    if view.head is None or view.block is None:
        return ""
    behind = view.head.finalised - view.block
    told = words(lang)
    return str(told.caught_up) if behind <= 0 else str(told.behind).format(blocks=behind)


def _waiting(view: Overview, lang: Language) -> list[dict[str, object]]:
    told = words(lang)
    counted = (
        (told.waiting_intents, view.waiting.intents),
        (told.waiting_flight, view.waiting.in_flight),
        (told.waiting_materials, view.waiting.materials),
        (told.waiting_papers, view.papers),
        (told.waiting_releases, view.releases),
    )
    return [{"name": name, "count": count} for name, count in counted] if any(count for _, count in counted) else []


def _matters(site: Site, cases: Iterable[CaseShown], lang: Language) -> dict[tuple[int, bytes], str]:
    """What the cases' matters are called, where the entry of who decides them is here."""
    found = catalogue.entries_here(site.node, {(case.handling, case.matter) for case in cases})
    return {about: entry.zh if lang == "zh" else entry.en for about, entry in found.items()}


def _matter_of(site: Site, found: Trace, lang: Language) -> str:
    if found.kind != "case":
        return ""
    case = case_shown(site.node, found.identifier)
    return _matters(site, [case], lang).get((case.handling, case.matter), case.code)


def _case(
    case: CaseShown, names: dict[int, str], matters: dict[tuple[int, bytes], str], lang: Language
) -> dict[str, str]:
    cities = [names.get(case.receiving, str(case.receiving)), names.get(case.handling, str(case.handling))]
    return {
        "id": case.case.hex(),
        "state": term("states", State(case.state).name, lang),
        "matter": matters.get((case.handling, case.matter), ""),
        "mode": term("modes", Mode(case.mode).name, lang),
        "cities": " → ".join(dict.fromkeys(cities)),
        "changed": _clock(case.changed_at),
    }


def _line(line: Line, found: Trace, lang: Language) -> dict[str, object]:
    return {
        "iso": china_time(line.time),
        "time": _clock(line.time),
        "text": line_text(line, found.parties, lang),
        "days": days_text(line.days, lang) if line.days is not None else "",
        "block": line.place.block,
        "entry": line.place.entry,
        "refused": line.refused is not None,
    }


def _subjects(found: Trace) -> list[str]:
    return [found.identifier, found.identifier.rpartition("0x")[2], *(case.hex() for case in found.cases)]


def _clock(moment: int) -> str:
    return china_time(moment)[:19].replace("T", " ")


def _age(seconds: int, lang: Language) -> str:
    told = words(lang)
    seconds = max(0, seconds)
    if seconds < _MINUTE:
        return filled(str(told.seconds_ago), {"seconds": seconds})
    return filled(str(told.minutes_ago), {"minutes": seconds // 60})


def _offset(seconds: int, lang: Language) -> str:
    # One second is the rounding of two clocks, not a calendar that was moved.
    if abs(seconds) <= 1:
        return ""
    days, rest = divmod(abs(seconds), 86_400)
    sign = "−" if seconds < 0 else "+"
    return f"{sign}{days} 天 {rest // 3600} 小时" if lang == "zh" else f"{sign}{days} d {rest // 3600} h"
