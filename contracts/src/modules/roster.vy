# pragma version 0.4.3
"""
@title Roster: members and the keys that act for them
@license Apache-2.0
@notice A member is listed by genesis or by a vote and acts once its administrator key has confirmed it. A key address
        belongs to one member for ever, also after its removal, so that every old signature still has one owner. Each
        member has exactly one administrator key and one recovery key; neither has another role. The recovery key helps
        against loss (seven days, the administrator may object), a vote against theft.
"""

from modules import standing as rights


event MemberListed:
    member: indexed(uint16)
    division: uint32
    level: uint8
    parent: uint16
    voting: bool
    name: String[64]
    administrator: address


event MemberConfirmed:
    member: indexed(uint16)
    key: address


event KeySet:
    member: indexed(uint16)
    key: indexed(address)
    roles: uint16
    previous: address


event RecoveryStarted:
    member: indexed(uint16)
    administrator: address
    due: uint40


event RecoveryObjected:
    member: indexed(uint16)
    administrator: address


struct Candidate:
    division: uint32
    level: uint8
    parent: uint16
    voting: bool
    name: String[64]
    administrator: address


struct RoleKey:
    key: address
    roles: uint16


struct KeyChange:
    key: address
    roles: uint16
    previous: address


struct Recovery:
    administrator: address
    due: uint256
    objected: bool


OPERATION_CONFIRM: constant(uint256) = 1
OPERATION_SET_KEYS: constant(uint256) = 4
OPERATION_START_RECOVERY: constant(uint256) = 5
OPERATION_FINISH_RECOVERY: constant(uint256) = 6
OPERATION_OBJECT_RECOVERY: constant(uint256) = 7

UNKNOWN_MEMBER: constant(uint256) = 20
KEY_TAKEN: constant(uint256) = 26
DELAY_RUNNING: constant(uint256) = 30
NO_RECOVERY: constant(uint256) = 31
RECOVERY_OBJECTED: constant(uint256) = 32

# A window's clerks share its witness keys by device: 32 changes cover a city's rotation in one transaction.
MAX_KEYS: constant(uint256) = 32
# Levels by which a member may hold a regulator's role: nation, province, and the two kinds of regulators.
REGULATOR_LEVELS: constant(uint256) = (1 << 1) | (1 << 2) | (1 << 7) | (1 << 8)
LEVELS: constant(uint256) = 8
# Voter seats are bits of one word.
SEATS: constant(uint256) = 256
# Member numbers are 16 bits everywhere.
MAX_MEMBERS: constant(uint256) = 65535
RECOVERY_DELAY: constant(uint256) = 7 * 86400

members: public(uint256)
# Member: a standing word without roles.
words: HashMap[uint256, uint256]
# Key: member and roles, as in a standing word; a removed key keeps its member.
keys: HashMap[address, uint256]
administrators: public(HashMap[uint256, address])
recoveries: public(HashMap[uint256, address])
running: HashMap[uint256, Recovery]
# Member: its voter seat, counted from 1, for ever; and whether it has the vote.
seats: HashMap[uint256, uint256]
seat_count: uint256
voting: public(HashMap[uint256, bool])
# The voting members in good standing, a bit for each seat.
voters: public(uint256)


@external
def confirm(recovery: address, role_keys: DynArray[RoleKey, MAX_KEYS]):
    """
    @notice A listed member takes up its seat: its recovery key (operation 0) and its first keys (1 and on).
    """
    word: uint256 = self._standing(msg.sender)
    member: uint256 = rights._member(word)
    reason: uint256 = 0
    if member == 0:
        reason = rights.NOT_A_KEY
    elif rights._status(word) == rights.ACTIVE:
        reason = rights.ALREADY_DONE
    elif rights._status(word) != rights.LISTED:
        reason = rights.MEMBER_SUSPENDED
    elif (word >> 16) & rights.ADMINISTER == 0:
        reason = rights.WRONG_ROLE
    elif recovery == empty(address):
        reason = rights.OUT_OF_RANGE
    elif self.keys[recovery] != 0:
        reason = KEY_TAKEN
    if reason != 0:
        rights._refuse(member, OPERATION_CONFIRM, 0, convert(recovery, bytes32), reason)
        return
    self._set_status(member, rights.ACTIVE)
    log MemberConfirmed(member=convert(member, uint16), key=msg.sender)
    self.recoveries[member] = recovery
    self._set_key(member, recovery, rights.RECOVER, empty(address))
    index: uint256 = 1
    for entry: RoleKey in role_keys:
        roles: uint256 = convert(entry.roles, uint256)
        reason = self._check_key(member, KeyChange(key=entry.key, roles=entry.roles, previous=empty(address)))
        if reason != 0:
            rights._refuse(member, OPERATION_CONFIRM, index, convert(entry.key, bytes32), reason)
        else:
            self._set_key(member, entry.key, roles, empty(address))
        index += 1


@external
def set_keys(changes: DynArray[KeyChange, MAX_KEYS]):
    """
    @notice Give keys roles, take them away (roles 0), or replace a key (`previous`); the administrator's key.
    """
    sender: uint256 = self._standing(msg.sender)
    member: uint256 = rights._member(sender)
    authority: uint256 = rights._authority(sender, rights.ADMINISTER)
    index: uint256 = 0
    for change: KeyChange in changes:
        reason: uint256 = authority
        if reason == 0:
            reason = self._check_key(member, change)
        if reason != 0:
            rights._refuse(member, OPERATION_SET_KEYS, index, convert(change.key, bytes32), reason)
        else:
            if change.previous != empty(address):
                if change.previous == self.administrators[member]:
                    self.administrators[member] = change.key
                elif change.previous == self.recoveries[member]:
                    self.recoveries[member] = change.key
                    self.running[member] = empty(Recovery)
            self._set_key(member, change.key, convert(change.roles, uint256), change.previous)
        index += 1


@external
def start_recovery(administrator: address):
    """
    @notice Ask for a new administrator key, effective in seven days; the recovery key.
    """
    sender: uint256 = self._standing(msg.sender)
    member: uint256 = rights._member(sender)
    reason: uint256 = rights._authority(sender, rights.RECOVER)
    if reason == 0:
        if administrator == empty(address):
            reason = rights.OUT_OF_RANGE
        elif self.keys[administrator] != 0:
            reason = KEY_TAKEN
        elif self.running[member].objected:
            reason = RECOVERY_OBJECTED
        elif self.running[member].due != 0:
            reason = DELAY_RUNNING
    if reason != 0:
        rights._refuse(member, OPERATION_START_RECOVERY, 0, convert(administrator, bytes32), reason)
        return
    due: uint256 = block.timestamp + RECOVERY_DELAY
    self.running[member] = Recovery(administrator=administrator, due=due, objected=False)
    log RecoveryStarted(member=convert(member, uint16), administrator=administrator, due=convert(due, uint40))


@external
def finish_recovery():
    """
    @notice Install the administrator key asked for seven days ago; the recovery key.
    """
    sender: uint256 = self._standing(msg.sender)
    member: uint256 = rights._member(sender)
    recovery: Recovery = self.running[member]
    reason: uint256 = rights._authority(sender, rights.RECOVER)
    if reason == 0:
        if recovery.objected:
            reason = RECOVERY_OBJECTED
        elif recovery.due == 0:
            reason = NO_RECOVERY
        elif block.timestamp < recovery.due:
            reason = DELAY_RUNNING
        elif self.keys[recovery.administrator] != 0:
            reason = KEY_TAKEN
    if reason != 0:
        rights._refuse(member, OPERATION_FINISH_RECOVERY, 0, convert(recovery.administrator, bytes32), reason)
        return
    self._replace_administrator(member, recovery.administrator)


@external
def object_recovery():
    """
    @notice Stop a recovery: from now on only a vote can replace this key, or the key itself; the administrator's key.
    """
    sender: uint256 = self._standing(msg.sender)
    member: uint256 = rights._member(sender)
    recovery: Recovery = self.running[member]
    reason: uint256 = rights._authority(sender, rights.ADMINISTER)
    if reason == 0:
        if recovery.due == 0:
            reason = NO_RECOVERY
        elif recovery.objected:
            reason = rights.ALREADY_DONE
    if reason != 0:
        rights._refuse(member, OPERATION_OBJECT_RECOVERY, 0, convert(recovery.administrator, bytes32), reason)
        return
    self.running[member].objected = True
    log RecoveryObjected(member=convert(member, uint16), administrator=msg.sender)


@external
@view
def standing(key: address) -> uint256:
    """
    @notice Whose key this is, with which roles now; a removed key keeps its member and has no roles.
    """
    return self._standing(key)


@external
@view
def standing_of(member: uint256) -> uint256:
    """
    @notice The same word for a member without any key: roles are zero. Zero: no such member.
    """
    return self.words[member]


@internal
@view
def _standing(key: address) -> uint256:
    """
    @notice The standing word of a key: its own half and its member's.
    """
    word: uint256 = self.keys[key]
    return word | self.words[word & 65535]


@internal
@view
def _check_candidate(candidate: Candidate) -> uint256:
    """
    @notice The reason not to list a member: sub-members have no vote, a parent exists, a key is nobody's yet.
    """
    parent: uint256 = convert(candidate.parent, uint256)
    level: uint256 = convert(candidate.level, uint256)
    if candidate.division == 0 or level == 0 or level > LEVELS or len(candidate.name) == 0:
        return rights.OUT_OF_RANGE
    if candidate.administrator == empty(address) or self.members == MAX_MEMBERS:
        return rights.OUT_OF_RANGE
    if candidate.voting and (parent != 0 or self.seat_count == SEATS):
        return rights.OUT_OF_RANGE
    if parent != 0 and (self.words[parent] == 0 or rights._status(self.words[parent]) == rights.EXCLUDED):
        return UNKNOWN_MEMBER
    if self.keys[candidate.administrator] != 0:
        return KEY_TAKEN
    return 0


@internal
def _list(candidate: Candidate) -> uint256:
    """
    @notice Number a new member; the caller has checked it.
    """
    self.members += 1
    member: uint256 = self.members
    self.words[member] = (
        member
        | (rights.LISTED << 32)
        | (convert(candidate.parent, uint256) << 40)
        | (convert(candidate.level, uint256) << 56)
    )
    self.keys[candidate.administrator] = member | (rights.ADMINISTER << 16)
    self.administrators[member] = candidate.administrator
    log MemberListed(
        member=convert(member, uint16),
        division=candidate.division,
        level=candidate.level,
        parent=candidate.parent,
        voting=candidate.voting,
        name=candidate.name,
        administrator=candidate.administrator,
    )
    if candidate.voting:
        self._set_vote(member, True)
    return member


@internal
def _set_vote(member: uint256, granted: bool):
    """
    @notice Give a member the vote or take it; a seat, once given, stays its own.
    """
    self.voting[member] = granted
    if granted and self.seats[member] == 0:
        self.seat_count += 1
        self.seats[member] = self.seat_count
    self._count_voter(member)


@internal
def _set_status(member: uint256, status: uint256):
    """
    @notice Change a member's status and whether its seat counts.
    """
    self.words[member] = (self.words[member] & ~(convert(255, uint256) << 32)) | (status << 32)
    self._count_voter(member)


@internal
def _count_voter(member: uint256):
    """
    @notice A seat counts while its member is active and has the vote.
    """
    bit: uint256 = self._seat(member)
    if self.voting[member] and rights._status(self.words[member]) == rights.ACTIVE:
        self.voters |= bit
    else:
        self.voters &= ~bit


@internal
def _seat_founder(member: uint256):
    """
    @notice Count a founder's seat from genesis on, so that the first to confirm cannot decide alone.
    """
    self.voters |= self._seat(member)


@internal
@view
def _seat(member: uint256) -> uint256:
    """
    @notice A member's seat as a bit; zero where it never had the vote.
    """
    seat: uint256 = self.seats[member]
    if seat == 0:
        return 0
    return 1 << (seat - 1)


@internal
@view
def _check_key(member: uint256, change: KeyChange) -> uint256:
    """
    @notice The reason not to set a key: administrator and recovery keys have one role, and are only ever replaced.
    """
    roles: uint256 = convert(change.roles, uint256)
    if change.key == empty(address) or roles > 63:
        return rights.OUT_OF_RANGE
    if roles & rights.REGULATE != 0 and (REGULATOR_LEVELS >> rights._level(self.words[member])) & 1 == 0:
        return rights.WRONG_ROLE
    word: uint256 = self.keys[change.key]
    if change.previous == empty(address):
        if word == 0:
            if roles == 0:
                return rights.NOT_A_KEY
        elif word & 65535 != member:
            return KEY_TAKEN
        elif (word >> 16) & (rights.ADMINISTER | rights.RECOVER) != 0:
            return rights.WRONG_ROLE
        elif word >> 16 == roles:
            return rights.ALREADY_DONE
        if roles & (rights.ADMINISTER | rights.RECOVER) != 0:
            return rights.WRONG_ROLE
        return 0
    previous: uint256 = self.keys[change.previous]
    if previous & 65535 != member or previous >> 16 == 0:
        return rights.NOT_A_KEY
    if word != 0:
        return KEY_TAKEN
    if roles == 0:
        return rights.OUT_OF_RANGE
    special: uint256 = (previous >> 16) & (rights.ADMINISTER | rights.RECOVER)
    if special != 0 and roles != special:
        return rights.WRONG_ROLE
    if special == 0 and roles & (rights.ADMINISTER | rights.RECOVER) != 0:
        return rights.WRONG_ROLE
    return 0


@internal
def _set_key(member: uint256, key: address, roles: uint256, previous: address):
    """
    @notice Write a key's roles and take those of the key that it replaces.
    """
    self.keys[key] = member | (roles << 16)
    if previous != empty(address):
        self.keys[previous] = member
    log KeySet(member=convert(member, uint16), key=key, roles=convert(roles, uint16), previous=previous)


@internal
def _replace_administrator(member: uint256, key: address):
    """
    @notice Install a new administrator by recovery or by vote; any recovery under way is over.
    """
    previous: address = self.administrators[member]
    self.administrators[member] = key
    self.running[member] = empty(Recovery)
    self._set_key(member, key, rights.ADMINISTER, previous)
