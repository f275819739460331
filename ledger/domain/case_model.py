"""A case as the contract sees it: its packed words, its limit rule, and what follows from them at a given time.

``case_steps`` says what an action would do to it, with the reason the contract would give for refusing;
``case_docket`` adds what joins a joint case and its children. Both contract and model are driven by the rows of
``case_tables``.

Days are working days of the calendars handed in; the day on which a clock starts is not counted. A limit of n days has
run out once n + 1 of them were counted, so a five-day claim opens at the start of the sixth working day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from ledger.domain import workdays
from ledger.domain.case_tables import HANDLING, RECEIVING
from ledger.domain.case_words import CaseWord, ClockWord
from ledger.domain.cases import NO_ELAPSED, Clock, LimitFlag, Mode, State
from ledger.domain.catalogue import LimitRule

__all__ = ["MANY_DAYS", "PENDING_DAYS", "Calendars", "CaseLimits", "CaseModel", "days_between", "opened"]

Calendars: TypeAlias = Mapping[int, workdays.YearCalendar]

MANY_DAYS: Final = 65_534
"""Elapsed days once a clock has run for over a thousand days: more than any limit, so no calendar is asked."""

PENDING_DAYS: Final = 1
"""A claim stands for one working day in which a notice proven to be in time rebuts it."""

_COUNTED_SPAN: Final = 1_000
_HANDLING_RECEIPT: Final = 2  # of LimitRule.start

_CLOCKS: Final = {
    State.SUBMITTED: Clock.NOTICE,
    State.CORRECTION: Clock.CORRECTION,
    **dict.fromkeys((State.ACCEPTED, State.REVIEW, State.SUSPENDED), Clock.DECISION),
    **dict.fromkeys((State.GRANTED, State.REFUSED, State.CLOSED), Clock.DELIVERY),
}


def days_between(since: int, until: int, calendars: Calendars) -> int | None:
    """Working days after the day of one time up to and with that of another; ``None`` where a calendar is missing."""
    first, last = workdays.day_of(since), workdays.day_of(until)
    return MANY_DAYS if last > first + _COUNTED_SPAN else workdays.elapsed(calendars, first, last)


@dataclass(frozen=True, slots=True)
class CaseLimits:
    """The running limit of a case, as the contract's ``limits`` answers: working days used and allowed (0: none set),
    and ``LimitFlag`` bits with the clock in the lowest four.
    """  # noqa: D205 - one sentence needs two lines

    elapsed: int
    allowed: int
    flags: int

    @property
    def clock(self) -> Clock:
        """Which clock runs."""
        return Clock(self.flags & 15)


@dataclass(frozen=True, slots=True)
class CaseModel:
    """One case: its packed words, unpacked, and the limit rule it was opened under."""

    word: CaseWord
    clock: ClockWord
    rule: LimitRule

    @property
    def is_parent(self) -> bool:
        """Whether this is a joint case itself, not one of its children."""
        return self.word.mode is Mode.JOINT and not self.word.child

    @property
    def running(self) -> Clock:
        """Which clock runs in this state."""
        return _CLOCKS.get(self.word.state, Clock.NONE)

    @property
    def statutory(self) -> int:
        """Days to decide by law, before any extension (art. 42; joint handling has its own)."""
        joint = self.rule.joint_days if self.word.mode is Mode.JOINT else 0
        return joint or self.rule.decision_days

    @property
    def extension_allowed(self) -> int:
        """Days by which the decision may be put off, once."""
        joint = self.rule.joint_extension_days if self.word.mode is Mode.JOINT else 0
        return joint or self.rule.extension_days

    def who(self, member: int) -> int:
        """The bits of a member in this case: RECEIVING, HANDLING, both or 0."""
        return (RECEIVING if member == self.word.receiving else 0) | (HANDLING if member == self.word.handling else 0)

    def elapsed(self, clock: Clock, now: int, calendars: Calendars) -> int | None:
        """Working days used of a clock; ``None`` where a calendar is missing, ``NO_ELAPSED`` for no clock.

        A clock that has not started has used none; time of a special procedure does not count (art. 45).
        """
        if clock is Clock.NONE:
            return NO_ELAPSED
        started = self._started(clock)
        if not started:
            return 0
        until = self.clock.since if clock is Clock.DECISION and self.word.state is State.SUSPENDED else now
        used = days_between(started, until, calendars)
        if used is None or used == MANY_DAYS or clock is not Clock.DECISION:
            return used
        return max(0, used - self.clock.suspended)

    def allowed(self, clock: Clock) -> int:
        """Working days allowed on a clock by the limit rule and this case's extension; 0: no limit."""
        if clock is Clock.DECISION:
            if self.word.extended:
                return self.statutory + self.clock.extension
            return self.rule.commitment_days or self.statutory
        return {
            Clock.NONE: 0,
            Clock.NOTICE: self.rule.correction_days,
            Clock.CORRECTION: self.rule.supply_days,
            Clock.DELIVERY: self.rule.delivery_days,
        }[clock]

    def limits(self, now: int, calendars: Calendars) -> CaseLimits:
        """The running limit now."""
        clock = self.running
        if clock is Clock.NONE:
            return CaseLimits(0, 0, 0)
        elapsed, allowed, flags = self.elapsed(clock, now, calendars), self.allowed(clock), int(clock)
        if self.word.state is State.SUSPENDED or not self._started(clock):
            flags |= LimitFlag.STOPPED
        if self.word.claim_pending:
            flags |= LimitFlag.CLAIM_PENDING
            if self.claim_due(now, calendars):
                flags |= LimitFlag.CLAIM_DUE
        if elapsed is None:
            return CaseLimits(0, allowed, flags | LimitFlag.NO_CALENDAR)
        if elapsed > allowed > 0:
            flags |= LimitFlag.OVERDUE
        if clock is Clock.NOTICE and not self.word.claim_pending and self.silent(elapsed):
            flags |= LimitFlag.CLAIMABLE
        return CaseLimits(elapsed, allowed, flags)

    def due_day(self, limits: CaseLimits, calendars: Calendars) -> int | None:
        """The last day of the running ``limits``; ``None``: no limit, stopped, or in a year whose calendar is not out."""
        if limits.allowed == 0 or limits.flags & LimitFlag.STOPPED:
            return None
        counted = self.clock.suspended if limits.clock is Clock.DECISION else 0
        first = workdays.day_of(self._started(limits.clock))
        return workdays.due_day(calendars, first, limits.allowed + counted)

    def silent(self, elapsed: int) -> bool:
        """Whether silence has counted as acceptance by now (Administrative Licence Law art. 32)."""
        return self.rule.silence and elapsed > self.rule.correction_days

    def claim_due(self, now: int, calendars: Calendars) -> bool:
        """Whether a claim stands that nobody rebutted in its one working day."""
        if not self.word.claim_pending:
            return False
        stood = days_between(self.clock.since, now, calendars)
        return stood is not None and stood > PENDING_DAYS

    def settled(self) -> CaseModel:
        """This case once its claim is settled: accepted, from the day of receipt."""
        word = replace(
            self.word, state=State.ACCEPTED, claim_pending=False, claim_accepted=True, sequence=self.word.sequence + 1
        )
        return replace(self, word=word, clock=replace(self.clock, accepted=self.clock.started, since=0))

    def _started(self, clock: Clock) -> int:
        return {
            Clock.NONE: 0,
            Clock.NOTICE: self.clock.started,
            Clock.CORRECTION: self.clock.asked,
            Clock.DECISION: self.clock.accepted,
            Clock.DELIVERY: self.clock.decided,
        }[clock]


def opened(mode: Mode, receiving: int, handling: int, rule: LimitRule, now: int, *, child: bool = False) -> CaseModel:
    """A case just submitted.

    The clock starts with the receiving window's dated receipt, which is the submission itself; where the rule says the
    handling office's receipt, and another city receives, it starts with that.
    """
    elsewhere = receiving != handling and (mode is Mode.RECEIVED_HERE or child)
    word = CaseWord(
        state=State.SUBMITTED,
        mode=mode,
        receiving=receiving,
        handling=handling,
        office=handling if mode is Mode.FULLY_ONLINE else receiving,
        department=0,
        sequence=1,
        child=child,
        received=receiving == handling,
    )
    waits = elsewhere and rule.start == _HANDLING_RECEIPT
    return CaseModel(word, ClockWord(started=0 if waits else now), rule)
