"""The log as a directory of files: append entries, prove, read, publish a checkpoint.

What is served are the files of C2SP tlog-tiles: ``checkpoint``, ``tile/<L>/<N>[.p/<W>]`` and
``tile/entries/<N>[.p/<W>]``. Two more are the store's own: ``head`` says how far appending has come, ``published`` holds
the last checkpoint and the one before it. A crash at any instant leaves a valid older state: tiles are on the disk
before ``head`` names them, ``head`` is before a checkpoint, and each is replaced atomically.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from ledger.domain import merkle
from ledger.domain.checkpoints import Checkpoint, parse_checkpoint
from ledger.errors import ConflictError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.log.files import Files, seal, unseal, write_all
from ledger.log.reader import Head, Served, Source, TreeReader
from ledger.log.tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    cut_bundles,
    cut_tiles,
    edge_root,
    edge_width,
    tree_levels,
)

__all__ = ["CHECKPOINT", "HEAD", "PUBLISHED", "LogStore", "stored_head", "unseal_published"]

CHECKPOINT = "checkpoint"
HEAD = "head"
PUBLISHED = "published"


class LogStore(TreeReader):
    """An append-only log over :class:`ledger.log.files.Files`; one writer at a time."""

    def __init__(self, files: Files) -> None:
        """Open a store, or begin an empty one, and finish what a crash interrupted.

        Raises:
            IntegrityError: ``log.damaged`` or ``log.missing`` with the file's name.
            UnavailableError: ``log.disk``.
        """
        super().__init__(files, stored_head(files), named_by=HEAD)
        self._files = files
        self._note: bytes | None = None
        # What the file itself holds, which a refused write leaves behind the note.
        self._served: bytes | None = None
        self._published: Checkpoint | None = None
        self._completed: list[Tile] = []
        self._load_published()

    @property
    def published(self) -> Checkpoint | None:
        """The checkpoint that is served now."""
        return self._published

    @property
    def published_note(self) -> bytes | None:
        """The same with its signatures."""
        return self._note

    def served(self) -> tuple[bytes | None, TreeReader]:
        """Return the checkpoint that is served now, and the tree to prove under it."""
        return self._note, self

    def append(self, entries: Sequence[bytes]) -> Head:
        """Append entries durably; they are in the tree when this returns, and not at all when it raises.

        Raises:
            InputError: ``log.entry_long``.
            UnavailableError: ``log.disk``; nothing was appended.
        """
        if not entries:
            return self.head
        contents, pending = cut_bundles([*self._pending, *entries], self._size // TILE_WIDTH)
        edge = [list(row) for row in self._edge]
        run = merkle.leaf_hashes(entries)
        level = 0
        while run:
            if level == len(edge):
                edge.append([])
            written, edge[level], run = cut_tiles(level, self._size >> (TILE_HEIGHT * (level + 1)), edge[level] + run)
            contents += written
            level += 1
        size, root = self._size + len(entries), edge_root(edge)
        write_all(self._files, contents)
        write_all(self._files, [(HEAD, seal({"format": 1, "size": str(size), "root": root.hex()}))])
        before, self._size, self._root, self._edge, self._pending = self._size, size, root, edge, pending
        self._drop_partials(before)
        return self.head

    def read(self, path: str) -> Served:
        """Return a served file by its path below the log's prefix, checked before it is shown.

        Raises:
            FormatError: ``log.tile_path``.
            NotFoundError: ``log.tile_absent``, or ``log.no_checkpoint`` before the first one.
        """
        if path != CHECKPOINT:
            return self.tile(path)
        if self._note is None:
            raise NotFoundError("log.no_checkpoint")
        if self._files.read(CHECKPOINT) != self._note:
            raise IntegrityError("log.damaged", file=CHECKPOINT)
        return Served(self._note, "text/plain; charset=utf-8", immutable=False)

    def publish(self, note: bytes) -> None:
        """Serve a signed checkpoint from now on. Its signatures are the publisher's business, its head is checked here.

        Raises:
            FormatError: the note is malformed.
            InputError: ``log.publish_ahead`` when the tree has not that many entries, ``log.publish_empty`` for a tree
                without its genesis entry.
            ConflictError: ``log.publish_root`` when the tree has another head at that size, ``log.publish_older`` when a
                larger one is published already.
            UnavailableError: ``log.disk``; the older checkpoint is still served.
        """
        checkpoint, _ = parse_checkpoint(note)
        if checkpoint.size == 0:
            raise InputError("log.publish_empty")
        if checkpoint.size > self._size:
            raise InputError("log.publish_ahead", size=checkpoint.size, have=self._size)
        if self.root_at(checkpoint.size) != checkpoint.root:
            raise ConflictError("log.publish_root", size=checkpoint.size)
        if self._published is not None and checkpoint.size < self._published.size:
            raise ConflictError("log.publish_older", size=checkpoint.size, have=self._published.size)
        self._write_partials(checkpoint.size)
        if note != self._note:
            previous = None if self._served is None else self._served.decode()
            write_all(self._files, [(PUBLISHED, seal({"format": 1, "note": note.decode(), "previous": previous}))])
            self._note, self._published = note, checkpoint
        write_all(self._files, [(CHECKPOINT, note)])
        self._served = note
        done = [tile for tile in self._completed if tile.needed_size <= checkpoint.size]
        self._completed = [tile for tile in self._completed if tile not in done]
        self._remove(f"{tile.path}.p" for tile in done)

    def verify(self, low: int = 0, high: int | None = None) -> None:
        """Read every file over the entries ``[low, high)`` again from the disk and hash it anew, from the head down.

        Raises:
            IntegrityError: ``log.damaged`` or ``log.missing``, naming the file.
        """
        self._verify_records()
        super().verify(low, high)

    def _load_published(self) -> None:
        raw = self._files.read(PUBLISHED)
        served = self._files.read(CHECKPOINT)
        if raw is None:
            if served is not None:
                raise IntegrityError("log.missing", file=PUBLISHED)
            return
        note, previous = unseal_published(raw)
        checkpoint, _ = parse_checkpoint(note)
        if checkpoint.size > self._size or self.root_at(checkpoint.size) != checkpoint.root:
            raise IntegrityError("log.damaged", file=HEAD)
        if served != note:
            # Between the two files a crash leaves the older checkpoint or none; anything else is damage.
            if served != previous:
                raise IntegrityError("log.damaged", file=CHECKPOINT)
            write_all(self._files, [(CHECKPOINT, note)])
        self._note, self._served, self._published = note, note, checkpoint
        self._drop_partials(checkpoint.size)

    def _write_partials(self, size: int) -> None:
        """Write the partial tiles of a size that is about to be served, where appending never stopped there.

        Whoever copies or serves the files as they lie finds everything that the checkpoint names. They stay until the full
        tile is there: somebody may still read under an older checkpoint.
        """
        tiles = [tile for tile in _partials(size) if not self._is_whole(tile) and self._files.read(tile.path) is None]
        write_all(self._files, [(tile.path, self.tile(tile.path).data) for tile in tiles])

    def _is_whole(self, tile: Tile) -> bool:
        """Whether the full tile is there by now, which readers ask for when the partial one is gone."""
        return tile.whole().needed_size <= self._size

    def _drop_partials(self, before: int) -> None:
        """Forget the partial tiles of an older size: now if nobody was told of it, else once a newer one is published."""
        told = 0 if self._published is None else self._published.size
        gone = []
        for tile in _partials(before):
            if self._is_whole(tile):
                self._completed.append(tile.whole())
            elif tile not in _partials(told) and tile not in _partials(self._size):
                gone.append(tile.path)
        self._remove(gone)

    def _remove(self, paths: Iterable[str]) -> None:
        # What is removed is no longer needed by anybody, so a disk that refuses costs room and nothing else.
        for path in paths:
            with suppress(UnavailableError):
                self._files.remove(path)

    def _verify_records(self) -> None:
        head = self._files.read(HEAD)
        if self._size and (head is None or unseal(head, HEAD).get("size") != str(self._size)):
            raise IntegrityError("log.damaged", file=HEAD)
        if self._note is not None:
            raw = self._files.read(PUBLISHED)
            if raw is None or unseal_published(raw)[0] != self._note:
                raise IntegrityError("log.damaged", file=PUBLISHED)
            if self._files.read(CHECKPOINT) != self._note:
                raise IntegrityError("log.damaged", file=CHECKPOINT)


def stored_head(files: Source) -> Head:
    """Read how far appending has come.

    Raises:
        IntegrityError: ``log.damaged`` or ``log.missing``.
    """
    raw = files.read(HEAD)
    if raw is None:
        if files.read(PUBLISHED) is not None or files.read(CHECKPOINT) is not None:
            raise IntegrityError("log.missing", file=HEAD)
        return Head(0, merkle.EMPTY_ROOT)
    body = unseal(raw, HEAD)
    return Head(int(str(body["size"])), bytes.fromhex(str(body["root"])))


def _partials(size: int) -> list[Tile]:
    """Partial tiles and bundle of a tree of that size."""
    levels = [level for level in range(tree_levels(size)) if edge_width(size, level)]
    tiles = [Tile(level, size >> (TILE_HEIGHT * (level + 1)), edge_width(size, level)) for level in levels]
    return [Tile(ENTRIES, tile.index, tile.width) for tile in tiles if tile.level == 0] + tiles


def unseal_published(raw: bytes) -> tuple[bytes, bytes | None]:
    """Read the record of the published checkpoint: the note, and the one that the file may still hold."""
    body = unseal(raw, PUBLISHED)
    previous = body.get("previous")
    return str(body["note"]).encode(), None if previous is None else str(previous).encode()
