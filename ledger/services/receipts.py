"""Making receipts: what a window hands to an applicant, and what a reader of a use shows to others.

A receipt rests on a published checkpoint: what is newer than it has no receipt yet, and waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.engine import Connection

from ledger.domain.checkpoints import parse_checkpoint
from ledger.domain.consents import Basis
from ledger.domain.disclosures import select_disclosures
from ledger.domain.entries import StatusEntry
from ledger.domain.status import StatusTree, leaf_status_identifier
from ledger.errors import ConflictError, IntegrityError, NotFoundError, UnavailableError
from ledger.log.proofs import make_paths
from ledger.log.reader import TreeReader
from ledger.log.store import LogStore
from ledger.log.view import LogView
from ledger.projections import journal, status
from ledger.services import duties
from ledger.services.context import Node
from ledger.services.opening import Unseal
from ledger.services.received import received_leaf
from ledger.services.releasing import granted_of, own_leaf
from ledger.storage.tables import consents as consent_tables
from ledger.storage.tables import materials as tables
from ledger.wire.consents import Disclosed
from ledger.wire.receipts import NETWORK, SINGLE_SEQUENCER, LoggedEntry, Receipt, ShownDuty, ShownUse
from ledger.wire.releases import ReleasedLeaf

__all__ = ["issue", "issue_for_use"]

_ENGINES = {"embedded": SINGLE_SEQUENCER, "network": NETWORK}


@dataclass(frozen=True, slots=True)
class _Basis:
    """The published checkpoint that a receipt rests on, and the newest status under it."""

    size: int
    note: bytes
    anchored: int
    status: int
    tree: StatusTree


def issue(
    node: Node, unseal: Unseal, log: LogStore | LogView, contract: str, leaf: int, fields: Sequence[str]
) -> Receipt:
    """Make a receipt for one leaf of this city's own, opening the named fields and no other.

    Args:
        node: the anchoring city.
        unseal: opens what is sealed to this city.
        log: this city's log, with a published checkpoint.
        contract: the materials contract.
        leaf: ``batch << 32 | index``.
        fields: names of fields and files (``file.0``) to open.

    Raises:
        UnavailableError: ``receipts.not_published`` until a checkpoint covers the anchoring and a status after it.
        NotFoundError: ``materials.not_found``.
        ConflictError: ``releases.erased``, ``releases.revoked``.
    """
    own = own_leaf(node, unseal, contract, leaf)
    note, tree = log.served()
    with node.database.read() as connection:
        basis = _basis(connection, note, contract, leaf)
    return _receipt(node, tree, contract, own, basis, fields)


def issue_for_use(
    node: Node,
    unseal: Unseal,
    log: LogStore | LogView,
    contract: str,
    use: int,
    leaf: int,
    fields: Sequence[str] | None = None,
) -> Receipt:
    """Make a receipt for a leaf that another city's applicant let this city read: what was read, and that it might be.

    Args:
        node: the city that read.
        unseal: opens what is sealed to this city.
        log: this city's log, with a published checkpoint.
        contract: the materials contract.
        use: the use's number.
        leaf: one of its leaves.
        fields: which of the disclosed fields to open; all of them if left out.

    Raises:
        UnavailableError: ``receipts.not_published`` until a checkpoint covers the use.
        NotFoundError: ``releases.no_use``, ``releases.not_received``; ``consents.not_here`` and
            ``receipts.signatures_missing`` where the consent was not handed over, or without its signatures;
            ``releases.disclosed_missing`` where a duty's provision is not known here.
        ConflictError: ``releases.revoked`` where the leaf has been revoked since.
        InputError: ``records.field_missing`` for a field that was not disclosed.
    """
    item = received_leaf(node, unseal, use, leaf, contract)
    note, tree = log.served()
    with node.database.read() as connection:
        used, name, duty = _used(node, connection, contract, use)
        if duty is not None:
            return _by_duty(
                node, connection, tree, contract, item, _basis(connection, note, contract, leaf), fields, used, duty
            )
        consent = granted_of(connection, name)
        basis = _basis(connection, note, contract, leaf)
        _require_not_revoked(connection, contract, leaf)
        granted = _granted(connection, contract, name)
    if granted is None or used is None or not granted < used < basis.size:
        raise UnavailableError("receipts.not_published")
    if not consent.attending and len(consent.signatures) != len(consent.terms.leaves):
        raise NotFoundError("receipts.signatures_missing", use=use)
    paths = make_paths(tree, (granted, used), basis.size)
    shown = ShownUse(
        consent,
        LoggedEntry(granted, tree.entry(granted), paths[granted]),
        LoggedEntry(used, tree.entry(used), paths[used]),
    )
    return _receipt(node, tree, contract, item, basis, fields, shown)


def _basis(connection: Connection, note: bytes | None, contract: str, leaf: int) -> _Basis:
    if note is None:
        raise UnavailableError("receipts.not_published")
    published, _ = parse_checkpoint(note)
    batches = tables.batches
    row = connection.execute(
        select(batches.c.block, batches.c.log_index).where(
            batches.c.contract == contract, batches.c.batch == leaf >> 32
        )
    ).first()
    if row is None:
        raise NotFoundError("materials.not_found")
    anchored = journal.entry_of(connection, row.block, row.log_index)
    newest = journal.last_status(connection, upto=published.size)
    if anchored is None or newest is None or not anchored < newest[0] < published.size:
        raise UnavailableError("receipts.not_published")
    index, entry = newest
    return _Basis(published.size, note, anchored, index, _status_tree(connection, entry))


def _status_tree(connection: Connection, entry: StatusEntry) -> StatusTree:
    tree = status.tree_at(connection, entry.block_number)
    if (tree.root(), tree.size) != (entry.status_root, entry.status_size):
        raise IntegrityError("receipts.status_differs", block=entry.block_number)
    return tree


def _granted(connection: Connection, contract: str, consent: bytes) -> int | None:
    table = consent_tables.consents
    row = connection.execute(
        select(table.c.block, table.c.log_index).where(table.c.contract == contract, table.c.consent == consent)
    ).first()
    return None if row is None else journal.entry_of(connection, row.block, row.log_index)


def _by_duty(
    node: Node,
    connection: Connection,
    tree: TreeReader,
    contract: str,
    item: ReleasedLeaf,
    basis: _Basis,
    fields: Sequence[str] | None,
    used: int | None,
    duty: tuple[str, Disclosed],
) -> Receipt:
    """Make the receipt of a reading that no consent was asked for."""
    _require_not_revoked(connection, contract, item.leaf)
    if used is None or used >= basis.size:
        raise UnavailableError("receipts.not_published")
    path = make_paths(tree, (used,), basis.size)[used]
    shown = ShownDuty(*duty, LoggedEntry(used, tree.entry(used), path))
    return replace(_receipt(node, tree, contract, item, basis, fields), duty=shown)


def _used(
    node: Node, connection: Connection, contract: str, use: int
) -> tuple[int | None, bytes, tuple[str, Disclosed] | None]:
    """Return the use's entry, its consent, and what a duty is shown with where it has none."""
    table = consent_tables.uses
    row = connection.execute(
        select(
            table.c.block, table.c.log_index, table.c.consent, table.c.basis, table.c.provision, table.c.disclosed
        ).where(table.c.contract == contract, table.c.use == use, table.c.member == node.member)
    ).first()
    if row is None:
        raise NotFoundError("releases.no_use", use=use)
    duty = (
        duties.shown(connection, use, bytes(row.provision), bytes(row.disclosed)) if row.basis == Basis.DUTY else None
    )
    return journal.entry_of(connection, row.block, row.log_index), bytes(row.consent), duty


def _require_not_revoked(connection: Connection, contract: str, leaf: int) -> None:
    table = tables.leaf_revocations
    cause = connection.execute(
        select(table.c.cause).where(
            table.c.contract == contract, table.c.batch == leaf >> 32, table.c.index == leaf & 0xFFFFFFFF
        )
    ).scalar()
    if cause is not None:
        raise ConflictError("releases.revoked", cause=int(cause))


def _receipt(
    node: Node,
    entries: TreeReader,
    contract: str,
    item: ReleasedLeaf,
    basis: _Basis,
    fields: Sequence[str] | None,
    use: ShownUse | None = None,
) -> Receipt:
    paths = make_paths(entries, (basis.anchored, basis.status), basis.size)
    return Receipt(
        engine=_ENGINES[node.engine],
        record=item.record,
        disclosures=item.disclosures if fields is None else select_disclosures(item.disclosures, fields),
        leaf=item.leaf,
        entry=item.entry,
        blinding=item.blinding,
        path=item.proof,
        anchored=LoggedEntry(basis.anchored, entries.entry(basis.anchored), paths[basis.anchored]),
        status=LoggedEntry(basis.status, entries.entry(basis.status), paths[basis.status]),
        absence=basis.tree.absence_proof(leaf_status_identifier(contract, item.leaf >> 32, item.leaf & 0xFFFFFFFF)),
        checkpoint=basis.note,
        use=use,
    )
