"""Proofs of logging made from a store's tiles, in the form of C2SP tlog-proof."""

from __future__ import annotations

from collections.abc import Iterable

from ledger.domain.checkpoints import parse_checkpoint
from ledger.errors import NotFoundError
from ledger.log.reader import TreeReader
from ledger.log.store import LogStore
from ledger.wire.proofs import LogProof, format_proof

__all__ = ["make_paths", "make_proof", "make_proof_file"]


def make_proof(store: LogStore, index: int, *, extra: bytes | None = None) -> LogProof:
    """Prove an entry under the checkpoint that is published now.

    Raises:
        NotFoundError: ``log.no_checkpoint``, or ``log.entry_unpublished`` when the entry is newer than the checkpoint.
        IntegrityError: a stored file is damaged; it is named.
    """
    note = store.published_note
    if note is None:
        raise NotFoundError("log.no_checkpoint")
    size = parse_checkpoint(note)[0].size
    return LogProof(index, make_paths(store, [index], size)[index], note, extra)


def make_proof_file(store: LogStore, index: int, *, extra: bytes | None = None) -> bytes:
    """Write a whole ``.tlog-proof`` file."""
    return format_proof(make_proof(store, index, extra=extra))


def make_paths(store: TreeReader, indexes: Iterable[int], size: int) -> dict[int, tuple[bytes, ...]]:
    """Prove several entries under one checkpoint of ``size``, as a receipt carries them.

    Raises:
        NotFoundError: ``log.entry_unpublished``.
    """
    paths = {}
    for index in indexes:
        if not 0 <= index < size:
            raise NotFoundError("log.entry_unpublished", size=size)
        paths[index] = store.inclusion_proof(index, size)
    return paths
