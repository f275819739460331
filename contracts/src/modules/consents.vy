# pragma version 0.4.3
"""
@title Consents: what applicants let be used, for which case, by whom and how often
@license Apache-2.0
@notice EIP-712 typed data over one-time leaves. A consent is known by its digest; three words are kept of it, and one
        for each leaf, which names the consent that spent it. What a use must show again (matter, case, purpose, fields)
        is kept as one hash. Revoking needs any one holder, and works before a consent is recorded as well.
"""

from modules import access
from modules import batches
from modules import eip712
from modules import rfc9162
from modules import standing

uses: (access, batches, eip712)


event Granted:
    consent: indexed(bytes32)
    case: indexed(bytes32)
    cases: address
    matter: bytes32
    purpose: uint8
    disclosed: bytes32
    valid_from: uint40
    valid_until: uint40
    leaves: DynArray[uint256, 16]
    grantees: DynArray[uint32, 8]
    member: indexed(uint16)
    key: address
    attending: uint16
    custodian: uint16
    paper: bytes32
    usable_from: uint40


event ConsentConfirmed:
    consent: indexed(bytes32)
    member: indexed(uint16)
    key: address


event ConsentRevoked:
    consent: indexed(bytes32)
    holder: address
    recorded: bool
    attending: uint16
    paper: bytes32
    member: indexed(uint16)
    key: address


# What a consent says besides its leaves and grantees.
struct Terms:
    matter: bytes32
    cases: address
    case: bytes32
    purpose: uint8
    disclosed: bytes32
    valid_from: uint40
    valid_until: uint40
    salt: bytes32


struct Grant:
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


# A leaf as in `batches`, with its holder's signature over the consent.
struct SignedLeaf:
    leaf: uint256
    version: uint8
    holder: address
    valid_until: uint40
    commitment: bytes32
    path_offset: uint32
    path_count: uint32
    r: uint256
    s: uint256
    v: uint8


struct Retraction:
    consent: bytes32
    leaf: uint256
    version: uint8
    holder: address
    valid_until: uint40
    commitment: bytes32
    path_offset: uint32
    path_count: uint32
    r: uint256
    s: uint256
    v: uint8


OPERATION_GRANT: constant(uint256) = 55
OPERATION_CONFIRM_WITNESSED: constant(uint256) = 57
OPERATION_REVOKE_CONSENT: constant(uint256) = 58

NOT_YOUR_BATCH: constant(uint256) = 62
LEAF_SPENT: constant(uint256) = 64
UNKNOWN_CONSENT: constant(uint256) = 80
CONSENT_REVOKED: constant(uint256) = 81
CONSENT_EXPIRED: constant(uint256) = 83
LEAF_NOT_IN_CONSENT: constant(uint256) = 88

CONSENT_TYPE: constant(bytes32) = keccak256(
    "Consent(Leaf[] leaves,Grantee[] grantees,bytes32 matter,address cases,bytes32 caseId,uint8 purpose,bytes32 disclosed,uint40 validFrom,uint40 validUntil,bytes32 salt)Grantee(uint16 member,uint16 uses)Leaf(uint64 batch,uint32 index)"
)
LEAF_TYPE: constant(bytes32) = keccak256("Leaf(uint64 batch,uint32 index)")
GRANTEE_TYPE: constant(bytes32) = keccak256("Grantee(uint16 member,uint16 uses)")
REVOCATION_TYPE: constant(bytes32) = keccak256("ConsentRevocation(bytes32 consent)")

# The cases contract's kind in the consortium's register.
CASES: constant(uint256) = 3
# The papers of one case of two spouses.
MAX_LEAVES: constant(uint256) = 16
# Both cities of a case, a lead and the cities of a joint case.
MAX_GRANTEES: constant(uint256) = 8
# A batch of consents is cut by calldata long before.
MAX_GRANTS: constant(uint256) = 16
MAX_LISTED: constant(uint256) = 48
MAX_LISTED_GRANTEES: constant(uint256) = 64
MAX_PATH: constant(uint256) = 768
MAX_CONFIRMATIONS: constant(uint256) = 64
MAX_RETRACTIONS: constant(uint256) = 32
# A consent for longer would outlive what the applicant remembers of it.
LONGEST_VALIDITY: constant(uint256) = 157766400

# In a consent's word: valid from, valid until and usable from (40 bits each), then these.
REVOKED: constant(uint256) = 1 << 120
# Which grantees, by their place in the list, have read (8 bits).
READ: constant(uint256) = 121

words: HashMap[bytes32, uint256]
# Eight grantees: member << 16 | uses left, from the lowest bits.
grantees_of: HashMap[bytes32, uint256]
terms_of: HashMap[bytes32, bytes32]
# The consent that spent a leaf.
spent: HashMap[uint256, bytes32]
# keccak(consent ‖ holder), the holder zero where two witnesses of a window revoked.
tombstones: HashMap[bytes32, bool]


@external
def grant(
    grants: DynArray[Grant, MAX_GRANTS],
    grantees: DynArray[uint32, MAX_LISTED_GRANTEES],
    leaves: DynArray[SignedLeaf, MAX_LISTED],
    path: DynArray[bytes32, MAX_PATH],
):
    """
    @notice Record consents that every leaf's holder signed. Any member relays; the holders pay nothing.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE | standing.WITNESS)
    if authority == 0:
        authority = access._closed()
    index: uint256 = 0
    for item: Grant in grants:
        terms: Terms = self._terms(item)
        listed: DynArray[uint256, MAX_LEAVES] = []
        allowed: DynArray[uint32, MAX_GRANTEES] = []
        consent: bytes32 = empty(bytes32)
        until: uint256 = convert(item.valid_until, uint256)
        reason: uint256 = authority
        if reason == 0:
            reason = self._check_lists(item, len(grantees), len(leaves))
        if reason == 0:
            start: uint256 = convert(item.grantee_offset, uint256)
            for i: uint256 in range(convert(item.grantee_count, uint256), bound=MAX_GRANTEES):
                allowed.append(grantees[start + i])
            start = convert(item.leaf_offset, uint256)
            for i: uint256 in range(convert(item.leaf_count, uint256), bound=MAX_LEAVES):
                listed.append(leaves[start + i].leaf)
            consent = self._digest(terms, listed, allowed)
            reason = self._check_terms(consent, terms, listed, allowed)
            for i: uint256 in range(convert(item.leaf_count, uint256), bound=MAX_LEAVES):
                if reason != 0:
                    break
                leaf: SignedLeaf = leaves[start + i]
                steps: DynArray[bytes32, rfc9162.LONGEST] = []
                reason = self._check_path(leaf.path_offset, leaf.path_count, len(path))
                if reason == 0:
                    for k: uint256 in range(convert(leaf.path_count, uint256), bound=rfc9162.LONGEST):
                        steps.append(path[convert(leaf.path_offset, uint256) + k])
                    reason = self._check_leaf(consent, self._plain(leaf), steps)
                if reason == 0:
                    signer: address = eip712._signer(consent, leaf.r, leaf.s, convert(leaf.v, uint256))
                    if signer == empty(address) or signer != leaf.holder:
                        reason = standing.BAD_SIGNATURE
                if leaf.valid_until != 0:
                    until = min(until, convert(leaf.valid_until, uint256))
        if reason != 0:
            standing._refuse(member, OPERATION_GRANT, index, consent if consent != empty(bytes32) else item.case, reason)
        else:
            self._record(consent, terms, listed, allowed, until, member, 0, 0, empty(bytes32), block.timestamp)
        index += 1


@external
def confirm_witnessed(consents: DynArray[bytes32, MAX_CONFIRMATIONS]):
    """
    @notice Lift the hold of consents that were witnessed at their custodian's own window. A regulate key of a member
            that is not that custodian is not asked for: the regulator answers for its confirmation.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.REGULATE)
    index: uint256 = 0
    for consent: bytes32 in consents:
        word: uint256 = self.words[consent]
        reason: uint256 = authority
        if reason == 0 and word == 0:
            reason = UNKNOWN_CONSENT
        if reason == 0 and word & REVOKED != 0:
            reason = CONSENT_REVOKED
        if reason == 0 and (word >> 80) & 1099511627775 <= block.timestamp:
            reason = standing.ALREADY_DONE
        if reason != 0:
            standing._refuse(member, OPERATION_CONFIRM_WITNESSED, index, consent, reason)
        else:
            self.words[consent] = (word & ~(1099511627775 << 80)) | (block.timestamp << 80)
            log ConsentConfirmed(consent=consent, member=convert(member, uint16), key=msg.sender)
        index += 1


@external
def revoke_consent(items: DynArray[Retraction, MAX_RETRACTIONS], path: DynArray[bytes32, MAX_PATH]):
    """
    @notice Revoke consents on one holder's signature. Of a recorded consent the signer must hold a leaf; one that is not
            recorded gets a tombstone, so that it never can be with this holder. Any member relays, also a regulator.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.OPERATE | standing.WITNESS | standing.REGULATE)
    index: uint256 = 0
    for item: Retraction in items:
        word: uint256 = self.words[item.consent]
        mark: bytes32 = keccak256(abi_encode(item.consent, item.holder))
        reason: uint256 = authority
        if reason == 0 and (word & REVOKED != 0 or (word == 0 and self.tombstones[mark])):
            reason = standing.ALREADY_DONE
        if reason == 0:
            digest: bytes32 = eip712._digest(keccak256(abi_encode(REVOCATION_TYPE, item.consent)))
            signer: address = eip712._signer(digest, item.r, item.s, convert(item.v, uint256))
            if signer == empty(address) or signer != item.holder:
                reason = standing.BAD_SIGNATURE
        if reason == 0 and word != 0:
            if self.spent[item.leaf] != item.consent:
                reason = LEAF_NOT_IN_CONSENT
            else:
                reason = self._check_path(item.path_offset, item.path_count, len(path))
            if reason == 0:
                steps: DynArray[bytes32, rfc9162.LONGEST] = []
                for k: uint256 in range(convert(item.path_count, uint256), bound=rfc9162.LONGEST):
                    steps.append(path[convert(item.path_offset, uint256) + k])
                reason = batches._check_leaf(
                    batches.Leaf(
                        leaf=item.leaf,
                        version=item.version,
                        holder=item.holder,
                        valid_until=item.valid_until,
                        commitment=item.commitment,
                        path_offset=0,
                        path_count=0,
                    ),
                    steps,
                )
                # A leaf that no longer counts still shows whose it was.
                if reason == batches.LEAF_REVOKED or reason == batches.LEAF_EXPIRED:
                    reason = 0
        if reason != 0:
            standing._refuse(member, OPERATION_REVOKE_CONSENT, index, item.consent, reason)
        else:
            self._retract(item.consent, item.holder, member, 0, empty(bytes32))
        index += 1


@external
@view
def consent_of(consent: bytes32) -> (uint256, uint256, bytes32):
    """
    @notice A consent's word (valid from, until, usable from, revoked, readers), its grantees and the hash of its terms.
    """
    return self.words[consent], self.grantees_of[consent], self.terms_of[consent]


@external
@view
def spent_by(leaf: uint256) -> bytes32:
    """
    @notice The consent that spent a leaf; empty: none.
    """
    return self.spent[leaf]


@internal
@view
def _check_lists(item: Grant, grantees: uint256, leaves: uint256) -> uint256:
    """
    @notice Why a consent's parts cannot be read from the shared arrays; 0: they can.
    """
    if item.leaf_count == 0 or convert(item.leaf_count, uint256) > MAX_LEAVES:
        return standing.OUT_OF_RANGE
    if item.grantee_count == 0 or convert(item.grantee_count, uint256) > MAX_GRANTEES:
        return standing.OUT_OF_RANGE
    if convert(item.leaf_offset, uint256) + convert(item.leaf_count, uint256) > leaves:
        return standing.BAD_OFFSET
    if convert(item.grantee_offset, uint256) + convert(item.grantee_count, uint256) > grantees:
        return standing.BAD_OFFSET
    return 0


@internal
@pure
def _check_path(offset: uint32, count: uint32, length: uint256) -> uint256:
    """
    @notice Why a proof cannot be read from the shared path; 0: it can.
    """
    if convert(count, uint256) > rfc9162.LONGEST:
        return standing.OUT_OF_RANGE
    if convert(offset, uint256) + convert(count, uint256) > length:
        return standing.BAD_OFFSET
    return 0


@internal
@view
def _check_terms(
    consent: bytes32,
    terms: Terms,
    listed: DynArray[uint256, MAX_LEAVES],
    allowed: DynArray[uint32, MAX_GRANTEES],
) -> uint256:
    """
    @notice Why a consent cannot be recorded, leaves and signatures aside; 0: it can.
    """
    if self.words[consent] != 0:
        return standing.ALREADY_DONE
    if self.tombstones[keccak256(abi_encode(consent, empty(address)))]:
        return CONSENT_REVOKED
    start: uint256 = convert(terms.valid_from, uint256)
    until: uint256 = convert(terms.valid_until, uint256)
    if until < block.timestamp:
        return CONSENT_EXPIRED
    if until <= start or until > block.timestamp + LONGEST_VALIDITY:
        return standing.OUT_OF_RANGE
    if terms.purpose == 0 or terms.disclosed == empty(bytes32) or terms.case == empty(bytes32):
        return standing.OUT_OF_RANGE
    if not access._is_kind(terms.cases, CASES):
        return standing.UNKNOWN_CONTRACT
    previous: uint256 = 0
    for leaf: uint256 in listed:
        if leaf <= previous:
            return standing.OUT_OF_RANGE
        previous = leaf
    last: uint256 = 0
    for grantee: uint32 in allowed:
        member: uint256 = convert(grantee, uint256) >> 16
        if convert(grantee, uint256) & 65535 == 0 or member <= last:
            return standing.OUT_OF_RANGE
        last = member
    return 0


@internal
@view
def _check_leaf(consent: bytes32, leaf: batches.Leaf, path: DynArray[bytes32, rfc9162.LONGEST]) -> uint256:
    """
    @notice Why a leaf cannot carry a new consent; 0: it counts, no other consent spent it, its holder has not revoked.
    """
    reason: uint256 = batches._check_leaf(leaf, path)
    if reason != 0:
        return reason
    if self.spent[leaf.leaf] != empty(bytes32):
        return LEAF_SPENT
    if self.tombstones[keccak256(abi_encode(consent, leaf.holder))]:
        return CONSENT_REVOKED
    return 0


@internal
def _record(
    consent: bytes32,
    terms: Terms,
    listed: DynArray[uint256, MAX_LEAVES],
    allowed: DynArray[uint32, MAX_GRANTEES],
    until: uint256,
    member: uint256,
    attending: uint256,
    custodian: uint256,
    paper: bytes32,
    usable_from: uint256,
):
    """
    @notice Keep a consent, spend its leaves and tell.
    """
    self.words[consent] = convert(terms.valid_from, uint256) | (until << 40) | (usable_from << 80)
    packed: uint256 = 0
    for i: uint256 in range(len(allowed), bound=MAX_GRANTEES):
        packed |= convert(allowed[i], uint256) << (32 * i)
    self.grantees_of[consent] = packed
    self.terms_of[consent] = self._terms_hash(terms.matter, terms.cases, terms.case, terms.purpose, terms.disclosed)
    for leaf: uint256 in listed:
        self.spent[leaf] = consent
    log Granted(
        consent=consent,
        case=terms.case,
        cases=terms.cases,
        matter=terms.matter,
        purpose=terms.purpose,
        disclosed=terms.disclosed,
        valid_from=terms.valid_from,
        valid_until=convert(until, uint40),
        leaves=listed,
        grantees=allowed,
        member=convert(member, uint16),
        key=msg.sender,
        attending=convert(attending, uint16),
        custodian=convert(custodian, uint16),
        paper=paper,
        usable_from=convert(usable_from, uint40),
    )


@internal
def _retract(consent: bytes32, holder: address, member: uint256, attending: uint256, paper: bytes32):
    """
    @notice Mark a consent revoked, or leave a tombstone for one that is not recorded, and tell.
    """
    word: uint256 = self.words[consent]
    if word != 0:
        self.words[consent] = word | REVOKED
    else:
        self.tombstones[keccak256(abi_encode(consent, holder))] = True
    log ConsentRevoked(
        consent=consent,
        holder=holder,
        recorded=word != 0,
        attending=convert(attending, uint16),
        paper=paper,
        member=convert(member, uint16),
        key=msg.sender,
    )


@internal
@pure
def _terms(item: Grant) -> Terms:
    """
    @notice What an operation says of its consent, without its offsets.
    """
    return Terms(
        matter=item.matter,
        cases=item.cases,
        case=item.case,
        purpose=item.purpose,
        disclosed=item.disclosed,
        valid_from=item.valid_from,
        valid_until=item.valid_until,
        salt=item.salt,
    )


@internal
@pure
def _plain(leaf: SignedLeaf) -> batches.Leaf:
    """
    @notice A leaf without its signature.
    """
    return batches.Leaf(
        leaf=leaf.leaf,
        version=leaf.version,
        holder=leaf.holder,
        valid_until=leaf.valid_until,
        commitment=leaf.commitment,
        path_offset=0,
        path_count=0,
    )


@internal
@pure
def _terms_hash(matter: bytes32, cases: address, case: bytes32, purpose: uint8, disclosed: bytes32) -> bytes32:
    """
    @notice What a use must show again.
    """
    return keccak256(abi_encode(matter, cases, case, purpose, disclosed))


@internal
@view
def _digest(
    terms: Terms, listed: DynArray[uint256, MAX_LEAVES], allowed: DynArray[uint32, MAX_GRANTEES]
) -> bytes32:
    """
    @notice The EIP-712 digest of a consent: its name everywhere.
    """
    leaf_hashes: DynArray[bytes32, MAX_LEAVES] = []
    for leaf: uint256 in listed:
        leaf_hashes.append(keccak256(abi_encode(LEAF_TYPE, leaf >> 32, leaf & 4294967295)))
    grantee_hashes: DynArray[bytes32, MAX_GRANTEES] = []
    for grantee: uint32 in allowed:
        word: uint256 = convert(grantee, uint256)
        grantee_hashes.append(keccak256(abi_encode(GRANTEE_TYPE, word >> 16, word & 65535)))
    # The encoding of a list begins with an offset and its length; EIP-712 hashes the items alone.
    return eip712._digest(
        keccak256(
            abi_encode(
                CONSENT_TYPE,
                keccak256(slice(abi_encode(leaf_hashes), 64, 32 * len(leaf_hashes))),
                keccak256(slice(abi_encode(grantee_hashes), 64, 32 * len(grantee_hashes))),
                terms.matter,
                terms.cases,
                terms.case,
                terms.purpose,
                terms.disclosed,
                terms.valid_from,
                terms.valid_until,
                terms.salt,
            )
        )
    )
