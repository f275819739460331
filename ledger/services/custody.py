"""The rules of keys in custody: what counts as two witnesses, and the store that asks.

Every signature with a key in custody needs the person's own number or two witnesses of a window. The witnesses sign a
message that no contract reads (``CustodySignature``), so that their word opens nothing on the chain: it names the key and
the digest, and can therefore be used for no other person and for nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import and_, select
from sqlalchemy.engine import Connection

from ledger.domain import typed
from ledger.domain.consortium import MemberStatus, Role
from ledger.errors import FormatError
from ledger.ports import TypedMessage
from ledger.services.context import Node
from ledger.storage.custody import CustodyStore
from ledger.storage.tables import consortium as tables

__all__ = ["custody_store", "speaks_for", "statement", "witness_of", "witnessed", "witnesses_of"]


def custody_store(node: Node, path: Path, key: bytes) -> CustodyStore:
    """Open this city's store of seeds, with the picture's witnesses as those who may stand for a person's number.

    Args:
        node: this city.
        path: the store's own file, ``custody.db`` in the node's folder.
        key: 32 bytes that seal the seeds.
    """
    return CustodyStore(
        path,
        key,
        node.random,
        node.clock,
        lambda holder, digest, signatures: witnessed(node, holder, digest, signatures),
    )


def statement(node: Node, holder: str, digest: bytes) -> TypedMessage:
    """Return what two witnesses sign so that a key in custody may sign.

    Args:
        node: any city; the message is bound to the network's consortium contract.
        holder: the address of the key in custody.
        digest: what that key is to sign.
    """
    return TypedMessage("CustodySignature", node.consortium, (("holder", holder), ("digest", digest)))


def witnessed(node: Node, holder: str, digest: bytes, signatures: tuple[bytes, bytes], attending: int = 0) -> bool:
    """Say whether two different witnesses in force stated that a key in custody may sign a digest.

    As in the contracts, the first is of the attending city and the second may be another's, by video.

    Args:
        node: this city, whose picture knows the witnesses.
        holder: the address of the key.
        digest: what is to be signed.
        signatures: the two witnesses', over :func:`statement`.
        attending: the city whose window it is; 0: whichever the first witness belongs to.
    """
    members = witnesses_of(node, statement(node, holder, digest), signatures)
    return bool(members) and attending in {0, members[0]}


def witnesses_of(node: Node, message: TypedMessage, signatures: Sequence[bytes]) -> tuple[int, ...]:
    """Return the members of the two witnesses who signed a message; nothing unless both are witnesses in force, and two.

    Args:
        node: this city, whose picture knows the witnesses.
        message: what they signed.
        signatures: the two, in order.
    """
    signed = typed.digest(message.kind, dict(message.fields), node.chain_id, message.contract)
    try:
        keys = [typed.recover(signed, signature) for signature in signatures]
    except FormatError:
        return ()
    if len(keys) != 2 or len(set(keys)) != 2:
        return ()
    with node.database.read() as connection:
        members = tuple(witness_of(connection, key) for key in keys)
    return members if all(members) else ()


def witness_of(connection: Connection, key: str) -> int:
    """Return the member whose witness key in force this is; 0 for any other key, or where the member is not active."""
    return _holder_of(connection, key, Role.WITNESS)


def speaks_for(connection: Connection, key: str) -> int:
    """Return the member as custodian of which a key countersigns: one that operates or issues, as the contracts ask."""
    return _holder_of(connection, key, Role.OPERATE | Role.ISSUE)


def _holder_of(connection: Connection, key: str, roles: Role) -> int:
    keys, members = tables.keys, tables.members
    row = connection.execute(
        select(keys.c.member, keys.c.roles)
        .join(members, and_(members.c.member == keys.c.member, members.c.status == int(MemberStatus.ACTIVE)))
        .where(keys.c.key == key, keys.c.until_block.is_(None))
    ).first()
    return int(row.member) if row is not None and int(row.roles) & roles else 0
