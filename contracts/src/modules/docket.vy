# pragma version 0.4.3
"""
@title Docket: what is kept of a case, and what follows from it at a given time
@license Apache-2.0
@notice Three packed words a case (layouts in `ledger/domain/case_words`): what it is, its clocks, the terms it was opened
        under. Days are working days of the consortium's calendars; the day on which a clock starts is not counted.
"""

from modules import access
from modules import standing

uses: access


# States of a case.
SUBMITTED: constant(uint256) = 1
CORRECTION: constant(uint256) = 2
ACCEPTED: constant(uint256) = 3
NOT_ACCEPTED: constant(uint256) = 4
SUSPENDED: constant(uint256) = 6
GRANTED: constant(uint256) = 7
CLOSED: constant(uint256) = 9
DELIVERED: constant(uint256) = 10
RATED: constant(uint256) = 11

# Modes of handling.
FULLY_ONLINE: constant(uint256) = 1
RECEIVED_HERE: constant(uint256) = 2
AUTHORISED_HERE: constant(uint256) = 3
JOINT: constant(uint256) = 4

# Who a member is to a case.
RECEIVING: constant(uint256) = 1
HANDLING: constant(uint256) = 2

# In which states offices may read materials, and which states are ends: bit n for state n.
READING: constant(uint256) = 494
ENDED: constant(uint256) = 32272

# Where the parts of a case's word begin.
MODE: constant(uint256) = 8
RECEIVING_AT: constant(uint256) = 16
HANDLING_AT: constant(uint256) = 32
OFFICE: constant(uint256) = 48
DEPARTMENT: constant(uint256) = 64
SEQUENCE: constant(uint256) = 96
RECORDS: constant(uint256) = 128
ASKED_BY_RECEIVING: constant(uint256) = 160
ASKED_BY_HANDLING: constant(uint256) = 168
CHILDREN: constant(uint256) = 176
OPEN_CHILDREN: constant(uint256) = 184
RATING: constant(uint256) = 192
ORDERS: constant(uint256) = 200
RESULT: constant(uint256) = 208
OUTCOME: constant(uint256) = 210
CLAIM_STANDS: constant(uint256) = 1 << 213
CLAIM_ACCEPTED: constant(uint256) = 1 << 214
EXTENDED: constant(uint256) = 1 << 215
CHILD: constant(uint256) = 1 << 216
RECEIVED: constant(uint256) = 1 << 217
SIGNED: constant(uint256) = 1 << 218

# Where the parts of a clock's word begin.
STARTED: constant(uint256) = 0
ASKED: constant(uint256) = 40
ACCEPTED_AT: constant(uint256) = 80
SINCE: constant(uint256) = 120
DECIDED: constant(uint256) = 160
STOPPED_DAYS: constant(uint256) = 200
EXTENSION: constant(uint256) = 216

BYTE: constant(uint256) = 255
SHORT: constant(uint256) = 65535
LONG: constant(uint256) = 4294967295
TIME: constant(uint256) = 1099511627775

# Which clock is meant.
NO_CLOCK: constant(uint256) = 0
NOTICE_CLOCK: constant(uint256) = 1
CORRECTION_CLOCK: constant(uint256) = 2
DECISION_CLOCK: constant(uint256) = 3
DELIVERY_CLOCK: constant(uint256) = 4

# Elapsed days where no clock is asked, and where one has run for longer than any limit.
NO_ELAPSED: constant(int256) = 65535
MANY_DAYS: constant(int256) = 65534
COUNTED_SPAN: constant(uint256) = 1000
# A claim stands for one working day.
PENDING_DAYS: constant(int256) = 1

# Bits of the third word of `limits`.
STOPPED_FLAG: constant(uint256) = 16
OVERDUE_FLAG: constant(uint256) = 32
NO_CALENDAR_FLAG: constant(uint256) = 64
CLAIMABLE_FLAG: constant(uint256) = 128
PENDING_FLAG: constant(uint256) = 256
DUE_FLAG: constant(uint256) = 512

NO_CASE: constant(uint256) = 100
CASE_NOT_READING: constant(uint256) = 91

words: HashMap[bytes32, uint256]
clocks: HashMap[bytes32, uint256]
# rule (144 bits), version (32), agreement's version (16), channel (8), helper (16), catalogue's generation (16)
terms: HashMap[bytes32, uint256]
heads: HashMap[bytes32, bytes32]
matters: HashMap[bytes32, bytes32]
agreements: HashMap[bytes32, bytes32]
keys: HashMap[bytes32, address]
parents: HashMap[bytes32, bytes32]


@external
@view
def case_of(case: bytes32) -> (uint256, uint256, uint256, bytes32, bytes32, bytes32, address, bytes32):
    """
    @notice A case's words (what it is, clocks, terms), head, matter, agreement, key and parent; zeros: no such case.
    """
    return (
        self.words[case],
        self.clocks[case],
        self.terms[case],
        self.heads[case],
        self.matters[case],
        self.agreements[case],
        self.keys[case],
        self.parents[case],
    )


@external
@view
def reading(case: bytes32, member: uint256) -> (uint256, bytes32, bytes32):
    """
    @notice Whether a member may read materials for a case now: a reason (0: it may), the case's matter, its parent.
    """
    word: uint256 = self.words[case]
    if word == 0:
        return NO_CASE, empty(bytes32), empty(bytes32)
    reason: uint256 = 0
    if (1 << (word & BYTE)) & READING == 0:
        reason = CASE_NOT_READING
    elif self._who(word, member) == 0:
        reason = standing.NOT_A_PARTY
    return reason, self.matters[case], self.parents[case]


@external
@view
def limits(case: bytes32) -> (uint256, uint256, uint256):
    """
    @notice Working days used and allowed (0: no limit) of the clock that runs now, and flags with the clock in the
            lowest four bits.
    """
    word: uint256 = self.words[case]
    clock: uint256 = self.clocks[case]
    rule: uint256 = self.terms[case]
    kind: uint256 = self._running(word & BYTE)
    if kind == NO_CLOCK:
        return 0, 0, 0
    flags: uint256 = kind
    if word & BYTE == SUSPENDED or self._begun(kind, clock) == 0:
        flags |= STOPPED_FLAG
    if word & CLAIM_STANDS != 0:
        flags |= PENDING_FLAG
        if self._claim_due(word, clock):
            flags |= DUE_FLAG
    allowed: uint256 = self._allowed(kind, word, clock, rule)
    elapsed: int256 = self._elapsed(kind, word, clock)
    if elapsed < 0:
        return 0, allowed, flags | NO_CALENDAR_FLAG
    used: uint256 = convert(elapsed, uint256)
    if allowed > 0 and used > allowed:
        flags |= OVERDUE_FLAG
    if kind == NOTICE_CLOCK and word & CLAIM_STANDS == 0 and self._silent(rule, elapsed):
        flags |= CLAIMABLE_FLAG
    return used, allowed, flags


@internal
@pure
def _who(word: uint256, member: uint256) -> uint256:
    """
    @notice What a member is to a case: receiving, handling, both or nothing.
    """
    who: uint256 = 0
    if (word >> RECEIVING_AT) & SHORT == member:
        who = RECEIVING
    if (word >> HANDLING_AT) & SHORT == member:
        who |= HANDLING
    return who


@internal
@pure
def _is_parent(word: uint256) -> bool:
    """
    @notice Whether this is a joint case itself.
    """
    return (word >> MODE) & BYTE == JOINT and word & CHILD == 0


@internal
@pure
def _put(word: uint256, at: uint256, mask: uint256, part: uint256) -> uint256:
    """
    @notice A word with one part replaced.
    """
    return (word & ~(mask << at)) | (part << at)


@internal
@pure
def _running(state: uint256) -> uint256:
    """
    @notice Which clock runs in a state.
    """
    if state == SUBMITTED:
        return NOTICE_CLOCK
    if state == CORRECTION:
        return CORRECTION_CLOCK
    if state == ACCEPTED or state == 5 or state == SUSPENDED:
        return DECISION_CLOCK
    if state >= GRANTED and state <= CLOSED:
        return DELIVERY_CLOCK
    return NO_CLOCK


@internal
@pure
def _begun(kind: uint256, clock: uint256) -> uint256:
    """
    @notice When a clock started; 0: it has not.
    """
    if kind == NOTICE_CLOCK:
        return (clock >> STARTED) & TIME
    if kind == CORRECTION_CLOCK:
        return (clock >> ASKED) & TIME
    if kind == DECISION_CLOCK:
        return (clock >> ACCEPTED_AT) & TIME
    return (clock >> DECIDED) & TIME


@internal
@view
def _days(since: uint256, until: uint256) -> int256:
    """
    @notice Working days after the day of one time up to and with that of another; -1: a calendar is missing.
    """
    first: uint256 = standing._day(since)
    last: uint256 = standing._day(until)
    if last > first + COUNTED_SPAN:
        return MANY_DAYS
    return access._working_days(first, last)


@internal
@view
def _elapsed(kind: uint256, word: uint256, clock: uint256) -> int256:
    """
    @notice Working days used of a clock; time of a special procedure does not count (Administrative Licence Law art. 45).
    """
    if kind == NO_CLOCK:
        return NO_ELAPSED
    begun: uint256 = self._begun(kind, clock)
    if begun == 0:
        return 0
    until: uint256 = block.timestamp
    if kind == DECISION_CLOCK and word & BYTE == SUSPENDED:
        until = (clock >> SINCE) & TIME
    used: int256 = self._days(begun, until)
    if kind != DECISION_CLOCK or used < 0 or used == MANY_DAYS:
        return used
    return max(0, used - convert((clock >> STOPPED_DAYS) & SHORT, int256))


@internal
@pure
def _statutory(word: uint256, rule: uint256) -> uint256:
    """
    @notice Days to decide by law, before any extension.
    """
    if (word >> MODE) & BYTE == JOINT and (rule >> 81) & BYTE != 0:
        return (rule >> 81) & BYTE
    return (rule >> 8) & SHORT


@internal
@pure
def _extension(word: uint256, rule: uint256) -> uint256:
    """
    @notice Days by which the decision may be put off, once.
    """
    if (word >> MODE) & BYTE == JOINT and (rule >> 89) & BYTE != 0:
        return (rule >> 89) & BYTE
    return (rule >> 24) & BYTE


@internal
@pure
def _allowed(kind: uint256, word: uint256, clock: uint256, rule: uint256) -> uint256:
    """
    @notice Working days allowed on a clock; 0: no limit.
    """
    if kind == NOTICE_CLOCK:
        return rule & BYTE
    if kind == CORRECTION_CLOCK:
        return (rule >> 97) & BYTE
    if kind == DELIVERY_CLOCK:
        return (rule >> 57) & BYTE
    if word & EXTENDED != 0:
        return self._statutory(word, rule) + ((clock >> EXTENSION) & SHORT)
    if (rule >> 41) & SHORT != 0:
        return (rule >> 41) & SHORT
    return self._statutory(word, rule)


@internal
@pure
def _silent(rule: uint256, elapsed: int256) -> bool:
    """
    @notice Whether silence has counted as acceptance by now (Administrative Licence Law art. 32).
    """
    return (rule >> 32) & 1 == 1 and elapsed > convert(rule & BYTE, int256)


@internal
@view
def _claim_due(word: uint256, clock: uint256) -> bool:
    """
    @notice Whether a claim stands that nobody rebutted in its one working day.
    """
    if word & CLAIM_STANDS == 0:
        return False
    return self._days((clock >> SINCE) & TIME, block.timestamp) > PENDING_DAYS
