"""What other cities let this one read: which it is, opening it, and erasing it with the record that the law asks for.

A city that was let see a paper has its keys and a copy of its content, as the custodian has. It destroys both on any ground
of the Personal Information Protection Law art. 47 and says so on the chain first: the record is durable before anything is
gone, and destroying is repeated until it is done. What a decided case has used is a part of that case's file, which the
Archives Law keeps for its term: withdrawing a consent or the end of the purpose does not reach it, the end of the term,
unlawful processing and another law do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, or_, select, update
from sqlalchemy.engine import Connection

from ledger.blobs.content import delete_content, read_content
from ledger.domain import boxes, canonical, envelopes, records
from ledger.domain.cases import State
from ledger.domain.files import DoubleDigest
from ledger.domain.leaves import leaf_text, read_leaf
from ledger.domain.materials import ErasureBasis, FileFact
from ledger.domain.operations import Operation
from ledger.errors import ConflictError, IntegrityError, NotFoundError
from ledger.services.context import Node
from ledger.services.leaf_groups import enqueue_groups, portions
from ledger.services.opening import Unseal
from ledger.storage import outbox
from ledger.storage.tables import cases as case_tables
from ledger.storage.tables import consents as consent_tables
from ledger.storage.tables import drafts
from ledger.wire.releases import ReleasedLeaf, decode_release

__all__ = [
    "RECEIVED_LABEL",
    "Item",
    "Received",
    "content",
    "destroy_once",
    "erase",
    "listed",
    "of_use",
    "read_received",
    "received_leaf",
]

RECEIVED_LABEL = "received"

# From the decision on a used paper is in the case's file.
_DECIDED = frozenset({State.GRANTED, State.REFUSED, State.CLOSED, State.DELIVERED, State.RATED})
_ENDS_THE_FILE = frozenset({ErasureBasis.RETENTION_ENDED, ErasureBasis.UNLAWFUL_PROCESSING, ErasureBasis.OTHER_LAW})


@dataclass(frozen=True, slots=True)
class Received:
    """What a use let this city read of one leaf: the record, the disclosed fields and files."""

    use: int
    leaf: int
    record: records.Record
    fields: dict[str, canonical.JsonValue]
    files: tuple[FileFact, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One leaf that was received: under which use, for which case, what kind of paper, and what became of it.

    ``state`` is ``here``, ``erasing`` once the erasure is asked for, ``erased`` once all of it is gone; ``withheld`` where its
    custodian had revoked or erased it before it was handed over, and there was never anything here.
    """

    contract: str
    use: int
    leaf: int
    case: bytes
    type_code: str
    received_at: int
    state: str


def listed(connection: Connection, *, case: bytes | None = None, limit: int = 200) -> list[Item]:
    """List what was received, the newest first; references, types and times only."""
    table = drafts.received
    query = select(table).order_by(table.c.received_at.desc(), table.c.use.desc(), table.c.leaf).limit(limit)
    if case is not None:
        query = query.where(table.c.case == case)
    return [_item(row) for row in connection.execute(query)]


def of_use(connection: Connection, use: int, contract: str | None = None) -> list[Item]:
    """List what was received under a use, of one contract or of all that have one of that number."""
    table = drafts.received
    query = select(table).where(table.c.use == use).order_by(table.c.contract, table.c.leaf)
    if contract is not None:
        query = query.where(table.c.contract == contract)
    return [_item(row) for row in connection.execute(query)]


def read_received(node: Node, use_number: int, leaf: int, contract: str | None = None) -> Received:
    """Open what was received under a use for one leaf.

    Raises:
        NotFoundError: ``releases.not_received``.
        ConflictError: ``releases.erased``; ``releases.withheld`` where it was revoked or erased before it was handed over;
            ``releases.ambiguous`` where several contracts have a use of that number.
    """
    item = received_leaf(node, node.keys.open, use_number, leaf, contract)
    record = records.read_record(item.record)
    fields = records.open_fields(record, item.disclosures)
    return Received(use_number, leaf, record, fields, records.files_of(fields))


def content(node: Node, use_number: int, leaf: int, file: FileFact, contract: str | None = None) -> Iterator[bytes]:
    """Yield a received file, decrypted; at the end it must be the file that the record names.

    Raises:
        NotFoundError: ``releases.not_received``.
        ConflictError: as :func:`read_received`.
        IntegrityError: ``releases.content`` where the content is not what the record says.
    """
    keys = dict(received_leaf(node, node.keys.open, use_number, leaf, contract).content_keys)
    if file.blob not in keys:
        raise NotFoundError("releases.not_received", use=use_number)
    digest = DoubleDigest()
    for piece in envelopes.decrypt(read_content(node.blobs, file.blob), keys[file.blob]):
        digest.update(piece)
        yield piece
    result = digest.result()
    if (result.sha256, result.sm3, result.size) != (file.sha256, file.sm3, file.size):
        raise IntegrityError("releases.content", use=use_number)


def received_leaf(node: Node, unseal: Unseal, use_number: int, leaf: int, contract: str | None = None) -> ReleasedLeaf:
    """Return what was received under a use for one leaf, with what binds it to the chain: for a receipt of the use.

    Raises:
        NotFoundError: ``releases.not_received``.
        ConflictError: as :func:`read_received`.
    """
    table = drafts.received
    query = select(table.c.sealed, table.c.erasing).where(table.c.use == use_number, table.c.leaf == leaf_text(leaf))
    if contract is not None:
        query = query.where(table.c.contract == contract)
    with node.database.read() as connection:
        found = connection.execute(query).all()
    if not found:
        raise NotFoundError("releases.not_received", use=use_number)
    if len(found) > 1:
        raise ConflictError("releases.ambiguous", use=use_number)
    if found[0].sealed is None:
        raise ConflictError("releases.withheld" if found[0].erasing is None else "releases.erased")
    opened = b"".join(boxes.open_box_with([found[0].sealed], node.member, unseal, RECEIVED_LABEL))
    return decode_release(opened)[1][0]


def erase(node: Node, use: int, basis: ErasureBasis, contract: str | None = None) -> str:
    """Have destroyed what a use let this city read, and put that on the record.

    Other uses of the same consent brought the same keys: what they brought goes with it.

    Args:
        node: this city, the reader.
        use: the use's number.
        basis: on which ground.
        contract: the materials contract that counts the use; needed where several have one of that number.

    Returns:
        The id of the intent that is done last.

    Raises:
        NotFoundError: ``releases.not_received``.
        ConflictError: ``releases.ambiguous``; ``releases.erased`` where nothing is left; ``releases.in_file`` where a
            decided case keeps it in its file and the ground does not end that.
    """
    table, uses = drafts.received, consent_tables.uses
    with node.begin() as uow:
        where, consent = _which(uow.connection, node.member, use, contract)
        rows = uow.connection.execute(
            select(table.c.use, table.c.leaf, table.c.case, table.c.erasing)
            .join(uses, and_(uses.c.contract == table.c.contract, uses.c.use == table.c.use))
            .where(
                table.c.contract == where,
                uses.c.consent == consent,
                # What was withheld was never here.
                or_(table.c.sealed.is_not(None), table.c.erasing.is_not(None)),
            )
        ).all()
        mine = {row.leaf for row in rows if row.use == use}
        if not mine:
            raise NotFoundError("releases.not_received", use=use)
        # A duty has no consent in common: it is the same leaves then that bring the same keys.
        meant = [row for row in rows if any(consent) or row.leaf in mine]
        left = [row for row in meant if row.erasing is None]
        if not left:
            asked = next(str(row.erasing) for row in meant)
            if _standing(uow.connection, asked):
                raise ConflictError("releases.erased")
            left = meant
        _require_out_of_file(uow.connection, {bytes(row.case) for row in left}, basis)
        by_batch: dict[int, list[int]] = {}
        for leaf in sorted({read_leaf(row.leaf) for row in left}):
            by_batch.setdefault(leaf >> 32, []).append(leaf & 0xFFFFFFFF)
        groups = [
            (where, batch, portion) for batch, indices in sorted(by_batch.items()) for portion in portions(indices)
        ]
        last = enqueue_groups(
            uow.connection,
            f"forget:{where}:{use}",
            Operation.ERASE,
            "operate",
            groups,
            {"consent": consent, "basis": int(basis), "commitment": bytes(32)},
            node.clock(),
        )
        for row in left:
            uow.connection.execute(
                update(table)
                .where(table.c.contract == where, table.c.use == row.use, table.c.leaf == row.leaf)
                .values(erasing=last)
            )
        uow.commit()
    return last


def destroy_once(node: Node) -> int:
    """Destroy what recorded erasures have condemned; returns the number of leaves.

    Raises:
        UnavailableError: the blob store does not answer; what is left is destroyed the next time.
    """
    table = drafts.received
    with node.database.read() as connection:
        asked = connection.execute(
            select(table.c.erasing).where(table.c.erasing.is_not(None), table.c.erased_at.is_(None)).distinct()
        ).scalars()
        done = [name for name in asked if outbox.find(connection, str(name)).state == "done"]
    destroyed = 0
    for name in done:
        destroyed += _destroy(node, str(name))
    return destroyed


def _destroy(node: Node, name: str) -> int:
    table, files = drafts.received, drafts.received_files
    condemned = and_(table.c.erasing == name, table.c.erased_at.is_(None))
    of_them = (
        select(table.c.leaf)
        .where(
            condemned, table.c.contract == files.c.contract, table.c.use == files.c.use, table.c.leaf == files.c.leaf
        )
        .exists()
    )
    with node.database.read() as connection:
        blobs = set(connection.execute(select(files.c.blob).where(of_them)).scalars())
        # The same content came with another use, which goes on.
        kept = set(connection.execute(select(files.c.blob).where(~of_them, files.c.blob.in_(blobs))).scalars())
    for blob in sorted(blobs - kept):
        try:
            delete_content(node.blobs, blob)
        except NotFoundError:
            # Cut after the deletion and before it was noted.
            continue
    with node.begin() as uow:
        uow.connection.execute(files.delete().where(of_them))
        gone = uow.connection.execute(update(table).where(condemned).values(sealed=None, erased_at=node.clock()))
        uow.commit()
    return int(gone.rowcount)


def _item(row: Row[Any]) -> Item:
    if row.erasing is None:
        state = "withheld" if row.sealed is None else "here"
    else:
        state = "erasing" if row.erased_at is None else "erased"
    return Item(
        contract=str(row.contract),
        use=int(row.use),
        leaf=read_leaf(row.leaf),
        case=bytes(row.case),
        type_code=str(row.type_code),
        received_at=int(row.received_at),
        state=state,
    )


def _which(connection: Connection, member: int, use: int, contract: str | None) -> tuple[str, bytes]:
    """Return contract and consent of a use of this city's."""
    uses = consent_tables.uses
    query = select(uses.c.contract, uses.c.consent).where(uses.c.use == use, uses.c.member == member)
    if contract is not None:
        query = query.where(uses.c.contract == contract)
    found = connection.execute(query).all()
    if not found:
        raise NotFoundError("releases.not_received", use=use)
    if len(found) > 1:
        raise ConflictError("releases.ambiguous", use=use)
    return str(found[0].contract), bytes(found[0].consent)


def _standing(connection: Connection, intent: str) -> bool:
    return outbox.find(connection, intent).state not in outbox.STUCK


def _require_out_of_file(connection: Connection, cases: set[bytes], basis: ErasureBasis) -> None:
    table = case_tables.cases
    states = connection.execute(select(table.c.state).where(table.c.case.in_(cases))).scalars()
    if basis not in _ENDS_THE_FILE and any(State(state) in _DECIDED for state in states):
        raise ConflictError("releases.in_file")
