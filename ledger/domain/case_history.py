"""A case as its events tell it: the machine of ``case_steps`` followed, not asked.

Whoever rebuilds a case from the chain does not judge again: the contract has judged. Each event is applied as it
stands, so no calendar and no list of departments is needed, and a picture can be made from the events alone. A property
test holds this against ``case_steps``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, TypeAlias

from ledger.domain.case_model import CaseModel
from ledger.domain.cases import CASE_ENDED, Action, NoticeKind, Outcome, Result, State
from ledger.domain.events import ClockChanged, HandedOver, Recorded, Stepped, Supervised

__all__ = [
    "ended_by",
    "with_child",
    "with_child_ended",
    "with_clock",
    "with_handover",
    "with_order",
    "with_record",
    "with_step",
]

_OUTCOMES: Final = {
    Action.REVOKE_RESULT: Outcome.REVOKED,
    Action.CHANGE_RESULT: Outcome.CHANGED,
    Action.DECLARE_UNLAWFUL: Outcome.UNLAWFUL,
    Action.DEREGISTER: Outcome.DEREGISTERED,
}
_RESULTS: Final = {Action.GRANT: Result.GRANTED, Action.REFUSE: Result.REFUSED}

# Fields of a word with their new values.
_Changes: TypeAlias = dict[str, Any]


def with_step(case: CaseModel, event: Stepped, time: int) -> CaseModel:
    """The case after a transition, at its block's time."""
    action, before = Action(event.action), case.word
    word: _Changes = {"state": State(event.state), "sequence": event.sequence + 1}
    clock: _Changes = {}
    if event.actor:
        # Whoever of the offices acted has the case; the handling city's first act on a submission is its receipt.
        kept = before.department if before.office == event.actor else 0
        word |= {"office": event.actor, "department": event.department or kept}
        if event.actor == before.handling and before.state is State.SUBMITTED:
            word["received"] = True
            clock["started"] = case.clock.started or time
    word |= _marks(case, event, action)
    clock |= _clocks(case, event, action, clock.get("started", case.clock.started), time)
    return CaseModel(replace(before, **word), replace(case.clock, **clock) if clock else case.clock, case.rule)


def with_handover(case: CaseModel, event: HandedOver) -> CaseModel:
    """The case in another office's hands."""
    return replace(case, word=replace(case.word, office=event.to_member, department=event.to_department))


def with_clock(case: CaseModel, event: ClockChanged) -> CaseModel:
    """The case with its clock as the contract set it."""
    clock = replace(case.clock, started=event.started, suspended=event.suspended, extension=event.extension)
    return replace(case, clock=clock)


def with_order(case: CaseModel, event: Supervised) -> CaseModel:
    """The case with one supervision order more, where one was issued."""
    return replace(case, word=replace(case.word, orders=max(case.word.orders, event.order)))


def with_record(case: CaseModel, _event: Recorded) -> CaseModel:
    """The case with one record more."""
    return replace(case, word=replace(case.word, records=case.word.records + 1))


def with_child(case: CaseModel) -> CaseModel:
    """A joint case with one child more, which is open."""
    word = replace(case.word, children=case.word.children + 1, children_open=case.word.children_open + 1)
    return replace(case, word=word)


def with_child_ended(case: CaseModel) -> CaseModel:
    """A joint case with one open child less."""
    return replace(case, word=replace(case.word, children_open=case.word.children_open - 1))


def ended_by(before: CaseModel, after: CaseModel) -> bool:
    """Whether a case came to its end between the two."""
    return after.word.state in CASE_ENDED and before.word.state not in CASE_ENDED


def _clocks(case: CaseModel, event: Stepped, action: Action, started: int, time: int) -> _Changes:
    match action:
        case Action.SUPPLY:
            return {"started": time}
        case Action.CLAIM | Action.SUSPEND:
            return {"since": time}
        case Action.SETTLE:
            return {"accepted": started, "since": 0}
        case Action.ACCEPT:
            return {"accepted": started if case.silent(event.elapsed) else time, "since": 0}
        case Action.RESUME:
            return {"since": 0}
        case Action.EXTEND:
            return {"extension": event.detail}
        case Action.REQUEST_CORRECTION:
            return {"asked": time}
        case Action.REBUT:
            return {"since": 0} | ({"asked": event.detail >> 8} if _asks(event, action) else {})
        case Action.GRANT | Action.REFUSE:
            return {"decided": time}
        case Action.CLOSE if case.is_parent:
            return {"decided": time}
        case _:
            return {}


def _marks(case: CaseModel, event: Stepped, action: Action) -> _Changes:
    word: _Changes = {}
    match action:
        case _ if action in _OUTCOMES:
            word = {"outcome": _OUTCOMES[action]}
        case _ if action in _RESULTS:
            word = {"result": _RESULTS[action]}
        case Action.SIGN_DELIVERY:
            word = {"signed": True}
        case Action.RATE:
            word = {"rating": event.detail}
        case Action.CLAIM:
            word = {"claim_pending": True}
        case Action.SETTLE:
            word = {"claim_pending": False, "claim_accepted": True}
        case Action.ACCEPT | Action.WITHDRAW | Action.REBUT:
            word = {"claim_pending": False}
        case Action.EXTEND:
            word = {"extended": True}
        case _:
            pass
    if _asks(event, action):
        side = "corrections_handling" if event.actor == case.word.handling else "corrections_receiving"
        word[side] = getattr(case.word, side) + 1
    return word


def _asks(event: Stepped, action: Action) -> bool:
    """Whether the step is a request for correction, or the proof of one."""
    if action is Action.REBUT:
        return event.detail & 255 != NoticeKind.NON_ACCEPTANCE
    return action is Action.REQUEST_CORRECTION
