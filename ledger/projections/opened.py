"""Papers of cases that this city may open: which are waiting, and the rows of those that were opened.

Opening needs the city's key, which no projection has; the caller fetches and opens a paper, holds it against its
commitment (``ledger.wire.papers``) and stores what it may keep, sealed to the city. Nothing here depends on when that
happens, so a rebuilt picture has the same rows once the same papers were opened again. The rows of materials come from
their batch manifests (``ledger.services.batching``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, union_all
from sqlalchemy.engine import Connection

from ledger.projections.rows import ZERO
from ledger.storage.tables import cases as tables

__all__ = ["OpenedPaper", "PendingPaper", "count_pending", "papers_of", "pending_papers", "store_paper"]


@dataclass(frozen=True, slots=True)
class PendingPaper:
    """A paper on the chain that this city has not opened yet; ``sender`` is the member that has its blob."""

    case: bytes
    block: int
    log_index: int
    time: int
    sender: int
    commitment: bytes
    blob: bytes


@dataclass(frozen=True, slots=True)
class OpenedPaper:
    """A paper that was opened; ``sealed`` is its content under the city's own key."""

    case: bytes
    block: int
    log_index: int
    time: int
    kind: str
    commitment: bytes
    blob: bytes
    sealed: bytes


def pending_papers(connection: Connection, member: int, limit: int) -> tuple[PendingPaper, ...]:
    """Papers of the cases that a member receives or handles, or sent itself, without a row yet; oldest first."""
    rows = connection.execute(_pending(member).limit(limit))
    return tuple(
        PendingPaper(row.case, row.block, row.log_index, row.time, row.member, row.commitment, row.blob) for row in rows
    )


def count_pending(connection: Connection, member: int) -> int:
    """How many papers ``pending_papers`` would list."""
    return connection.execute(select(func.count()).select_from(_pending(member).subquery())).scalar_one()


def _pending(member: int) -> Select[Any]:
    cases, papers = tables.cases, tables.case_papers
    sources: list[Select[Any]] = [
        select(
            table.c.case,
            table.c.block,
            table.c.log_index,
            table.c.time,
            table.c.member,
            table.c.commitment,
            table.c.blob,
        ).where(table.c.blob != ZERO)
        for table in (cases, tables.case_transitions, tables.case_records, tables.supervisions, tables.assents)
    ]
    all_papers = union_all(*sources).subquery()
    return (
        select(all_papers)
        .join(cases, cases.c.case == all_papers.c.case)
        .outerjoin(papers, and_(papers.c.block == all_papers.c.block, papers.c.log_index == all_papers.c.log_index))
        .where(
            papers.c.case.is_(None),
            or_(cases.c.receiving == member, cases.c.handling == member, all_papers.c.member == member),
        )
        .order_by(all_papers.c.block, all_papers.c.log_index)
    )


def store_paper(connection: Connection, paper: PendingPaper, *, kind: str, sealed: bytes) -> None:
    """Write the row of a paper that was opened and held against its commitment.

    Raises:
        ConflictError: ``storage.conflict``: it has one already.
    """
    connection.execute(
        tables.case_papers.insert(),
        {
            "case": paper.case,
            "block": paper.block,
            "log_index": paper.log_index,
            "time": paper.time,
            "kind": kind,
            "commitment": paper.commitment,
            "blob": paper.blob,
            "sealed": sealed,
        },
    )


def papers_of(connection: Connection, case: bytes) -> tuple[OpenedPaper, ...]:
    """The opened papers of a case, in the chain's order."""
    table = tables.case_papers
    rows = connection.execute(select(table).where(table.c.case == case).order_by(table.c.block, table.c.log_index))
    return tuple(
        OpenedPaper(row.case, row.block, row.log_index, row.time, row.kind, row.commitment, row.blob, row.sealed)
        for row in rows
    )
