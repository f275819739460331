"""No key without a use on the record: what a grantee puts there, and what a custodian hands out for it.

The custodian looks into its own picture of the final chain, never at the request's word, and hands out no more than the
consent discloses, sealed to the grantee's registered key. The grantee checks everything against its own picture: that
the leaf is of the use, stands under the anchored root, commits to the record, and that the anchoring city is the one
that the record names, so that nobody gains by anchoring another's leaf again. Asking again needs no new use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, insert, select
from sqlalchemy.engine import Connection

from ledger.blobs.cids import cid_from_digest
from ledger.chain.codec import canonical_call
from ledger.domain import disclosures, merkle, records, wrapping
from ledger.domain.consortium import ServiceKeyKind
from ledger.domain.operations import Operation
from ledger.errors import AuthorityError, ConflictError, NotFoundError
from ledger.services.context import Node
from ledger.services.opening import Unseal, open_batch, open_material
from ledger.services.registry import service_key
from ledger.storage import outbox
from ledger.storage.tables import consents as consent_tables
from ledger.storage.tables import drafts
from ledger.storage.tables import materials as tables
from ledger.wire.consents import Disclosed, read_disclosed
from ledger.wire.grants import GrantedConsent, read_granted
from ledger.wire.releases import ReleasedLeaf, encode_release

__all__ = [
    "DISCLOSED",
    "RecordedUse",
    "granted_of",
    "leaves_used",
    "own_leaf",
    "recorded_use",
    "release",
    "release_info",
    "remember",
    "use",
    "use_of_consent",
]

# The kind of the documents in the inbox that say which fields may be seen.
DISCLOSED = "disclosed"
_GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class RecordedUse:
    """A reading on the record: by which contract it is counted, under which consent, of which fields, for which case."""

    contract: str
    use: int
    consent: bytes
    disclosed: bytes
    case: bytes


def use(node: Node, granted: GrantedConsent, *, case: bytes, intent: str) -> str:
    """Put a reading under a consent on the record, for all its leaves.

    Args:
        node: this city, a grantee.
        granted: the consent as it was signed, with what it lets be seen.
        case: the case read for: the consent's own, or a child of it.
        intent: idempotency key; the same reading asked for twice is recorded once.

    Raises:
        ConflictError: ``consents.disclosed_mismatch`` where the document is not the consent's.
    """
    terms, consent = granted.terms, granted.digest
    if granted.disclosed.digest != terms.disclosed:
        raise ConflictError("consents.disclosed_mismatch")
    with node.begin() as uow:
        remember(uow.connection, node, consent, DISCLOSED, granted.disclosed.encode())
        # A receipt that shows this use needs what was signed, and who signed it.
        remember(uow.connection, node, consent, _GRANTED, granted.encode())
        outbox.enqueue(
            uow.connection,
            outbox.Intent(
                id=intent,
                operation=Operation.USE,
                contract=granted.contract,
                role="operate",
                subject=consent,
                call=canonical_call(
                    Operation.USE,
                    {
                        "consent": consent,
                        "case": case,
                        "cases": terms.cases,
                        "granted_for": terms.case,
                        "matter": terms.matter,
                        "purpose": int(terms.purpose),
                        "disclosed": terms.disclosed,
                        "leaves": list(terms.leaves),
                    },
                ),
            ),
            now=node.clock(),
        )
        uow.commit()
    return intent


def release(node: Node, unseal: Unseal, use_number: int, requester: int, disclosed: bytes) -> bytes:
    """Answer, as custodian, what a recorded use lets a member read; sealed to that member.

    Raises:
        NotFoundError: ``releases.no_use`` where no final use of that number by that member is in the picture yet;
            ``materials.not_found`` where nothing of it is opened yet.
        AuthorityError: ``releases.disclosed`` where the document is not the one the consent names.
        ConflictError: ``releases.erased`` where all that was asked for is gone, ``releases.revoked`` after a revocation.
    """
    shown = read_disclosed(disclosed)
    with node.database.read() as connection:
        # Two generations of the contract count their uses from one: the list of fields, salted, says which is meant.
        found = recorded_use(connection, use_number, requester, disclosed=shown.digest)
        mine = leaves_used(connection, found, node.member)
        if not mine:
            raise NotFoundError("releases.no_use", use=use_number)
        recipient = wrapping.RecipientPublic(service_key(connection, requester, ServiceKeyKind.HPKE))
        rows, gone = [], None
        for batch, index in mine:
            try:
                rows.append(_own_leaf(connection, found.contract, batch, index))
            except (ConflictError, NotFoundError) as error:
                # One paper that was revoked or erased, or is not opened yet, takes no other with it.
                gone = error
    if gone is not None and not rows:
        raise gone
    released = _released(node, unseal, rows, shown)
    return wrapping.seal(encode_release(use_number, released), recipient, release_info(found, requester))


def own_leaf(node: Node, unseal: Unseal, contract: str, leaf: int) -> ReleasedLeaf:
    """Return a leaf of this city's own with everything its holder may have: for the receipt handed over at the window.

    Raises:
        NotFoundError: ``materials.not_found``.
        ConflictError: ``releases.erased``, ``releases.revoked``.
    """
    with node.database.read() as connection:
        own = _own_leaf(connection, contract, leaf >> 32, leaf & 0xFFFFFFFF)
    return _released(node, unseal, [own], None)[0]


def use_of_consent(connection: Connection, member: int, consent: bytes, case: bytes) -> int:
    """Return the number of a member's newest use of a consent for a case.

    Raises:
        NotFoundError: ``releases.no_use``.
    """
    table = consent_tables.uses
    number = connection.execute(
        select(table.c.use)
        .where(table.c.member == member, table.c.consent == consent, table.c.case == case)
        .order_by(table.c.block.desc(), table.c.use.desc())
        .limit(1)
    ).scalar()
    if number is None:
        raise NotFoundError("releases.no_use", use=0)
    return int(number)


def granted_of(connection: Connection, consent: bytes) -> GrantedConsent:
    """Return a consent as it was handed to this city; the fuller one where it came without signatures and with them.

    Raises:
        NotFoundError: ``consents.not_here``.
    """
    table = drafts.inbox
    documents = connection.execute(
        select(table.c.sealed)
        .where(table.c.kind == _GRANTED, table.c.subject == consent)
        .order_by(table.c.received_at, table.c.digest)
    ).scalars()
    found = [read_granted(document) for document in documents]
    if not found:
        raise NotFoundError("consents.not_here")
    return max(found, key=lambda granted: len(granted.signatures))


def remember(connection: Connection, node: Node, subject: bytes, kind: str, document: bytes) -> None:
    """Keep a document that this city needs again with a use of its own, once."""
    digest = hashlib.sha256(document).digest()
    known = connection.execute(select(drafts.inbox.c.digest).where(drafts.inbox.c.digest == digest)).first()
    if known is None:
        connection.execute(
            insert(drafts.inbox).values(
                digest=digest,
                member=node.member,
                kind=kind,
                subject=subject,
                sealed=document,
                received_at=node.clock(),
            )
        )


def recorded_use(
    connection: Connection,
    use_number: int,
    member: int,
    *,
    contract: str | None = None,
    disclosed: bytes | None = None,
) -> RecordedUse:
    """Find a member's use by its number; each generation of the contract counts its own, so more must be said of two.

    Raises:
        NotFoundError: ``releases.no_use``.
        AuthorityError: ``releases.disclosed`` where none of that number names this list of fields.
        ConflictError: ``releases.ambiguous``.
    """
    table = consent_tables.uses
    query = select(table.c.contract, table.c.consent, table.c.disclosed, table.c.case, table.c.use).where(
        table.c.use == use_number, table.c.member == member
    )
    if contract is not None:
        query = query.where(table.c.contract == contract)
    rows = connection.execute(query).all()
    if not rows:
        raise NotFoundError("releases.no_use", use=use_number)
    if disclosed is not None:
        rows = [row for row in rows if bytes(row.disclosed) == disclosed]
        if not rows:
            raise AuthorityError("releases.disclosed")
    if len(rows) > 1:
        raise ConflictError("releases.ambiguous", use=use_number)
    row = rows[0]
    return RecordedUse(str(row.contract), int(row.use), bytes(row.consent), bytes(row.disclosed), bytes(row.case))


def leaves_used(connection: Connection, found: RecordedUse, member: int) -> list[tuple[int, int]]:
    """Return batch and index of the leaves of a use that a member keeps."""
    used, batches = consent_tables.use_leaves, tables.batches
    rows = connection.execute(
        select(used.c.batch, used.c.index.label("place"))
        .join(batches, and_(batches.c.contract == used.c.contract, batches.c.batch == used.c.batch))
        .where(used.c.contract == found.contract, used.c.use == found.use, batches.c.member == member)
        .order_by(used.c.batch, used.c.index)
    )
    return [(int(row.batch), int(row.place)) for row in rows]


@dataclass(frozen=True, slots=True)
class _OwnLeaf:
    """A leaf of this city's own: where it stands, and the sealed document and manifest that tell what it is."""

    batch: int
    index: int
    subject: int
    turn: int
    sealed: bytes
    manifest: bytes


def _own_leaf(connection: Connection, contract: str, batch: int, index: int) -> _OwnLeaf:
    leaf, material, batches = tables.material_leaves, tables.materials, tables.batches
    revoked = tables.leaf_revocations
    row = connection.execute(
        select(leaf.c.subject, leaf.c.turn, material.c.sealed, batches.c.blob, revoked.c.cause)
        .join(material, material.c.material == leaf.c.material)
        .join(batches, and_(batches.c.contract == leaf.c.contract, batches.c.batch == leaf.c.batch))
        .outerjoin(
            revoked,
            and_(
                revoked.c.contract == leaf.c.contract,
                revoked.c.batch == leaf.c.batch,
                revoked.c.index == leaf.c.index,
            ),
        )
        .where(leaf.c.contract == contract, leaf.c.batch == batch, leaf.c.index == index)
    ).first()
    if row is None:
        # Another city's, or of a batch that is not opened here yet.
        raise NotFoundError("materials.not_found")
    if row.sealed is None:
        raise ConflictError("releases.erased")
    if row.cause is not None:
        raise ConflictError("releases.revoked", cause=int(row.cause))
    return _OwnLeaf(batch, index, int(row.subject), int(row.turn), bytes(row.sealed), bytes(row.blob))


def _released(
    node: Node, unseal: Unseal, own_leaves: Sequence[_OwnLeaf], shown: Disclosed | None
) -> tuple[ReleasedLeaf, ...]:
    manifests = {cid: open_batch(node, unseal, cid_from_digest(cid)) for cid in {own.manifest for own in own_leaves}}
    trees = {cid: merkle.levels(merkle.leaf_hashes(manifest.entries)) for cid, manifest in manifests.items()}
    found = []
    for own in own_leaves:
        document = open_material(node, unseal, own.sealed)
        leaf = own.batch << 32 | own.index
        chosen = document.disclosures
        if shown is not None:
            # A field that the paper does not state has nothing to show; the others are not lost with it.
            stated = {disclosures.parse_disclosure(each)[1] for each in chosen}
            chosen = disclosures.select_disclosures(chosen, [name for name in shown.fields(leaf) if name in stated])
        files = records.files_of(records.open_fields(records.read_record(document.record), chosen))
        found.append(
            ReleasedLeaf(
                leaf=leaf,
                entry=manifests[own.manifest].entries[own.index],
                blinding=document.blindings[own.subject][own.turn],
                proof=merkle.inclusion_proof_from_levels(trees[own.manifest], own.index),
                record=document.record,
                disclosures=chosen,
                content_keys=tuple((file.blob, document.key) for file in files),
            )
        )
    return tuple(found)


def release_info(found: RecordedUse, grantee: int) -> bytes:
    """Say what a release is sealed for, as HPKE's ``info``: the consent, its fields, the grantee."""
    return wrapping.info_for(found.disclosed, grantee, found.consent)
