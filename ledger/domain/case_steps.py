"""What an action does to a case, or why it is refused: the transitions of ``cases.vy`` as pure functions.

``apply`` answers with the reason the contract would give, or with the case as it would then be, so that a service can
tell beforehand. It knows neither keys nor signatures: who sends is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from ledger.domain.case_model import MANY_DAYS, PENDING_DAYS, Calendars, CaseModel, days_between
from ledger.domain.case_tables import ACTION_RULES, APPLICANT, FREE_DETAIL, ActionRule
from ledger.domain.cases import CASE_ENDED, Action, Clock, Mode, NoticeKind, Outcome, Result, State
from ledger.domain.reasons import Reason

__all__ = ["Applied", "Departments", "Step", "apply", "possible", "settle"]

Departments: TypeAlias = Callable[[int, int], bool]
"""Whether a member has an implementing body of this code."""

_INSTANT: Final = 1  # case type 即办件 of GB/T 39046-2020
_MOST_CORRECTIONS: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action on a case. ``member`` is the office's city, 0 for the applicant; ``superior`` is that city's parent.

    ``sequence`` 0 is not compared (offices only); ``proven`` is whether a commitment of evidence goes with it.
    """

    action: Action
    member: int = 0
    sequence: int = 0
    detail: int = 0
    department: int = 0
    role: int = 0
    superior: int = 0
    proven: bool = True


@dataclass(frozen=True, slots=True)
class Applied:
    """A case after a step, and the days of its clock; ``settled``: those of a claim that was settled before it."""

    case: CaseModel
    elapsed: int
    settled: int | None = None


class _RefusedStepError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Moment:
    """What an effect may look at: the case before, the step, the days of its clock, the time and the calendars."""

    before: CaseModel
    step: Step
    elapsed: int
    now: int
    calendars: Calendars


def apply(
    case: CaseModel, step: Step, now: int, calendars: Calendars, departments: Departments
) -> Reason | Applied:  # fmt: skip
    """Do one step, or say why it is refused. A claim that has fallen due is settled first."""
    try:
        return _apply(case, step, now, calendars, departments)
    except _RefusedStepError as refusal:
        return refusal.reason


def settle(case: CaseModel, now: int, calendars: Calendars) -> Reason | Applied:
    """Settle a claim that nobody rebutted in time; anyone may ask for it."""
    if not case.word.claim_pending:
        return Reason.CLAIM_SETTLED if case.word.claim_accepted else Reason.WRONG_STATE
    stood, elapsed = days_between(case.clock.since, now, calendars), case.elapsed(Clock.NOTICE, now, calendars)
    if stood is None or elapsed is None:
        return Reason.NO_CALENDAR
    return Applied(case.settled(), elapsed) if stood > PENDING_DAYS else Reason.CLAIM_PENDING


def possible(case: CaseModel, member: int, now: int, calendars: Calendars) -> tuple[Action, ...]:
    """What a member (0: the applicant) may try now, by mode, state and claim; limits and details are not looked at."""
    due = case.claim_due(now, calendars)
    found = []
    for action, rule in ACTION_RULES.items():
        if _applicants(rule) == (member == 0) and action is not Action.SETTLE:
            try:
                _permit(case.settled() if due else case, Step(action=action, member=member), due=due)
            except _RefusedStepError:
                continue
            found.append(action)
    return tuple(found)


def _require(good: bool, reason: Reason) -> None:  # noqa: FBT001 - reads like assert
    if not good:
        raise _RefusedStepError(reason)


def _counted(elapsed: int | None) -> int:
    if elapsed is None:
        raise _RefusedStepError(Reason.NO_CALENDAR)
    return elapsed


def _applicants(rule: ActionRule) -> bool:
    return rule.who[0] == APPLICANT


def _apply(case: CaseModel, step: Step, now: int, calendars: Calendars, departments: Departments) -> Applied:
    rule = ACTION_RULES[step.action]
    _require(step.action is not Action.SETTLE and _applicants(rule) == (step.member == 0), Reason.BAD_KIND)
    if step.member:
        _require(case.who(step.member) != 0, Reason.NOT_A_PARTY)
    _require(step.sequence == case.word.sequence or (step.sequence == 0 and step.member > 0), Reason.BAD_SEQUENCE)
    due = case.claim_due(now, calendars)
    settled = case.elapsed(Clock.NOTICE, now, calendars) if due else None
    before = case.settled() if due else case
    _permit(before, step, due=due)
    least, most = rule.details
    _require(step.detail >= least and (most == FREE_DETAIL or step.detail <= most), Reason.OUT_OF_RANGE)
    _named_office(step, rule, departments)
    elapsed = _counted(before.elapsed(rule.clock, now, calendars))
    after = replace(before, word=replace(before.word, state=rule.next or before.word.state))
    if step.member == before.word.handling and before.word.state is State.SUBMITTED:
        after = _received(after, now)
    after = _EFFECTS.get(step.action, _nothing)(after, _Moment(before, step, elapsed, now, calendars))
    _may_end(before, after, step)
    return Applied(_stepped(after, step), elapsed, settled)


def _permit(case: CaseModel, step: Step, *, due: bool) -> None:
    """Office, claim and state; ``due``: the claim was settled only now."""
    action, rule = step.action, ACTION_RULES[step.action]
    column = rule.column(case.word.mode, child=case.word.child)
    _require((case.who(step.member) if step.member else APPLICANT) & column != 0, Reason.WRONG_OFFICE)
    states = rule.parent_states if case.is_parent else rule.states
    if case.word.claim_pending and action not in {Action.ACCEPT, Action.REBUT, Action.WITHDRAW}:
        _require(State.SUBMITTED not in states, Reason.CLAIM_PENDING)
    if case.word.claim_accepted and action in {Action.REBUT, Action.CLAIM}:
        raise _RefusedStepError(Reason.REBUTTAL_LATE if due and action is Action.REBUT else Reason.CLAIM_SETTLED)
    _require(case.word.state in states, Reason.WRONG_STATE)
    if action in {Action.GRANT, Action.REFUSE} and case.word.state is State.ACCEPTED:
        _require(case.rule.case_type == _INSTANT, Reason.WRONG_STATE)


def _named_office(step: Step, rule: ActionRule, departments: Departments) -> None:
    if rule.office or step.department:
        _require(step.department != 0 and departments(step.member, step.department), Reason.UNKNOWN_DEPARTMENT)
    if rule.office:
        _require(step.role in rule.roles, Reason.WRONG_ROLE)


def _may_end(before: CaseModel, after: CaseModel, step: Step) -> None:
    """A joint case ends only after all its children, and closes only if it had any."""
    ends = after.word.state in CASE_ENDED and before.word.state not in CASE_ENDED
    childless = step.action is Action.CLOSE and before.is_parent and before.word.children == 0
    _require(not (ends and before.word.children_open) and not childless, Reason.CHILDREN_OPEN)


def _stepped(case: CaseModel, step: Step) -> CaseModel:
    """One number further; whoever of the offices acted has the case now."""
    word = replace(case.word, sequence=case.word.sequence + 1)
    if step.member:
        kept = word.department if word.office == step.member else 0
        word = replace(word, office=step.member, department=step.department or kept)
    return replace(case, word=word)


def _received(case: CaseModel, now: int) -> CaseModel:
    clock = case.clock if case.clock.started else replace(case.clock, started=now)
    return replace(case, word=replace(case.word, received=True), clock=clock)


def _in_time(case: CaseModel, elapsed: int) -> None:
    """After the limit silence has already counted as acceptance: nothing is left to ask or to refuse."""
    _require(not case.silent(elapsed), Reason.LIMIT_PASSED)


def _notice_office(case: CaseModel, kind: int, member: int) -> None:
    """Received here, decided there: the receiving city looks at the form alone."""
    only_receives = case.word.mode is Mode.RECEIVED_HERE and member != case.word.handling
    _require(not only_receives or kind == NoticeKind.FORMAL, Reason.WRONG_OFFICE)


def _asked(case: CaseModel, given: int, member: int) -> CaseModel:
    """A request for correction, counted against the city that asked."""
    by_handling = member == case.word.handling
    count = case.word.corrections_handling if by_handling else case.word.corrections_receiving
    _require(count < _MOST_CORRECTIONS, Reason.OUT_OF_RANGE)
    word = replace(
        case.word,
        state=State.CORRECTION,
        corrections_handling=case.word.corrections_handling + by_handling,
        corrections_receiving=case.word.corrections_receiving + (not by_handling),
    )
    return replace(case, word=word, clock=replace(case.clock, asked=given))


# ---- what each action does besides leading to its state ---------------------------------------------------------------
# `after` is the case with the next state; effects refuse by raising.


def _nothing(after: CaseModel, _at: _Moment) -> CaseModel:
    return after


def _supply(after: CaseModel, at: _Moment) -> CaseModel:
    return replace(after, clock=replace(after.clock, started=at.now))


def _withdraw(after: CaseModel, _at: _Moment) -> CaseModel:
    return replace(after, word=replace(after.word, claim_pending=False))


def _sign(after: CaseModel, _at: _Moment) -> CaseModel:
    _require(not after.word.signed, Reason.ALREADY_DONE)
    return replace(after, word=replace(after.word, signed=True))


def _rate(after: CaseModel, at: _Moment) -> CaseModel:
    _require(after.word.rating == 0, Reason.ALREADY_DONE)
    state = State.RATED if after.word.state is State.DELIVERED else after.word.state
    return replace(after, word=replace(after.word, rating=at.step.detail, state=state))


def _claim(after: CaseModel, at: _Moment) -> CaseModel:
    _require(after.rule.silence, Reason.SILENCE_COUNTS_NOT)
    _require(at.elapsed > after.rule.correction_days, Reason.TOO_EARLY)
    return replace(after, word=replace(after.word, claim_pending=True), clock=replace(after.clock, since=at.now))


def _receive(after: CaseModel, at: _Moment) -> CaseModel:
    _require(not at.before.word.received, Reason.ALREADY_DONE)
    return after


def _request(after: CaseModel, at: _Moment) -> CaseModel:
    _notice_office(after, at.step.detail, at.step.member)
    _in_time(after, at.elapsed)
    return _asked(after, at.now, at.step.member)


def _accept(after: CaseModel, at: _Moment) -> CaseModel:
    since = after.clock.started if after.silent(at.elapsed) else at.now
    return replace(
        after, word=replace(after.word, claim_pending=False), clock=replace(after.clock, accepted=since, since=0)
    )


def _decline(after: CaseModel, at: _Moment) -> CaseModel:
    _in_time(after, at.elapsed)
    return after


def _suspend(after: CaseModel, at: _Moment) -> CaseModel:
    return replace(after, clock=replace(after.clock, since=at.now))


def _resume(after: CaseModel, at: _Moment) -> CaseModel:
    days = _counted(days_between(at.before.clock.since, at.now, at.calendars))
    suspended = min(after.clock.suspended + days, MANY_DAYS)
    return replace(after, clock=replace(after.clock, suspended=suspended, since=0))


def _extend(after: CaseModel, at: _Moment) -> CaseModel:
    _require(not after.word.extended, Reason.ALREADY_EXTENDED)
    _require(at.step.detail <= after.extension_allowed, Reason.OUT_OF_RANGE)
    _require(at.elapsed <= after.statutory, Reason.LIMIT_PASSED)
    return replace(
        after, word=replace(after.word, extended=True), clock=replace(after.clock, extension=at.step.detail)
    )  # fmt: skip


def _decide(after: CaseModel, at: _Moment) -> CaseModel:
    result = Result.GRANTED if at.step.action is Action.GRANT else Result.REFUSED
    return replace(after, word=replace(after.word, result=result), clock=replace(after.clock, decided=at.now))


def _close(after: CaseModel, at: _Moment) -> CaseModel:
    return replace(after, clock=replace(after.clock, decided=at.now)) if after.is_parent else after


def _uncorrected(after: CaseModel, at: _Moment) -> CaseModel:
    _require(0 < after.rule.supply_days < at.elapsed, Reason.TOO_EARLY)
    return after


def _transfer(after: CaseModel, at: _Moment) -> CaseModel:
    _require(at.step.detail in {0, at.step.superior}, Reason.OUT_OF_RANGE)
    return after


def _rebut(after: CaseModel, at: _Moment) -> CaseModel:
    kind, given, days = at.step.detail & 255, at.step.detail >> 8, after.rule.correction_days
    started = at.before.clock.started
    _require(1 <= kind <= NoticeKind.NON_ACCEPTANCE and started <= given <= at.now, Reason.OUT_OF_RANGE)
    _notice_office(after, kind, at.step.member)
    _require(at.step.proven, Reason.DIGEST_MISSING)
    _require(after.rule.silence, Reason.SILENCE_COUNTS_NOT)
    _require(at.elapsed > days, Reason.TOO_EARLY)
    _require(at.before.word.claim_pending or at.elapsed <= days + PENDING_DAYS, Reason.REBUTTAL_LATE)
    _require(_counted(days_between(started, given, at.calendars)) <= days, Reason.REBUTTAL_LATE)
    after = replace(after, word=replace(after.word, claim_pending=False), clock=replace(after.clock, since=0))
    if kind == NoticeKind.NON_ACCEPTANCE:
        return replace(after, word=replace(after.word, state=State.NOT_ACCEPTED))
    return _asked(after, given, at.step.member)


def _outcome(after: CaseModel, at: _Moment) -> CaseModel:
    outcome, known = Outcome(at.step.action - Action.REVOKE_RESULT + 1), after.word.outcome
    _require(outcome is not Outcome.DEREGISTERED or after.word.result is Result.GRANTED, Reason.WRONG_STATE)
    final = known in {Outcome.REVOKED, Outcome.DEREGISTERED}
    again = outcome is Outcome.UNLAWFUL and known is Outcome.UNLAWFUL
    _require(not final and not again, Reason.ALREADY_DONE)
    return replace(after, word=replace(after.word, outcome=outcome))


_EFFECTS: Final[dict[Action, Callable[[CaseModel, _Moment], CaseModel]]] = {
    Action.SUPPLY: _supply,
    Action.WITHDRAW: _withdraw,
    Action.SIGN_DELIVERY: _sign,
    Action.RATE: _rate,
    Action.CLAIM: _claim,
    Action.RECEIVE: _receive,
    Action.REQUEST_CORRECTION: _request,
    Action.ACCEPT: _accept,
    Action.REFUSE_ACCEPTANCE: _decline,
    Action.SUSPEND: _suspend,
    Action.RESUME: _resume,
    Action.EXTEND: _extend,
    Action.GRANT: _decide,
    Action.REFUSE: _decide,
    Action.CLOSE: _close,
    Action.CLOSE_UNCORRECTED: _uncorrected,
    Action.TRANSFER_UP: _transfer,
    Action.REBUT: _rebut,
    Action.REVOKE_RESULT: _outcome,
    Action.CHANGE_RESULT: _outcome,
    Action.DECLARE_UNLAWFUL: _outcome,
    Action.DEREGISTER: _outcome,
}
