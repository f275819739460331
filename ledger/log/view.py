"""Serving a log's files from another process than the one that writes them.

The web process opens the same directory and never writes: a repair of its own would race with the writer. It follows
the ``head`` record, and what it shows is checked against that first.
"""

from __future__ import annotations

from ledger.errors import IntegrityError, NotFoundError
from ledger.log.reader import Served, Source, TreeReader
from ledger.log.store import CHECKPOINT, HEAD, PUBLISHED, stored_head, unseal_published

__all__ = ["LogView"]


class LogView:
    """Checked, read-only access to a store that somebody else appends to."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._raw_head: bytes | None = None
        self._tree: TreeReader | None = None

    def tree(self) -> TreeReader:
        """The tree under the present head.

        Raises:
            IntegrityError: ``log.damaged`` or ``log.missing``, naming the file.
        """
        while True:
            raw = self._source.read(HEAD)
            if self._tree is not None and raw == self._raw_head:
                return self._tree
            try:
                tree = TreeReader(self._source, stored_head(self._source), named_by=HEAD)
            except IntegrityError:
                # The writer may have moved on meanwhile and dropped a partial tile; then the new head is read.
                if self._source.read(HEAD) != raw:
                    continue
                raise
            self._raw_head, self._tree = raw, tree
            return tree

    def read(self, path: str) -> Served:
        """Return a served file by its path below the log's prefix, checked before it is shown.

        Raises:
            FormatError: ``log.tile_path``.
            NotFoundError: ``log.tile_absent``, or ``log.no_checkpoint`` before the first one.
            IntegrityError: ``log.damaged`` or ``log.missing``, naming the file.
        """
        if path == CHECKPOINT:
            return Served(self.checkpoint(), "text/plain; charset=utf-8", immutable=False)
        return self.tree().tile(path)

    def served(self) -> tuple[bytes | None, TreeReader]:
        """Return the checkpoint that is served now, ``None`` before the first, and the tree to prove under it.

        Raises:
            IntegrityError: as ``checkpoint`` and ``tree``.
        """
        try:
            return self.checkpoint(), self.tree()
        except NotFoundError:
            return None, self.tree()

    def checkpoint(self) -> bytes:
        """The signed checkpoint that is served now.

        Raises:
            NotFoundError: ``log.no_checkpoint``.
            IntegrityError: ``log.damaged`` when it is not what was published.
        """
        while True:
            raw = self._source.read(PUBLISHED)
            if raw is None:
                raise NotFoundError("log.no_checkpoint")
            note, previous = unseal_published(raw)
            served = self._source.read(CHECKPOINT)
            if served is not None and served in {note, previous}:
                return served
            if served is None and previous is None:
                raise NotFoundError("log.no_checkpoint")
            if self._source.read(PUBLISHED) == raw:
                raise IntegrityError("log.damaged", file=CHECKPOINT)
