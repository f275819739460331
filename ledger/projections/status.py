"""Who joins and who leaves the status tree (``ledger.domain.status``) with each event.

In the tree stands whatever may no longer be relied on: revoked leaves, revoked consents, suspended and excluded members,
removed keys, agreements under notice, withdrawn matters, ended delegations, and cases whose decision was revoked,
changed, declared unlawful or deregistered. Identifiers name the contract that says so; keys are the integers in eight
bytes each, digests and addresses as they are. A revocation before its consent was recorded stands under digest ‖ holder,
for it binds that holder's leaves alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import select
from sqlalchemy.engine import Connection

from ledger.domain.cases import Action
from ledger.domain.consortium import MemberStatus
from ledger.domain.events import (
    AgreementEnded,
    ConsentRevoked,
    DelegationSet,
    Event,
    KeySet,
    LeavesRevoked,
    MatterPublished,
    MatterWithdrawn,
    MemberStatusChanged,
    Stepped,
)
from ledger.domain.status import StatusKind, StatusTree, leaf_status_identifier, status_identifier
from ledger.ports import LocatedEvent
from ledger.storage.tables import chain as tables

__all__ = ["changes", "record", "tree_at", "tree_changes"]

_NO_ADDRESS = "0x" + "00" * 20
_OUTCOMES = frozenset({Action.REVOKE_RESULT, Action.CHANGE_RESULT, Action.DECLARE_UNLAWFUL, Action.DEREGISTER})
_GONE = frozenset({MemberStatus.SUSPENDED, MemberStatus.EXCLUDED})


def changes(located: LocatedEvent) -> Iterator[tuple[StatusKind, bytes, bool]]:
    """Kind, identifier, and whether it is in the tree from this event on."""
    for kind, key, present in _keys(located.event):
        if kind is StatusKind.LEAF:
            batch, index = int.from_bytes(key[:8]), int.from_bytes(key[8:])
            yield kind, leaf_status_identifier(located.contract, batch, index), present
        else:
            yield kind, status_identifier(kind, located.contract, key), present


def _keys(event: Event) -> Iterator[tuple[StatusKind, bytes, bool]]:  # one case an event
    match event:
        case LeavesRevoked():
            for index in event.leaves:
                yield StatusKind.LEAF, _eight(event.batch) + _eight(index), True
        case ConsentRevoked():
            yield StatusKind.CONSENT, event.consent + (b"" if event.recorded else _bytes(event.holder)), True
        case MemberStatusChanged():
            yield StatusKind.MEMBER, _eight(event.member), event.status in _GONE
        case KeySet():
            yield StatusKind.KEY, _bytes(event.key), event.roles == 0
            if event.previous != _NO_ADDRESS:
                yield StatusKind.KEY, _bytes(event.previous), True
        case AgreementEnded():
            yield StatusKind.AGREEMENT, event.agreement, True
        case MatterWithdrawn():
            yield StatusKind.MATTER, _eight(event.member) + event.matter, True
        case MatterPublished():
            yield StatusKind.MATTER, _eight(event.member) + event.matter, False
        case DelegationSet():
            key = _eight(event.grantor) + _eight(event.grantee) + event.matter
            yield StatusKind.DELEGATION, key, event.valid_until == 0
        case Stepped() if event.action in _OUTCOMES:
            yield StatusKind.CASE, event.case, True
        case _:
            return


def record(connection: Connection, events: Iterable[LocatedEvent]) -> None:
    """Write the changes of events down."""
    rows = [
        {
            "block": located.block,
            "log_index": located.log_index,
            "time": located.time,
            "identifier": identifier,
            "kind": kind.value,
            "present": present,
        }
        for located in events
        for kind, identifier, present in changes(located)
    ]
    if rows:
        connection.execute(tables.status_changes.insert(), rows)


def tree_changes(connection: Connection, after: int, upto: int) -> dict[bytes, bool]:
    """What changed in the blocks beyond ``after`` up to and with ``upto``: identifier → in the tree or not."""
    table = tables.status_changes
    rows = connection.execute(
        select(table.c.identifier, table.c.present)
        .where(table.c.block > after, table.c.block <= upto)
        .order_by(table.c.block, table.c.log_index)
    )
    return {identifier: present for identifier, present in rows}  # noqa: C416  # a later change replaces an earlier one


def tree_at(connection: Connection, block: int) -> StatusTree:
    """The status tree after the last event of a block, for proofs under the status entry of that block."""
    found = tree_changes(connection, -1, block)
    return StatusTree.of(identifier for identifier, present in found.items() if present)


def _eight(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address.removeprefix("0x"))
