# pragma version 0.4.3
"""
@title Consortium: who belongs to the network, and what its members decide together
@license Apache-2.0
@notice Never replaced, and kept minimal: the roster and its directory, the calendars, votes, and the register of the
        generations of every other contract. Nobody owns it; there is no way in but the entry points here.
"""

from interfaces import IConsortium
from modules import calendars
from modules import directory
from modules import roster
from modules import standing as rights
from modules import workdays

initializes: roster
initializes: calendars[roster := roster]
initializes: directory[roster := roster]

implements: IConsortium

exports: (
    roster.confirm,
    roster.set_keys,
    roster.start_recovery,
    roster.finish_recovery,
    roster.object_recovery,
    roster.standing,
    roster.standing_of,
    roster.members,
    roster.administrators,
    roster.recoveries,
    roster.voting,
    roster.voters,
    directory.publish_keys,
    directory.publish_endpoint,
    directory.set_departments,
    directory.department,
    calendars.post_calendars,
    calendars.object_calendars,
    calendars.working_days,
    calendars.calendar,
)


event Founded:
    name: String[64]
    founders: uint16
    pilot: bool
    status_epoch: uint32
    clock_offset: int64


event MemberStatusChanged:
    member: indexed(uint16)
    status: uint8
    proposal: uint32
    digest: bytes32


event AdmissionProposed:
    proposal: indexed(uint32)
    division: uint32
    level: uint8
    parent: uint16
    voting: bool
    name: String[64]
    administrator: address


event Proposed:
    proposal: indexed(uint32)
    kind: uint8
    member: indexed(uint16)
    target: uint32
    subject: bytes32
    digest: bytes32
    electorate: uint256
    needed: uint16
    closes: uint40


event Voted:
    proposal: indexed(uint32)
    member: indexed(uint16)
    key: address
    approve: bool
    approvals: uint16


event ProposalClosed:
    proposal: indexed(uint32)
    passed: bool


event GenerationAdded:
    kind: indexed(uint8)
    generation: uint32
    contract: indexed(address)


event PolicySet:
    version: indexed(uint32)
    digest: bytes32


# For ADMIT, `target` is the index of the candidate; for GENERATION the kind of contract; else a member, or 0 (POLICY).
struct Motion:
    kind: uint8
    target: uint32
    subject: bytes32
    digest: bytes32


struct Ballot:
    proposal: uint32
    approve: bool


struct Proposal:
    kind: uint256
    target: uint256
    subject: bytes32
    digest: bytes32
    electorate: uint256
    needed: uint256
    closes: uint256
    approvals: uint256
    rejections: uint256
    closed: bool


OPERATION_PROPOSE: constant(uint256) = 2
OPERATION_VOTE: constant(uint256) = 3

UNKNOWN_MEMBER: constant(uint256) = 20
UNKNOWN_PROPOSAL: constant(uint256) = 21
NOT_AN_ELECTOR: constant(uint256) = 22
ALREADY_VOTED: constant(uint256) = 23
PROPOSAL_CLOSED: constant(uint256) = 24
TARGET_VOTES_NOT: constant(uint256) = 25
KEY_TAKEN: constant(uint256) = 26
DIGEST_MISSING: constant(uint256) = 27

# Kinds of votes.
ADMIT: constant(uint256) = 1
SUSPEND: constant(uint256) = 2
RESUME: constant(uint256) = 3
EXCLUDE: constant(uint256) = 4
GENERATION: constant(uint256) = 5
POLICY: constant(uint256) = 6
REPLACE: constant(uint256) = 7
VOTING: constant(uint256) = 8

# The founders of the largest group known, the Yangtze delta's districts, are under 64.
MAX_FOUNDERS: constant(uint256) = 64
# Genesis proposes four contracts and a policy; a province admits its districts in groups of eight.
MAX_MOTIONS: constant(uint256) = 8
# A member answers a month's open votes in one transaction.
MAX_BALLOTS: constant(uint256) = 32
# Catalogue, materials, cases, consents.
KINDS: constant(uint256) = 4
VOTING_PERIOD: constant(uint256) = 30 * 86400
# Under four voters one of them alone can block a two-thirds vote, or one lost key stop the network: a pilot.
FULL_NETWORK: constant(uint256) = 4

proposals: HashMap[uint256, Proposal]
candidates: HashMap[uint256, roster.Candidate]
proposal_count: public(uint256)
generations: HashMap[uint256, HashMap[uint256, address]]
generation_counts: HashMap[uint256, uint256]
# Contract: kind, and its generation from bit 8.
registered: HashMap[address, uint256]
policy: public(bytes32)
policy_version: public(uint256)


@deploy
def __init__(
    name: String[64],
    status_epoch: uint32,
    clock_offset: int64,
    founders: DynArray[roster.Candidate, MAX_FOUNDERS],
):
    """
    @notice Found the network; each founder confirms itself afterwards.
    @param status_epoch Blocks between two status entries of the transparency log.
    @param clock_offset Seconds by which the engine's clock is ahead of the world's: zero but in a pilot.
    """
    assert len(name) != 0 and status_epoch != 0 and len(founders) != 0, "consortium: empty genesis"
    for founder: roster.Candidate in founders:
        assert roster._check_candidate(founder) == 0, "consortium: bad founder"
        roster._seat_founder(roster._list(founder))
    log Founded(
        name=name,
        founders=convert(len(founders), uint16),
        pilot=workdays._ones(roster.voters) < FULL_NETWORK,
        status_epoch=status_epoch,
        clock_offset=clock_offset,
    )


@external
def propose(motions: DynArray[Motion, MAX_MOTIONS], admissions: DynArray[roster.Candidate, MAX_MOTIONS]):
    """
    @notice Open votes; the administrator's key of a voting member that is not their target.
    """
    sender: uint256 = roster._standing(msg.sender)
    member: uint256 = rights._member(sender)
    authority: uint256 = rights._authority(sender, rights.ADMINISTER)
    index: uint256 = 0
    for motion: Motion in motions:
        kind: uint256 = convert(motion.kind, uint256)
        target: uint256 = convert(motion.target, uint256)
        subject: bytes32 = motion.subject
        candidate: roster.Candidate = empty(roster.Candidate)
        reason: uint256 = authority
        if reason == 0 and kind == ADMIT:
            if target < len(admissions):
                candidate = admissions[target]
                subject = convert(candidate.administrator, bytes32)
                target = 0
            else:
                reason = rights.BAD_OFFSET
        if reason == 0:
            reason = self._check_motion(kind, target, subject, motion.digest, candidate)
        electorate: uint256 = roster.voters
        if self._is_about_member(kind):
            electorate &= ~roster._seat(target)
        if reason == 0 and electorate & roster._seat(member) == 0:
            reason = self._no_elector(kind, target, member)
        if reason != 0:
            rights._refuse(member, OPERATION_PROPOSE, index, subject, reason)
        else:
            self._open(member, kind, target, subject, motion.digest, electorate, candidate)
        index += 1


@external
def vote(ballots: DynArray[Ballot, MAX_BALLOTS]):
    """
    @notice Vote, once a member and proposal; what is passed takes effect at once. The administrator's key of an elector.
    """
    sender: uint256 = roster._standing(msg.sender)
    member: uint256 = rights._member(sender)
    authority: uint256 = rights._authority(sender, rights.ADMINISTER)
    index: uint256 = 0
    for ballot: Ballot in ballots:
        number: uint256 = convert(ballot.proposal, uint256)
        reason: uint256 = authority
        if reason == 0:
            reason = self._check_ballot(number, member)
        if reason == 0:
            reason = self._count_ballot(number, member, ballot.approve)
        if reason != 0:
            rights._refuse(member, OPERATION_VOTE, index, convert(number, bytes32), reason)
        index += 1


@external
@view
def proposal(number: uint256) -> Proposal:
    """
    @notice A vote as it stands; kind 0: no such proposal.
    """
    return self.proposals[number]


@external
@view
def candidate(number: uint256) -> roster.Candidate:
    """
    @notice Whom a vote of kind ADMIT would list.
    """
    return self.candidates[number]


@external
@view
def pilot() -> bool:
    """
    @notice Whether the network has under four voters, and must say so wherever it shows something.
    """
    return workdays._ones(roster.voters) < FULL_NETWORK


@external
@view
def kind_of(subject: address) -> uint256:
    """
    @notice 0: not a contract of this network; else its kind, with 256 added when a later generation has replaced it.
    """
    entry: uint256 = self.registered[subject]
    kind: uint256 = entry & 255
    if kind != 0 and entry >> 8 != self.generation_counts[kind]:
        return kind | 256
    return kind


@external
@view
def generation(kind: uint256, number: uint256) -> address:
    """
    @notice The contract of a kind in a generation, counted from 1; zero address where there is none.
    """
    return self.generations[kind][number]


@external
@view
def generation_of(subject: address) -> uint256:
    """
    @notice The generation number of a contract; 0 where it is none of ours.
    """
    return self.registered[subject] >> 8


@external
@view
def current(kind: uint256) -> address:
    """
    @notice The contract of a kind that takes new things now.
    """
    return self.generations[kind][self.generation_counts[kind]]


@internal
@pure
def _is_about_member(kind: uint256) -> bool:
    """
    @notice Whether a vote's target is a member, which then has no vote in it.
    """
    return kind in [SUSPEND, RESUME, EXCLUDE, REPLACE, VOTING]


@internal
@view
def _no_elector(kind: uint256, target: uint256, member: uint256) -> uint256:
    """
    @notice Why a member has no vote: the vote is about it, or it never had one in it.
    """
    if self._is_about_member(kind) and target == member:
        return TARGET_VOTES_NOT
    return NOT_AN_ELECTOR


@internal
@view
def _check_motion(
    kind: uint256, target: uint256, subject: bytes32, digest: bytes32, candidate: roster.Candidate
) -> uint256:
    """
    @notice The reason why a proposal could not take effect now; asked when it is made and when it has passed.
    """
    if kind == ADMIT:
        return roster._check_candidate(candidate)
    if kind == GENERATION:
        return self._check_generation(target, subject)
    if kind == POLICY:
        if digest == empty(bytes32):
            return DIGEST_MISSING
        return 0
    if not self._is_about_member(kind):
        return rights.OUT_OF_RANGE
    word: uint256 = roster.words[target]
    status: uint256 = rights._status(word)
    if word == 0 or status == rights.EXCLUDED:
        return UNKNOWN_MEMBER
    if kind == EXCLUDE:
        # The members execute an exclusion; the superior authority decides it.
        if digest == empty(bytes32):
            return DIGEST_MISSING
        return 0
    if kind == RESUME:
        return 0 if status == rights.SUSPENDED else rights.ALREADY_DONE
    if kind == REPLACE:
        if convert(subject, uint256) >> 160 != 0 or subject == empty(bytes32):
            return rights.OUT_OF_RANGE
        if roster.keys[convert(convert(subject, uint160), address)] != 0:
            return KEY_TAKEN
        return 0
    if kind == VOTING:
        if convert(subject, uint256) > 1:
            return rights.OUT_OF_RANGE
        granted: bool = subject != empty(bytes32)
        if roster.voting[target] == granted:
            return rights.ALREADY_DONE
        # Sub-members speak through their parent; a seat is one bit of a word.
        if granted and ((word >> 40) & 65535 != 0 or (roster.seats[target] == 0 and roster.seat_count == 256)):
            return rights.OUT_OF_RANGE
        return 0
    if status == rights.SUSPENDED:
        return rights.ALREADY_DONE
    return 0 if status == rights.ACTIVE else rights.MEMBER_UNCONFIRMED


@internal
@view
def _check_generation(kind: uint256, subject: bytes32) -> uint256:
    """
    @notice The reason not to register a contract: kind, no code there, registered before.
    """
    if kind == 0 or kind > KINDS or convert(subject, uint256) >> 160 != 0:
        return rights.OUT_OF_RANGE
    proposed: address = convert(convert(subject, uint160), address)
    if not proposed.is_contract:
        return rights.UNKNOWN_CONTRACT
    if self.registered[proposed] != 0:
        return rights.ALREADY_DONE
    return 0


@internal
def _open(
    member: uint256,
    kind: uint256,
    target: uint256,
    subject: bytes32,
    digest: bytes32,
    electorate: uint256,
    candidate: roster.Candidate,
):
    """
    @notice Store a vote with its electorate and threshold, two thirds rounded up, both fixed from here on.
    """
    self.proposal_count += 1
    number: uint256 = self.proposal_count
    needed: uint256 = (2 * workdays._ones(electorate) + 2) // 3
    closes: uint256 = block.timestamp + VOTING_PERIOD
    self.proposals[number] = Proposal(
        kind=kind,
        target=target,
        subject=subject,
        digest=digest,
        electorate=electorate,
        needed=needed,
        closes=closes,
        approvals=0,
        rejections=0,
        closed=False,
    )
    if kind == ADMIT:
        self.candidates[number] = candidate
        log AdmissionProposed(
            proposal=convert(number, uint32),
            division=candidate.division,
            level=candidate.level,
            parent=candidate.parent,
            voting=candidate.voting,
            name=candidate.name,
            administrator=candidate.administrator,
        )
    log Proposed(
        proposal=convert(number, uint32),
        kind=convert(kind, uint8),
        member=convert(member, uint16),
        target=convert(target, uint32),
        subject=subject,
        digest=digest,
        electorate=electorate,
        needed=convert(needed, uint16),
        closes=convert(closes, uint40),
    )


@internal
@view
def _check_ballot(number: uint256, member: uint256) -> uint256:
    """
    @notice The reason not to count a ballot, but for the proposal's time, which `_count_ballot` looks at.
    """
    kind: uint256 = self.proposals[number].kind
    if kind == 0:
        return UNKNOWN_PROPOSAL
    if self.proposals[number].closed:
        return PROPOSAL_CLOSED
    seat: uint256 = roster._seat(member)
    if self.proposals[number].electorate & seat == 0:
        return self._no_elector(kind, self.proposals[number].target, member)
    if (self.proposals[number].approvals | self.proposals[number].rejections) & seat != 0:
        return ALREADY_VOTED
    return 0


@internal
def _count_ballot(number: uint256, member: uint256, approve: bool) -> uint256:
    """
    @notice Count a ballot and close the vote when it is decided either way, or when its time is over.
    @return PROPOSAL_CLOSED for a ballot that came too late; the reason why a vote that passed has no effect any more.
    """
    if block.timestamp > self.proposals[number].closes:
        self._close(number, False)
        return PROPOSAL_CLOSED
    seat: uint256 = roster._seat(member)
    if approve:
        self.proposals[number].approvals |= seat
    else:
        self.proposals[number].rejections |= seat
    approvals: uint256 = workdays._ones(self.proposals[number].approvals)
    log Voted(
        proposal=convert(number, uint32),
        member=convert(member, uint16),
        key=msg.sender,
        approve=approve,
        approvals=convert(approvals, uint16),
    )
    needed: uint256 = self.proposals[number].needed
    if approvals >= needed:
        made: Proposal = self.proposals[number]
        candidate: roster.Candidate = self.candidates[number]
        reason: uint256 = self._check_motion(made.kind, made.target, made.subject, made.digest, candidate)
        self._close(number, reason == 0)
        if reason == 0:
            self._execute(number, made, candidate)
        return reason
    rejections: uint256 = workdays._ones(self.proposals[number].rejections)
    if workdays._ones(self.proposals[number].electorate) - rejections < needed:
        self._close(number, False)
    return 0


@internal
def _close(number: uint256, passed: bool):
    """
    @notice End a vote.
    """
    self.proposals[number].closed = True
    log ProposalClosed(proposal=convert(number, uint32), passed=passed)


@internal
def _execute(number: uint256, made: Proposal, candidate: roster.Candidate):
    """
    @notice Do what a vote has decided; it was checked the moment before.
    """
    if made.kind == ADMIT:
        roster._list(candidate)
    elif made.kind == GENERATION:
        self._register(made.target, convert(convert(made.subject, uint160), address))
    elif made.kind == POLICY:
        self.policy = made.digest
        self.policy_version += 1
        log PolicySet(version=convert(self.policy_version, uint32), digest=made.digest)
    elif made.kind == REPLACE:
        roster._replace_administrator(made.target, convert(convert(made.subject, uint160), address))
    elif made.kind == VOTING:
        roster._set_vote(made.target, made.subject != empty(bytes32))
    else:
        status: uint256 = rights.ACTIVE
        if made.kind == SUSPEND:
            status = rights.SUSPENDED
        elif made.kind == EXCLUDE:
            status = rights.EXCLUDED
        roster._set_status(made.target, status)
        log MemberStatusChanged(
            member=convert(made.target, uint16),
            status=convert(status, uint8),
            proposal=convert(number, uint32),
            digest=made.digest,
        )


@internal
def _register(kind: uint256, added: address):
    """
    @notice Make a contract the current generation of its kind.
    """
    self.generation_counts[kind] += 1
    number: uint256 = self.generation_counts[kind]
    self.generations[kind][number] = added
    self.registered[added] = kind | (number << 8)
    log GenerationAdded(kind=convert(kind, uint8), generation=convert(number, uint32), contract=added)
