# pragma version 0.4.3
"""
@title Directory: what members publish about themselves besides the keys that act on the chain
@license Apache-2.0
@notice Public keys for cosigning, sealing and requests; the node's address; implementing bodies. A new version replaces
        the last; every version stays in the events.
"""

from modules import roster
from modules import standing as rights

uses: roster


event ServiceKeyPublished:
    member: indexed(uint16)
    kind: uint8
    version: uint32
    key: Bytes[1312]


event EndpointPublished:
    member: indexed(uint16)
    url: String[128]


event DepartmentSet:
    member: indexed(uint16)
    department: indexed(uint32)
    active: bool
    name: String[96]


struct ServiceKey:
    kind: uint8
    key: Bytes[1312]


struct Department:
    department: uint32
    active: bool
    name: String[96]


OPERATION_PUBLISH_KEYS: constant(uint256) = 8
OPERATION_PUBLISH_ENDPOINT: constant(uint256) = 9
OPERATION_SET_DEPARTMENTS: constant(uint256) = 10

# One of each kind of service key, and a spare of each of the three that matter most.
MAX_SERVICE_KEYS: constant(uint256) = 8
# A county has some 30 implementing bodies.
MAX_DEPARTMENTS: constant(uint256) = 32
# Kinds 1 to 5. Ed25519 keys have 32 bytes, ML-DSA-44 keys 1,312; an HPKE key is as long as its suite says.
SERVICE_KINDS: constant(uint256) = 5

departments: HashMap[uint256, HashMap[uint256, bool]]
service_versions: HashMap[uint256, HashMap[uint256, uint256]]


@external
def publish_keys(service_keys: DynArray[ServiceKey, MAX_SERVICE_KEYS]):
    """
    @notice Publish public keys that are no chain keys; an empty key retires the last of its kind. Administrator's key.
    """
    sender: uint256 = roster._standing(msg.sender)
    member: uint256 = rights._member(sender)
    authority: uint256 = rights._authority(sender, rights.ADMINISTER)
    index: uint256 = 0
    for entry: ServiceKey in service_keys:
        kind: uint256 = convert(entry.kind, uint256)
        version: uint256 = self.service_versions[member][kind] + 1
        reason: uint256 = authority
        if reason == 0 and not self._is_service_key(kind, len(entry.key), version):
            reason = rights.OUT_OF_RANGE
        if reason != 0:
            rights._refuse(member, OPERATION_PUBLISH_KEYS, index, convert(kind, bytes32), reason)
        else:
            self.service_versions[member][kind] = version
            log ServiceKeyPublished(
                member=convert(member, uint16), kind=entry.kind, version=convert(version, uint32), key=entry.key
            )
        index += 1


@external
def publish_endpoint(url: String[128]):
    """
    @notice Say where this member's node answers other members; an operate or administrator key.
    """
    sender: uint256 = roster._standing(msg.sender)
    member: uint256 = rights._member(sender)
    reason: uint256 = rights._authority(sender, rights.ADMINISTER | rights.OPERATE)
    if reason == 0 and len(url) == 0:
        reason = rights.OUT_OF_RANGE
    if reason != 0:
        rights._refuse(member, OPERATION_PUBLISH_ENDPOINT, 0, convert(member, bytes32), reason)
        return
    log EndpointPublished(member=convert(member, uint16), url=url)


@external
def set_departments(bodies: DynArray[Department, MAX_DEPARTMENTS]):
    """
    @notice Name implementing bodies, rename or end them; an operate or administrator key.
    """
    sender: uint256 = roster._standing(msg.sender)
    member: uint256 = rights._member(sender)
    authority: uint256 = rights._authority(sender, rights.ADMINISTER | rights.OPERATE)
    index: uint256 = 0
    for body: Department in bodies:
        code: uint256 = convert(body.department, uint256)
        reason: uint256 = authority
        if reason == 0:
            if code == 0 or len(body.name) == 0:
                reason = rights.OUT_OF_RANGE
            elif not body.active and not self.departments[member][code]:
                reason = rights.ALREADY_DONE
        if reason != 0:
            rights._refuse(member, OPERATION_SET_DEPARTMENTS, index, convert(code, bytes32), reason)
        else:
            self.departments[member][code] = body.active
            log DepartmentSet(
                member=convert(member, uint16), department=body.department, active=body.active, name=body.name
            )
        index += 1


@external
@view
def department(member: uint256, code: uint256) -> bool:
    """
    @notice Whether the member has this implementing body now.
    """
    return self.departments[member][code]


@internal
@pure
def _is_service_key(kind: uint256, size: uint256, version: uint256) -> bool:
    """
    @notice Whether a key of this kind may have this size; an empty one retires its predecessor.
    """
    if kind == 0 or kind > SERVICE_KINDS:
        return False
    if size == 0:
        return version > 1
    if kind == 2:
        return size == 1312
    return kind == 3 or size == 32
