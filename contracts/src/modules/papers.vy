# pragma version 0.4.3
"""
@title Papers: consents given and withdrawn on paper at a window
@license Apache-2.0
@notice For people who have no phone. A paper consent works on leaves in custody alone and needs two witnesses, the first
        of the attending city, and the custodian's signature over the commitment of the signed paper. Where attending city
        and custodian are one, nobody else has looked: uses wait for a day, or for a regulator.
"""

from modules import access
from modules import batches
from modules import consents
from modules import eip712
from modules import rfc9162
from modules import standing
from modules import witnesses

uses: (access, batches, consents, eip712, witnesses)


struct WitnessedGrant:
    matter: bytes32
    cases: address
    case: bytes32
    purpose: uint8
    disclosed: bytes32
    valid_from: uint40
    valid_until: uint40
    salt: bytes32
    grantee_offset: uint32
    grantee_count: uint32
    leaf_offset: uint32
    leaf_count: uint32
    attending: uint16
    paper: bytes32
    signature_offset: uint32
    signature_count: uint32


struct WitnessedRetraction:
    consent: bytes32
    paper: bytes32
    attending: uint16
    signature_offset: uint32
    signature_count: uint32


OPERATION_GRANT_WITNESSED: constant(uint256) = 56
OPERATION_REVOKE_WITNESSED: constant(uint256) = 59

LEAF_NOT_IN_CUSTODY: constant(uint256) = 71
NO_CUSTODIAN: constant(uint256) = 90

PAPER_CONSENT_TYPE: constant(bytes32) = keccak256("PaperConsent(bytes32 consent,bytes32 paper,uint16 attending)")
PAPER_REVOCATION_TYPE: constant(bytes32) = keccak256("PaperRevocation(bytes32 consent,bytes32 paper,uint16 attending)")

# The version byte of a leaf in custody of the anchoring member.
CUSTODY: constant(uint8) = 2
MAX_SIGNATURES: constant(uint256) = 64
MAX_RETRACTIONS: constant(uint256) = 32
HOLD: constant(uint256) = 86400


@external
def grant_witnessed(
    grants: DynArray[WitnessedGrant, consents.MAX_GRANTS],
    grantees: DynArray[uint32, consents.MAX_LISTED_GRANTEES],
    leaves: DynArray[batches.Leaf, consents.MAX_LISTED],
    path: DynArray[bytes32, consents.MAX_PATH],
    signatures: DynArray[witnesses.Signature, MAX_SIGNATURES],
):
    """
    @notice Record consents signed on paper before two witnesses. Signatures: the two witnesses', then the custodian's.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE | standing.WITNESS)
    if authority == 0:
        authority = access._closed()
    index: uint256 = 0
    for item: WitnessedGrant in grants:
        given: consents.Grant = self._given(item)
        terms: consents.Terms = consents._terms(given)
        listed: DynArray[uint256, consents.MAX_LEAVES] = []
        allowed: DynArray[uint32, consents.MAX_GRANTEES] = []
        consent: bytes32 = empty(bytes32)
        custodian: uint256 = 0
        until: uint256 = convert(item.valid_until, uint256)
        reason: uint256 = authority
        if reason == 0:
            reason = consents._check_lists(given, len(grantees), len(leaves))
        if reason == 0:
            start: uint256 = convert(item.grantee_offset, uint256)
            for i: uint256 in range(convert(item.grantee_count, uint256), bound=consents.MAX_GRANTEES):
                allowed.append(grantees[start + i])
            start = convert(item.leaf_offset, uint256)
            for i: uint256 in range(convert(item.leaf_count, uint256), bound=consents.MAX_LEAVES):
                listed.append(leaves[start + i].leaf)
            consent = consents._digest(terms, listed, allowed)
            custodian = batches._member_of(listed[0])
            reason = consents._check_terms(consent, terms, listed, allowed)
            for i: uint256 in range(convert(item.leaf_count, uint256), bound=consents.MAX_LEAVES):
                if reason != 0:
                    break
                leaf: batches.Leaf = leaves[start + i]
                steps: DynArray[bytes32, rfc9162.LONGEST] = []
                reason = consents._check_path(leaf.path_offset, leaf.path_count, len(path))
                if reason == 0:
                    for k: uint256 in range(convert(leaf.path_count, uint256), bound=rfc9162.LONGEST):
                        steps.append(path[convert(leaf.path_offset, uint256) + k])
                    reason = consents._check_leaf(consent, leaf, steps)
                if reason == 0 and leaf.version != CUSTODY:
                    reason = LEAF_NOT_IN_CUSTODY
                if reason == 0 and batches._member_of(leaf.leaf) != custodian:
                    reason = NO_CUSTODIAN
                if leaf.valid_until != 0:
                    until = min(until, convert(leaf.valid_until, uint256))
        if reason == 0:
            reason = witnesses._check_count(item.signature_offset, item.signature_count, witnesses.WITNESSES + 1, len(signatures))
        if reason == 0:
            at: uint256 = convert(item.signature_offset, uint256)
            digest: bytes32 = self._paper_digest(PAPER_CONSENT_TYPE, consent, item.paper, item.attending)
            reason = witnesses._check(digest, item.attending, signatures[at], signatures[at + 1])
            if reason == 0:
                reason = self._check_custodian(digest, custodian, signatures[at + 2])
        if reason == 0 and item.paper == empty(bytes32):
            reason = standing.OUT_OF_RANGE
        if reason != 0:
            subject: bytes32 = consent if consent != empty(bytes32) else item.case
            standing._refuse(member, OPERATION_GRANT_WITNESSED, index, subject, reason)
        else:
            attending: uint256 = convert(item.attending, uint256)
            usable: uint256 = block.timestamp
            if attending == custodian:
                usable += HOLD
            consents._record(consent, terms, listed, allowed, until, member, attending, custodian, item.paper, usable)
        index += 1


@external
def revoke_witnessed(
    items: DynArray[WitnessedRetraction, MAX_RETRACTIONS], signatures: DynArray[witnesses.Signature, MAX_SIGNATURES]
):
    """
    @notice Revoke consents for people who came to a window, on two witnesses' signatures.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE | standing.WITNESS | standing.REGULATE)
    index: uint256 = 0
    for item: WitnessedRetraction in items:
        word: uint256 = consents.words[item.consent]
        mark: bytes32 = keccak256(abi_encode(item.consent, empty(address)))
        reason: uint256 = authority
        if reason == 0 and (word & consents.REVOKED != 0 or (word == 0 and consents.tombstones[mark])):
            reason = standing.ALREADY_DONE
        if reason == 0:
            reason = witnesses._check_count(item.signature_offset, item.signature_count, witnesses.WITNESSES, len(signatures))
        if reason == 0:
            at: uint256 = convert(item.signature_offset, uint256)
            digest: bytes32 = self._paper_digest(PAPER_REVOCATION_TYPE, item.consent, item.paper, item.attending)
            reason = witnesses._check(digest, item.attending, signatures[at], signatures[at + 1])
        if reason != 0:
            standing._refuse(member, OPERATION_REVOKE_WITNESSED, index, item.consent, reason)
        else:
            attending: uint256 = convert(item.attending, uint256)
            consents._retract(item.consent, empty(address), member, attending, item.paper)
        index += 1


@internal
@pure
def _given(item: WitnessedGrant) -> consents.Grant:
    """
    @notice The part of a paper consent that any consent has.
    """
    return consents.Grant(
        matter=item.matter,
        cases=item.cases,
        case=item.case,
        purpose=item.purpose,
        disclosed=item.disclosed,
        valid_from=item.valid_from,
        valid_until=item.valid_until,
        salt=item.salt,
        grantee_offset=item.grantee_offset,
        grantee_count=item.grantee_count,
        leaf_offset=item.leaf_offset,
        leaf_count=item.leaf_count,
    )


@internal
@view
def _paper_digest(kind: bytes32, consent: bytes32, paper: bytes32, attending: uint16) -> bytes32:
    """
    @notice What witnesses and custodian sign.
    """
    return eip712._digest(keccak256(abi_encode(kind, consent, paper, attending)))


@internal
@view
def _check_custodian(digest: bytes32, custodian: uint256, signature: witnesses.Signature) -> uint256:
    """
    @notice 0 where an operate or issue key of the custodian signed.
    """
    signer: address = eip712._signer(digest, signature.r, signature.s, convert(signature.v, uint256))
    if signer == empty(address):
        return standing.BAD_SIGNATURE
    word: uint256 = access._of(signer)
    if standing._authority(word, standing.OPERATE | standing.ISSUE) != 0 or standing._member(word) != custodian:
        return NO_CUSTODIAN
    return 0
