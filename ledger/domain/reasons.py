"""Why a contract refuses an operation: the numbers that stand in ``Refused`` events.

One range for each contract. The contracts' constants carry the same names and numbers; a test compares them.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Reason"]


class Reason(IntEnum):
    """Reason codes; 0 is no reason: the operation was done."""

    OK = 0

    # Authority and form, all contracts: 1 to 19.
    NOT_A_KEY = 1
    WRONG_ROLE = 2
    MEMBER_SUSPENDED = 3
    MEMBER_UNCONFIRMED = 4
    BAD_SIGNATURE = 5
    BAD_WITNESSES = 6
    ALREADY_DONE = 7
    NOT_A_PARTY = 8
    GENERATION_CLOSED = 9
    UNKNOWN_CONTRACT = 10
    BAD_OFFSET = 11
    OUT_OF_RANGE = 12

    # consortium: 20 to 39.
    UNKNOWN_MEMBER = 20
    UNKNOWN_PROPOSAL = 21
    NOT_AN_ELECTOR = 22
    ALREADY_VOTED = 23
    PROPOSAL_CLOSED = 24
    TARGET_VOTES_NOT = 25
    KEY_TAKEN = 26
    DIGEST_MISSING = 27
    NO_CALENDAR = 28
    PAST_DAY = 29
    DELAY_RUNNING = 30
    NO_RECOVERY = 31
    RECOVERY_OBJECTED = 32

    # catalogue: 40 to 59.
    UNKNOWN_MATTER = 40
    BAD_RULE = 41
    UNKNOWN_AGREEMENT = 42
    ALREADY_ACCEPTED = 43
    NOT_IN_FORCE = 44
    AGREEMENT_ENDED = 45
    NOT_COVERED = 46
    BAD_VERSION = 47
    NO_DELEGATION = 48
    BAD_LINEAGE = 49

    # materials: 60 to 79.
    UNKNOWN_BATCH = 60
    EMPTY_BATCH = 61
    NOT_YOUR_BATCH = 62
    LEAF_REVOKED = 63
    LEAF_SPENT = 64
    NOT_INCLUDED = 65
    LEAF_EXPIRED = 66
    POINTER_TAKEN = 67
    DAILY_LIMIT = 68
    UNKNOWN_LOOKUP = 69
    NOT_ASKED = 70
    LEAF_NOT_IN_CUSTODY = 71
    NOT_A_READER = 72

    # consents: 80 to 99.
    UNKNOWN_CONSENT = 80
    CONSENT_REVOKED = 81
    CONSENT_NOT_YET = 82
    CONSENT_EXPIRED = 83
    WRONG_MATTER = 84
    WRONG_CASE = 85
    NOT_A_GRANTEE = 86
    USED_UP = 87
    LEAF_NOT_IN_CONSENT = 88
    CONSENT_HELD = 89
    NO_CUSTODIAN = 90
    CASE_NOT_READING = 91
    NO_PROVISION = 92
    WRONG_TERMS = 93

    # cases: 100 to 139.
    UNKNOWN_CASE = 100
    WRONG_STATE = 101
    WRONG_OFFICE = 102
    NO_ASSENT = 103
    UNKNOWN_DEPARTMENT = 104
    SILENCE_COUNTS_NOT = 105
    TOO_EARLY = 106
    CLAIM_PENDING = 107
    CLAIM_SETTLED = 108
    REBUTTAL_LATE = 109
    CHILDREN_OPEN = 110
    BAD_PARENT = 111
    ALREADY_EXTENDED = 112
    BAD_SEQUENCE = 113
    BAD_KIND = 114
    LIMIT_PASSED = 115
