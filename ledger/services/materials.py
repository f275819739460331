"""Taking materials in, and everything about them on the record.

Handing in writes encrypted content to the blob store and one row: nothing of the plaintext touches the disk, and nobody
needs a private key for it, because the draft is sealed to the city's own public key. Batches are formed later, by
:mod:`ledger.services.batching`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, and_, insert, select
from sqlalchemy.engine import Connection

from ledger.blobs.content import write_content
from ledger.domain import boxes, canonical, envelopes, records
from ledger.domain.disclosures import parse_disclosure
from ledger.domain.holders import ExtendedPublic
from ledger.domain.limits import LIMITS
from ledger.domain.materials import (
    Assurance,
    ErasureBasis,
    FileFact,
    Issuer,
    MaterialDraft,
    Reuse,
    ReusePolicy,
    RevocationCause,
    SourceChannel,
    material_type,
    require_statement,
)
from ledger.domain.operations import Operation
from ledger.errors import ConflictError, InputError, NotFoundError, UnavailableError
from ledger.ports import BlobStore
from ledger.services.context import Node
from ledger.services.intake import HandedIn, read_handed_in
from ledger.services.leaf_groups import enqueue_groups, groups_of, numbered
from ledger.services.opening import open_material
from ledger.services.registry import readers_of
from ledger.storage import outbox, repeating
from ledger.storage.tables import drafts
from ledger.storage.tables import materials as tables
from ledger.wire.materials import MaterialDocument, SubjectAccount, encode_material
from ledger.wire.papers import seal_paper

__all__ = [
    "DRAFT_LABEL",
    "Handover",
    "Paper",
    "document_of",
    "erase",
    "find",
    "leaves_of",
    "listed",
    "material_of",
    "places_of",
    "require_applicant",
    "require_stated",
    "revoke",
    "submit",
]

# The label of boxes that hold what is not anchored yet.
DRAFT_LABEL = "draft"
# A reference of this system, never a name: what somebody typed may be anything.
_APPLICANT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One paper as it is handed in.

    ``accounts`` has one entry for each data subject: who keeps the keys and the account's extended public key.
    """

    files: tuple[HandedIn, ...]
    type_code: str
    fields: Mapping[str, canonical.JsonValue] = field(repr=False)
    issuer: Issuer
    assurance: Assurance
    accounts: tuple[SubjectAccount, ...]
    reuse: ReusePolicy | None = None
    issued_at: int = 0
    expires_at: int = 0
    source: SourceChannel = SourceChannel.APPLICANT


@dataclass(frozen=True, slots=True)
class Handover:
    """What was taken in: the hand-in's reference, and each material's, in the order given."""

    submission: str
    materials: tuple[str, ...]


def submit(node: Node, applicant: str, papers: Sequence[Paper]) -> Handover:
    """Take papers in: hash, encrypt, store, and queue for anchoring. All of them or none.

    Args:
        node: this city.
        applicant: the random reference of whoever they belong to.
        papers: what is handed in.

    Raises:
        InputError: what is wrong with a paper or a file; ``materials.applicant``; nothing is kept.
        FormatError: ``holders.extended_key`` for an account that no leaf's key could be derived from.
        UnavailableError: the blob store or the database cannot take it now.
    """
    require_applicant(applicant)
    for paper in papers:
        require_statement(material_type(paper.type_code), paper.issuer, paper.fields)
        for account in paper.accounts:
            # What nobody could anchor would wait for ever, and everybody else's papers with it.
            ExtendedPublic.decode(account.account)
    with node.database.read() as connection:
        readers = readers_of(connection, [node.member])
    submission, now = node.random(16).hex(), node.clock()
    kept = _Remembering(node.blobs)
    rows = []
    try:
        for paper in papers:
            document = _take(node, applicant, paper, cast("BlobStore", kept), now)
            sealed = b"".join(boxes.seal_box([encode_material(document)], readers, DRAFT_LABEL, node.random))
            rows.append(
                {
                    "id": document.material,
                    "submission": submission,
                    "applicant": applicant,
                    "type_code": paper.type_code,
                    "state": "waiting",
                    "sealed": sealed,
                    "created_at": now,
                }
            )
        with node.begin() as uow:
            uow.connection.execute(insert(drafts.material_drafts), rows)
            uow.commit()
    except BaseException:
        # Content that no row names serves nobody.
        node.blobs.delete(kept.stored)
        raise
    return Handover(submission, tuple(str(row["id"]) for row in rows))


def require_applicant(reference: str) -> None:
    """Require that a reference is one of this system's.

    Raises:
        InputError: ``materials.applicant``.
    """
    if not _APPLICANT.fullmatch(reference):
        raise InputError("materials.applicant")


def find(connection: Connection, material: str) -> tuple[str, int, bytes | None]:
    """Return the contract, batch and sealed document of an anchored material of this city.

    Raises:
        NotFoundError: ``materials.not_found``; ``materials.waiting`` while it is not anchored yet.
    """
    table = tables.materials
    row = connection.execute(
        select(table.c.contract, table.c.batch, table.c.sealed).where(table.c.material == material)
    ).first()
    if row is not None:
        return str(row.contract), int(row.batch), row.sealed
    waiting = drafts.material_drafts
    if connection.execute(select(waiting.c.id).where(waiting.c.id == material)).first() is not None:
        raise NotFoundError("materials.waiting")
    raise NotFoundError("materials.not_found")


def document_of(node: Node, material: str) -> MaterialDocument:
    """Open the document of an anchored material of this city.

    Raises:
        NotFoundError: as :func:`find`.
        ConflictError: ``materials.erased``.
        UnavailableError: the key holder does not answer.
    """
    with node.database.read() as connection:
        _, _, sealed = find(connection, material)
    if sealed is None:
        raise ConflictError("materials.erased")
    return open_material(node, node.keys.open, sealed)


def require_stated(node: Node, material: str, fields: Sequence[str]) -> None:
    """Require that a material of this city's states these fields and has these files, before its holder signs for them.

    Raises:
        InputError: ``materials.unknown_field`` with what there is.
        NotFoundError: as :func:`find`.
        ConflictError: ``materials.erased``; ``releases.revoked`` with the cause.
    """
    document = document_of(node, material)
    with node.database.read() as connection:
        (row,) = listed(connection, material=material)
    if row["revoked_at"]:
        raise ConflictError("releases.revoked", cause=int(str(row["cause"])))
    stated = [parse_disclosure(each)[1] for each in document.disclosures]
    if not set(fields) <= set(stated):
        kind = records.read_record(document.record).type_code
        raise InputError("materials.unknown_field", type_code=kind, known=", ".join(stated))


def leaves_of(connection: Connection, material: str, subject: int | None) -> list[int]:
    """Return where a material's leaves stand (``batch << 32 | index``), by turn; of one data subject or of all."""
    return [leaf for _, leaf in places_of(connection, material, subject)]


def places_of(connection: Connection, material: str, subject: int | None) -> list[tuple[str, int]]:
    """Return the same with the contract of each: those anchored later may be under another."""
    table = tables.material_leaves
    query = select(table.c.contract, table.c.batch, table.c.index.label("place")).where(table.c.material == material)
    if subject is not None:
        query = query.where(table.c.subject == subject)
    rows = connection.execute(query.order_by(table.c.subject, table.c.turn))
    return [(str(row.contract), int(row.batch) << 32 | int(row.place)) for row in rows]


def material_of(connection: Connection, contract: str, leaf: int) -> str:
    """Return the name of this city's material that a leaf belongs to.

    Raises:
        NotFoundError: ``materials.not_found``.
    """
    table = tables.material_leaves
    found = connection.execute(
        select(table.c.material).where(
            table.c.contract == contract, table.c.batch == leaf >> 32, table.c.index == leaf & 0xFFFFFFFF
        )
    ).scalar()
    if found is None:
        raise NotFoundError("materials.not_found")
    return str(found)


def listed(
    connection: Connection, *, applicant: str | None = None, material: str | None = None, limit: int = 100
) -> list[dict[str, object]]:
    """List this city's anchored materials, the newest first: references, types and numbers only.

    ``revoked_at`` and ``cause`` are those of its first leaf that was revoked: a material is revoked as a whole.
    """
    table, leaf, revoked = tables.materials, tables.material_leaves, tables.leaf_revocations
    same = and_(*(revoked.c[name] == leaf.c[name] for name in ("contract", "batch", "index")))

    def first(column: Column[int]) -> ColumnElement[int | None]:
        found = select(column).join_from(leaf, revoked, same).where(leaf.c.material == table.c.material)
        return found.order_by(revoked.c.block, revoked.c.log_index).limit(1).scalar_subquery()

    query = (
        select(
            table.c.material, table.c.contract, table.c.batch, table.c.type_code, table.c.assurance, table.c.applicant,
            table.c.issued_at, table.c.expires_at, table.c.erased_at,
            first(revoked.c.time).label("revoked_at"), first(revoked.c.cause).label("cause"),
        )
        .order_by(table.c.batch.desc(), table.c.material)
        .limit(limit)
    )  # fmt: skip
    if applicant is not None:
        query = query.where(table.c.applicant == applicant)
    if material is not None:
        query = query.where(table.c.material == material)
    return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's documented name


def revoke(node: Node, material: str, cause: RevocationCause, words: str) -> str:
    """Revoke all leaves of a material; the words travel sealed, the chain sees the cause and a commitment.

    Returns:
        The id of the intent that is done last: a material with many leaves takes several.

    Raises:
        NotFoundError: as :func:`find`.
        UnavailableError: ``materials.renewing`` while fresh leaves of it are on their way to the chain.
    """
    name = f"revoke:{material}"
    with node.begin() as uow:
        find(uow.connection, material)
        groups = groups_of(uow.connection, material)
        if outbox.known(uow.connection, name):
            # Said already, in words that are sealed by now; what was refused is tried again with the same words.
            repeating.retry_stuck(uow.connection, (numbered(name, number) for number in range(len(groups))))
            uow.commit()
            return numbered(name, len(groups) - 1)
        _settle_renewal(uow.connection, material)
        readers = readers_of(uow.connection, [node.member])
        paper = seal_paper("revocation", {"material": material, "words": words}, readers, node.random)
        node.blobs.put(paper.box)
        last = enqueue_groups(
            uow.connection,
            name,
            Operation.REVOKE,
            "issue",
            groups,
            {"cause": int(cause), "commitment": paper.commitment},
            node.clock(),
        )
        uow.commit()
    return last


def erase(node: Node, material: str, basis: ErasureBasis) -> str:
    """Destroy what opens a material (its sealed document and its content) and put that on the record.

    The record comes first: it is durable before anything is destroyed, and destroying is done again until it is done.

    Returns:
        The id of the intent that is done last: a material with many leaves takes several.

    Raises:
        NotFoundError: as :func:`find`.
        UnavailableError: ``materials.renewing`` while fresh leaves of it are on their way to the chain.
    """
    with node.begin() as uow:
        find(uow.connection, material)
        _settle_renewal(uow.connection, material)
        last = enqueue_groups(
            uow.connection,
            f"erase:{material}",
            Operation.ERASE,
            "operate",
            groups_of(uow.connection, material),
            {"consent": bytes(32), "basis": int(basis), "commitment": bytes(32)},
            node.clock(),
        )
        uow.commit()
    return last


class _Remembering:
    """A blob store that remembers what was put, so that it can be taken back: all of it is encrypted under fresh keys."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self.stored: list[str] = []

    def put(self, block: bytes) -> str:
        cid = self._store.put(block)
        self.stored.append(cid)
        return cid

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the store's own
        return getattr(self._store, name)


def _take(node: Node, applicant: str, paper: Paper, store: BlobStore, now: int) -> MaterialDocument:
    kind = material_type(paper.type_code)
    key = envelopes.new_key(node.random)
    facts = []
    for file in paper.files:
        cid = write_content(store, envelopes.encrypt(read_handed_in(file), key, node.random))
        facts.append(FileFact(file.kind.media_type, file.digests.size, file.digests.sha256, file.digests.sm3, cid))
    draft = MaterialDraft(
        issuer=paper.issuer,
        anchor_member=node.member,
        anchor_division=node.division,
        assurance=paper.assurance,
        type_code=kind.code,
        fields=paper.fields,
        files=tuple(facts),
        subjects=tuple(range(len(paper.accounts))),
        reuse=paper.reuse or _policy(kind.reuse, kind.days),
        issued_at=paper.issued_at or now,
        expires_at=paper.expires_at,
        source=paper.source,
    )
    sealed = records.seal_record(draft, node.random)
    return MaterialDocument(
        material=node.random(16).hex(),
        applicant=applicant,
        record=sealed.record,
        disclosures=sealed.disclosures,
        key=key,
        blindings=tuple(() for _ in paper.accounts),
        subjects=paper.accounts,
    )


def _policy(reuse: Reuse, days: int) -> ReusePolicy:
    return ReusePolicy(reuse, days=days if reuse == Reuse.FRESH else 0)


def _settle_renewal(connection: Connection, material: str) -> None:
    """See that no fresh leaf of a material comes onto the chain after its end.

    Raises:
        UnavailableError: ``materials.renewing`` where some are on their way already.
    """
    table = drafts.material_drafts
    connection.execute(table.delete().where(table.c.id == material, table.c.state == "waiting"))
    if connection.execute(select(table.c.id).where(table.c.id == material)).first() is not None:
        raise UnavailableError("materials.renewing", retry_after=LIMITS.outbox_resend_seconds)
