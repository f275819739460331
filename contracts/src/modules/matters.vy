# pragma version 0.4.3
"""
@title Matters: each member's implementation list, in versions, and delegations of matters
@license Apache-2.0
@notice A version carries its limit rule and the digest of its content; both are what a running case was opened with, and
        never change. A delegation lets another member decide one of the grantor's own matters in the grantor's name;
        it cannot be passed on, because only who publishes a matter can delegate it.
"""

from modules import access
from modules import standing

uses: access


event MatterPublished:
    member: indexed(uint16)
    matter: indexed(bytes32)
    version: uint32
    rule: uint256
    digest: bytes32
    blob: bytes32
    code: String[64]


event MatterWithdrawn:
    member: indexed(uint16)
    matter: indexed(bytes32)
    version: uint32


event DelegationSet:
    grantor: indexed(uint16)
    grantee: indexed(uint16)
    matter: indexed(bytes32)
    valid_from: uint40
    valid_until: uint40
    digest: bytes32
    blob: bytes32


struct Publication:
    matter: bytes32
    rule: uint256
    digest: bytes32
    blob: bytes32
    code: String[64]


# valid_until 0 ends the delegation.
struct Delegation:
    grantee: uint16
    matter: bytes32
    valid_from: uint40
    valid_until: uint40
    digest: bytes32
    blob: bytes32


struct Version:
    rule: uint256
    digest: bytes32


struct Window:
    valid_from: uint256
    valid_until: uint256


OPERATION_PUBLISH: constant(uint256) = 20
OPERATION_WITHDRAW: constant(uint256) = 21
OPERATION_DELEGATE: constant(uint256) = 25

UNKNOWN_MEMBER: constant(uint256) = 20
DIGEST_MISSING: constant(uint256) = 27
UNKNOWN_MATTER: constant(uint256) = 40
BAD_RULE: constant(uint256) = 41
NO_DELEGATION: constant(uint256) = 48

# A city publishes its list of a few hundred matters in a handful of transactions; 32 use 2.5 M gas.
MAX_PUBLICATIONS: constant(uint256) = 32
MAX_WITHDRAWALS: constant(uint256) = 64
MAX_DELEGATIONS: constant(uint256) = 32
# Matter types of GB/T 39046-2020: 1 to 10, and 20 for public services.
MATTER_TYPES: constant(uint256) = (1 << 11) - 2 + (1 << 20)
# Case types of the same standard: 1 on the spot, 2 by a promised day, 9 other.
CASE_TYPES: constant(uint256) = (1 << 1) + (1 << 2) + (1 << 9)
WITHDRAWN: constant(uint256) = 1 << 32

# Member, matter: its newest version, and whether it was withdrawn.
newest: HashMap[uint256, HashMap[bytes32, uint256]]
versions: HashMap[uint256, HashMap[bytes32, HashMap[uint256, Version]]]
# Grantor, grantee, matter.
delegations: HashMap[uint256, HashMap[uint256, HashMap[bytes32, Window]]]


@external
def publish(publications: DynArray[Publication, MAX_PUBLICATIONS]):
    """
    @notice Publish the next version of matters; an operate key.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE)
    if authority == 0:
        authority = access._closed()
    index: uint256 = 0
    for publication: Publication in publications:
        reason: uint256 = authority
        if reason == 0:
            reason = self._check_publication(member, publication)
        if reason != 0:
            standing._refuse(member, OPERATION_PUBLISH, index, publication.matter, reason)
        else:
            version: uint256 = (self.newest[member][publication.matter] & (WITHDRAWN - 1)) + 1
            self.newest[member][publication.matter] = version
            self.versions[member][publication.matter][version] = Version(
                rule=publication.rule, digest=publication.digest
            )
            log MatterPublished(
                member=convert(member, uint16),
                matter=publication.matter,
                version=convert(version, uint32),
                rule=publication.rule,
                digest=publication.digest,
                blob=publication.blob,
                code=publication.code,
            )
        index += 1


@external
def withdraw(matters: DynArray[bytes32, MAX_WITHDRAWALS]):
    """
    @notice Offer matters no longer; running cases go on under the version they were opened with. An operate key.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE)
    index: uint256 = 0
    for matter: bytes32 in matters:
        version: uint256 = self.newest[member][matter]
        reason: uint256 = authority
        if reason == 0:
            if version == 0:
                reason = UNKNOWN_MATTER
            elif version & WITHDRAWN != 0:
                reason = standing.ALREADY_DONE
        if reason != 0:
            standing._refuse(member, OPERATION_WITHDRAW, index, matter, reason)
        else:
            self.newest[member][matter] = version | WITHDRAWN
            log MatterWithdrawn(member=convert(member, uint16), matter=matter, version=convert(version, uint32))
        index += 1


@external
def delegate(grants: DynArray[Delegation, MAX_DELEGATIONS]):
    """
    @notice Let others decide own matters in one's name, or end that; the administrator's key of the grantor.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.ADMINISTER)
    closed: uint256 = access._closed()
    index: uint256 = 0
    for grant: Delegation in grants:
        reason: uint256 = authority
        if reason == 0 and grant.valid_until != 0:
            # A replaced generation takes no new delegation; one that stands can still be ended there.
            reason = closed
        if reason == 0:
            reason = self._check_delegation(member, grant)
        if reason != 0:
            standing._refuse(member, OPERATION_DELEGATE, index, grant.matter, reason)
        else:
            self.delegations[member][convert(grant.grantee, uint256)][grant.matter] = Window(
                valid_from=convert(grant.valid_from, uint256), valid_until=convert(grant.valid_until, uint256)
            )
            log DelegationSet(
                grantor=convert(member, uint16),
                grantee=grant.grantee,
                matter=grant.matter,
                valid_from=grant.valid_from,
                valid_until=grant.valid_until,
                digest=grant.digest,
                blob=grant.blob,
            )
        index += 1


@external
@view
def latest(member: uint256, matter: bytes32) -> uint256:
    """
    @notice The newest version of a matter that the member offers; 0: none, or withdrawn.
    """
    return self._latest(member, matter)


@external
@view
def rule(member: uint256, matter: bytes32, version: uint256) -> uint256:
    """
    @notice The limit rule of a version, also of a withdrawn matter; 0: no such version.
    """
    return self.versions[member][matter][version].rule


@external
@view
def digest(member: uint256, matter: bytes32, version: uint256) -> bytes32:
    """
    @notice The digest of a version's content; empty: no such version.
    """
    return self.versions[member][matter][version].digest


@external
@view
def delegated(grantor: uint256, grantee: uint256, matter: bytes32) -> bool:
    """
    @notice Whether the grantor lets the grantee decide the matter in its name at this moment.
    """
    window: Window = self.delegations[grantor][grantee][matter]
    return window.valid_from <= block.timestamp and block.timestamp < window.valid_until


@internal
@view
def _latest(member: uint256, matter: bytes32) -> uint256:
    """
    @notice The newest version that is offered, or 0.
    """
    version: uint256 = self.newest[member][matter]
    if version & WITHDRAWN != 0:
        return 0
    return version


@internal
@view
def _check_publication(member: uint256, publication: Publication) -> uint256:
    """
    @notice The reason not to publish a version.
    """
    if len(publication.code) == 0 or sha256(publication.code) != publication.matter:
        return UNKNOWN_MATTER
    if not self._is_rule(publication.rule):
        return BAD_RULE
    if publication.digest == empty(bytes32):
        return DIGEST_MISSING
    version: uint256 = self._latest(member, publication.matter)
    if version != 0:
        present: Version = self.versions[member][publication.matter][version]
        if present.digest == publication.digest and present.rule == publication.rule:
            return standing.ALREADY_DONE
    return 0


@internal
@view
def _check_delegation(member: uint256, grant: Delegation) -> uint256:
    """
    @notice The reason not to set a delegation.
    """
    grantee: uint256 = convert(grant.grantee, uint256)
    until: uint256 = convert(grant.valid_until, uint256)
    if until == 0:
        if self.delegations[member][grantee][grant.matter].valid_until == 0:
            return NO_DELEGATION
        return 0
    if self._latest(member, grant.matter) == 0:
        return UNKNOWN_MATTER
    if grantee == member or until <= block.timestamp or until <= convert(grant.valid_from, uint256):
        return standing.OUT_OF_RANGE
    if grant.digest == empty(bytes32):
        return DIGEST_MISSING
    status: uint256 = standing._status(access._of_member(grantee))
    if status == 0 or status == standing.EXCLUDED:
        return UNKNOWN_MEMBER
    return 0


@internal
@pure
def _is_rule(word: uint256) -> bool:
    """
    @notice Whether a word is a limit rule; the fields are those of `LimitRule` in `ledger/domain/catalogue`.
    @dev Bits: 0 correction (8), 8 decision (16), 24 extension (8), 32 silence (1), 33 clock (8), 41 commitment (16),
         57 delivery (8), 65 matter type (8), 73 case type (8), 81 joint (8), 89 joint extension (8), 97 applicant's
         days (8), 105 lower review (8).
    """
    if word >> 113 != 0:
        return False
    clock: uint256 = (word >> 33) & 255
    matter_type: uint256 = (word >> 65) & 255
    case_type: uint256 = (word >> 73) & 255
    if clock == 0 or clock > 2:
        return False
    if (MATTER_TYPES >> matter_type) & 1 == 0 or (CASE_TYPES >> case_type) & 1 == 0:
        return False
    # A promise may be shorter than the law, never longer; silence needs a term to run out.
    if (word >> 41) & 65535 > (word >> 8) & 65535:
        return False
    return (word >> 32) & 1 == 0 or word & 255 != 0
