"""Opening the papers of this city's cases: fetched from whoever sent them, held against the chain, kept sealed.

A paper that is not what the chain commits to is not used; one whose sender does not answer waits. What is kept is the
box itself, which this city can open again at any time, so that a dropped database comes back the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.blobs.cids import cid_from_digest, cid_of
from ledger.domain import boxes
from ledger.domain.limits import LIMITS
from ledger.errors import AuthorityError, IntegrityError, LedgerError, NotFoundError, UnavailableError
from ledger.projections import opened
from ledger.projections.opened import PendingPaper
from ledger.services.context import Node
from ledger.services.opening import Unseal
from ledger.wire.papers import LABEL, Paper, read_paper

__all__ = ["OpenedPapers", "read_case", "run_once"]


@dataclass(frozen=True, slots=True)
class OpenedPapers:
    """What a pass did: papers opened, waiting for their sender, and refused, as codes."""

    done: int
    waiting: int
    refused: tuple[str, ...]


def run_once(node: Node, unseal: Unseal) -> OpenedPapers:
    """Open whatever papers of this city's cases are not open yet; ``unseal`` opens what is sealed to this city.

    Raises:
        UnavailableError: the database cannot be used now.
    """
    with node.database.read() as connection:
        pending = opened.pending_papers(connection, node.member, LIMITS.papers_at_once)
    done = waiting = 0
    refused = []
    for paper in pending:
        try:
            box = _fetch(node, paper)
            kind = _open(node, unseal, box, paper.commitment).kind
        except (UnavailableError, NotFoundError):
            waiting += 1
            continue
        except LedgerError as error:
            refused.append(error.code)
            continue
        with node.begin() as uow:
            opened.store_paper(uow.connection, paper, kind=kind, sealed=box)
            uow.commit()
        done += 1
    return OpenedPapers(done, waiting, tuple(refused))


def read_case(node: Node, case: bytes) -> list[tuple[int, Paper]]:
    """Return the opened papers of a case with their times, in the chain's order.

    Raises:
        UnavailableError: the key holder does not answer.
    """
    with node.database.read() as connection:
        rows = opened.papers_of(connection, case)
    return [(row.time, _open(node, node.keys.open, row.sealed, row.commitment)) for row in rows]


def _fetch(node: Node, paper: PendingPaper) -> bytes:
    cid = cid_from_digest(paper.blob)
    try:
        return node.blobs.get(cid)
    except NotFoundError:
        if paper.sender == node.member:
            raise
    box = node.peers.blob(paper.sender, cid)
    if cid_of(box) != cid:
        raise IntegrityError("papers.commitment")
    node.blobs.put(box)
    return box


def _open(node: Node, unseal: Unseal, box: bytes, commitment: bytes) -> Paper:
    try:
        return read_paper(boxes.open_box_with([box], node.member, unseal, LABEL), commitment)
    except AuthorityError:
        # Sealed for the other city of the case alone: this one is not meant to read it.
        raise IntegrityError("papers.not_for_us") from None
