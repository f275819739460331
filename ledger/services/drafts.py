"""Drafts: what was handed in here and is not on its way to the chain yet; seen, and taken back.

Whatever is anchored is revoked or erased, on the record. A draft is neither: nobody outside this city has seen anything
of it, so it goes with its content and leaves nothing.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from sqlalchemy import select

from ledger.blobs.content import delete_content
from ledger.domain import records
from ledger.errors import ConflictError, FormatError, IntegrityError, NotFoundError
from ledger.services.context import Node
from ledger.services.materials import DRAFT_LABEL
from ledger.services.opening import open_material
from ledger.storage.tables import drafts
from ledger.storage.tables import materials as tables
from ledger.wire.materials import MaterialDocument

__all__ = ["DraftShown", "discard", "waiting"]


@dataclass(frozen=True, slots=True)
class DraftShown:
    """A draft that waits for its batch; a damaged one would wait for ever."""

    material: str
    applicant: str
    type_code: str
    handed_in_at: int
    damaged: bool


def waiting(node: Node, *, limit: int) -> list[DraftShown]:
    """List the drafts that wait, the oldest first; each is opened to see whether it can be.

    Raises:
        UnavailableError: the key holder does not answer.
    """
    table = drafts.material_drafts
    query = select(table).where(table.c.state == "waiting").order_by(table.c.created_at, table.c.id).limit(limit)
    with node.database.read() as connection:
        rows = connection.execute(query).all()
    return [
        DraftShown(row.id, row.applicant, row.type_code, row.created_at, _opened(node, bytes(row.sealed)) is None)
        for row in rows
    ]


def discard(node: Node, material: str) -> None:
    """Take a draft back, with its content. Fresh leaves of a material that is anchored are taken back without it.

    Raises:
        NotFoundError: ``materials.not_found``.
        ConflictError: ``materials.not_waiting``: it is anchored, or in a batch that is on its way.
        UnavailableError: the key holder, the database or the blob store does not answer.
    """
    table, anchored = drafts.material_drafts, tables.materials
    with node.database.read() as connection:
        draft = connection.execute(select(table.c.state, table.c.sealed).where(table.c.id == material)).first()
        known = connection.execute(select(anchored.c.material).where(anchored.c.material == material)).first()
    if draft is None and known is None:
        raise NotFoundError("materials.not_found")
    if draft is None or draft.state != "waiting":
        raise ConflictError("materials.not_waiting")
    # What cannot be opened names no content, and nobody has a key to it.
    document = None if known is not None else _opened(node, bytes(draft.sealed))
    with node.begin() as uow:
        mine = table.delete().where(table.c.id == material, table.c.state == "waiting")
        if uow.connection.execute(mine).rowcount == 0:
            # A batch has taken it in this moment.
            raise ConflictError("materials.not_waiting")
        uow.commit()
    if document is None:
        return
    record = records.read_record(document.record)
    for file in records.files_of(records.open_fields(record, document.disclosures)):
        with contextlib.suppress(NotFoundError):
            delete_content(node.blobs, file.blob)


def _opened(node: Node, sealed: bytes) -> MaterialDocument | None:
    """A draft's document; nothing where it is damaged."""
    try:
        return open_material(node, node.keys.open, sealed, DRAFT_LABEL)
    except (FormatError, IntegrityError):
        return None
