"""A case's document on the applicant's own machine: read, held against its words, shown, signed. No node is needed."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from ledger.domain import holders, typed
from ledger.domain.limits import LIMITS
from ledger.errors import NotFoundError
from ledger.wire.case_documents import check, read_case_document
from node_client.cli.files import write_file
from node_client.cli.holder_words import agreed, say_signed, show_case
from node_client.cli.output import language

__all__ = ["sign"]


def sign(seed: bytes, data: bytes, to: Path, *, yes: bool, as_json: bool) -> None:
    """Sign a case's document.

    Args:
        seed: the applicant's.
        data: the document as the window wrote it.
        to: where the signed one is written.
        yes: the applicant has read it; do not ask.
        as_json: for programs.

    Raises:
        FormatError: ``signing.form``, ``signing.version``.
        IntegrityError: ``signing.altered``.
        ConflictError: ``signing.expired``.
        NotFoundError: ``signing.not_yours``.
    """
    document = read_case_document(data)
    # A pilot's calendar is moved; the document says by how much, and the applicant reads the last day in it.
    check(document, now=int(time.time()) + document.shown.clock_offset)
    key = holders.find_case_key(holders.master(seed), document.case_key, LIMITS.case_keys_searched)
    if key is None:
        raise NotFoundError("signing.not_yours")
    if not yes:
        show_case(document, language())
        agreed()
    write_file(to, [replace(document, signature=typed.sign(document.digest, key)).encode()])
    command = "case open" if document.action is None else f"case {document.paper_kind}"
    say_signed(to, command, {"case": document.case.hex(), "act": document.paper_kind}, as_json=as_json)
