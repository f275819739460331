"""The operations of the contracts, as numbered in ``Refused`` events.

One range for each contract: consortium 1 to 19, catalogue 20 to 39, materials 40 to 69 (consents from 55), cases 70
to 99. The contracts' ``OPERATION_…`` constants carry the same names and numbers; a test compares them.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Operation"]


class Operation(IntEnum):
    """One entry point each; a batch holds operations of one kind."""

    # consortium: 1 to 19.
    CONFIRM = 1
    PROPOSE = 2
    VOTE = 3
    SET_KEYS = 4
    START_RECOVERY = 5
    FINISH_RECOVERY = 6
    OBJECT_RECOVERY = 7
    PUBLISH_KEYS = 8
    PUBLISH_ENDPOINT = 9
    SET_DEPARTMENTS = 10
    POST_CALENDARS = 11
    OBJECT_CALENDARS = 12

    # catalogue: 20 to 39.
    PUBLISH = 20
    WITHDRAW = 21
    DRAFT = 22
    ACCEPT = 23
    END = 24
    DELEGATE = 25

    # materials: 40 to 69, of which consents from 55.
    ANCHOR = 40
    REVOKE = 41
    ERASE = 42
    POINT = 43
    ASK = 44
    ANSWER = 45
    GRANT = 55
    GRANT_WITNESSED = 56
    CONFIRM_WITNESSED = 57
    REVOKE_CONSENT = 58
    REVOKE_WITNESSED = 59
    USE = 60
    USE_BY_DUTY = 61

    # cases: 70 to 99.
    ASSENT = 70
    OPEN = 71
    ACT = 72
    STEP = 73
    HAND_OVER = 74
    SUPERVISE = 75
    RECORD = 76
    SETTLE = 77
