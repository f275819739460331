"""Who may do what to a case, in which state and mode: the law of ``cases.vy`` as data.

``tables()`` packs the rows into the words that the contract gets when it is deployed; the contract knows no row of its
own. The columns of ``ACTION_RULES`` follow the table of the ways of handling: in *fully online* the handling city does
everything; in *received here, decided there* the receiving city checks identity and form and may hand the result over;
in *authorised here* the receiving city acts in the grantor's name; in *joint* handling the lead (the receiving city of
the parent and of every child) accepts, binding all, and each city decides its own child.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.domain.cases import CASE_WORKING, Action, Clock, Mode, OfficerRole, RecordKind, State, bitmap

__all__ = [
    "ACTION_RULES",
    "ANY_WINDOW",
    "APPLICANT",
    "FREE_DETAIL",
    "FREE_KINDS",
    "HANDLING",
    "RECEIVING",
    "RECORD_RULES",
    "REGULATOR",
    "ActionRule",
    "record_rule",
    "tables",
]

# Who: bits of a column. A city that is both receiving and handling has both bits.
RECEIVING: Final = 1
HANDLING: Final = 2
APPLICANT: Final = 4
ANY_WINDOW: Final = 4  # of record rules: any member's window
REGULATOR: Final = 8

FREE_DETAIL: Final = 255
"""As the highest detail: any value."""

_WORDS: Final = 32
_KINDS: Final = 64
FREE_KINDS: Final = range(48, 64)
"""Record kinds of procedures to come: the parties of the case record them."""


@dataclass(frozen=True, slots=True)
class ActionRule:
    """One row.

    Attributes:
        states: where the action may be done, in an ordinary case or a child.
        parent_states: the same for a joint case itself.
        next: the state it leads to; NONE: unchanged, or decided by the contract's own code.
        who: columns fully online, received here, authorised here, joint parent, joint child.
        office: whether department and officer's role must be named.
        roles: the officer's roles that may do it, where an office must be named; empty: any.
        details: least and greatest ``detail``; ``FREE_DETAIL`` as greatest: any.
        clock: whose elapsed working days the step reports.
    """

    states: frozenset[State]
    parent_states: frozenset[State]
    next: State
    who: tuple[int, int, int, int, int]
    office: bool = False
    roles: frozenset[OfficerRole] = frozenset()
    details: tuple[int, int] = (0, 0)
    clock: Clock = Clock.NONE

    def column(self, mode: Mode, *, child: bool) -> int:
        """Who may do it in a mode."""
        return self.who[4 if child else mode - 1]

    def pack(self) -> int:
        """The row as the contract reads it: the parts below, the first in the lowest bits."""
        parts = (
            (bitmap(self.states), 16), (bitmap(self.parent_states), 16), (self.next, 8), *((who, 8) for who in self.who),
            (int(self.office), 8), (sum(1 << role for role in self.roles), 8), (self.details[0], 8),
            (self.details[1], 8), (self.clock, 8),
        )  # fmt: skip
        word = shift = 0
        for value, bits in parts:
            word |= int(value) << shift
            shift += bits
        return word


def _states(*states: State) -> frozenset[State]:
    return frozenset(states)


_S = State
_NOBODY: Final = frozenset[State]()
_EVERYONE: Final = (APPLICANT,) * 5
# The cities that decide; a joint parent has nothing to decide.
_DECIDING: Final = (HANDLING, HANDLING, RECEIVING, 0, HANDLING)
_ACCEPTING: Final = (HANDLING, HANDLING, RECEIVING, RECEIVING, RECEIVING)
_NOTIFYING: Final = (HANDLING, RECEIVING | HANDLING, RECEIVING, RECEIVING, RECEIVING | HANDLING)
_REFUSING: Final = (HANDLING, HANDLING, RECEIVING, RECEIVING, RECEIVING | HANDLING)
_DELIVERING: Final = (HANDLING, RECEIVING | HANDLING, RECEIVING, RECEIVING, RECEIVING)
_WITHDRAWABLE: Final = frozenset(CASE_WORKING)
_AFTER_DECISION: Final = _states(_S.GRANTED, _S.REFUSED, _S.CLOSED, _S.DELIVERED, _S.RATED)
_RATEABLE: Final = _states(_S.DELIVERED, _S.NOT_ACCEPTED, _S.UNCORRECTED, _S.TRANSFERRED)
_ANY_ROLE: Final = frozenset(OfficerRole)
_DECIDERS: Final = frozenset({OfficerRole.DECIDER, OfficerRole.HEAD})

ACTION_RULES: Final[dict[Action, ActionRule]] = {
    Action.SUPPLY: ActionRule(_states(_S.CORRECTION), _states(_S.CORRECTION), _S.SUBMITTED, _EVERYONE),
    Action.WITHDRAW: ActionRule(_WITHDRAWABLE, _WITHDRAWABLE, _S.WITHDRAWN, _EVERYONE),
    Action.SIGN_DELIVERY: ActionRule(
        _states(_S.CLOSED, _S.DELIVERED), _states(_S.CLOSED, _S.DELIVERED), _S.DELIVERED, _EVERYONE, details=(0, 9)
    ),
    # From the other ends a rating leaves the state, so that it still says how the case ended.
    Action.RATE: ActionRule(_RATEABLE, _RATEABLE, _S.NONE, _EVERYONE, details=(1, 5)),
    Action.CLAIM: ActionRule(
        _states(_S.SUBMITTED), _states(_S.SUBMITTED), _S.NONE, _EVERYONE, clock=Clock.NOTICE
    ),
    Action.SETTLE: ActionRule(_states(_S.SUBMITTED), _states(_S.SUBMITTED), _S.ACCEPTED, (0,) * 5, clock=Clock.NOTICE),
    Action.RECEIVE: ActionRule(_states(_S.SUBMITTED), _NOBODY, _S.NONE, (0, HANDLING, HANDLING, 0, HANDLING)),
    Action.REQUEST_CORRECTION: ActionRule(
        _states(_S.SUBMITTED), _states(_S.SUBMITTED), _S.CORRECTION, _NOTIFYING, details=(1, 2), clock=Clock.NOTICE
    ),
    Action.ACCEPT: ActionRule(
        _states(_S.SUBMITTED), _states(_S.SUBMITTED), _S.ACCEPTED, _ACCEPTING,
        office=True, roles=_ANY_ROLE, details=(0, 1), clock=Clock.NOTICE,
    ),
    Action.REFUSE_ACCEPTANCE: ActionRule(
        _states(_S.SUBMITTED), _states(_S.SUBMITTED), _S.NOT_ACCEPTED, _REFUSING,
        office=True, roles=_ANY_ROLE, clock=Clock.NOTICE,
    ),
    Action.REVIEW: ActionRule(
        _states(_S.ACCEPTED), _states(_S.ACCEPTED), _S.REVIEW, (HANDLING, HANDLING, RECEIVING, RECEIVING, HANDLING)
    ),
    Action.SUSPEND: ActionRule(
        _states(_S.REVIEW), _NOBODY, _S.SUSPENDED, _DECIDING, details=(1, 9), clock=Clock.DECISION
    ),
    Action.RESUME: ActionRule(_states(_S.SUSPENDED), _NOBODY, _S.REVIEW, _DECIDING, clock=Clock.DECISION),
    Action.EXTEND: ActionRule(
        _states(_S.ACCEPTED, _S.REVIEW), _states(_S.ACCEPTED, _S.REVIEW), _S.NONE,
        (HANDLING, HANDLING, RECEIVING, RECEIVING, HANDLING),
        office=True, roles=frozenset({OfficerRole.HEAD}), details=(1, 254), clock=Clock.DECISION,
    ),
    # From ACCEPTED only an instant case 即办件: the contract looks at the rule's case type.
    Action.GRANT: ActionRule(
        _states(_S.ACCEPTED, _S.REVIEW), _NOBODY, _S.GRANTED, _DECIDING,
        office=True, roles=_DECIDERS, details=(0, FREE_DETAIL), clock=Clock.DECISION,
    ),
    Action.REFUSE: ActionRule(
        _states(_S.ACCEPTED, _S.REVIEW), _NOBODY, _S.REFUSED, _DECIDING,
        office=True, roles=_DECIDERS, details=(0, FREE_DETAIL), clock=Clock.DECISION,
    ),
    # A joint parent closes without a decision of its own, once every child has ended.
    Action.CLOSE: ActionRule(
        _states(_S.GRANTED, _S.REFUSED), _states(_S.ACCEPTED, _S.REVIEW), _S.CLOSED,
        (HANDLING, HANDLING, RECEIVING, RECEIVING, HANDLING),
    ),
    Action.DELIVER: ActionRule(
        _states(_S.CLOSED), _states(_S.CLOSED), _S.DELIVERED, _DELIVERING, details=(1, 9), clock=Clock.DELIVERY
    ),
    Action.CLOSE_UNCORRECTED: ActionRule(
        _states(_S.CORRECTION), _states(_S.CORRECTION), _S.UNCORRECTED, _REFUSING, clock=Clock.CORRECTION
    ),
    Action.TRANSFER_UP: ActionRule(
        _states(_S.ACCEPTED, _S.REVIEW), _NOBODY, _S.TRANSFERRED, _DECIDING,
        details=(0, FREE_DETAIL), clock=Clock.DECISION,
    ),
    Action.REBUT: ActionRule(
        _states(_S.SUBMITTED), _states(_S.SUBMITTED), _S.NONE, _NOTIFYING,
        office=True, roles=_ANY_ROLE, details=(0, FREE_DETAIL), clock=Clock.NOTICE,
    ),
    **{
        action: ActionRule(
            _AFTER_DECISION, _NOBODY, _S.NONE, _DECIDING, office=True, roles=_DECIDERS, details=(1, 4)
        )
        for action in (Action.REVOKE_RESULT, Action.CHANGE_RESULT, Action.DECLARE_UNLAWFUL, Action.DEREGISTER)
    },
}  # fmt: skip
"""Every action's row."""

_PARTIES: Final = RECEIVING | HANDLING
_WINDOWS: Final = _PARTIES | ANY_WINDOW
_K = RecordKind

RECORD_RULES: Final[dict[RecordKind, int]] = {
    **dict.fromkeys(
        (
            _K.LETTER_ISSUED, _K.LETTER_SENT, _K.LETTER_RECEIVED, _K.LETTER_ANSWERED, _K.TOLERANT_ACCEPTANCE,
            _K.REMITTANCE_SENT, _K.REMITTANCE_RECEIVED, _K.PAYMENT_DUE, _K.HEARING_NOTIFIED, _K.HEARING_HELD,
            _K.CHANGE_FORM, _K.LIAISON, _K.RESULT_SHARED, _K.ARCHIVED, _K.PRIORITY, _K.EXPERT_OPINION,
        ),
        _PARTIES,
    ),
    # What a person brings, gets or does at any window, party to the case or not.
    **dict.fromkeys(
        (
            _K.OWED_SUPPLIED, _K.MANDATE_GIVEN, _K.MANDATE_ENDED, _K.ATTESTATION, _K.NOTICE_GIVEN, _K.NOTICE_ATTEMPTED,
            _K.MAIL_POSTED, _K.MAIL_ARRIVED, _K.MAIL_RETURNED, _K.PAPER_SEEN, _K.PAPER_RECEIVED, _K.PAPER_RETURNED,
            _K.PAYMENT_MADE, _K.VIDEO_SESSION, _K.REMEDY_LODGED, _K.PRECHECK,
        ),
        _WINDOWS,
    ),
    # Approval and supervision share information; a regulator records, and changes nothing.
    **dict.fromkeys((_K.REGULATOR_READ, _K.RESULT_ACKNOWLEDGED, _K.SUPERVISION_NOTE), REGULATOR),
    _K.INSPECTION_RESULT: REGULATOR | _PARTIES,
}  # fmt: skip
"""Who may record each kind: bits RECEIVING, HANDLING, ANY_WINDOW, REGULATOR."""


def record_rule(kind: int) -> int:
    """Who may record a kind; 0: no such kind."""
    if kind in FREE_KINDS:
        return _PARTIES
    return RECORD_RULES[RecordKind(kind)] if kind in RecordKind.__members__.values() else 0


def tables() -> tuple[tuple[int, ...], tuple[int, int]]:
    """What the contract's constructor takes: 32 words of actions, and the record kinds eight bits each in two words."""
    actions = [0] * _WORDS
    for action, rule in ACTION_RULES.items():
        actions[action] = rule.pack()
    kinds = sum(record_rule(kind) << 8 * kind for kind in range(_KINDS))
    return tuple(actions), (kinds & (1 << 256) - 1, kinds >> 256)
