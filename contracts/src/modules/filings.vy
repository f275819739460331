# pragma version 0.4.3
"""
@title Filings: what an applicant does, and how a case begins
@license Apache-2.0
@notice A case's id is a hash over its key and parties, and opening it needs that key's signature, so no id can be taken
        before its applicant. Any member relays what the key signed, so that silence cannot be feigned by not relaying.
        For a person at a window two witnesses sign instead, and the window is recorded as helper.
"""

from interfaces import ICatalogue
from modules import access
from modules import docket
from modules import eip712
from modules import standing
from modules import transitions
from modules import witnesses

uses: (access, docket, eip712, transitions, witnesses)


event Assented:
    case: indexed(bytes32)
    member: indexed(uint16)
    key: address
    commitment: bytes32
    blob: bytes32


event Opened:
    case: indexed(bytes32)
    case_key: address
    receiving: indexed(uint16)
    handling: indexed(uint16)
    matter: bytes32
    mode: uint8
    channel: uint8
    version: uint32
    rule: uint256
    agreement: bytes32
    agreement_version: uint16
    parent: bytes32
    holders: bytes32
    member: uint16
    key: address
    helper: uint16
    commitment: bytes32
    blob: bytes32
    head: bytes32


struct Assent:
    case: bytes32
    commitment: bytes32
    blob: bytes32


# `attending` is the window that helped, or 0; then two witnesses' signatures go with the case key's.
struct Submission:
    case_key: address
    receiving: uint16
    handling: uint16
    matter: bytes32
    mode: uint8
    channel: uint8
    version: uint32
    agreement: bytes32
    agreement_version: uint16
    parent: bytes32
    holders: bytes32
    commitment: bytes32
    blob: bytes32
    salt: bytes32
    attending: uint16
    r: uint256
    s: uint256
    v: uint8
    signature_offset: uint32
    signature_count: uint32


struct Act:
    case: bytes32
    action: uint8
    sequence: uint32
    detail: uint256
    commitment: bytes32
    blob: bytes32
    attending: uint16
    r: uint256
    s: uint256
    v: uint8
    signature_offset: uint32
    signature_count: uint32


OPERATION_ASSENT: constant(uint256) = 70
OPERATION_OPEN: constant(uint256) = 71
OPERATION_ACT: constant(uint256) = 72

UNKNOWN_MATTER: constant(uint256) = 40
BAD_VERSION: constant(uint256) = 47
NO_DELEGATION: constant(uint256) = 48
UNKNOWN_CASE: constant(uint256) = 100
NO_ASSENT: constant(uint256) = 103
BAD_PARENT: constant(uint256) = 111
BAD_KIND: constant(uint256) = 114

SUBMISSION_TYPE: constant(bytes32) = keccak256(
    "Submission(uint16 receiving,uint16 handling,bytes32 matter,uint8 mode,uint8 channel,uint32 version,bytes32 agreement,uint16 agreementVersion,bytes32 parent,bytes32 holders,bytes32 commitment,bytes32 blob,bytes32 salt)"
)
ACT_TYPE: constant(bytes32) = keccak256(
    "CaseAct(bytes32 caseId,uint8 action,uint32 sequence,uint256 detail,bytes32 commitment,bytes32 blob)"
)
WITNESSED_TYPE: constant(bytes32) = keccak256(
    "WitnessedAct(bytes32 caseId,uint8 action,uint32 sequence,uint256 detail,bytes32 commitment,bytes32 blob,uint16 attending)"
)

CATALOGUE: constant(uint256) = 1
# Channels of GB/T 39046-2020: 1 to 4, and 9.
CHANNELS: constant(uint256) = 542
# The rule's word says from which receipt the clock runs.
HANDLING_RECEIPT: constant(uint256) = 2

# A submission carries twenty words, an act twelve: more do not fit the calldata of one transaction.
MAX_ASSENTS: constant(uint256) = 64
MAX_SUBMISSIONS: constant(uint256) = 32
MAX_ACTS: constant(uint256) = 64
MAX_SIGNATURES: constant(uint256) = 128
# The cities of one joint case.
MAX_CHILDREN: constant(uint256) = 16

assents: HashMap[bytes32, HashMap[uint256, bool]]


@external
def assent(items: DynArray[Assent, MAX_ASSENTS]):
    """
    @notice Assent, as one of its two cities, to a case that no agreement covers; before it is opened. An operate key.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE)
    if authority == 0:
        authority = access._closed()
    index: uint256 = 0
    for item: Assent in items:
        reason: uint256 = authority
        if reason == 0 and item.case == empty(bytes32):
            reason = standing.OUT_OF_RANGE
        if reason == 0 and (self.assents[item.case][member] or docket.words[item.case] != 0):
            reason = standing.ALREADY_DONE
        if reason != 0:
            standing._refuse(member, OPERATION_ASSENT, index, item.case, reason)
        else:
            self.assents[item.case][member] = True
            log Assented(
                case=item.case,
                member=convert(member, uint16),
                key=msg.sender,
                commitment=item.commitment,
                blob=item.blob,
            )
        index += 1


@external
def open(
    items: DynArray[Submission, MAX_SUBMISSIONS], signatures: DynArray[witnesses.Signature, MAX_SIGNATURES]
):
    """
    @notice Submit cases that their keys signed. Any member or regulator relays.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE | standing.WITNESS | standing.REGULATE)
    if authority == 0:
        authority = access._closed()
    catalogue: address = access._current(CATALOGUE)
    index: uint256 = 0
    for item: Submission in items:
        case: bytes32 = keccak256(
            abi_encode(
                chain.id, self, item.case_key, item.receiving, item.handling, item.matter, item.mode, item.salt
            )
        )
        digest: bytes32 = self._submission_digest(item)
        rule: uint256 = 0
        reason: uint256 = authority
        if reason == 0:
            reason = self._check_submission(case, item, catalogue)
        if reason == 0:
            reason, rule = self._check_matter(item, catalogue)
        if reason == 0:
            reason = self._check_grounds(case, item, catalogue)
        if reason == 0:
            signer: address = eip712._signer(digest, item.r, item.s, convert(item.v, uint256))
            if signer == empty(address) or signer != item.case_key:
                reason = standing.BAD_SIGNATURE
        if reason == 0 and item.attending != 0:
            reason = witnesses._check_count(
                item.signature_offset, item.signature_count, witnesses.WITNESSES, len(signatures)
            )
            if reason == 0:
                at: uint256 = convert(item.signature_offset, uint256)
                seen: bytes32 = self._witnessed_digest(case, 0, 0, 0, item.commitment, item.blob, item.attending)
                reason = witnesses._check(seen, item.attending, signatures[at], signatures[at + 1])
        if reason != 0:
            standing._refuse(member, OPERATION_OPEN, index, case, reason)
        else:
            self._begin(case, item, rule, catalogue, digest, member)
        index += 1


@external
def act(items: DynArray[Act, MAX_ACTS], signatures: DynArray[witnesses.Signature, MAX_SIGNATURES]):
    """
    @notice Do what an applicant's key signed, or what two witnesses saw the applicant do at a window. A regulator may
            claim without either that silence counts as acceptance: by law it does.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE | standing.WITNESS | standing.REGULATE)
    index: uint256 = 0
    for item: Act in items:
        reason: uint256 = authority
        helper: uint256 = 0
        if reason == 0 and docket.words[item.case] == 0:
            reason = UNKNOWN_CASE
        if reason == 0:
            by_law: bool = convert(item.action, uint256) == transitions.CLAIM and item.v == 0
            if item.attending != 0:
                helper = convert(item.attending, uint256)
                reason = witnesses._check_count(
                    item.signature_offset, item.signature_count, witnesses.WITNESSES, len(signatures)
                )
                if reason == 0:
                    at: uint256 = convert(item.signature_offset, uint256)
                    seen: bytes32 = self._witnessed_digest(
                        item.case,
                        item.action,
                        item.sequence,
                        item.detail,
                        item.commitment,
                        item.blob,
                        item.attending,
                    )
                    reason = witnesses._check(seen, item.attending, signatures[at], signatures[at + 1])
            elif by_law:
                reason = standing._authority(sender, standing.REGULATE)
            else:
                reason = self._check_key(item)
        if reason == 0:
            reason = transitions._move(
                transitions.Move(
                    case=item.case,
                    action=convert(item.action, uint256),
                    actor=0,
                    superior=0,
                    sequence=convert(item.sequence, uint256),
                    detail=item.detail,
                    department=0,
                    role=0,
                    member=member,
                    helper=helper,
                    commitment=item.commitment,
                    blob=item.blob,
                )
            )
        if reason != 0:
            standing._refuse(member, OPERATION_ACT, index, item.case, reason)
        index += 1


@internal
@view
def _check_key(item: Act) -> uint256:
    """
    @notice 0 where the case's own key signed the act.
    """
    digest: bytes32 = eip712._digest(
        keccak256(
            abi_encode(ACT_TYPE, item.case, item.action, item.sequence, item.detail, item.commitment, item.blob)
        )
    )
    signer: address = eip712._signer(digest, item.r, item.s, convert(item.v, uint256))
    if signer == empty(address) or signer != docket.keys[item.case]:
        return standing.BAD_SIGNATURE
    return 0


@internal
@view
def _check_submission(case: bytes32, item: Submission, catalogue: address) -> uint256:
    """
    @notice Shape, and that the case is new.
    """
    if docket.words[case] != 0:
        return standing.ALREADY_DONE
    mode: uint256 = convert(item.mode, uint256)
    if mode == 0 or mode > docket.JOINT or item.channel > 9 or CHANNELS & (1 << convert(item.channel, uint256)) == 0:
        return standing.OUT_OF_RANGE
    if item.case_key == empty(address) or item.commitment == empty(bytes32):
        return standing.OUT_OF_RANGE
    if catalogue == empty(address):
        return standing.UNKNOWN_CONTRACT
    if item.attending == 0 and item.signature_count != 0:
        return standing.BAD_WITNESSES
    for member: uint16 in [item.receiving, item.handling]:
        if standing._active(access._of_member(convert(member, uint256))) != 0:
            return standing.NOT_A_PARTY
    if item.parent == empty(bytes32):
        if mode == docket.JOINT and item.receiving != item.handling:
            return BAD_PARENT
        return 0
    parent: uint256 = docket.words[item.parent]
    if not docket._is_parent(parent) or mode != docket.JOINT or parent & docket.BYTE != docket.SUBMITTED:
        return BAD_PARENT
    if (parent >> docket.RECEIVING_AT) & docket.SHORT != convert(item.receiving, uint256):
        return BAD_PARENT
    if docket.keys[item.parent] != item.case_key or (parent >> docket.CHILDREN) & docket.BYTE >= MAX_CHILDREN:
        return BAD_PARENT
    return 0


@internal
@view
def _check_matter(item: Submission, catalogue: address) -> (uint256, uint256):
    """
    @notice The handling city must offer the matter, and the version named must be the newest; with its limit rule.
    """
    handling: uint256 = convert(item.handling, uint256)
    latest: uint256 = staticcall ICatalogue(catalogue).latest(handling, item.matter)
    if latest == 0:
        return UNKNOWN_MATTER, 0
    if latest != convert(item.version, uint256):
        return BAD_VERSION, 0
    return 0, staticcall ICatalogue(catalogue).rule(handling, item.matter, latest)


@internal
@view
def _check_grounds(case: bytes32, item: Submission, catalogue: address) -> uint256:
    """
    @notice An agreement that covers the case, or both cities' assent to this one; a city needs neither for its own.
    """
    receiving: uint256 = convert(item.receiving, uint256)
    handling: uint256 = convert(item.handling, uint256)
    mode: uint256 = convert(item.mode, uint256)
    if item.agreement != empty(bytes32):
        reason: uint256 = staticcall ICatalogue(catalogue).covers(
            item.agreement, convert(item.agreement_version, uint256), receiving, handling, item.matter, mode
        )
        if reason != 0:
            return reason
    elif receiving != handling and not (self.assents[case][receiving] and self.assents[case][handling]):
        return NO_ASSENT
    if mode == docket.AUTHORISED_HERE and not staticcall ICatalogue(catalogue).delegated(
        handling, receiving, item.matter
    ):
        return NO_DELEGATION
    return 0


@internal
def _begin(case: bytes32, item: Submission, rule: uint256, catalogue: address, digest: bytes32, member: uint256):
    """
    @notice Keep a new case and tell. The clock starts with the receiving window's dated receipt, which this is, unless
            the rule says the handling city's and another city receives.
    """
    receiving: uint256 = convert(item.receiving, uint256)
    handling: uint256 = convert(item.handling, uint256)
    mode: uint256 = convert(item.mode, uint256)
    child: bool = item.parent != empty(bytes32)
    office: uint256 = handling if mode == docket.FULLY_ONLINE else receiving
    word: uint256 = docket.SUBMITTED | (mode << docket.MODE) | (receiving << docket.RECEIVING_AT)
    word |= (handling << docket.HANDLING_AT) | (office << docket.OFFICE) | (1 << docket.SEQUENCE)
    if receiving == handling:
        word |= docket.RECEIVED
    clock: uint256 = block.timestamp
    elsewhere: bool = receiving != handling and (mode == docket.RECEIVED_HERE or child)
    if elsewhere and (rule >> 33) & docket.BYTE == HANDLING_RECEIPT:
        clock = 0
    if child:
        word |= docket.CHILD
        docket.words[item.parent] += (1 << docket.CHILDREN) + (1 << docket.OPEN_CHILDREN)
        docket.parents[case] = item.parent
    terms: uint256 = rule | (convert(item.version, uint256) << 144) | (convert(item.agreement_version, uint256) << 176)
    terms |= (convert(item.channel, uint256) << 192) | (convert(item.attending, uint256) << 200)
    terms |= access._generation(catalogue) << 216
    head: bytes32 = keccak256(abi_encode(case, digest, block.timestamp))
    docket.words[case] = word
    docket.clocks[case] = clock
    docket.terms[case] = terms
    docket.heads[case] = head
    docket.matters[case] = item.matter
    docket.agreements[case] = item.agreement
    docket.keys[case] = item.case_key
    log Opened(
        case=case,
        case_key=item.case_key,
        receiving=item.receiving,
        handling=item.handling,
        matter=item.matter,
        mode=item.mode,
        channel=item.channel,
        version=item.version,
        rule=rule,
        agreement=item.agreement,
        agreement_version=item.agreement_version,
        parent=item.parent,
        holders=item.holders,
        member=convert(member, uint16),
        key=msg.sender,
        helper=item.attending,
        commitment=item.commitment,
        blob=item.blob,
        head=head,
    )


@internal
@view
def _submission_digest(item: Submission) -> bytes32:
    """
    @notice What the case key signs.
    """
    return eip712._digest(
        keccak256(
            abi_encode(
                SUBMISSION_TYPE,
                item.receiving,
                item.handling,
                item.matter,
                item.mode,
                item.channel,
                item.version,
                item.agreement,
                item.agreement_version,
                item.parent,
                item.holders,
                item.commitment,
                item.blob,
                item.salt,
            )
        )
    )


@internal
@view
def _witnessed_digest(
    case: bytes32,
    action: uint8,
    sequence: uint32,
    detail: uint256,
    commitment: bytes32,
    blob: bytes32,
    attending: uint16,
) -> bytes32:
    """
    @notice What two witnesses sign; action 0 is the submission.
    """
    return eip712._digest(
        keccak256(abi_encode(WITNESSED_TYPE, case, action, sequence, detail, commitment, blob, attending))
    )
