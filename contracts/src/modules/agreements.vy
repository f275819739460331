# pragma version 0.4.3
"""
@title Agreements: which members handle which matters for each other, in which modes
@license Apache-2.0
@notice A text binds when every party has accepted it with its own key. An amendment or an accession is the next version
        of the same agreement and needs everyone again, the old parties and the new; until then the version in force
        goes on. Notice by any party ends it after the notice period for new cases; running cases keep their version.
"""

from modules import access
from modules import drafts
from modules import standing

uses: (access, drafts)


event AgreementDrafted:
    agreement: indexed(bytes32)
    version: uint16
    kind: uint8
    member: indexed(uint16)
    parent: bytes32
    predecessor: bytes32
    parties: DynArray[uint16, drafts.MAX_PARTIES]
    matters: DynArray[bytes32, drafts.MAX_MATTERS]
    modes: DynArray[uint8, drafts.MAX_MATTERS]
    notice_days: uint16
    valid_from: uint40
    valid_until: uint40
    digest: bytes32
    blob: bytes32


event AgreementAccepted:
    agreement: indexed(bytes32)
    version: uint16
    member: indexed(uint16)
    key: address
    accepted: uint16
    in_force: bool


event AgreementEnded:
    agreement: indexed(bytes32)
    member: indexed(uint16)
    effective: uint40
    digest: bytes32


struct Acceptance:
    agreement: bytes32
    version: uint16


struct Ending:
    agreement: bytes32
    digest: bytes32


# What stands about one version: `base` is the version it amends, `needed` and `accepted` count members.
struct Terms:
    valid_from: uint256
    valid_until: uint256
    notice_days: uint256
    base: uint256
    needed: uint256
    accepted: uint256
    parties: uint256


# What stands about an agreement: the version in force, the last drafted, and from when notice takes effect.
struct Head:
    in_force: uint256
    drafted: uint256
    ends: uint256


OPERATION_DRAFT: constant(uint256) = 22
OPERATION_ACCEPT: constant(uint256) = 23
OPERATION_END: constant(uint256) = 24

DIGEST_MISSING: constant(uint256) = 27
UNKNOWN_AGREEMENT: constant(uint256) = 42
ALREADY_ACCEPTED: constant(uint256) = 43
NOT_IN_FORCE: constant(uint256) = 44
AGREEMENT_ENDED: constant(uint256) = 45
NOT_COVERED: constant(uint256) = 46
BAD_VERSION: constant(uint256) = 47
BAD_LINEAGE: constant(uint256) = 49

# What a member is to a version, a bitmap.
PARTY: constant(uint256) = 1
ASKED: constant(uint256) = 2
ACCEPTED: constant(uint256) = 4

# Party lists are kept sixteen to a word.
PARTY_WORDS: constant(uint256) = 4
# Cities sign a framework with its children at one sitting.
MAX_DRAFTS: constant(uint256) = 8
MAX_LISTED_PARTIES: constant(uint256) = 256
MAX_LISTED_MATTERS: constant(uint256) = 256
MAX_ACCEPTANCES: constant(uint256) = 64
# Versions are 16 bits in events and cases.
MAX_VERSIONS: constant(uint256) = 65535

heads: HashMap[bytes32, Head]
terms: HashMap[bytes32, HashMap[uint256, Terms]]
# The parent and the predecessor of an agreement never change, so that lineage has no loops.
parents: public(HashMap[bytes32, bytes32])
predecessors: public(HashMap[bytes32, bytes32])
sides: HashMap[bytes32, HashMap[uint256, HashMap[uint256, uint256]]]
lists: HashMap[bytes32, HashMap[uint256, uint256[PARTY_WORDS]]]
modes_of: HashMap[bytes32, HashMap[uint256, HashMap[bytes32, uint256]]]


@external
def draft(
    texts: DynArray[drafts.Draft, MAX_DRAFTS],
    parties: DynArray[uint16, MAX_LISTED_PARTIES],
    matters: DynArray[bytes32, MAX_LISTED_MATTERS],
    modes: DynArray[uint8, MAX_LISTED_MATTERS],
):
    """
    @notice Put texts before their parties: a new agreement, an amendment, an accession. The administrator's key of one
            of the old or new parties. Lists of parties and of matters are in ascending order.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.ADMINISTER)
    if authority == 0:
        authority = access._closed()
    index: uint256 = 0
    for text: drafts.Draft in texts:
        agreement: bytes32 = text.agreement
        if text.kind == convert(drafts.NEW, uint8):
            agreement = keccak256(abi_encode(chain.id, self, member, text.agreement))
        party_list: DynArray[uint16, drafts.MAX_PARTIES] = []
        matter_list: DynArray[bytes32, drafts.MAX_MATTERS] = []
        mode_list: DynArray[uint8, drafts.MAX_MATTERS] = []
        reason: uint256 = authority
        if reason == 0:
            reason = drafts._check_shape(text, len(parties), len(matters), len(modes))
        if reason == 0:
            reason = self._check_lineage(agreement, text)
        if reason == 0:
            start: uint256 = convert(text.party_offset, uint256)
            for i: uint256 in range(convert(text.party_count, uint256), bound=drafts.MAX_PARTIES):
                party_list.append(parties[start + i])
            start = convert(text.matter_offset, uint256)
            for i: uint256 in range(convert(text.matter_count, uint256), bound=drafts.MAX_MATTERS):
                matter_list.append(matters[start + i])
                mode_list.append(modes[start + i])
            reason = drafts._check_lists(party_list, matter_list, mode_list)
        if reason == 0:
            reason = self._check_sides(agreement, text, member, party_list)
        if reason != 0:
            standing._refuse(member, OPERATION_DRAFT, index, agreement, reason)
        else:
            version: uint256 = self._store(agreement, text, party_list, matter_list, mode_list)
            log AgreementDrafted(
                agreement=agreement,
                version=convert(version, uint16),
                kind=text.kind,
                member=convert(member, uint16),
                parent=text.parent,
                predecessor=text.predecessor,
                parties=party_list,
                matters=matter_list,
                modes=mode_list,
                notice_days=text.notice_days,
                valid_from=text.valid_from,
                valid_until=text.valid_until,
                digest=text.digest,
                blob=text.blob,
            )
        index += 1


@external
def accept(acceptances: DynArray[Acceptance, MAX_ACCEPTANCES]):
    """
    @notice Accept versions for one's member; the last to accept puts a version in force. The administrator's key.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.ADMINISTER)
    if authority == 0:
        authority = access._closed()
    index: uint256 = 0
    for acceptance: Acceptance in acceptances:
        agreement: bytes32 = acceptance.agreement
        version: uint256 = convert(acceptance.version, uint256)
        reason: uint256 = authority
        if reason == 0:
            reason = self._check_acceptance(agreement, version, member)
        if reason != 0:
            standing._refuse(member, OPERATION_ACCEPT, index, agreement, reason)
        else:
            self.sides[agreement][version][member] |= ACCEPTED
            accepted: uint256 = self.terms[agreement][version].accepted + 1
            self.terms[agreement][version].accepted = accepted
            in_force: bool = accepted == self.terms[agreement][version].needed
            if in_force:
                self.heads[agreement].in_force = version
            log AgreementAccepted(
                agreement=agreement,
                version=acceptance.version,
                member=convert(member, uint16),
                key=msg.sender,
                accepted=convert(accepted, uint16),
                in_force=in_force,
            )
        index += 1


@external
def end(endings: DynArray[Ending, MAX_ACCEPTANCES]):
    """
    @notice Give notice of agreements; new cases are refused once the notice period is over. The administrator's key.
    """
    sender: uint256 = access._sender()
    member: uint256 = standing._member(sender)
    authority: uint256 = standing._authority(sender, standing.ADMINISTER)
    index: uint256 = 0
    for ending: Ending in endings:
        agreement: bytes32 = ending.agreement
        version: uint256 = self.heads[agreement].in_force
        reason: uint256 = authority
        if reason == 0:
            if self.heads[agreement].drafted == 0:
                reason = UNKNOWN_AGREEMENT
            elif version == 0:
                reason = NOT_IN_FORCE
            elif self.sides[agreement][version][member] & PARTY == 0:
                reason = standing.NOT_A_PARTY
            elif self.heads[agreement].ends != 0:
                reason = AGREEMENT_ENDED
            elif ending.digest == empty(bytes32):
                reason = DIGEST_MISSING
        if reason != 0:
            standing._refuse(member, OPERATION_END, index, agreement, reason)
        else:
            effective: uint256 = block.timestamp + self.terms[agreement][version].notice_days * standing.DAY
            self.heads[agreement].ends = effective
            log AgreementEnded(
                agreement=agreement,
                member=convert(member, uint16),
                effective=convert(effective, uint40),
                digest=ending.digest,
            )
        index += 1


@external
@view
def covers(
    agreement: bytes32, version: uint256, receiving: uint256, handling: uint256, matter: bytes32, mode: uint256
) -> uint256:
    """
    @notice 0 where the agreement, in the version named, lets a new case be received and handled so; else a reason.
    """
    head: Head = self.heads[agreement]
    if head.in_force == 0:
        return UNKNOWN_AGREEMENT if head.drafted == 0 else NOT_IN_FORCE
    if version != head.in_force:
        return BAD_VERSION
    if head.ends != 0 and block.timestamp >= head.ends:
        return AGREEMENT_ENDED
    until: uint256 = self.terms[agreement][version].valid_until
    if block.timestamp < self.terms[agreement][version].valid_from or (until != 0 and block.timestamp >= until):
        return NOT_IN_FORCE
    if self.sides[agreement][version][receiving] & self.sides[agreement][version][handling] & PARTY == 0:
        return standing.NOT_A_PARTY
    if mode > 255 or (self.modes_of[agreement][version][matter] >> mode) & 1 == 0:
        return NOT_COVERED
    reason: uint256 = standing._active(access._of_member(receiving))
    if reason == 0 and handling != receiving:
        reason = standing._active(access._of_member(handling))
    return reason


@external
@view
def agreement_version(agreement: bytes32) -> uint256:
    """
    @notice The version of an agreement that is in force; 0: none. Whether it has ended is `covers`'s to say.
    """
    return self.heads[agreement].in_force


@external
@view
def agreement_head(agreement: bytes32) -> Head:
    """
    @notice The version in force, the last drafted, and from when notice takes effect (0: no notice).
    """
    return self.heads[agreement]


@internal
@view
def _check_lineage(agreement: bytes32, text: drafts.Draft) -> uint256:
    """
    @notice The reason why a draft stands in no order with what is there: its kind, its forebears, its base.
    """
    kind: uint256 = convert(text.kind, uint256)
    head: Head = self.heads[agreement]
    if kind == drafts.NEW:
        if head.drafted != 0:
            return standing.ALREADY_DONE
        if text.parent != empty(bytes32) and self.heads[text.parent].in_force == 0:
            return BAD_LINEAGE
        if text.predecessor != empty(bytes32) and self.heads[text.predecessor].in_force == 0:
            return BAD_LINEAGE
        return 0
    if kind != drafts.AMENDMENT and kind != drafts.ACCESSION:
        return standing.OUT_OF_RANGE
    if head.drafted == 0:
        return UNKNOWN_AGREEMENT
    if head.in_force == 0:
        return NOT_IN_FORCE
    if head.ends != 0:
        return AGREEMENT_ENDED
    if text.parent != self.parents[agreement] or text.predecessor != self.predecessors[agreement]:
        return BAD_LINEAGE
    return BAD_VERSION if head.drafted == MAX_VERSIONS else 0


@internal
@view
def _check_sides(
    agreement: bytes32, text: drafts.Draft, member: uint256, parties: DynArray[uint16, drafts.MAX_PARTIES]
) -> uint256:
    """
    @notice The reason why this member may not draft so: it is on neither side, or an accession adds or keeps nobody.
    """
    base: uint256 = self.heads[agreement].in_force
    is_side: bool = self.sides[agreement][base][member] & PARTY != 0
    kept: uint256 = 0
    for party: uint16 in parties:
        if convert(party, uint256) == member:
            is_side = True
        if self.sides[agreement][base][convert(party, uint256)] & PARTY != 0:
            kept += 1
    if not is_side:
        return standing.NOT_A_PARTY
    if text.kind == convert(drafts.ACCESSION, uint8):
        if kept != self.terms[agreement][base].parties:
            return standing.NOT_A_PARTY
        if kept == len(parties):
            return standing.ALREADY_DONE
    return 0


@internal
@view
def _check_acceptance(agreement: bytes32, version: uint256, member: uint256) -> uint256:
    """
    @notice The reason not to count an acceptance.
    """
    head: Head = self.heads[agreement]
    if head.drafted == 0:
        return UNKNOWN_AGREEMENT
    # A draft of a version that is no longer in force asked the wrong parties.
    if version == 0 or version > head.drafted:
        return BAD_VERSION
    side: uint256 = self.sides[agreement][version][member]
    if side & ASKED == 0:
        return standing.NOT_A_PARTY
    if side & ACCEPTED != 0:
        return ALREADY_ACCEPTED
    if self.terms[agreement][version].base != head.in_force:
        return BAD_VERSION
    if head.ends != 0:
        return AGREEMENT_ENDED
    until: uint256 = self.terms[agreement][version].valid_until
    if until != 0 and block.timestamp >= until:
        return NOT_IN_FORCE
    return 0


@internal
def _store(
    agreement: bytes32,
    text: drafts.Draft,
    parties: DynArray[uint16, drafts.MAX_PARTIES],
    matters: DynArray[bytes32, drafts.MAX_MATTERS],
    modes: DynArray[uint8, drafts.MAX_MATTERS],
) -> uint256:
    """
    @notice Keep a draft: who is a party, who is asked (the old parties too), what it covers.
    @return Its version.
    """
    base: uint256 = self.heads[agreement].in_force
    version: uint256 = self.heads[agreement].drafted + 1
    self.heads[agreement].drafted = version
    if version == 1:
        self.parents[agreement] = text.parent
        self.predecessors[agreement] = text.predecessor
    needed: uint256 = len(parties)
    words: uint256[PARTY_WORDS] = empty(uint256[PARTY_WORDS])
    place: uint256 = 0
    for party: uint16 in parties:
        self.sides[agreement][version][convert(party, uint256)] = PARTY | ASKED
        words[place // 16] |= convert(party, uint256) << (16 * (place % 16))
        place += 1
    self.lists[agreement][version] = words
    for i: uint256 in range(self.terms[agreement][base].parties, bound=drafts.MAX_PARTIES):
        old: uint256 = (self.lists[agreement][base][i // 16] >> (16 * (i % 16))) & 65535
        if self.sides[agreement][version][old] == 0:
            self.sides[agreement][version][old] = ASKED
            needed += 1
    place = 0
    for matter: bytes32 in matters:
        self.modes_of[agreement][version][matter] = convert(modes[place], uint256)
        place += 1
    self.terms[agreement][version] = Terms(
        valid_from=convert(text.valid_from, uint256),
        valid_until=convert(text.valid_until, uint256),
        notice_days=convert(text.notice_days, uint256),
        base=base,
        needed=needed,
        accepted=0,
        parties=len(parties),
    )
    return version
