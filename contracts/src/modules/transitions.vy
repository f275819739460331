# pragma version 0.4.3
"""
@title Transitions: what may follow what, by whom, in which mode
@license Apache-2.0
@notice The rows of the law (`ledger/domain/case_tables`) are handed in when the contract is deployed: states, offices,
        officers' roles, details, clocks. What a row cannot say is the code of one action each. `ledger/domain/case_steps`
        is the same machine as pure functions; a property test drives both.
"""

from modules import access
from modules import docket
from modules import standing

uses: (access, docket)


event Stepped:
    case: indexed(bytes32)
    sequence: uint32
    action: uint8
    state: uint8
    actor: indexed(uint16)
    member: uint16
    key: address
    helper: uint16
    department: uint32
    role: uint8
    detail: uint256
    elapsed: uint16
    commitment: bytes32
    blob: bytes32
    head: bytes32


event ClockChanged:
    case: indexed(bytes32)
    started: uint40
    suspended: uint16
    extension: uint16


# One action as it is judged; `actor` is the office's member, 0 the applicant; `superior` that member's parent.
struct Move:
    case: bytes32
    action: uint256
    actor: uint256
    superior: uint256
    sequence: uint256
    detail: uint256
    department: uint256
    role: uint256
    member: uint256
    helper: uint256
    commitment: bytes32
    blob: bytes32


struct Outcome:
    reason: uint256
    word: uint256
    clock: uint256
    elapsed: int256


UNKNOWN_DEPARTMENT: constant(uint256) = 104
SILENCE_COUNTS_NOT: constant(uint256) = 105
TOO_EARLY: constant(uint256) = 106
CLAIM_PENDING: constant(uint256) = 107
CLAIM_SETTLED: constant(uint256) = 108
REBUTTAL_LATE: constant(uint256) = 109
CHILDREN_OPEN: constant(uint256) = 110
ALREADY_EXTENDED: constant(uint256) = 112
BAD_SEQUENCE: constant(uint256) = 113
BAD_KIND: constant(uint256) = 114
LIMIT_PASSED: constant(uint256) = 115
UNKNOWN_CASE: constant(uint256) = 100
WRONG_STATE: constant(uint256) = 101
WRONG_OFFICE: constant(uint256) = 102
NO_CALENDAR: constant(uint256) = 28
DIGEST_MISSING: constant(uint256) = 27

# Actions whose effect is more than their row.
SUPPLY: constant(uint256) = 1
WITHDRAW: constant(uint256) = 2
SIGN_DELIVERY: constant(uint256) = 3
RATE: constant(uint256) = 4
CLAIM: constant(uint256) = 5
SETTLE: constant(uint256) = 6
RECEIVE: constant(uint256) = 10
REQUEST_CORRECTION: constant(uint256) = 11
ACCEPT: constant(uint256) = 12
REFUSE_ACCEPTANCE: constant(uint256) = 13
SUSPEND: constant(uint256) = 15
RESUME: constant(uint256) = 16
EXTEND: constant(uint256) = 17
GRANT: constant(uint256) = 18
REFUSE: constant(uint256) = 19
CLOSE: constant(uint256) = 20
CLOSE_UNCORRECTED: constant(uint256) = 22
TRANSFER_UP: constant(uint256) = 23
REBUT: constant(uint256) = 24
REVOKE_RESULT: constant(uint256) = 25
DECLARE_UNLAWFUL: constant(uint256) = 27
DEREGISTER: constant(uint256) = 28

ACTIONS: constant(uint256) = 32
APPLICANT: constant(uint256) = 4
# A row's greatest detail that stands for any.
ANY_DETAIL: constant(uint256) = 255
# Instant cases 即办件 are decided without a review.
INSTANT: constant(uint256) = 1
NON_ACCEPTANCE: constant(uint256) = 3
FORMAL: constant(uint256) = 1
UNLAWFUL: constant(uint256) = 3
MOST_CORRECTIONS: constant(uint256) = 255

rows: uint256[ACTIONS]


@deploy
def __init__(rows: uint256[ACTIONS]):
    """
    @notice Take the rows of the law.
    """
    self.rows = rows


@internal
def _move(move: Move) -> uint256:
    """
    @notice Do one action, or say why not. A claim that has fallen due is settled first.
    """
    word: uint256 = docket.words[move.case]
    if word == 0:
        return UNKNOWN_CASE
    row: uint256 = self.rows[move.action] if move.action < ACTIONS else 0
    applicants: bool = (row >> 40) & docket.BYTE == APPLICANT
    if row == 0 or move.action == SETTLE or applicants != (move.actor == 0):
        return BAD_KIND
    if move.actor != 0 and docket._who(word, move.actor) == 0:
        return standing.NOT_A_PARTY
    sequence: uint256 = (word >> docket.SEQUENCE) & docket.LONG
    if move.sequence != sequence and (move.sequence != 0 or move.actor == 0):
        return BAD_SEQUENCE
    clock: uint256 = docket.clocks[move.case]
    rule: uint256 = docket.terms[move.case]
    settled: int256 = -1
    due: bool = docket._claim_due(word, clock)
    if due:
        settled = docket._elapsed(docket.NOTICE_CLOCK, word, clock)
        word, clock = self._settled(word, clock)
    reason: uint256 = self._check_permit(move, row, word, rule, due)
    if reason != 0:
        return reason
    reason = self._check_form(move, row)
    if reason != 0:
        return reason
    elapsed: int256 = docket._elapsed((row >> 112) & docket.BYTE, word, clock)
    if elapsed < 0:
        return NO_CALENDAR
    done: Outcome = self._effect(move, row, word, clock, rule, elapsed)
    if done.reason != 0:
        return done.reason
    reason = self._check_end(move, word, done.word)
    if reason != 0:
        return reason
    if due:
        self._tell_settled(move.case, docket.words[move.case], settled, move.member)
    self._store(move, word, clock, done)
    return 0


@internal
def _settle(case: bytes32, member: uint256) -> uint256:
    """
    @notice Settle a claim that nobody rebutted in its one working day, or say why not.
    """
    word: uint256 = docket.words[case]
    if word == 0:
        return UNKNOWN_CASE
    if word & docket.CLAIM_STANDS == 0:
        return CLAIM_SETTLED if word & docket.CLAIM_ACCEPTED != 0 else WRONG_STATE
    clock: uint256 = docket.clocks[case]
    stood: int256 = docket._days((clock >> docket.SINCE) & docket.TIME, block.timestamp)
    elapsed: int256 = docket._elapsed(docket.NOTICE_CLOCK, word, clock)
    if stood < 0 or elapsed < 0:
        return NO_CALENDAR
    if stood <= docket.PENDING_DAYS:
        return CLAIM_PENDING
    self._tell_settled(case, word, elapsed, member)
    word, clock = self._settled(word, clock)
    docket.words[case] = word
    docket.clocks[case] = clock
    return 0


@internal
@pure
def _settled(word: uint256, clock: uint256) -> (uint256, uint256):
    """
    @notice A case once its claim is settled: accepted, by law, from the day of receipt.
    """
    after: uint256 = docket._put(word, 0, docket.BYTE, docket.ACCEPTED)
    after = (after & ~docket.CLAIM_STANDS) | docket.CLAIM_ACCEPTED
    times: uint256 = docket._put(clock, docket.ACCEPTED_AT, docket.TIME, clock & docket.TIME)
    return after + (1 << docket.SEQUENCE), docket._put(times, docket.SINCE, docket.TIME, 0)


@internal
@view
def _check_permit(move: Move, row: uint256, word: uint256, rule: uint256, due: bool) -> uint256:
    """
    @notice Office, claim and state; `due`: the claim was settled only now.
    """
    column: uint256 = ((word >> docket.MODE) & docket.BYTE) - 1
    if word & docket.CHILD != 0:
        column = 4
    who: uint256 = APPLICANT
    if move.actor != 0:
        who = docket._who(word, move.actor)
    if who & (row >> (40 + 8 * column)) & docket.BYTE == 0:
        return WRONG_OFFICE
    states: uint256 = row & docket.SHORT
    if docket._is_parent(word):
        states = (row >> 16) & docket.SHORT
    if word & docket.CLAIM_STANDS != 0 and move.action != ACCEPT and move.action != REBUT and move.action != WITHDRAW:
        if states & (1 << docket.SUBMITTED) != 0:
            return CLAIM_PENDING
    if word & docket.CLAIM_ACCEPTED != 0:
        if move.action == REBUT and due:
            return REBUTTAL_LATE
        if move.action == REBUT or move.action == CLAIM:
            return CLAIM_SETTLED
    state: uint256 = word & docket.BYTE
    if states & (1 << state) == 0:
        return WRONG_STATE
    if (move.action == GRANT or move.action == REFUSE) and state == docket.ACCEPTED:
        if (rule >> 73) & docket.BYTE != INSTANT:
            return WRONG_STATE
    return 0


@internal
@view
def _check_form(move: Move, row: uint256) -> uint256:
    """
    @notice Detail, department and officer's role.
    """
    most: uint256 = (row >> 104) & docket.BYTE
    if move.detail < (row >> 96) & docket.BYTE or (most != ANY_DETAIL and move.detail > most):
        return standing.OUT_OF_RANGE
    office: bool = (row >> 80) & docket.BYTE != 0
    if office or move.department != 0:
        if move.department == 0 or not access._department(move.actor, move.department):
            return UNKNOWN_DEPARTMENT
    if office and (move.role > 7 or ((row >> 88) & docket.BYTE) & (1 << move.role) == 0):
        return standing.WRONG_ROLE
    return 0


@internal
@pure
def _check_end(move: Move, before: uint256, after: uint256) -> uint256:
    """
    @notice A joint case ends only after all its children, and closes only if it had any.
    """
    ends: bool = (1 << (after & docket.BYTE)) & docket.ENDED != 0 and (1 << (before & docket.BYTE)) & docket.ENDED == 0
    if ends and (before >> docket.OPEN_CHILDREN) & docket.BYTE != 0:
        return CHILDREN_OPEN
    if move.action == CLOSE and docket._is_parent(before) and (before >> docket.CHILDREN) & docket.BYTE == 0:
        return CHILDREN_OPEN
    return 0


@internal
@view
def _effect(move: Move, row: uint256, before: uint256, times: uint256, rule: uint256, elapsed: int256) -> Outcome:
    """
    @notice What an action does besides leading to its row's state, or why it cannot.
    """
    now: uint256 = block.timestamp
    word: uint256 = before
    clock: uint256 = times
    state: uint256 = (row >> 32) & docket.BYTE
    if state != 0:
        word = docket._put(word, 0, docket.BYTE, state)
    handling: uint256 = (before >> docket.HANDLING_AT) & docket.SHORT
    if move.actor == handling and before & docket.BYTE == docket.SUBMITTED:
        word |= docket.RECEIVED
        if clock & docket.TIME == 0:
            clock |= now
    action: uint256 = move.action
    reason: uint256 = 0
    if action == SUPPLY:
        clock = docket._put(clock, docket.STARTED, docket.TIME, now)
    elif action == WITHDRAW:
        word &= ~docket.CLAIM_STANDS
    elif action == SIGN_DELIVERY:
        if word & docket.SIGNED != 0:
            reason = standing.ALREADY_DONE
        word |= docket.SIGNED
    elif action == RATE:
        if (word >> docket.RATING) & docket.BYTE != 0:
            reason = standing.ALREADY_DONE
        word = docket._put(word, docket.RATING, docket.BYTE, move.detail)
        if word & docket.BYTE == docket.DELIVERED:
            word = docket._put(word, 0, docket.BYTE, docket.RATED)
    elif action == CLAIM:
        if (rule >> 32) & 1 == 0:
            reason = SILENCE_COUNTS_NOT
        elif elapsed <= convert(rule & docket.BYTE, int256):
            reason = TOO_EARLY
        word |= docket.CLAIM_STANDS
        clock = docket._put(clock, docket.SINCE, docket.TIME, now)
    elif action == RECEIVE:
        if before & docket.RECEIVED != 0:
            reason = standing.ALREADY_DONE
    elif action == REQUEST_CORRECTION:
        reason = self._check_notice(before, move.detail, move.actor)
        if reason == 0 and docket._silent(rule, elapsed):
            reason = LIMIT_PASSED
        if reason == 0:
            reason, word, clock = self._asked(word, clock, now, move.actor == handling)
    elif action == ACCEPT:
        since: uint256 = now
        if docket._silent(rule, elapsed):
            since = clock & docket.TIME
        word &= ~docket.CLAIM_STANDS
        clock = docket._put(clock, docket.ACCEPTED_AT, docket.TIME, since)
        clock = docket._put(clock, docket.SINCE, docket.TIME, 0)
    elif action == REFUSE_ACCEPTANCE:
        if docket._silent(rule, elapsed):
            reason = LIMIT_PASSED
    elif action == SUSPEND:
        clock = docket._put(clock, docket.SINCE, docket.TIME, now)
    elif action == RESUME:
        days: int256 = docket._days((clock >> docket.SINCE) & docket.TIME, now)
        if days < 0:
            reason = NO_CALENDAR
        else:
            stopped: uint256 = (clock >> docket.STOPPED_DAYS) & docket.SHORT
            total: uint256 = min(stopped + convert(days, uint256), convert(docket.MANY_DAYS, uint256))
            clock = docket._put(clock, docket.STOPPED_DAYS, docket.SHORT, total)
            clock = docket._put(clock, docket.SINCE, docket.TIME, 0)
    elif action == EXTEND:
        if word & docket.EXTENDED != 0:
            reason = ALREADY_EXTENDED
        elif move.detail > docket._extension(word, rule):
            reason = standing.OUT_OF_RANGE
        elif elapsed > convert(docket._statutory(word, rule), int256):
            reason = LIMIT_PASSED
        word |= docket.EXTENDED
        clock = docket._put(clock, docket.EXTENSION, docket.SHORT, move.detail)
    elif action == GRANT or action == REFUSE:
        word = docket._put(word, docket.RESULT, 3, action - GRANT + 1)
        clock = docket._put(clock, docket.DECIDED, docket.TIME, now)
    elif action == CLOSE:
        if docket._is_parent(word):
            clock = docket._put(clock, docket.DECIDED, docket.TIME, now)
    elif action == CLOSE_UNCORRECTED:
        supply: int256 = convert((rule >> 97) & docket.BYTE, int256)
        if supply == 0 or elapsed <= supply:
            reason = TOO_EARLY
    elif action == TRANSFER_UP:
        if move.detail != 0 and move.detail != move.superior:
            reason = standing.OUT_OF_RANGE
    elif action == REBUT:
        reason, word, clock = self._rebut(move, before, word, times, clock, rule, elapsed)
    elif action >= REVOKE_RESULT:
        reason, word = self._judged(action, word)
    return Outcome(reason=reason, word=word, clock=clock, elapsed=elapsed)


@internal
@pure
def _check_notice(word: uint256, kind: uint256, actor: uint256) -> uint256:
    """
    @notice Received here, decided there: the receiving city looks at the form alone.
    """
    if (word >> docket.MODE) & docket.BYTE == docket.RECEIVED_HERE and kind != FORMAL:
        if (word >> docket.HANDLING_AT) & docket.SHORT != actor:
            return WRONG_OFFICE
    return 0


@internal
@pure
def _asked(word: uint256, clock: uint256, given: uint256, by_handling: bool) -> (uint256, uint256, uint256):
    """
    @notice A request for correction, counted against the city that asked.
    """
    at: uint256 = docket.ASKED_BY_HANDLING if by_handling else docket.ASKED_BY_RECEIVING
    if (word >> at) & docket.BYTE == MOST_CORRECTIONS:
        return standing.OUT_OF_RANGE, word, clock
    after: uint256 = docket._put(word, 0, docket.BYTE, docket.CORRECTION) + (1 << at)
    return 0, after, docket._put(clock, docket.ASKED, docket.TIME, given)


@internal
@view
def _rebut(
    move: Move, before: uint256, word: uint256, times: uint256, clock: uint256, rule: uint256, elapsed: int256
) -> (uint256, uint256, uint256):
    """
    @notice A notice that was given in time, proven afterwards: it stands, from when it was given.
    """
    kind: uint256 = move.detail & docket.BYTE
    given: uint256 = move.detail >> 8
    limit: int256 = convert(rule & docket.BYTE, int256)
    started: uint256 = times & docket.TIME
    if kind == 0 or kind > NON_ACCEPTANCE or given < started or given > block.timestamp:
        return standing.OUT_OF_RANGE, word, clock
    reason: uint256 = self._check_notice(before, kind, move.actor)
    if reason != 0:
        return reason, word, clock
    if move.commitment == empty(bytes32):
        return DIGEST_MISSING, word, clock
    if (rule >> 32) & 1 == 0:
        return SILENCE_COUNTS_NOT, word, clock
    if elapsed <= limit:
        return TOO_EARLY, word, clock
    if before & docket.CLAIM_STANDS == 0 and elapsed > limit + docket.PENDING_DAYS:
        return REBUTTAL_LATE, word, clock
    days: int256 = docket._days(started, given)
    if days < 0:
        return NO_CALENDAR, word, clock
    if days > limit:
        return REBUTTAL_LATE, word, clock
    after: uint256 = word & ~docket.CLAIM_STANDS
    cleared: uint256 = docket._put(clock, docket.SINCE, docket.TIME, 0)
    if kind == NON_ACCEPTANCE:
        return 0, docket._put(after, 0, docket.BYTE, docket.NOT_ACCEPTED), cleared
    return self._asked(after, cleared, given, move.actor == (before >> docket.HANDLING_AT) & docket.SHORT)


@internal
@pure
def _judged(action: uint256, word: uint256) -> (uint256, uint256):
    """
    @notice What became of a result afterwards (Administrative Licence Law arts. 69, 70).
    """
    outcome: uint256 = action - REVOKE_RESULT + 1
    known: uint256 = (word >> docket.OUTCOME) & 7
    if action == DEREGISTER and (word >> docket.RESULT) & 3 != 1:
        return WRONG_STATE, word
    if known == 1 or known == 4 or (outcome == UNLAWFUL and known == UNLAWFUL):
        return standing.ALREADY_DONE, word
    return 0, docket._put(word, docket.OUTCOME, 7, outcome)


@internal
def _store(move: Move, before: uint256, times: uint256, done: Outcome):
    """
    @notice Keep what an action did, one number further; whoever of the offices acted has the case now.
    """
    word: uint256 = done.word + (1 << docket.SEQUENCE)
    if move.actor != 0:
        department: uint256 = move.department
        if department == 0 and (before >> docket.OFFICE) & docket.SHORT == move.actor:
            department = (before >> docket.DEPARTMENT) & docket.LONG
        word = docket._put(word, docket.OFFICE, docket.SHORT, move.actor)
        word = docket._put(word, docket.DEPARTMENT, docket.LONG, department)
    docket.words[move.case] = word
    if done.clock != docket.clocks[move.case]:
        docket.clocks[move.case] = done.clock
    if word & docket.CHILD != 0:
        ended: bool = (1 << (word & docket.BYTE)) & docket.ENDED != 0
        if ended and (1 << (before & docket.BYTE)) & docket.ENDED == 0:
            docket.words[docket.parents[move.case]] -= 1 << docket.OPEN_CHILDREN
    self._tell(move, word & docket.BYTE, (before >> docket.SEQUENCE) & docket.LONG, convert(done.elapsed, uint256))
    # Times of stages can be told from the steps; days that were counted cannot.
    if (done.clock ^ times) >> docket.STOPPED_DAYS != 0:
        log ClockChanged(
            case=move.case,
            started=convert(done.clock & docket.TIME, uint40),
            suspended=convert((done.clock >> docket.STOPPED_DAYS) & docket.SHORT, uint16),
            extension=convert((done.clock >> docket.EXTENSION) & docket.SHORT, uint16),
        )


@internal
def _tell_settled(case: bytes32, before: uint256, elapsed: int256, member: uint256):
    """
    @notice Tell that a claim was settled: a step of its own, by nobody.
    """
    self._tell(
        Move(
            case=case,
            action=SETTLE,
            actor=0,
            superior=0,
            sequence=0,
            detail=0,
            department=0,
            role=0,
            member=member,
            helper=0,
            commitment=empty(bytes32),
            blob=empty(bytes32),
        ),
        docket.ACCEPTED,
        (before >> docket.SEQUENCE) & docket.LONG,
        convert(max(elapsed, 0), uint256),
    )


@internal
def _tell(move: Move, state: uint256, sequence: uint256, elapsed: uint256):
    """
    @notice Move the head of the case's hash chain and emit the step with it.
    """
    packed: uint256 = move.action | (state << 8) | (move.actor << 16) | (move.member << 32) | (move.helper << 48)
    packed |= (move.department << 64) | (move.role << 96) | (sequence << 104) | (elapsed << 136)
    packed |= block.timestamp << 152
    head: bytes32 = keccak256(
        abi_encode(docket.heads[move.case], packed, move.detail, move.commitment, move.blob)
    )
    docket.heads[move.case] = head
    log Stepped(
        case=move.case,
        sequence=convert(sequence, uint32),
        action=convert(move.action, uint8),
        state=convert(state, uint8),
        actor=convert(move.actor, uint16),
        member=convert(move.member, uint16),
        key=msg.sender,
        helper=convert(move.helper, uint16),
        department=convert(move.department, uint32),
        role=convert(move.role, uint8),
        detail=move.detail,
        elapsed=convert(elapsed, uint16),
        commitment=move.commitment,
        blob=move.blob,
        head=head,
    )
