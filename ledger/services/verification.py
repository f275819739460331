"""Verifying at a city: the same check that anybody makes offline, and a line in the local audit where it fails."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.domain.files import FileDigests
from ledger.domain.leaves import leaf_text
from ledger.errors import LedgerError
from ledger.services import audit
from ledger.services.context import Node
from ledger.services.publishing import policy_of
from ledger.wire.receipts import read_receipt
from ledger.wire.verification import Outcome, Verdict, verify_receipt

__all__ = ["verify"]


def verify(node: Node, receipt: bytes, files: Sequence[FileDigests] = ()) -> Verdict:
    """Hold a receipt, and files, against the policy that follows from this city's picture.

    Raises:
        FormatError: what was handed in is no receipt; that too stands in the audit.
        UnavailableError: ``publishing.no_keys``, ``storage.…``.
    """
    try:
        parsed = read_receipt(receipt)
    except LedgerError as error:
        audit.note_error(node, "verify", error)
        raise
    with node.database.read() as connection:
        policy = policy_of(connection, node.network)
    verdict = verify_receipt(parsed, policy, files, now=node.clock())
    subject = leaf_text(parsed.leaf)
    for check in verdict.checks:
        if check.outcome is Outcome.FAILED:
            audit.note(node, "verify", check.code, subject=subject)
    return verdict
