# pragma version 0.4.3
"""
@title Handling: what offices and regulators do to a case
@license Apache-2.0
@notice Offices step, hand over and record; a regulator issues and settles supervision orders 督办 and records what it
        reads, and never changes a case.
"""

from modules import access
from modules import docket
from modules import standing
from modules import transitions

uses: (access, docket, transitions)


event HandedOver:
    case: indexed(bytes32)
    member: indexed(uint16)
    key: address
    department: uint32
    to_member: indexed(uint16)
    to_department: uint32


event Supervised:
    case: indexed(bytes32)
    order: uint32
    stage: uint8
    member: indexed(uint16)
    key: address
    due: uint40
    commitment: bytes32
    blob: bytes32


event Recorded:
    case: indexed(bytes32)
    sequence: uint32
    kind: indexed(uint8)
    member: indexed(uint16)
    key: address
    commitment: bytes32
    blob: bytes32


struct Step:
    case: bytes32
    action: uint8
    sequence: uint32
    detail: uint256
    department: uint32
    role: uint8
    commitment: bytes32
    blob: bytes32


struct Handover:
    case: bytes32
    to_member: uint16
    to_department: uint32


struct Order:
    case: bytes32
    order: uint32
    stage: uint8
    due: uint40
    commitment: bytes32
    blob: bytes32


struct Entry:
    case: bytes32
    kind: uint8
    commitment: bytes32
    blob: bytes32


OPERATION_STEP: constant(uint256) = 73
OPERATION_HAND_OVER: constant(uint256) = 74
OPERATION_SUPERVISE: constant(uint256) = 75
OPERATION_RECORD: constant(uint256) = 76
OPERATION_SETTLE: constant(uint256) = 77

DIGEST_MISSING: constant(uint256) = 27
UNKNOWN_CASE: constant(uint256) = 100
WRONG_STATE: constant(uint256) = 101
WRONG_OFFICE: constant(uint256) = 102
UNKNOWN_DEPARTMENT: constant(uint256) = 104
BAD_SEQUENCE: constant(uint256) = 113
BAD_KIND: constant(uint256) = 114

ISSUED: constant(uint256) = 1
ANSWERED: constant(uint256) = 2
ORDER_SETTLED: constant(uint256) = 3
MOST_ORDERS: constant(uint256) = 255

# Who may record a kind, beside the two cities of a case.
ANY_WINDOW: constant(uint256) = 4
REGULATOR: constant(uint256) = 8
KINDS: constant(uint256) = 64
KINDS_A_WORD: constant(uint256) = 32

# A step has eight words: two hundred of them fill half of a transaction's calldata and five million gas.
MAX_STEPS: constant(uint256) = 200
MAX_HANDOVERS: constant(uint256) = 128
MAX_ORDERS: constant(uint256) = 64
MAX_ENTRIES: constant(uint256) = 128
MAX_SETTLED: constant(uint256) = 128

# Eight bits a kind of record.
kinds: uint256[2]
# The stage of each supervision order.
stages: HashMap[bytes32, HashMap[uint256, uint256]]


@deploy
def __init__(kinds: uint256[2]):
    """
    @notice Take the table of who may record what.
    """
    self.kinds = kinds


@external
def step(items: DynArray[Step, MAX_STEPS]):
    """
    @notice Do what offices do. An operate key of a city of the case.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE)
    superior: uint256 = (sender >> 40) & docket.SHORT
    index: uint256 = 0
    for item: Step in items:
        reason: uint256 = authority
        if reason == 0:
            reason = transitions._move(
                transitions.Move(
                    case=item.case,
                    action=convert(item.action, uint256),
                    actor=member,
                    superior=superior,
                    sequence=convert(item.sequence, uint256),
                    detail=item.detail,
                    department=convert(item.department, uint256),
                    role=convert(item.role, uint256),
                    member=member,
                    helper=0,
                    commitment=item.commitment,
                    blob=item.blob,
                )
            )
        if reason != 0:
            standing._refuse(member, OPERATION_STEP, index, item.case, reason)
        index += 1


@external
def settle(cases: DynArray[bytes32, MAX_SETTLED]):
    """
    @notice Settle claims that nobody rebutted in time. Any key of an active member.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE | standing.WITNESS | standing.REGULATE)
    index: uint256 = 0
    for case: bytes32 in cases:
        reason: uint256 = authority
        if reason == 0:
            reason = transitions._settle(case, member)
        if reason != 0:
            standing._refuse(member, OPERATION_SETTLE, index, case, reason)
        index += 1


@external
def hand_over(items: DynArray[Handover, MAX_HANDOVERS]):
    """
    @notice Hand cases over to another office of the same case. An operate key of the city that has it now.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE)
    index: uint256 = 0
    for item: Handover in items:
        word: uint256 = docket.words[item.case]
        reason: uint256 = authority
        if reason == 0:
            reason = self._check_handover(item, word, member)
        if reason != 0:
            standing._refuse(member, OPERATION_HAND_OVER, index, item.case, reason)
        else:
            after: uint256 = docket._put(word, docket.OFFICE, docket.SHORT, convert(item.to_member, uint256))
            after = docket._put(after, docket.DEPARTMENT, docket.LONG, convert(item.to_department, uint256))
            docket.words[item.case] = after
            log HandedOver(
                case=item.case,
                member=convert(member, uint16),
                key=msg.sender,
                department=convert((word >> docket.DEPARTMENT) & docket.LONG, uint32),
                to_member=item.to_member,
                to_department=item.to_department,
            )
        index += 1


@external
def supervise(items: DynArray[Order, MAX_ORDERS]):
    """
    @notice Issue supervision orders (stage 1, order 0), answer them (2, a city of the case), settle them (3).
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    index: uint256 = 0
    for item: Order in items:
        word: uint256 = docket.words[item.case]
        order: uint256 = convert(item.order, uint256)
        reason: uint256 = self._check_order(item, word, sender)
        if reason != 0:
            standing._refuse(member, OPERATION_SUPERVISE, index, item.case, reason)
        else:
            if convert(item.stage, uint256) == ISSUED:
                order = ((word >> docket.ORDERS) & docket.BYTE) + 1
                docket.words[item.case] = docket._put(word, docket.ORDERS, docket.BYTE, order)
            self.stages[item.case][order] = convert(item.stage, uint256)
            log Supervised(
                case=item.case,
                order=convert(order, uint32),
                stage=item.stage,
                member=convert(member, uint16),
                key=msg.sender,
                due=item.due,
                commitment=item.commitment,
                blob=item.blob,
            )
        index += 1


@external
def record(items: DynArray[Entry, MAX_ENTRIES]):
    """
    @notice Record what a procedure needs besides its transitions; who may record which kind is a table.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE | standing.WITNESS | standing.REGULATE)
    index: uint256 = 0
    for item: Entry in items:
        word: uint256 = docket.words[item.case]
        reason: uint256 = authority
        if reason == 0:
            reason = self._check_entry(item, word, sender)
        if reason != 0:
            standing._refuse(member, OPERATION_RECORD, index, item.case, reason)
        else:
            sequence: uint256 = ((word >> docket.RECORDS) & docket.LONG) + 1
            docket.words[item.case] = docket._put(word, docket.RECORDS, docket.LONG, sequence)
            log Recorded(
                case=item.case,
                sequence=convert(sequence, uint32),
                kind=item.kind,
                member=convert(member, uint16),
                key=msg.sender,
                commitment=item.commitment,
                blob=item.blob,
            )
        index += 1


@internal
@view
def _check_handover(item: Handover, word: uint256, member: uint256) -> uint256:
    """
    @notice Why a case cannot be handed over; 0: it can.
    """
    if word == 0:
        return UNKNOWN_CASE
    if docket._who(word, member) == 0 or docket._who(word, convert(item.to_member, uint256)) == 0:
        return standing.NOT_A_PARTY
    if (word >> docket.OFFICE) & docket.SHORT != member:
        return WRONG_OFFICE
    if (1 << (word & docket.BYTE)) & docket.READING == 0:
        return WRONG_STATE
    if not access._department(convert(item.to_member, uint256), convert(item.to_department, uint256)):
        return UNKNOWN_DEPARTMENT
    return 0


@internal
@view
def _check_order(item: Order, word: uint256, sender: uint256) -> uint256:
    """
    @notice Why a stage of an order cannot be; 0: it can.
    """
    stage: uint256 = convert(item.stage, uint256)
    roles: uint256 = standing.OPERATE if stage == ANSWERED else standing.REGULATE
    reason: uint256 = standing._authority(sender, roles)
    if reason != 0:
        return reason
    if word == 0:
        return UNKNOWN_CASE
    if stage == 0 or stage > ORDER_SETTLED:
        return BAD_KIND
    if stage == ANSWERED and docket._who(word, standing._member(sender)) == 0:
        return standing.NOT_A_PARTY
    if item.commitment == empty(bytes32):
        return DIGEST_MISSING
    if stage == ISSUED:
        if item.order != 0 or (word >> docket.ORDERS) & docket.BYTE == MOST_ORDERS:
            return BAD_SEQUENCE
        return 0
    known: uint256 = self.stages[item.case][convert(item.order, uint256)]
    if known == 0:
        return BAD_SEQUENCE
    if known >= stage:
        return standing.ALREADY_DONE
    return 0


@internal
@view
def _check_entry(item: Entry, word: uint256, sender: uint256) -> uint256:
    """
    @notice Why a record cannot be; 0: it can.
    """
    if word == 0:
        return UNKNOWN_CASE
    kind: uint256 = convert(item.kind, uint256)
    if kind >= KINDS:
        return BAD_KIND
    rule: uint256 = (self.kinds[kind // KINDS_A_WORD] >> (8 * (kind % KINDS_A_WORD))) & docket.BYTE
    if rule == 0:
        return BAD_KIND
    who: uint256 = 0
    if standing._authority(sender, standing.OPERATE | standing.WITNESS) == 0:
        who = docket._who(word, standing._member(sender)) | ANY_WINDOW
    if standing._authority(sender, standing.REGULATE) == 0:
        who |= REGULATOR
    if who & rule == 0:
        return WRONG_OFFICE
    if item.commitment == empty(bytes32):
        return DIGEST_MISSING
    return 0
