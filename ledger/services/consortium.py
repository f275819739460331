"""What members do in the consortium: take their seats, publish keys and addresses, vote, post calendars.

Each function writes one intent (or one for each item) and returns its name; the daemon sends it. Asking twice does it once;
asking again after something else has taken its place does it again (``asking``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from ledger.domain import canonical
from ledger.domain.calls import Fields, Value
from ledger.domain.consortium import Level, MemberStatus, ProposalKind, Role, ServiceKeyKind
from ledger.domain.operations import Operation
from ledger.services.asking import ask_for
from ledger.services.context import Node
from ledger.storage.tables import consortium as tables

__all__ = [
    "CandidateShown",
    "MemberShown",
    "ProposalShown",
    "VoteAsked",
    "confirm",
    "finish_recovery",
    "members",
    "object_recovery",
    "open_vote",
    "proposals",
    "propose",
    "publish_endpoint",
    "publish_keys",
    "roles_of",
    "set_departments",
    "set_keys",
    "start_recovery",
    "vote",
]

_NO_ADDRESS = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class MemberShown:
    """A member as it stands; ``parent`` is 0 where it speaks for itself."""

    member: int
    division: str
    name: str
    status: MemberStatus
    voting: bool
    administrator: str
    url: str
    level: Level
    parent: int


@dataclass(frozen=True, slots=True)
class CandidateShown:
    """Whom a vote on admission would list."""

    division: str
    name: str
    level: Level
    parent: int
    voting: bool
    administrator: str


@dataclass(frozen=True, slots=True)
class ProposalShown:
    """A vote as it stands; ``passed`` is ``None`` while it is open, ``subject`` what else it is about, as the contract has it."""

    proposal: int
    kind: ProposalKind
    proposer: int
    target: int
    subject: bytes
    candidate: CandidateShown | None
    approvals: int
    rejections: int
    needed: int
    closes: int
    passed: bool | None


@dataclass(frozen=True, slots=True)
class VoteAsked:
    """What is put to the vote.

    Attributes:
        kind: what the vote decides.
        target: the member concerned, or the sort of contract; 0 where there is none.
        subject: what else it is about: an address, or whether a member votes.
        digest: of the paper that it rests on.
        admission: the candidate of a vote on admission.
    """

    kind: ProposalKind
    target: int = 0
    subject: bytes = bytes(32)
    digest: bytes = bytes(32)
    admission: Fields | None = None

    @property
    def about(self) -> bytes:
        """The subject as the picture has it: of an admission the candidate's administrator."""
        return self.subject if self.admission is None else _administrator(self.admission)


def confirm(node: Node, *, recovery: str, role_keys: Mapping[str, int]) -> str:
    """Take up this member's seat with its recovery key and its first keys, address to role bits."""
    keys: list[Fields] = [{"key": address, "roles": roles} for address, roles in sorted(role_keys.items())]
    return _ask(node, Operation.CONFIRM, {"recovery": recovery, "role_keys": keys}, "confirm", recovery)


def propose(node: Node, asked: VoteAsked) -> str:
    """Put something to the vote; while such a vote is open, another one is not asked for."""
    motion: dict[str, Value] = {
        "kind": int(asked.kind),
        "target": asked.target,
        "subject": asked.subject,
        "digest": asked.digest,
    }
    admissions = [asked.admission] if asked.admission is not None else []
    candidate = {name: str(value) for name, value in (asked.admission or {}).items()}
    named: canonical.JsonObject = {"subject": asked.about.hex(), "digest": asked.digest.hex(), "candidate": candidate}
    said = f"{int(asked.kind)}:{asked.target}:{_short(canonical.encode(named))}"

    def stands(connection: Connection) -> bool:
        return open_vote(connection, asked, now=node.clock()) is not None

    fields: Fields = {"motions": [motion], "admissions": admissions}
    # Several votes may be open about one thing: none overtakes another.
    return _ask(node, Operation.PROPOSE, fields, "propose", said, stands=stands, alone=True)


def open_vote(connection: Connection, asked: VoteAsked, *, now: int) -> int | None:
    """Return the number of the vote on this that is under way."""
    table = tables.proposals
    query = select(func.max(table.c.proposal)).where(
        table.c.kind == int(asked.kind),
        table.c.target == asked.target,
        table.c.subject == asked.about,
        table.c.digest == asked.digest,
        table.c.passed.is_(None),
        table.c.closes > now,
    )
    number: int | None = connection.execute(query).scalar()
    return number


def vote(node: Node, proposal: int, *, approve: bool) -> str:
    """Cast this member's ballot."""
    fields: Fields = {"proposal": proposal, "approve": approve}
    return _ask(node, Operation.VOTE, fields, f"vote:{proposal}", str(int(approve)))


def set_keys(node: Node, key: str, roles: int, *, previous: str = _NO_ADDRESS) -> str:
    """Give a key roles (a bit each), replacing another where ``previous`` names one; no roles remove it."""
    fields: Fields = {"key": key, "roles": roles, "previous": previous}

    def stands(connection: Connection) -> bool:
        return roles_of(connection, node.member, key) == Role(roles)

    return _ask(node, Operation.SET_KEYS, fields, f"set-key:{key}", f"{roles}:{previous[-8:]}", stands=stands)


def start_recovery(node: Node, administrator: str) -> str:
    """Begin, with the offline recovery key, to replace a lost administrator key; it takes seven days."""

    def stands(connection: Connection) -> bool:
        running = _recovery(connection, node.member)
        return running is not None and running[1] == administrator

    fields: Fields = {"administrator": administrator}
    return _ask(
        node, Operation.START_RECOVERY, fields, "recovery", f"start:{administrator}", role="recover", stands=stands
    )


def finish_recovery(node: Node) -> str:
    """Finish the recovery that is running once its seven days are over."""
    with node.database.read() as connection:
        running = _recovery(connection, node.member)
    begun = running[0] if running is not None else 0
    return _ask(node, Operation.FINISH_RECOVERY, {}, "recovery", f"finish:{begun}", role="recover")


def object_recovery(node: Node) -> str:
    """Object, with the administrator key that is said to be lost, to the recovery that is running."""
    with node.database.read() as connection:
        running = _recovery(connection, node.member)
    begun = running[0] if running is not None else 0
    return _ask(node, Operation.OBJECT_RECOVERY, {}, "recovery", f"object:{begun}")


def roles_of(connection: Connection, member: int, key: str) -> Role:
    """Return the roles that a key of a member has now; none where it is nobody's, another's or removed."""
    table = tables.keys
    found = connection.execute(
        select(table.c.roles).where(table.c.key == key, table.c.member == member, table.c.until_block.is_(None))
    ).scalar()
    return Role(found or 0)


def members(connection: Connection) -> list[MemberShown]:
    """Return all members, in the order of their numbers."""
    table, urls = tables.members, tables.endpoints
    rows = connection.execute(
        select(table, urls.c.url).outerjoin(urls, urls.c.member == table.c.member).order_by(table.c.member)
    )
    return [
        MemberShown(
            row.member, f"{row.division:06d}", row.name, MemberStatus(row.status), row.voting, row.administrator,
            row.url or "", Level(row.level), row.parent,
        )
        for row in rows
    ]  # fmt: skip


def proposals(connection: Connection) -> list[ProposalShown]:
    """Return all votes, the newest first."""
    table = tables.proposals
    candidates = {
        row.proposal: CandidateShown(
            f"{row.division:06d}", row.name, Level(row.level), row.parent, row.voting, row.administrator
        )
        for row in connection.execute(select(tables.admissions))
    }
    return [
        ProposalShown(
            row.proposal, ProposalKind(row.kind), row.member, row.target, row.subject, candidates.get(row.proposal),
            row.approvals, row.rejections, row.needed, row.closes, row.passed,
        )
        for row in connection.execute(select(table).order_by(table.c.proposal.desc()))
    ]  # fmt: skip


def publish_keys(node: Node, keys: Mapping[ServiceKeyKind, bytes]) -> list[str]:
    """Publish the public halves of service keys, one intent each."""

    def stands(kind: ServiceKeyKind, key: bytes) -> Callable[[Connection], bool]:
        table = tables.service_keys
        newest = (
            select(table.c.key)
            .where(table.c.member == node.member, table.c.kind == int(kind))
            .order_by(table.c.version.desc())
            .limit(1)
        )
        return lambda connection: connection.execute(newest).scalar() == key

    return [
        _ask(
            node,
            Operation.PUBLISH_KEYS,
            {"kind": int(kind), "key": key},
            f"key:{int(kind)}",
            hashlib.sha256(key).hexdigest()[:32],
            stands=stands(kind, key),
        )
        for kind, key in keys.items()
    ]


def publish_endpoint(node: Node, url: str) -> str:
    """Publish where the other cities reach this node."""

    def stands(connection: Connection) -> bool:
        table = tables.endpoints
        return connection.execute(select(table.c.url).where(table.c.member == node.member)).scalar() == url

    return _ask(node, Operation.PUBLISH_ENDPOINT, {"url": url}, "endpoint", _short(url.encode()), stands=stands)


def set_departments(node: Node, names: Mapping[int, str], *, active: bool = True) -> list[str]:
    """List (or close) implementing bodies of this member by number."""

    def stands(number: int, name: str) -> Callable[[Connection], bool]:
        table = tables.departments
        present = select(table.c.name, table.c.active).where(
            table.c.member == node.member, table.c.department == number
        )

        def same(connection: Connection) -> bool:
            row = connection.execute(present).one_or_none()
            return row is not None and (row.name, row.active) == (name, active)

        return same

    return [
        _ask(
            node,
            Operation.SET_DEPARTMENTS,
            {"department": number, "active": active, "name": name},
            f"department:{number}",
            f"{int(active)}:{_short(name.encode())}",
            role="operate",
            stands=stands(number, name),
        )
        for number, name in sorted(names.items())
    ]


def _ask(
    node: Node,
    operation: Operation,
    fields: Fields,
    thing: str,
    said: str,
    *,
    role: str = "administer",
    stands: Callable[[Connection], bool] = lambda _connection: True,
    alone: bool = False,
) -> str:
    return ask_for(node, operation, node.consortium, fields, thing, said, role=role, stands=stands, alone=alone)


def _recovery(connection: Connection, member: int) -> tuple[int, str] | None:
    """The block in which a recovery that still runs was begun, and whom it would make administrator."""
    table = tables.recoveries
    row = connection.execute(
        select(table.c.block, table.c.administrator)
        .where(table.c.member == member, table.c.state.in_(("running", "objected")))
        .order_by(table.c.block.desc(), table.c.log_index.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.block, row.administrator)


def _administrator(candidate: Fields) -> bytes:
    """The subject of a vote on a candidate: its administrator's address as a word."""
    return bytes(12) + bytes.fromhex(str(candidate["administrator"]).removeprefix("0x"))


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
