"""Destroying what an erasure on the record has condemned: the content of every file, then the document with its keys.

The record on the chain comes first; deleting is repeated until it is done, and a store that is away only delays it. What
remains is the proof: entries, roots and the record that the holder has.
"""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection

from ledger.blobs.cids import cid_from_digest
from ledger.blobs.content import delete_content, read_content
from ledger.domain import records
from ledger.errors import NotFoundError
from ledger.services.context import Node
from ledger.services.opening import Unseal, open_batch, open_material
from ledger.storage.tables import drafts
from ledger.storage.tables import materials as tables

__all__ = ["run_once"]


def run_once(node: Node, unseal: Unseal) -> int:
    """Delete what this city's recorded erasures condemn; returns the number of materials.

    Raises:
        UnavailableError: the blob store does not answer; what is left is deleted the next time.
    """
    materials, done = tables.materials, drafts.destroyed
    with node.database.read() as connection:
        names = list(
            connection.execute(
                select(materials.c.material)
                .outerjoin(done, done.c.material == materials.c.material)
                .where(materials.c.erased_at.is_not(None), done.c.material.is_(None))
                .order_by(materials.c.material)
            ).scalars()
        )
        manifests = {name: _manifests(connection, name) for name in names}
    for material, listed in manifests.items():
        for manifest in listed:
            _destroy(node, unseal, material, cid_from_digest(manifest))
        with node.begin() as uow:
            uow.connection.execute(insert(done).values(material=material, destroyed_at=node.clock()))
            uow.commit()
    return len(names)


def _manifests(connection: Connection, material: str) -> list[bytes]:
    """Return the manifests of every batch that holds leaves of a material: each names a document of its own."""
    leaf, batches = tables.material_leaves, tables.batches
    rows = connection.execute(
        select(batches.c.blob)
        .join(leaf, (leaf.c.contract == batches.c.contract) & (leaf.c.batch == batches.c.batch))
        .where(leaf.c.material == material)
        .distinct()
        .order_by(batches.c.blob)
    )
    return [bytes(blob) for blob in rows.scalars()]


def _destroy(node: Node, unseal: Unseal, material: str, manifest: str) -> None:
    batch = open_batch(node, unseal, manifest)
    (listed,) = (each for each in batch.materials if each.material == material)
    try:
        box = b"".join(read_content(node.blobs, listed.blob))
    except NotFoundError:
        # Cut after the last deletion and before it was noted.
        return
    document = open_material(node, unseal, box)
    fields = records.open_fields(records.read_record(document.record), document.disclosures)
    for file in records.files_of(fields):
        try:
            delete_content(node.blobs, file.blob)
        except NotFoundError:
            continue
    delete_content(node.blobs, listed.blob)
