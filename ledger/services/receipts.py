"""Making receipts: what a window hands to an applicant, and what a reader of a use shows to others.

A receipt rests on a published checkpoint: what is newer than it has no receipt yet, and waits.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from ledger.domain.checkpoints import parse_checkpoint
from ledger.domain.disclosures import select_disclosures
from ledger.domain.status import leaf_status_identifier
from ledger.errors import IntegrityError, NotFoundError, UnavailableError
from ledger.log.proofs import make_paths
from ledger.log.store import LogStore
from ledger.log.view import LogView
from ledger.projections import journal, status
from ledger.services.context import Node
from ledger.services.releasing import Unseal, own_leaf
from ledger.storage.tables import materials as tables
from ledger.wire.receipts import LoggedEntry, Receipt

__all__ = ["issue"]

_ENGINES = {"embedded": "single-sequencer"}


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
    note, entries = log.served()
    if note is None:
        raise UnavailableError("receipts.not_published")
    published, _ = parse_checkpoint(note)
    with node.database.read() as connection:
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
        tree = status.tree_at(connection, entry.block_number)
    if (tree.root(), tree.size) != (entry.status_root, entry.status_size):
        raise IntegrityError("receipts.status_differs", block=entry.block_number)
    paths = make_paths(entries, (anchored, index), published.size)
    return Receipt(
        engine=_ENGINES.get(node.engine, node.engine),
        record=own.record,
        disclosures=select_disclosures(own.disclosures, fields),
        leaf=leaf,
        entry=own.entry,
        blinding=own.blinding,
        path=own.proof,
        anchored=LoggedEntry(anchored, entries.entry(anchored), paths[anchored]),
        status=LoggedEntry(index, entries.entry(index), paths[index]),
        absence=tree.absence_proof(leaf_status_identifier(contract, leaf >> 32, leaf & 0xFFFFFFFF)),
        checkpoint=note,
    )
