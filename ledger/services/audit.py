"""The local audit: what this node refused, or found wrong, without the chain ever seeing it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection

from ledger.errors import LedgerError
from ledger.services.context import Node
from ledger.storage.tables.audit import audit as table

__all__ = ["Refused", "listed", "note", "note_error"]


@dataclass(frozen=True, slots=True)
class Refused:
    """One line: when (network time), what was asked (``verify``, ``release``), why not, by whom (member or 0), about what."""

    time: int
    kind: str
    code: str
    member: int
    subject: str


def note(node: Node, kind: str, code: str, *, member: int = 0, subject: str = "") -> None:
    """Write a refusal down.

    Raises:
        UnavailableError: ``storage.…``.
    """
    with node.begin() as uow:
        uow.connection.execute(
            insert(table).values(time=node.clock(), kind=kind, code=code, member=member, subject=subject)
        )
        uow.commit()


def note_error(node: Node, kind: str, error: LedgerError, *, member: int = 0, subject: str = "") -> None:
    """Write an error down as a refusal; its facts stay out."""
    note(node, kind, error.code, member=member, subject=subject)


def listed(connection: Connection, subjects: Iterable[str] | None = None, *, limit: int = 200) -> list[Refused]:
    """Return refusals, the newest last: all, or those about some subjects."""
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    if subjects is not None:
        query = query.where(table.c.subject.in_(list(subjects)))
    rows = connection.execute(query).all()
    return [Refused(row.time, row.kind, row.code, row.member, row.subject) for row in reversed(rows)]
