"""What members do in the consortium: take their seats, publish keys and addresses, vote, post calendars.

Each function writes one intent (or one for each item) and returns its name; the daemon sends it. Names follow from what is
asked for, so asking twice does it once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from ledger.domain import canonical
from ledger.domain.agreements import text_digest
from ledger.domain.calls import Fields, Value
from ledger.domain.consortium import ProposalKind, ServiceKeyKind
from ledger.domain.operations import Operation
from ledger.domain.workdays import YearCalendar
from ledger.services import sending
from ledger.services.context import Node

__all__ = [
    "confirm",
    "post_calendars",
    "propose",
    "publish_endpoint",
    "publish_keys",
    "set_departments",
    "vote",
]


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
