"""Cases 办件: their states, the actions on them, and the kinds of records beside them.

The numbers here are the contract's numbers. What may follow what, and by whom, is data in ``case_tables``; the words
that the contract packs, ids and heads are in ``case_words``; the same law as a pure machine is in ``case_model``, and a
property test drives that machine and the contract with the same operations.

Terms follow GB/T 39046-2020 where it has a code (channels), else the words of the Administrative Licence Law.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = [
    "CASE_ENDED",
    "CASE_READING",
    "CASE_WORKING",
    "NO_ELAPSED",
    "Action",
    "Channel",
    "Clock",
    "LimitFlag",
    "Mode",
    "NoticeKind",
    "OfficerRole",
    "Organ",
    "Outcome",
    "RecordKind",
    "Result",
    "Satisfaction",
    "SpecialProcedure",
    "State",
    "SupervisionStage",
    "bitmap",
    "rebuttal_detail",
]

NO_ELAPSED: Final = 65_535
"""``Stepped.elapsed`` where the action does not need the calendar."""


class Mode(IntEnum):
    """The ways of handling (State Council opinion of 2022; the third is Chengdu's)."""

    FULLY_ONLINE = 1  # 全程网办
    RECEIVED_HERE = 2  # 异地代收代办: received here, decided there
    AUTHORISED_HERE = 3  # 异地授权: decided here in the grantor's name
    JOINT = 4  # 多地联办


class State(IntEnum):
    """States of a case; 0 is no case."""

    NONE = 0
    SUBMITTED = 1  # 已申报
    CORRECTION = 2  # 待补正
    ACCEPTED = 3  # 受理
    NOT_ACCEPTED = 4  # 不予受理
    REVIEW = 5  # 审查
    SUSPENDED = 6  # 挂起: a special procedure, the clock stopped
    GRANTED = 7  # 准予
    REFUSED = 8  # 不予
    CLOSED = 9  # 办结
    DELIVERED = 10  # 送达
    RATED = 11  # 评价
    WITHDRAWN = 12  # 撤回
    UNCORRECTED = 13  # 补正不来
    TRANSFERRED = 14  # 转报


class Action(IntEnum):
    """What moves a case: 1 to 5 the applicant's, 6 the law's own, from 10 the offices'.

    ``detail`` in ``Stepped``: SIGN_DELIVERY the channel or 0; RATE a ``Satisfaction``; REQUEST_CORRECTION a
    ``NoticeKind``; ACCEPT 1 where tolerant 容缺受理, else 0; SUSPEND a ``SpecialProcedure``; EXTEND days; GRANT the first
    leaf of the result (``batch << 32 | index``) or 0; REFUSE the office's own code of the ground or 0; DELIVER the
    ``Channel``; TRANSFER_UP the superior member or 0; REBUT see ``rebuttal_detail``; outcomes the deciding ``Organ``.
    Else 0.
    """

    SUPPLY = 1  # corrections 补正
    WITHDRAW = 2
    SIGN_DELIVERY = 3
    RATE = 4
    CLAIM = 5  # that silence counts as acceptance
    SETTLE = 6  # a claim nobody rebutted in time: accepted by law from the day of receipt

    RECEIVE = 10  # the handling office's own dated receipt
    REQUEST_CORRECTION = 11
    ACCEPT = 12
    REFUSE_ACCEPTANCE = 13
    REVIEW = 14
    SUSPEND = 15
    RESUME = 16
    EXTEND = 17
    GRANT = 18
    REFUSE = 19
    CLOSE = 20
    DELIVER = 21
    CLOSE_UNCORRECTED = 22
    TRANSFER_UP = 23
    REBUT = 24  # a notice was given in time, proven afterwards
    REVOKE_RESULT = 25
    CHANGE_RESULT = 26
    DECLARE_UNLAWFUL = 27
    DEREGISTER = 28


class Satisfaction(IntEnum):
    """好差评: what a rating says, in the codes of GB/T 39046-2020, of which 5 is the best."""

    VERY_SATISFIED = 5
    SATISFIED = 4
    FAIR = 3
    DISSATISFIED = 2
    VERY_DISSATISFIED = 1


class RecordKind(IntEnum):
    """What a procedure needs besides its transitions. 48 to 63 are free for procedures to come: the parties record them."""

    LETTER_ISSUED = 1  # 联系函
    LETTER_SENT = 2
    LETTER_RECEIVED = 3
    LETTER_ANSWERED = 4
    TOLERANT_ACCEPTANCE = 5  # 容缺受理: what is owed and until when
    OWED_SUPPLIED = 6
    MANDATE_GIVEN = 7
    MANDATE_ENDED = 8
    ATTESTATION = 9
    NOTICE_GIVEN = 10
    NOTICE_ATTEMPTED = 11
    REMITTANCE_SENT = 12
    REMITTANCE_RECEIVED = 13
    MAIL_POSTED = 14
    MAIL_ARRIVED = 15
    MAIL_RETURNED = 16
    PAPER_SEEN = 17
    PAPER_RECEIVED = 18
    PAPER_RETURNED = 19
    REGULATOR_READ = 20
    PAYMENT_DUE = 21
    PAYMENT_MADE = 22
    HEARING_NOTIFIED = 23
    HEARING_HELD = 24
    CHANGE_FORM = 25  # 变更信息表
    LIAISON = 26
    VIDEO_SESSION = 27
    RESULT_SHARED = 28  # with the supervising department
    RESULT_ACKNOWLEDGED = 29
    INSPECTION_RESULT = 30
    ARCHIVED = 31  # 归档
    REMEDY_LODGED = 32  # reconsideration or suit
    PRECHECK = 33
    PRIORITY = 34  # green channel
    EXPERT_OPINION = 35
    SUPERVISION_NOTE = 36


class Channel(IntEnum):
    """Channels of GB/T 39046-2020."""

    WINDOW = 1
    WEB = 2
    MOBILE = 3
    POST = 4
    OTHER = 9


class OfficerRole(IntEnum):
    """In which role an officer acted; 0 where the action does not ask for it."""

    RECEIVER = 1  # 受理人
    REVIEWER = 2  # 审查人
    DECIDER = 3  # 决定人
    HEAD = 4  # 负责人: who alone extends (Administrative Licence Law art. 42)


class NoticeKind(IntEnum):
    """What a notice asks for; 3 only in a rebuttal."""

    FORMAL = 1  # defects of form
    SUBSTANTIVE = 2
    NON_ACCEPTANCE = 3


class SpecialProcedure(IntEnum):
    """Time that does not count (Administrative Licence Law art. 45)."""

    HEARING = 1  # 听证
    BIDDING = 2  # 招标
    AUCTION = 3  # 拍卖
    INSPECTION = 4  # 检验
    TESTING = 5  # 检测
    QUARANTINE = 6  # 检疫
    APPRAISAL = 7  # 鉴定
    EXPERT_REVIEW = 8  # 专家评审
    OTHER = 9


class Organ(IntEnum):
    """Who decided about a result afterwards."""

    ITSELF = 1
    SUPERIOR = 2
    RECONSIDERATION = 3
    COURT = 4


class Result(IntEnum):
    """What was decided."""

    NONE = 0
    GRANTED = 1
    REFUSED = 2


class Outcome(IntEnum):
    """What became of the result (Administrative Licence Law arts. 69, 70)."""

    STANDS = 0
    REVOKED = 1
    CHANGED = 2
    UNLAWFUL = 3
    DEREGISTERED = 4


class Clock(IntEnum):
    """Which clock is meant."""

    NONE = 0
    NOTICE = 1  # to accept, refuse or ask for a correction, from the receipt
    CORRECTION = 2  # the applicant's, from the request
    DECISION = 3  # from the acceptance, special procedures not counted
    DELIVERY = 4  # from the decision


class LimitFlag(IntEnum):
    """Bits of the third word of the contract's ``limits``; bits 0 to 3 are the ``Clock``."""

    STOPPED = 16  # suspended, or not yet started
    OVERDUE = 32
    NO_CALENDAR = 64
    CLAIMABLE = 128
    CLAIM_PENDING = 256
    CLAIM_DUE = 512  # nobody rebutted in time; whoever comes next settles it


class SupervisionStage(IntEnum):
    """Stages of a supervision order 督办."""

    ISSUED = 1
    ANSWERED = 2
    SETTLED = 3


def bitmap(states: frozenset[State] | tuple[State, ...]) -> int:
    """States as the contract holds them: bit n for state n."""
    return sum(1 << state for state in set(states))


CASE_WORKING: Final = frozenset({State.SUBMITTED, State.CORRECTION, State.ACCEPTED, State.REVIEW, State.SUSPENDED})
"""Before the decision: the applicant may withdraw, children may be added to a joint case while it is submitted."""

CASE_READING: Final = CASE_WORKING | {State.GRANTED, State.REFUSED}
"""States in which the offices of a case may read materials; from closing on, never."""

CASE_ENDED: Final = frozenset(State) - CASE_READING - {State.NONE}
"""Nothing is left to decide: a joint case may close once all its children are in one of these."""


def rebuttal_detail(kind: NoticeKind, given: int) -> int:
    """The detail of REBUT: which notice was given, and when (POSIX seconds)."""
    return int(kind) | given << 8
