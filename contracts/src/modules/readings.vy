# pragma version 0.4.3
"""
@title Readings: each use of a material by another city, and each erasure
@license Apache-2.0
@notice No honest node releases a key without one of these on the record. A use rests on a consent, or on a statutory
        duty with its provision named; both need a case in which the member may read at this moment.
"""

from interfaces import ICases
from modules import access
from modules import batches
from modules import consents
from modules import rfc9162
from modules import standing

uses: (access, batches, consents)


event Used:
    use: indexed(uint64)
    basis: uint8
    consent: indexed(bytes32)
    case: indexed(bytes32)
    cases: address
    member: uint16
    key: address
    purpose: uint8
    disclosed: bytes32
    leaves: DynArray[uint256, 16]
    remaining: uint16
    provision: bytes32
    notice: bytes32


event ErasureRecorded:
    batch: indexed(uint64)
    leaves: DynArray[uint32, 16]
    member: indexed(uint16)
    key: address
    consent: bytes32
    basis: uint8
    commitment: bytes32


# `granted_for` is the case that the consent names: this one or its parent.
struct Reading:
    consent: bytes32
    case: bytes32
    cases: address
    granted_for: bytes32
    matter: bytes32
    purpose: uint8
    disclosed: bytes32
    leaf_offset: uint32
    leaf_count: uint32


struct Duty:
    case: bytes32
    cases: address
    purpose: uint8
    disclosed: bytes32
    provision: bytes32
    notice: bytes32
    leaf_offset: uint32
    leaf_count: uint32


struct Erasure:
    batch: uint64
    consent: bytes32
    basis: uint8
    commitment: bytes32
    leaf_offset: uint32
    leaf_count: uint32


OPERATION_ERASE: constant(uint256) = 42
OPERATION_USE: constant(uint256) = 60
OPERATION_USE_BY_DUTY: constant(uint256) = 61

LEAF_REVOKED: constant(uint256) = 63
NOT_A_READER: constant(uint256) = 72
UNKNOWN_CONSENT: constant(uint256) = 80
CONSENT_REVOKED: constant(uint256) = 81
CONSENT_NOT_YET: constant(uint256) = 82
CONSENT_EXPIRED: constant(uint256) = 83
WRONG_MATTER: constant(uint256) = 84
WRONG_CASE: constant(uint256) = 85
NOT_A_GRANTEE: constant(uint256) = 86
USED_UP: constant(uint256) = 87
LEAF_NOT_IN_CONSENT: constant(uint256) = 88
CONSENT_HELD: constant(uint256) = 89
NO_PROVISION: constant(uint256) = 92
WRONG_TERMS: constant(uint256) = 93

BY_CONSENT: constant(uint8) = 1
BY_DUTY: constant(uint8) = 2

MAX_USES: constant(uint256) = 64
MAX_USED: constant(uint256) = 256
MAX_DUTIES: constant(uint256) = 16
MAX_DUTY_LEAVES: constant(uint256) = 64
MAX_ERASURES: constant(uint256) = 32
MAX_ERASED: constant(uint256) = 512
MAX_BASIS: constant(uint8) = 31

use_count: public(uint64)
# Who has read a leaf by duty.
duty_readers: HashMap[uint256, HashMap[uint256, bool]]


@external
def use(items: DynArray[Reading, MAX_USES], leaves: DynArray[uint256, MAX_USED]):
    """
    @notice Put readings under consents on the record. An operate key of a grantee.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE)
    count: uint64 = self.use_count
    index: uint256 = 0
    for item: Reading in items:
        listed: DynArray[uint256, consents.MAX_LEAVES] = []
        slot: uint256 = 0
        reason: uint256 = authority
        if reason == 0:
            reason = batches._check_list(item.leaf_offset, item.leaf_count, len(leaves))
        if reason == 0:
            start: uint256 = convert(item.leaf_offset, uint256)
            for i: uint256 in range(convert(item.leaf_count, uint256), bound=consents.MAX_LEAVES):
                listed.append(leaves[start + i])
            reason, slot = self._check_reading(item, member, listed)
        if reason != 0:
            standing._refuse(member, OPERATION_USE, index, item.consent, reason)
        else:
            count += 1
            packed: uint256 = consents.grantees_of[item.consent] - (1 << (32 * slot))
            consents.grantees_of[item.consent] = packed
            consents.words[item.consent] |= 1 << (consents.READ + slot)
            log Used(
                use=count,
                basis=BY_CONSENT,
                consent=item.consent,
                case=item.case,
                cases=item.cases,
                member=convert(member, uint16),
                key=msg.sender,
                purpose=item.purpose,
                disclosed=item.disclosed,
                leaves=listed,
                remaining=convert((packed >> (32 * slot)) & 65535, uint16),
                provision=empty(bytes32),
                notice=empty(bytes32),
            )
        index += 1
    self.use_count = count


@external
def use_by_duty(
    items: DynArray[Duty, MAX_DUTIES],
    leaves: DynArray[batches.Leaf, MAX_DUTY_LEAVES],
    path: DynArray[bytes32, consents.MAX_PATH],
):
    """
    @notice Put readings under a statutory duty on the record: the provision is named, and the holder has been told.
            Spends no leaf. An operate key of a member that may read for the case.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE)
    count: uint64 = self.use_count
    index: uint256 = 0
    for item: Duty in items:
        listed: DynArray[uint256, consents.MAX_LEAVES] = []
        reason: uint256 = authority
        if reason == 0 and (item.provision == empty(bytes32) or item.notice == empty(bytes32)):
            reason = NO_PROVISION
        if reason == 0:
            reason = batches._check_list(item.leaf_offset, item.leaf_count, len(leaves))
        if reason == 0:
            matter: bytes32 = empty(bytes32)
            parent: bytes32 = empty(bytes32)
            reason, matter, parent = self._reading(item.cases, item.case, member)
        for i: uint256 in range(convert(item.leaf_count, uint256), bound=consents.MAX_LEAVES):
            if reason != 0:
                break
            leaf: batches.Leaf = leaves[convert(item.leaf_offset, uint256) + i]
            steps: DynArray[bytes32, rfc9162.LONGEST] = []
            reason = consents._check_path(leaf.path_offset, leaf.path_count, len(path))
            if reason == 0:
                for k: uint256 in range(convert(leaf.path_count, uint256), bound=rfc9162.LONGEST):
                    steps.append(path[convert(leaf.path_offset, uint256) + k])
                reason = batches._check_leaf(leaf, steps)
            listed.append(leaf.leaf)
        if reason != 0:
            standing._refuse(member, OPERATION_USE_BY_DUTY, index, item.case, reason)
        else:
            count += 1
            for leaf: uint256 in listed:
                self.duty_readers[leaf][member] = True
            log Used(
                use=count,
                basis=BY_DUTY,
                consent=empty(bytes32),
                case=item.case,
                cases=item.cases,
                member=convert(member, uint16),
                key=msg.sender,
                purpose=item.purpose,
                disclosed=item.disclosed,
                leaves=listed,
                remaining=0,
                provision=item.provision,
                notice=item.notice,
            )
        index += 1
    self.use_count = count


@external
def erase(items: DynArray[Erasure, MAX_ERASURES], leaves: DynArray[uint32, MAX_ERASED]):
    """
    @notice Record that keys were destroyed: by the custodian, by a reader under a consent, or by a reader by duty
            (consent empty). An operate key.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE)
    index: uint256 = 0
    for item: Erasure in items:
        batch: uint256 = convert(item.batch, uint256)
        listed: DynArray[uint32, consents.MAX_LEAVES] = []
        reason: uint256 = authority
        if reason == 0:
            reason = batches._check_list(item.leaf_offset, item.leaf_count, len(leaves))
        if reason == 0 and (item.basis == 0 or item.basis > MAX_BASIS):
            reason = standing.OUT_OF_RANGE
        if reason == 0:
            start: uint256 = convert(item.leaf_offset, uint256)
            for i: uint256 in range(convert(item.leaf_count, uint256), bound=consents.MAX_LEAVES):
                listed.append(leaves[start + i])
            reason = self._check_erasure(batch, item.consent, member, listed)
        if reason != 0:
            standing._refuse(member, OPERATION_ERASE, index, convert(batch, bytes32), reason)
        else:
            log ErasureRecorded(
                batch=item.batch,
                leaves=listed,
                member=convert(member, uint16),
                key=msg.sender,
                consent=item.consent,
                basis=item.basis,
                commitment=item.commitment,
            )
        index += 1


@internal
@view
def _check_reading(
    item: Reading, member: uint256, listed: DynArray[uint256, consents.MAX_LEAVES]
) -> (uint256, uint256):
    """
    @notice Why a member may not read under a consent now, and its place among the grantees; 0: it may.
    """
    word: uint256 = consents.words[item.consent]
    if word == 0:
        return UNKNOWN_CONSENT, 0
    if word & consents.REVOKED != 0:
        return CONSENT_REVOKED, 0
    if block.timestamp < word & 1099511627775:
        return CONSENT_NOT_YET, 0
    if block.timestamp > (word >> 40) & 1099511627775:
        return CONSENT_EXPIRED, 0
    terms: bytes32 = consents._terms_hash(item.matter, item.cases, item.granted_for, item.purpose, item.disclosed)
    if consents.terms_of[item.consent] != terms:
        return WRONG_TERMS, 0
    packed: uint256 = consents.grantees_of[item.consent]
    slot: uint256 = 8
    for i: uint256 in range(8):
        if (packed >> (32 * i + 16)) & 65535 == member:
            slot = i
            break
    if slot == 8:
        return NOT_A_GRANTEE, 0
    if (packed >> (32 * slot)) & 65535 == 0:
        return USED_UP, 0
    if block.timestamp < (word >> 80) & 1099511627775:
        return CONSENT_HELD, 0
    for leaf: uint256 in listed:
        if consents.spent[leaf] != item.consent:
            return LEAF_NOT_IN_CONSENT, 0
        if batches.revocations[leaf] != 0:
            return LEAF_REVOKED, 0
    reason: uint256 = 0
    matter: bytes32 = empty(bytes32)
    parent: bytes32 = empty(bytes32)
    reason, matter, parent = self._reading(item.cases, item.case, member)
    if reason != 0:
        return reason, 0
    if matter != item.matter:
        return WRONG_MATTER, 0
    if item.granted_for != item.case and (parent == empty(bytes32) or item.granted_for != parent):
        return WRONG_CASE, 0
    return 0, slot


@internal
@view
def _reading(cases: address, case: bytes32, member: uint256) -> (uint256, bytes32, bytes32):
    """
    @notice What the cases contract says of a member that wants to read for a case.
    """
    if not access._is_kind(cases, consents.CASES):
        return standing.UNKNOWN_CONTRACT, empty(bytes32), empty(bytes32)
    return staticcall ICases(cases).reading(case, member)


@internal
@view
def _check_erasure(
    batch: uint256, consent: bytes32, member: uint256, listed: DynArray[uint32, consents.MAX_LEAVES]
) -> uint256:
    """
    @notice Why a member cannot have had keys of these leaves; 0: it can.
    """
    if batches.facts[batch] == 0:
        return batches.UNKNOWN_BATCH
    if consent == empty(bytes32):
        if batches.facts[batch] & 65535 == member:
            return 0
        for leaf: uint32 in listed:
            if not self.duty_readers[(batch << 32) | convert(leaf, uint256)][member]:
                return NOT_A_READER
        return 0
    packed: uint256 = consents.grantees_of[consent]
    read: bool = False
    for i: uint256 in range(8):
        if (packed >> (32 * i + 16)) & 65535 == member:
            read = consents.words[consent] & (1 << (consents.READ + i)) != 0
    if not read:
        return NOT_A_READER
    for leaf: uint32 in listed:
        if consents.spent[(batch << 32) | convert(leaf, uint256)] != consent:
            return LEAF_NOT_IN_CONSENT
    return 0
