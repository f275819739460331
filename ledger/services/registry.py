"""What services look up in the picture of the register: present contracts, public keys, who is in good standing."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.engine import Connection

from ledger.domain.consortium import ContractKind, ServiceKeyKind
from ledger.domain.wrapping import RecipientPublic
from ledger.errors import NotFoundError
from ledger.storage.tables import consortium as tables

__all__ = ["current_contract", "readers_of", "service_key"]


def current_contract(connection: Connection, kind: ContractKind) -> str:
    """Return the address of the present generation of a kind.

    Raises:
        NotFoundError: ``registry.no_contract`` before a vote has registered one.
    """
    table = tables.generations
    found = connection.execute(
        select(table.c.contract).where(table.c.kind == int(kind)).order_by(table.c.generation.desc()).limit(1)
    ).scalar()
    if found is None:
        raise NotFoundError("registry.no_contract", kind=kind.name.lower())
    return str(found)


def service_key(connection: Connection, member: int, kind: ServiceKeyKind) -> bytes:
    """Return a member's newest public key of a kind.

    Raises:
        NotFoundError: ``registry.no_key`` where it has published none.
    """
    table = tables.service_keys
    found = connection.execute(
        select(table.c.key)
        .where(table.c.member == member, table.c.kind == int(kind))
        .order_by(table.c.version.desc())
        .limit(1)
    ).scalar()
    if found is None:
        raise NotFoundError("registry.no_key", member=member, kind=kind.name.lower())
    return bytes(found)


def readers_of(connection: Connection, members: Iterable[int]) -> dict[int, RecipientPublic]:
    """Return the public keys to seal to, by member.

    Raises:
        NotFoundError: ``registry.no_key`` where one of them has published none.
    """
    return {
        member: RecipientPublic(service_key(connection, member, ServiceKeyKind.HPKE)) for member in sorted(set(members))
    }
