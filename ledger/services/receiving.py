"""Fetching what this city's uses let it read: from every custodian, checked against this city's own picture, kept sealed.

A custodian that is away keeps nothing back that the others gave, and delays no other use. What is kept names the contract
that counts the use: two generations of it may have a use of one number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sqlalchemy import and_, func, insert, select
from sqlalchemy.engine import Connection

from ledger.blobs.content import copy_content
from ledger.domain import boxes, leaves, merkle, records
from ledger.domain.leaves import LeafEntry, leaf_text
from ledger.errors import ConflictError, FormatError, IntegrityError, LedgerError, NotFoundError
from ledger.services.context import Node
from ledger.services.opening import Unseal
from ledger.services.received import RECEIVED_LABEL, Received
from ledger.services.registry import readers_of
from ledger.services.releasing import (
    DISCLOSED,
    RecordedUse,
    leaves_used,
    recorded_use,
    release,
    release_info,
)
from ledger.storage.tables import chain as chain_tables
from ledger.storage.tables import consents as consent_tables
from ledger.storage.tables import drafts
from ledger.storage.tables import materials as tables
from ledger.wire.consents import Disclosed, read_disclosed
from ledger.wire.releases import ReleasedLeaf, decode_release, encode_release

__all__ = ["ReceivingMemory", "fetch", "pending", "run_once"]

# A custodian's answers that stay what they are.
_GONE = frozenset({"releases.erased", "releases.revoked"})


@dataclass(slots=True)
class ReceivingMemory:
    """Up to which block everything is here, kept between passes so that old uses are not counted again; safe to throw away."""

    block: int = -1


def run_once(node: Node, unseal: Unseal, memory: ReceivingMemory | None = None) -> int:
    """Ask for everything that this city's uses let it read and that is not here yet; returns the number of leaves.

    Raises:
        LedgerError: whatever kept one of them from being fetched, once all the others are.
    """
    since = memory.block if memory is not None else -1
    with node.database.read() as connection:
        reached = connection.execute(select(chain_tables.sync_state.c.block)).scalar()
        uses = _pending(connection, node.member, since)
    kept, fault = 0, None
    for _, contract, number in uses:
        try:
            kept += fetch(node, unseal, number, contract)
        except LedgerError as error:
            # The use is final here; where there is none, the custodian has only not read that far yet. Whatever keeps one
            # from being fetched keeps no other waiting; the step still says so.
            if error.code != "releases.no_use":
                fault = fault or error
    if memory is not None:
        with node.database.read() as connection:
            left = _pending(connection, node.member, since)
        memory.block = left[0][0] - 1 if left else max(since, reached or 0)
    if fault is not None:
        raise fault
    return kept


def pending(connection: Connection, member: int) -> tuple[tuple[str, int], ...]:
    """Return the uses of a member, by contract, of which some leaf has not been received here, the oldest first."""
    return tuple((contract, use) for _, contract, use in _pending(connection, member, -1))


def _pending(connection: Connection, member: int, since: int) -> list[tuple[int, str, int]]:
    table, used, here = consent_tables.uses, consent_tables.use_leaves, drafts.received
    leaves_used = (
        select(func.count()).where(used.c.contract == table.c.contract, used.c.use == table.c.use).scalar_subquery()
    )
    leaves_here = (
        select(func.count()).where(here.c.contract == table.c.contract, here.c.use == table.c.use).scalar_subquery()
    )
    rows = connection.execute(
        select(table.c.block, table.c.contract, table.c.use)
        .where(table.c.member == member, table.c.block > since, leaves_here < leaves_used)
        .order_by(table.c.block, table.c.log_index)
    )
    return [(int(row.block), str(row.contract), int(row.use)) for row in rows]


def fetch(node: Node, unseal: Unseal, use_number: int, contract: str | None = None) -> int:
    """Ask the custodians for what one of this city's uses lets it read, check it, and keep it sealed.

    A custodian that has answered is not asked again; one that is away keeps nothing back that the others gave.

    Raises:
        NotFoundError: ``releases.no_use``, ``releases.disclosed_missing``.
        ConflictError: ``releases.ambiguous`` where several contracts have a use of that number.
        UnavailableError: a custodian does not answer; asked again later.
        IntegrityError: ``releases.not_anchored`` and what else shows that something is not what the chain says.
    """
    with node.database.read() as connection:
        found = recorded_use(connection, use_number, node.member, contract=contract)
        disclosed = connection.execute(
            select(drafts.inbox.c.sealed).where(
                drafts.inbox.c.kind == DISCLOSED, drafts.inbox.c.digest == found.disclosed
            )
        ).scalar()
        if disclosed is None:
            raise NotFoundError("releases.disclosed_missing", use=use_number)
        here = _received_names(connection, found)
        wanted = {
            custodian: {f"{batch}:{index}" for batch, index in leaves_used(connection, found, custodian)} - here
            for custodian in _custodians(connection, found)
        }
    kept = 0
    for custodian, names in wanted.items():
        if names:
            kept += _fetch_from(node, unseal, found, custodian, names, bytes(disclosed))
    return kept


def _fetch_from(
    node: Node, unseal: Unseal, found: RecordedUse, custodian: int, names: set[str], disclosed: bytes
) -> int:
    """Fetch from one custodian the leaves of these names; what is gone by the record is noted, and not asked for again."""
    try:
        if custodian == node.member:
            sealed = release(node, unseal, found.use, node.member, disclosed)
        else:
            sealed = node.peers.release(custodian, found.use, disclosed)
        number, items = decode_release(unseal(sealed, release_info(found, node.member)))
        if number != found.use:
            raise IntegrityError("releases.not_anchored", use=found.use)
    except ConflictError as error:
        with node.database.read() as connection:
            gone = _gone(connection, found, custodian, names)
        if error.code not in _GONE or not gone:
            raise
        items = ()
    with node.database.read() as connection:
        readers = readers_of(connection, [node.member])
    rows: list[dict[str, object]] = []
    copied = []
    for item in items:
        if leaf_text(item.leaf) not in names:
            continue
        place = {"contract": found.contract, "use": found.use, "leaf": leaf_text(item.leaf)}
        received = _checked(node, found, custodian, item, read_disclosed(disclosed))
        for file in received.files:
            if custodian != node.member:
                copy_content(partial(node.peers.blob, custodian), node.blobs, file.blob)
                copied.append({**place, "blob": file.blob})
        box = boxes.seal_box([encode_release(found.use, (item,))], readers, RECEIVED_LABEL, node.random)
        rows.append(
            {
                **place,
                "case": found.case,
                "type_code": received.record.type_code,
                "sealed": b"".join(box),
                "received_at": node.clock(),
            }
        )
    kept = len(rows)
    with node.begin() as uow:
        missing = names - {str(row["leaf"]) for row in rows}
        for name in sorted(_gone(uow.connection, found, custodian, missing)):
            withheld = {"contract": found.contract, "use": found.use, "leaf": name, "case": found.case}
            rows.append({**withheld, "type_code": "", "sealed": None, "received_at": node.clock()})
        if rows:
            uow.connection.execute(insert(drafts.received), rows)
        if copied:
            uow.connection.execute(insert(drafts.received_files), copied)
        uow.commit()
    return kept


def _gone(connection: Connection, found: RecordedUse, custodian: int, names: set[str]) -> set[str]:
    """Which leaves their custodian has revoked or erased, as this city's own picture says."""
    erased, revoked = tables.erasures, tables.leaf_revocations
    gone = set()
    for name in names:
        batch, index = (int(part) for part in name.split(":"))
        where = {"contract": found.contract, "batch": batch, "index": index}
        by_erasure = select(erased.c.index).where(
            *(erased.c[column] == value for column, value in where.items()),
            erased.c.member == custodian,
            erased.c.consent == bytes(32),
        )
        by_revocation = select(revoked.c.index).where(*(revoked.c[column] == value for column, value in where.items()))
        if connection.execute(by_erasure).first() is not None or connection.execute(by_revocation).first() is not None:
            gone.add(name)
    return gone


def _received_names(connection: Connection, found: RecordedUse) -> set[str]:
    table = drafts.received
    query = select(table.c.leaf).where(table.c.contract == found.contract, table.c.use == found.use)
    return {str(name) for name in connection.execute(query).scalars()}


def _custodians(connection: Connection, found: RecordedUse) -> list[int]:
    used, batches = consent_tables.use_leaves, tables.batches
    rows = connection.execute(
        select(batches.c.member)
        .join(used, and_(batches.c.contract == used.c.contract, batches.c.batch == used.c.batch))
        .where(used.c.contract == found.contract, used.c.use == found.use)
        .distinct()
        .order_by(batches.c.member)
    )
    return [int(member) for member in rows.scalars()]


def _checked(node: Node, found: RecordedUse, custodian: int, item: ReleasedLeaf, shown: Disclosed) -> Received:
    batch, index = item.leaf >> 32, item.leaf & 0xFFFFFFFF
    with node.database.read() as connection:
        anchored = connection.execute(
            select(tables.batches.c.root, tables.batches.c.size).where(
                tables.batches.c.contract == found.contract, tables.batches.c.batch == batch
            )
        ).first()
        if anchored is None or (batch, index) not in leaves_used(connection, found, custodian):
            raise IntegrityError("releases.not_anchored", use=found.use)
    merkle.verify_inclusion(merkle.leaf_hash(item.entry), index, int(anchored.size), item.proof, bytes(anchored.root))
    leaves.verify_entry(LeafEntry.decode(item.entry), item.record, item.blinding)
    record = records.read_record(item.record)
    if record.anchor_member != custodian:
        raise IntegrityError("releases.not_anchored", use=found.use)
    fields = records.open_fields(record, item.disclosures)
    if not set(fields) <= set(shown.fields(item.leaf)):
        raise FormatError("releases.malformed")
    return Received(found.use, item.leaf, record, fields, records.files_of(fields))
