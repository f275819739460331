# pragma version 0.4.3
"""
@title Pointers and look-ups: an applicant's wallet on its way, and questions between two cities
@license Apache-2.0
@notice A wallet's version stands under a write-once key of its own, so that no two versions can be joined. A look-up is
        on the record before it is answered; what was asked and answered travels sealed between the two.
"""

from modules import access
from modules import standing

uses: access


event WalletPointed:
    pointer: indexed(bytes32)
    blob: bytes32
    member: indexed(uint16)
    key: address


event LookupAsked:
    lookup: indexed(bytes32)
    asker: indexed(uint16)
    asked: indexed(uint16)
    purpose: uint8
    key: address
    commitment: bytes32


event LookupAnswered:
    lookup: indexed(bytes32)
    member: indexed(uint16)
    key: address
    commitment: bytes32
    blob: bytes32


struct Pointer:
    pointer: bytes32
    blob: bytes32


struct Question:
    lookup: bytes32
    asked: uint16
    purpose: uint8
    commitment: bytes32


struct Answer:
    lookup: bytes32
    commitment: bytes32
    blob: bytes32


OPERATION_POINT: constant(uint256) = 43
OPERATION_ASK: constant(uint256) = 44
OPERATION_ANSWER: constant(uint256) = 45

POINTER_TAKEN: constant(uint256) = 67
DAILY_LIMIT: constant(uint256) = 68
UNKNOWN_LOOKUP: constant(uint256) = 69
NOT_ASKED: constant(uint256) = 70

MAX_POINTERS: constant(uint256) = 128
MAX_QUESTIONS: constant(uint256) = 64
# A city of ten million writes fewer wallets a day; more is somebody filling the store.
POINTERS_A_DAY: constant(uint256) = 10000
# Look-ups are the exception; the wallet is the rule.
QUESTIONS_A_DAY: constant(uint256) = 200

pointed: public(HashMap[bytes32, bytes32])
# asker | asked << 16 | answered << 32
lookups: public(HashMap[bytes32, uint256])
pointed_on: HashMap[uint256, HashMap[uint256, uint256]]
asked_on: HashMap[uint256, HashMap[uint256, uint256]]


@external
def point(items: DynArray[Pointer, MAX_POINTERS]):
    """
    @notice Publish where versions of wallets are; the member that submits one pins it. An operate key.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE)
    if authority == 0:
        authority = access._closed()
    today: uint256 = standing._day(block.timestamp)
    count: uint256 = self.pointed_on[member][today]
    index: uint256 = 0
    for item: Pointer in items:
        reason: uint256 = authority
        if reason == 0 and (item.pointer == empty(bytes32) or item.blob == empty(bytes32)):
            reason = standing.OUT_OF_RANGE
        if reason == 0 and self.pointed[item.pointer] != empty(bytes32):
            reason = POINTER_TAKEN
        if reason == 0 and count >= POINTERS_A_DAY:
            reason = DAILY_LIMIT
        if reason != 0:
            standing._refuse(member, OPERATION_POINT, index, item.pointer, reason)
        else:
            count += 1
            self.pointed[item.pointer] = item.blob
            log WalletPointed(
                pointer=item.pointer, blob=item.blob, member=convert(member, uint16), key=msg.sender
            )
        index += 1
    if authority == 0:
        self.pointed_on[member][today] = count


@external
def ask(items: DynArray[Question, MAX_QUESTIONS]):
    """
    @notice Put questions to other members on the record, before any answer. An operate or witness key.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE | standing.WITNESS)
    if authority == 0:
        authority = access._closed()
    today: uint256 = standing._day(block.timestamp)
    count: uint256 = self.asked_on[member][today]
    index: uint256 = 0
    for item: Question in items:
        asked: uint256 = convert(item.asked, uint256)
        reason: uint256 = authority
        if reason == 0 and (item.lookup == empty(bytes32) or item.purpose == 0 or asked == member):
            reason = standing.OUT_OF_RANGE
        if reason == 0 and self.lookups[item.lookup] != 0:
            reason = standing.ALREADY_DONE
        if reason == 0 and standing._active(access._of_member(asked)) != 0:
            reason = standing.NOT_A_PARTY
        if reason == 0 and count >= QUESTIONS_A_DAY:
            reason = DAILY_LIMIT
        if reason != 0:
            standing._refuse(member, OPERATION_ASK, index, item.lookup, reason)
        else:
            count += 1
            self.lookups[item.lookup] = member | (asked << 16)
            log LookupAsked(
                lookup=item.lookup,
                asker=convert(member, uint16),
                asked=item.asked,
                purpose=item.purpose,
                key=msg.sender,
                commitment=item.commitment,
            )
        index += 1
    if authority == 0:
        self.asked_on[member][today] = count


@external
def answer(items: DynArray[Answer, MAX_QUESTIONS]):
    """
    @notice Put answers on the record; full, empty and refused ones look alike. An operate key of the member asked.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE)
    index: uint256 = 0
    for item: Answer in items:
        word: uint256 = self.lookups[item.lookup]
        reason: uint256 = authority
        if reason == 0 and word == 0:
            reason = UNKNOWN_LOOKUP
        if reason == 0 and (word >> 16) & 65535 != member:
            reason = NOT_ASKED
        if reason == 0 and word >> 32 != 0:
            reason = standing.ALREADY_DONE
        if reason != 0:
            standing._refuse(member, OPERATION_ANSWER, index, item.lookup, reason)
        else:
            self.lookups[item.lookup] = word | (1 << 32)
            log LookupAnswered(
                lookup=item.lookup,
                member=convert(member, uint16),
                key=msg.sender,
                commitment=item.commitment,
                blob=item.blob,
            )
        index += 1
