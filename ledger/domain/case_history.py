"""A case as its events tell it: the machine of ``case_steps`` followed, not asked.

Whoever rebuilds a case from the chain does not judge again: the contract has judged. Each event is applied as it
stands, so no calendar and no list of departments is needed, and a picture can be made from the events alone. A property
test holds this against ``case_steps``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

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


def with_step(case: CaseModel, event: Stepped, time: int) -> CaseModel:
    """The case after a transition, at its block's time."""
    action = Action(event.action)
    after = replace(case, word=replace(case.word, state=State(event.state), sequence=event.sequence + 1))
    if event.actor:
        after = _by_office(case, after, event, time)
    after = _clocks(case, after, event, time)
    return _marks(case, after, event, action)


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


def _by_office(case: CaseModel, after: CaseModel, event: Stepped, time: int) -> CaseModel:
    """Whoever of the offices acted has the case; the handling city's first act on a submission is its receipt."""
    kept = case.word.department if case.word.office == event.actor else 0
    word = replace(after.word, office=event.actor, department=event.department or kept)
    clock = after.clock
    if event.actor == case.word.handling and case.word.state is State.SUBMITTED:
        word = replace(word, received=True)
        clock = clock if clock.started else replace(clock, started=time)
    return replace(after, word=word, clock=clock)


def _clocks(case: CaseModel, after: CaseModel, event: Stepped, time: int) -> CaseModel:  # one case an action
    clock = after.clock
    match Action(event.action):
        case Action.SUPPLY:
            clock = replace(clock, started=time)
        case Action.CLAIM | Action.SUSPEND:
            clock = replace(clock, since=time)
        case Action.SETTLE:
            clock = replace(clock, accepted=clock.started, since=0)
        case Action.ACCEPT:
            clock = replace(clock, accepted=clock.started if case.silent(event.elapsed) else time, since=0)
        case Action.RESUME:
            clock = replace(clock, since=0)
        case Action.EXTEND:
            clock = replace(clock, extension=event.detail)
        case Action.REQUEST_CORRECTION:
            clock = replace(clock, asked=time)
        case Action.REBUT:
            clock = replace(clock, since=0)
            if event.detail & 255 != NoticeKind.NON_ACCEPTANCE:
                clock = replace(clock, asked=event.detail >> 8)
        case Action.GRANT | Action.REFUSE:
            clock = replace(clock, decided=time)
        case Action.CLOSE if case.is_parent:
            clock = replace(clock, decided=time)
        case _:
            pass
    return after if clock is after.clock else replace(after, clock=clock)


def _marks(case: CaseModel, after: CaseModel, event: Stepped, action: Action) -> CaseModel:
    word = after.word
    match action:
        case _ if action in _OUTCOMES:
            word = replace(word, outcome=_OUTCOMES[action])
        case _ if action in _RESULTS:
            word = replace(word, result=_RESULTS[action])
        case Action.SIGN_DELIVERY:
            word = replace(word, signed=True)
        case Action.RATE:
            word = replace(word, rating=event.detail)
        case Action.CLAIM:
            word = replace(word, claim_pending=True)
        case Action.SETTLE:
            word = replace(word, claim_pending=False, claim_accepted=True)
        case Action.ACCEPT | Action.WITHDRAW | Action.REBUT:
            word = replace(word, claim_pending=False)
        case Action.EXTEND:
            word = replace(word, extended=True)
        case _:
            pass
    if _asks(event, action):
        by_handling = event.actor == case.word.handling
        word = replace(
            word,
            corrections_handling=word.corrections_handling + by_handling,
            corrections_receiving=word.corrections_receiving + (not by_handling),
        )
    return after if word is after.word else replace(after, word=word)


def _asks(event: Stepped, action: Action) -> bool:
    """Whether the step is a request for correction, or the proof of one."""
    if action is Action.REBUT:
        return event.detail & 255 != NoticeKind.NON_ACCEPTANCE
    return action is Action.REQUEST_CORRECTION
