"""What members do in the consortium: take their seats, publish keys and addresses, vote, post calendars.

Each function writes one intent (or one for each item) and returns its name; the daemon sends it. Names follow from what is
asked for, so asking twice does it once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.engine import Connection

from ledger.domain import canonical
from ledger.domain.agreements import text_digest
from ledger.domain.calls import Fields, Value
from ledger.domain.consortium import MemberStatus, ProposalKind, ServiceKeyKind
from ledger.domain.operations import Operation
from ledger.domain.workdays import YearCalendar
from ledger.services import sending
from ledger.services.context import Node
from ledger.storage.tables import consortium as tables

__all__ = [
    "MemberShown",
    "ProposalShown",
    "confirm",
    "finish_recovery",
    "members",
    "object_calendars",
    "object_recovery",
    "post_calendars",
    "proposals",
    "propose",
    "publish_endpoint",
    "publish_keys",
    "set_departments",
    "set_keys",
    "start_recovery",
    "vote",
]


@dataclass(frozen=True, slots=True)
class MemberShown:
    """A member as it stands."""

    member: int
    division: str
    name: str
    status: MemberStatus
    voting: bool
    administrator: str
    url: str


@dataclass(frozen=True, slots=True)
class ProposalShown:
    """A vote as it stands; ``passed`` is ``None`` while it is open."""

    proposal: int
    kind: ProposalKind
    target: int
    approvals: int
    rejections: int
    needed: int
    closes: int
    passed: bool | None


def confirm(node: Node, *, recovery: str, role_keys: Mapping[str, int]) -> str:
    """Take up this member's seat with its recovery key and its first keys, address to role bits."""
    keys: list[Fields] = [{"key": address, "roles": roles} for address, roles in sorted(role_keys.items())]
    return _enqueue(node, Operation.CONFIRM, {"recovery": recovery, "role_keys": keys}, f"confirm:{recovery}")


def propose(
    node: Node,
    kind: ProposalKind,
    *,
    target: int = 0,
    subject: bytes = bytes(32),
    digest: bytes = bytes(32),
    admission: Fields | None = None,
    intent: str,
) -> str:
    """Put something to the vote; ``admission`` is the candidate of a vote on admission."""
    motion: dict[str, Value] = {"kind": int(kind), "target": target, "subject": subject, "digest": digest}
    admissions = [admission] if admission is not None else []
    return _enqueue(node, Operation.PROPOSE, {"motions": [motion], "admissions": admissions}, intent)


def vote(node: Node, proposal: int, *, approve: bool) -> str:
    """Cast this member's ballot."""
    return _enqueue(node, Operation.VOTE, {"proposal": proposal, "approve": approve}, f"vote:{proposal}:{int(approve)}")


def set_keys(node: Node, key: str, roles: int, *, previous: str = "0x" + "00" * 20) -> str:
    """Give a key roles (a bit each), replacing another where ``previous`` names one; no roles remove it."""
    fields: Fields = {"key": key, "roles": roles, "previous": previous}
    return _enqueue(node, Operation.SET_KEYS, fields, f"set-key:{key}:{roles}:{previous[-8:]}")


def start_recovery(node: Node, administrator: str) -> str:
    """Begin, with the offline recovery key, to replace a lost administrator key; it takes seven days."""
    fields: Fields = {"administrator": administrator}
    return _enqueue(node, Operation.START_RECOVERY, fields, f"recover:{administrator}", role="recover")


def finish_recovery(node: Node, *, intent: str) -> str:
    """Finish a recovery once its seven days are over."""
    return _enqueue(node, Operation.FINISH_RECOVERY, {}, intent, role="recover")


def object_recovery(node: Node, *, intent: str) -> str:
    """Object, with the administrator key that is said to be lost, to its recovery."""
    return _enqueue(node, Operation.OBJECT_RECOVERY, {}, intent)


def object_calendars(node: Node, year: int, version: int, commitment: bytes) -> str:
    """Object to a posted calendar; ``commitment`` is that of the reasons."""
    fields: Fields = {"year": year, "version": version, "commitment": commitment}
    return _enqueue(node, Operation.OBJECT_CALENDARS, fields, f"object-calendar:{year}:{version}", role="operate")


def members(connection: Connection) -> list[MemberShown]:
    """Return all members, in the order of their numbers."""
    table, urls = tables.members, tables.endpoints
    rows = connection.execute(
        select(table, urls.c.url).outerjoin(urls, urls.c.member == table.c.member).order_by(table.c.member)
    )
    return [
        MemberShown(
            row.member, f"{row.division:06d}", row.name, MemberStatus(row.status), row.voting, row.administrator,
            row.url or "",
        )
        for row in rows
    ]  # fmt: skip


def proposals(connection: Connection) -> list[ProposalShown]:
    """Return all votes, the newest first."""
    table = tables.proposals
    return [
        ProposalShown(
            row.proposal, ProposalKind(row.kind), row.target, row.approvals, row.rejections, row.needed, row.closes,
            row.passed,
        )
        for row in connection.execute(select(table).order_by(table.c.proposal.desc()))
    ]  # fmt: skip


def publish_keys(node: Node, keys: Mapping[ServiceKeyKind, bytes]) -> list[str]:
    """Publish the public halves of service keys, one intent each."""
    return [
        _enqueue(
            node,
            Operation.PUBLISH_KEYS,
            {"kind": int(kind), "key": key},
            f"key:{int(kind)}:{hashlib.sha256(key).hexdigest()[:32]}",
        )
        for kind, key in keys.items()
    ]


def publish_endpoint(node: Node, url: str) -> str:
    """Publish where the other cities reach this node."""
    return _enqueue(node, Operation.PUBLISH_ENDPOINT, {"url": url}, f"endpoint:{_short(url.encode())}")


def set_departments(node: Node, names: Mapping[int, str], *, active: bool = True) -> list[str]:
    """List (or close) implementing bodies of this member by number."""
    return [
        _enqueue(
            node,
            Operation.SET_DEPARTMENTS,
            {"department": number, "active": active, "name": name},
            f"department:{number}:{int(active)}:{_short(name.encode())}",
            role="operate",
        )
        for number, name in sorted(names.items())
    ]


def post_calendars(node: Node, calendars: Iterable[YearCalendar]) -> list[str]:
    """Post working-day calendars with a regulator's key, each under the digest of its notice's title."""
    return [
        _enqueue(
            node,
            Operation.POST_CALENDARS,
            {"year": item.year, "low": item.low, "high": item.high, "notice": text_digest(_notice(item.year))},
            f"calendar:{item.year}:{_short(item.low.to_bytes(32) + item.high.to_bytes(32))}",
            role="regulate",
        )
        for item in calendars
    ]


def _enqueue(node: Node, operation: Operation, fields: Fields, name: str, *, role: str = "administer") -> str:
    with node.begin() as uow:
        sending.enqueue(
            uow.connection,
            intent=name,
            operation=operation,
            contract=node.consortium,
            role=role,
            subject=bytes(32),
            fields=fields,
            now=node.clock(),
        )
        uow.commit()
    return name


def _notice(year: int) -> canonical.JsonObject:
    """The notice that a year's calendar follows, by the title under which the State Council publishes it."""
    return {"organ": "国务院办公厅", "title": f"国务院办公厅关于{year}年部分节假日安排的通知", "year": year}


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
