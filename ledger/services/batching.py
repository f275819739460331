"""From what was handed in to one root on the chain, and back from the chain to rows.

``run_once`` forms a batch when enough applicants wait or the first has waited long enough: fresh leaves, secret order,
dummies. A material whose leaves are nearly used up (``ledger.services.renewing``) waits among the others and is given
more leaves of the same record; its document then holds the random bytes of all of them. It stores the sealed documents and the sealed manifest, and then, in one transaction, marks the drafts and
writes the intent. ``open_batches`` reads this city's own batches back from the chain and the blobs alone, so that a
dropped database comes back row for row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import and_, func, insert, select, update
from sqlalchemy.engine import Connection

from ledger.blobs.cids import cid_from_digest, digest_of
from ledger.blobs.content import delete_content, read_content, write_content
from ledger.chain.codec import canonical_call
from ledger.domain import boxes, holders, leaves, merkle, records
from ledger.domain.consortium import ContractKind
from ledger.domain.leaves import LeafEntry, LeafRequest
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.errors import FormatError, IntegrityError, NotFoundError
from ledger.projections.materials import settle_erasures
from ledger.services.context import Node
from ledger.services.materials import DRAFT_LABEL
from ledger.services.opening import Unseal, open_batch, open_material
from ledger.services.registry import current_contract, readers_of
from ledger.storage import outbox
from ledger.storage.tables import drafts
from ledger.storage.tables import materials as tables
from ledger.wire.materials import (
    BATCH_LABEL,
    MATERIAL_LABEL,
    BatchManifest,
    BatchMaterial,
    MaterialDocument,
    encode_batch,
    encode_material,
)

__all__ = ["Formed", "open_batches", "run_once"]

# Bit 0 of a batch's flags: fewer applicants than the batch would mix.
_SMALL = 1


@dataclass(frozen=True, slots=True)
class Formed:
    """A batch on its way: its root, how many materials and applicants it has, the intent that anchors it."""

    root: bytes
    materials: int
    applicants: int
    intent: str


def run_once(node: Node, unseal: Unseal) -> Formed | None:
    """Form one batch if one is due; ``unseal(wrapped, info)`` opens what is sealed to this city.

    A draft that cannot be read holds up nobody else's: the others are anchored without it.

    Raises:
        UnavailableError: the blob store or the outbox cannot take it now; the drafts go on waiting.
        IntegrityError: ``materials.draft_damaged`` where nothing that is due can be read.
    """
    now = node.clock()
    with node.database.read() as connection:
        due = _due(node, connection, now)
        if not due:
            return None
        contract = current_contract(connection, ContractKind.MATERIALS)
        readers = readers_of(connection, [node.member])
    names, documents, requests = _readable(node, unseal, due)
    plan = leaves.plan_batch(requests, node.random)
    hashes = merkle.leaf_hashes(plan.entries)
    root = merkle.root(hashes)
    placed = iter(plan.indices)
    listed = []
    for document in documents:
        indices = tuple(next(placed) for _ in document.subjects)
        whole = replace(
            document,
            blindings=tuple(
                (*held, *(plan.blindings[index] for index in group))
                for held, group in zip(document.blindings, indices, strict=True)
            ),
        )
        sealed = boxes.seal_box([encode_material(whole)], readers, MATERIAL_LABEL, node.random)
        type_code = records.read_record(document.record).type_code
        listed.append(BatchMaterial(document.material, type_code, write_content(node.blobs, sealed), indices))
    manifest = encode_batch(BatchManifest(node.member, plan.entries, tuple(listed)))
    cid = write_content(node.blobs, boxes.seal_box([manifest], readers, BATCH_LABEL, node.random))
    applicants = len({document.applicant for document in documents})
    intent = outbox.Intent(
        id=f"anchor:{root.hex()}",
        operation=Operation.ANCHOR,
        contract=contract,
        role="issue",
        subject=root,
        call=canonical_call(
            Operation.ANCHOR,
            {
                "root": root,
                "size": len(plan.entries),
                "blob": digest_of(cid),
                "flags": 0 if applicants >= node.batch_applicants else _SMALL,
            },
        ),
    )
    with node.begin() as uow:
        table = drafts.material_drafts
        taken = uow.connection.execute(
            update(table).where(table.c.id.in_(names), table.c.state == "waiting").values(state="batched", root=root)
        )
        whole_batch = taken.rowcount == len(names)
        if whole_batch:
            outbox.enqueue(uow.connection, intent, now=now)
            uow.commit()
    if not whole_batch:
        # One of the materials was revoked or erased in this moment; what is left makes another batch.
        for written in (cid, *(each.blob for each in listed)):
            delete_content(node.blobs, written)
        return None
    return Formed(root, len(documents), applicants, intent.id)


def open_batches(node: Node, unseal: Unseal) -> int:
    """Open this city's anchored batches that have no rows yet; returns the number of materials.

    A document that was destroyed after its erasure leaves a row with its name and its leaves, as the erasure itself did.

    Raises:
        IntegrityError: ``materials.manifest_mismatch`` where a manifest is not what the chain's root commits to.
        UnavailableError: a blob is not here yet.
    """
    opened = 0
    with node.database.read() as connection:
        waiting = list(_unopened(node, connection))
    for contract, batch, root, blob in waiting:
        manifest = open_batch(node, unseal, cid_from_digest(blob))
        if merkle.root(merkle.leaf_hashes(manifest.entries)) != root:
            raise IntegrityError("materials.manifest_mismatch", batch=batch)
        with node.begin() as uow:
            names = []
            for listed in manifest.materials:
                try:
                    box = b"".join(read_content(node.blobs, listed.blob))
                except NotFoundError:
                    if not _erased(uow.connection, contract, batch, listed):
                        raise
                    _insert_erased(uow.connection, contract, batch, manifest, listed)
                else:
                    document = open_material(node, unseal, box)
                    _insert(uow.connection, contract, batch, manifest, listed, document, box)
                names.append(listed.material)
            settle_erasures(uow.connection, names)
            table = drafts.material_drafts
            uow.connection.execute(table.delete().where(table.c.root == root))
            uow.commit()
        opened += len(names)
    return opened


def _due(node: Node, connection: Connection, now: int) -> list[tuple[str, bytes]]:
    table = drafts.material_drafts
    waiting = table.c.state == "waiting"
    oldest, applicants = connection.execute(
        select(func.min(table.c.created_at), func.count(table.c.applicant.distinct())).where(waiting)
    ).one()
    if oldest is None or (applicants < node.batch_applicants and now - oldest < node.batch_wait):
        return []
    rows = connection.execute(
        select(table.c.id, table.c.sealed)
        .where(waiting)
        .order_by(table.c.created_at, table.c.id)
        .limit(LIMITS.batch_materials)
    )
    return [(str(row.id), bytes(row.sealed)) for row in rows]


def _readable(
    node: Node, unseal: Unseal, due: Sequence[tuple[str, bytes]]
) -> tuple[list[str], list[MaterialDocument], list[LeafRequest]]:
    """Open what is due, without what is damaged; raises where all of it is."""
    names: list[str] = []
    documents: list[MaterialDocument] = []
    requests: list[LeafRequest] = []
    for name, sealed in due:
        try:
            document = open_material(node, unseal, sealed, DRAFT_LABEL)
            wanted = list(_requests(document))
        except (FormatError, IntegrityError):
            continue
        names.append(name)
        documents.append(document)
        requests += wanted
    if not documents:
        raise IntegrityError("materials.draft_damaged", material=due[0][0])
    return names, documents, requests


def _requests(document: MaterialDocument) -> Iterator[LeafRequest]:
    record = records.read_record(document.record)
    for subject, held in zip(document.subjects, document.blindings, strict=True):
        node = holders.ExtendedPublic.decode(subject.account)
        # Leaves that are anchored already keep their keys; fresh ones take the next of the same account.
        addresses = holders.leaf_addresses(node, subject.start + len(held), LIMITS.leaves_per_subject)
        yield LeafRequest(leaves.record_digest(document.record), record.expires_at, subject.holding, addresses)


def _unopened(node: Node, connection: Connection) -> Iterator[tuple[str, int, bytes, bytes]]:
    # Not by its materials: a batch may hold nothing but fresh leaves of materials that stand in an earlier one.
    batches, opened = tables.batches, tables.material_leaves
    same = and_(opened.c.contract == batches.c.contract, opened.c.batch == batches.c.batch)
    rows = connection.execute(
        select(batches.c.contract, batches.c.batch, batches.c.root, batches.c.blob)
        .where(batches.c.member == node.member, ~select(opened.c.index).where(same).exists())
        .order_by(batches.c.block, batches.c.log_index)
    )
    for row in rows:
        yield str(row.contract), int(row.batch), bytes(row.root), bytes(row.blob)


def _insert(
    connection: Connection,
    contract: str,
    batch: int,
    manifest: BatchManifest,
    listed: BatchMaterial,
    document: MaterialDocument,
    box: bytes,
) -> None:
    """Write a material's rows, or write them anew where this batch brings fresh leaves of one that is there."""
    record = records.read_record(document.record)
    files = records.files_of(records.open_fields(record, document.disclosures))
    first = _first_place(connection, listed.material) or (contract, batch)
    for table in (tables.materials, tables.material_files, tables.material_subjects):
        connection.execute(table.delete().where(table.c.material == listed.material))
    connection.execute(
        insert(tables.materials).values(
            material=document.material,
            contract=first[0],
            batch=first[1],
            record=leaves.record_digest(document.record),
            type_code=record.type_code,
            type_set=record.type_set,
            assurance=int(record.assurance.level),
            reuse=record.reuse.kind.value,
            issued_at=record.issued_at,
            expires_at=record.expires_at,
            applicant=document.applicant,
            sealed=box,
        )
    )
    if files:
        connection.execute(
            insert(tables.material_files),
            [
                {
                    "material": document.material,
                    "position": position,
                    "media_type": file.media_type,
                    "size": file.size,
                    "sha256": bytes.fromhex(file.sha256),
                    "sm3": bytes.fromhex(file.sm3),
                    "blob": file.blob,
                }
                for position, file in enumerate(files)
            ],
        )
    connection.execute(
        insert(tables.material_subjects),
        [
            {"material": document.material, "subject": number, "holding": int(subject.holding)}
            for number, subject in enumerate(document.subjects)
        ],
    )
    for row in _insert_leaves(connection, contract, batch, manifest, listed):
        known = document.blindings[row.subject]
        if row.turn >= len(known):
            raise IntegrityError("materials.manifest_mismatch", batch=batch)
        leaves.verify_entry(LeafEntry.decode(manifest.entries[row.index]), document.record, known[row.turn])


def _insert_erased(
    connection: Connection, contract: str, batch: int, manifest: BatchManifest, listed: BatchMaterial
) -> None:
    if _first_place(connection, listed.material) is None:
        connection.execute(
            insert(tables.materials).values(
                material=listed.material, contract=contract, batch=batch, type_code=listed.type_code
            )
        )
    _insert_leaves(connection, contract, batch, manifest, listed)


def _first_place(connection: Connection, material: str) -> tuple[str, int] | None:
    """Return where a material stands first, if it is known; fresh leaves of it come in later batches."""
    table = tables.materials
    row = connection.execute(select(table.c.contract, table.c.batch).where(table.c.material == material)).first()
    return None if row is None else (str(row.contract), int(row.batch))


@dataclass(frozen=True, slots=True)
class _Placed:
    subject: int
    turn: int
    index: int


def _insert_leaves(
    connection: Connection, contract: str, batch: int, manifest: BatchManifest, listed: BatchMaterial
) -> list[_Placed]:
    """Write the leaves of a material in one batch; their turns go on where those of the batches before ended."""
    table, rows, placed = tables.material_leaves, [], []
    for number, group in enumerate(listed.leaves):
        before = connection.execute(
            select(func.count()).where(table.c.material == listed.material, table.c.subject == number)
        ).scalar_one()
        for turn, index in enumerate(group, start=before):
            entry = LeafEntry.decode(manifest.entries[index])
            placed.append(_Placed(number, turn, index))
            rows.append(
                {
                    "contract": contract,
                    "batch": batch,
                    "index": index,
                    "material": listed.material,
                    "subject": number,
                    "turn": turn,
                    "holder": holders.address_text(entry.holder),
                    "valid_until": entry.valid_until,
                }
            )
    connection.execute(insert(table), rows)
    return placed


def _erased(connection: Connection, contract: str, batch: int, listed: BatchMaterial) -> bool:
    """Whether the chain says that this city has erased every leaf of a material."""
    table = tables.erasures
    wanted = [index for group in listed.leaves for index in group]
    found = connection.execute(
        select(func.count(table.c.index)).where(
            table.c.contract == contract,
            table.c.batch == batch,
            table.c.index.in_(wanted),
            table.c.consent == bytes(32),
        )
    ).scalar_one()
    return int(found) == len(wanted)
