"""The log as a directory of files: append entries, prove, read, publish a checkpoint.

What is served are the files of C2SP tlog-tiles: ``checkpoint``, ``tile/<L>/<N>[.p/<W>]`` and
``tile/entries/<N>[.p/<W>]``. Two more are the store's own: ``head`` says how far appending has come, ``published`` holds
the last checkpoint and the one before it. A crash at any instant leaves a valid older state: tiles are on the disk
before ``head`` names them, ``head`` is before a checkpoint, and each is replaced atomically.

Every hash that is used or shown is first checked against the tile above it, up to the head that a checkpoint signs, so
that one flipped bit is found and its file named.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ledger.domain import merkle
from ledger.domain.canonical import JsonObject
from ledger.domain.checkpoints import Checkpoint, parse_checkpoint
from ledger.errors import ConflictError, FormatError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.log.files import Files, seal, unseal, write_all
from ledger.log.tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    cut_bundles,
    cut_tiles,
    decode_bundle,
    edge_root,
    edge_width,
    encode_bundle,
    join_hashes,
    parse_tile_path,
    split_hashes,
    tree_levels,
)

__all__ = ["CHECKPOINT", "Head", "LogStore", "Served"]

CHECKPOINT = "checkpoint"
HEAD = "head"
PUBLISHED = "published"

# 256 tiles of 256 hashes are 4 MB of memory; proofs near the right edge of the tree stay within it.
_CACHED_TILES = 256


@dataclass(frozen=True, slots=True)
class Head:
    """Size and head of the tree."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Served:
    """What an HTTP server answers: checked bytes, their type, and whether they will ever change."""

    data: bytes
    content_type: str
    immutable: bool


class LogStore:
    """An append-only log over :class:`ledger.log.files.Files`; one writer at a time.

    Use :meth:`open`. Methods that read raise :class:`ledger.errors.IntegrityError` with ``log.damaged`` or
    ``log.missing`` and the file's name when what is stored is not what was written.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._size = 0
        self._root = merkle.EMPTY_ROOT
        # Hashes of the partial tile of each level, and entries of the partial bundle: the right edge of the tree.
        self._edge: list[list[bytes]] = []
        self._pending: list[bytes] = []
        self._cache: OrderedDict[tuple[int, int], tuple[bytes, ...]] = OrderedDict()
        self._note: bytes | None = None
        self._published: Checkpoint | None = None
        self._completed: list[Tile] = []

    @classmethod
    def open(cls, files: Files) -> LogStore:
        """Open a store, or begin an empty one, and finish what a crash interrupted.

        Raises:
            IntegrityError: ``log.damaged`` or ``log.missing`` with the file's name.
            UnavailableError: ``log.disk``.
        """
        store = cls(files)
        store._load_head()
        store._load_published()
        return store

    @property
    def head(self) -> Head:
        """Size and head of everything appended so far, published or not."""
        return Head(self._size, self._root)

    @property
    def published(self) -> Checkpoint | None:
        """The checkpoint that is served now."""
        return self._published

    @property
    def published_note(self) -> bytes | None:
        """The same with its signatures."""
        return self._note

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

    def node(self, level: int, index: int) -> bytes:
        """Hash of the complete subtree of 2**level leaves at that index, checked up to the head.

        Raises:
            InputError: ``log.index_range`` when the tree has no such subtree.
        """
        if level < 0 or index < 0 or (index + 1) << level > self._size:
            raise InputError("log.index_range")
        tile_level, within = divmod(level, TILE_HEIGHT)
        low = index << within
        row = self._row(tile_level, low // TILE_WIDTH)
        start = low % TILE_WIDTH
        return merkle.root(row[start : start + (1 << within)])

    def root_at(self, size: int) -> bytes:
        """Head of the tree when it had ``size`` leaves.

        Raises:
            InputError: ``log.size_range`` when it never had so many.
        """
        if not 0 <= size <= self._size:
            raise InputError("log.size_range")
        return self._root if size == self._size else merkle.range_hash(self.node, 0, size)

    def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """Prove entry ``index`` in the tree of ``size`` leaves."""
        self._require_size(size)
        return merkle.inclusion_proof_from(self.node, index, size)

    def consistency_proof(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """Prove that the tree only grew from one size to the other."""
        self._require_size(new_size)
        return merkle.consistency_proof_from(self.node, old_size, new_size)

    def entry(self, index: int) -> bytes:
        """Return one entry, checked.

        Raises:
            NotFoundError: ``log.entry_absent``; the facts say how many entries there are.
        """
        if not 0 <= index < self._size:
            raise NotFoundError("log.entry_absent", size=self._size)
        return self._bundle(index // TILE_WIDTH)[index % TILE_WIDTH]

    def entries(self, low: int = 0, high: int | None = None) -> Iterator[bytes]:
        """Yield the entries ``[low, high)`` in order, each checked."""
        end = self._size if high is None else min(high, self._size)
        while low < end:
            bundle = self._bundle(low // TILE_WIDTH)
            stop = min(end - low // TILE_WIDTH * TILE_WIDTH, TILE_WIDTH)
            yield from bundle[low % TILE_WIDTH : stop]
            low += stop - low % TILE_WIDTH

    def read(self, path: str) -> Served:
        """Return a served file by its path below the log's prefix, checked before it is shown.

        Raises:
            FormatError: ``log.tile_path``.
            NotFoundError: ``log.tile_absent``, or ``log.no_checkpoint`` before the first one.
        """
        if path == CHECKPOINT:
            if self._note is None:
                raise NotFoundError("log.no_checkpoint")
            if self._files.read(CHECKPOINT) != self._note:
                raise IntegrityError("log.damaged", file=CHECKPOINT)
            return Served(self._note, "text/plain; charset=utf-8", immutable=False)
        tile = parse_tile_path(path)
        if tile.needed_size > self._size:
            raise NotFoundError("log.tile_absent", size=self._size)
        if tile.is_bundle:
            data = encode_bundle(self._bundle(tile.index)[: tile.width])
        else:
            data = join_hashes(self._row(tile.level, tile.index)[: tile.width])
        return Served(data, "application/octet-stream", immutable=True)

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
        if note != self._note:
            served = self._files.read(CHECKPOINT)
            previous = None if served is None else served.decode()
            write_all(self._files, [(PUBLISHED, seal({"format": 1, "note": note.decode(), "previous": previous}))])
            self._note, self._published = note, checkpoint
        write_all(self._files, [(CHECKPOINT, note)])
        done = [tile for tile in self._completed if tile.needed_size <= checkpoint.size]
        self._completed = [tile for tile in self._completed if tile not in done]
        self._remove(f"{tile.path}.p" for tile in done)

    def verify(self, low: int = 0, high: int | None = None) -> None:
        """Read every file over the entries ``[low, high)`` again from the disk and hash it anew, from the head down.

        Raises:
            IntegrityError: ``log.damaged`` or ``log.missing``, naming the file.
        """
        end = self._size if high is None else min(high, self._size)
        self._cache.clear()
        self._verify_records()
        for level in range(len(self._edge) - 1, -1, -1):
            self._verify_edge(Tile(level, self._size >> (TILE_HEIGHT * (level + 1)), len(self._edge[level]) or 256))
            reach = TILE_HEIGHT * (level + 1)
            for index in range(low >> reach, min(-(-end >> reach), self._size >> reach)):
                self._full_tile(level, index)
        self._verify_edge(Tile(ENTRIES, self._size // TILE_WIDTH, len(self._pending) or 256))
        for index in range(low // TILE_WIDTH, min(-(-end // TILE_WIDTH), self._size // TILE_WIDTH)):
            self._bundle(index)

    # ---- reading, from the head down ----

    def _row(self, level: int, index: int) -> Sequence[bytes]:
        """Hashes of a tile, full or at the edge."""
        if index == self._size >> (TILE_HEIGHT * (level + 1)):
            return self._edge[level]
        return self._full_tile(level, index)

    def _full_tile(self, level: int, index: int) -> tuple[bytes, ...]:
        found = self._cache.get((level, index))
        if found is not None:
            self._cache.move_to_end((level, index))
            return found
        path = Tile(level, index).path
        hashes = _hashes(self._files, Tile(level, index))
        if merkle.root(hashes) != self._row(level + 1, index // TILE_WIDTH)[index % TILE_WIDTH]:
            raise IntegrityError("log.damaged", file=path)
        self._cache[level, index] = hashes
        while len(self._cache) > _CACHED_TILES:
            self._cache.popitem(last=False)
        return hashes

    def _bundle(self, index: int) -> Sequence[bytes]:
        if index == self._size // TILE_WIDTH:
            return self._pending
        entries = _entries(self._files, Tile(ENTRIES, index))
        if tuple(merkle.leaf_hashes(entries)) != self._full_tile(0, index):
            raise IntegrityError("log.damaged", file=Tile(ENTRIES, index).path)
        return entries

    def _require_size(self, size: int) -> None:
        if not 0 <= size <= self._size:
            raise InputError("log.size_range")

    # ---- opening ----

    def _load_head(self) -> None:
        raw = self._files.read(HEAD)
        if raw is None:
            if self._files.read(PUBLISHED) is not None or self._files.read(CHECKPOINT) is not None:
                raise IntegrityError("log.missing", file=HEAD)
            return
        body = unseal(raw, HEAD)
        size, root = int(str(body["size"])), bytes.fromhex(str(body["root"]))
        self._edge = []
        for level in range(tree_levels(size)):
            width = edge_width(size, level)
            tile = Tile(level, size >> (TILE_HEIGHT * (level + 1)), width)
            self._edge.append(list(_hashes(self._files, tile)) if width else [])
        self._size, self._root = size, root
        if edge_root(self._edge) != root:
            self._blame()
        if size % TILE_WIDTH:
            bundle = Tile(ENTRIES, size // TILE_WIDTH, size % TILE_WIDTH)
            self._pending = list(_entries(self._files, bundle))
            if merkle.leaf_hashes(self._pending) != self._edge[0]:
                raise IntegrityError("log.damaged", file=bundle.path)

    def _blame(self) -> None:
        """Find the tile at the edge that does not lead to the head: the one whose children say otherwise."""
        for level, row in enumerate(self._edge):
            start = (self._size >> (TILE_HEIGHT * (level + 1))) * TILE_WIDTH
            if level:
                children = [merkle.root(_hashes(self._files, Tile(level - 1, start + n))) for n in range(len(row))]
            elif row:
                children = merkle.leaf_hashes(_entries(self._files, Tile(ENTRIES, start // TILE_WIDTH, len(row))))
            else:
                children = []
            if edge_root([*self._edge[:level], children, *self._edge[level + 1 :]]) == self._root:
                raise IntegrityError("log.damaged", file=Tile(level, start // TILE_WIDTH, len(row)).path)
        raise IntegrityError("log.damaged", file=HEAD)

    def _load_published(self) -> None:
        raw = self._files.read(PUBLISHED)
        served = self._files.read(CHECKPOINT)
        if raw is None:
            if served is not None:
                raise IntegrityError("log.missing", file=PUBLISHED)
            return
        note, previous = _notes(unseal(raw, PUBLISHED))
        checkpoint, _ = parse_checkpoint(note)
        if checkpoint.size > self._size or self.root_at(checkpoint.size) != checkpoint.root:
            raise IntegrityError("log.damaged", file=HEAD)
        if served != note:
            # Between the two files a crash leaves the older checkpoint or none; anything else is damage.
            if served != previous:
                raise IntegrityError("log.damaged", file=CHECKPOINT)
            write_all(self._files, [(CHECKPOINT, note)])
        self._note, self._published = note, checkpoint
        self._drop_partials(checkpoint.size)

    # ---- upkeep ----

    def _drop_partials(self, before: int) -> None:
        """Forget the partial tiles of an older size: now if nobody was told of it, else once a newer one is published."""
        told = 0 if self._published is None else self._published.size
        gone = []
        for tile in _partials(before):
            if tile.whole().needed_size <= self._size:
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
            if raw is None or _notes(unseal(raw, PUBLISHED))[0] != self._note:
                raise IntegrityError("log.damaged", file=PUBLISHED)
            if self._files.read(CHECKPOINT) != self._note:
                raise IntegrityError("log.damaged", file=CHECKPOINT)

    def _verify_edge(self, tile: Tile) -> None:
        """Compare the file of a partial tile with what is in memory, which the head vouches for."""
        if tile.is_full:
            return
        good = encode_bundle(self._pending) if tile.is_bundle else join_hashes(self._edge[tile.level])
        found = self._files.read(tile.path)
        if found is None:
            raise IntegrityError("log.missing", file=tile.path)
        if found != good:
            raise IntegrityError("log.damaged", file=tile.path)


def _partials(size: int) -> list[Tile]:
    """Partial tiles and bundle of a tree of that size."""
    levels = [level for level in range(tree_levels(size)) if edge_width(size, level)]
    tiles = [Tile(level, size >> (TILE_HEIGHT * (level + 1)), edge_width(size, level)) for level in levels]
    return [Tile(ENTRIES, tile.index, tile.width) for tile in tiles if tile.level == 0] + tiles


def _hashes(files: Files, tile: Tile) -> tuple[bytes, ...]:
    data = files.read(tile.path)
    if data is None:
        raise IntegrityError("log.missing", file=tile.path)
    try:
        return split_hashes(data, tile.width)
    except FormatError:
        raise IntegrityError("log.damaged", file=tile.path) from None


def _entries(files: Files, tile: Tile) -> tuple[bytes, ...]:
    data = files.read(tile.path)
    if data is None:
        raise IntegrityError("log.missing", file=tile.path)
    try:
        return decode_bundle(data, tile.width)
    except FormatError:
        raise IntegrityError("log.damaged", file=tile.path) from None


def _notes(body: JsonObject) -> tuple[bytes, bytes | None]:
    previous = body.get("previous")
    return str(body["note"]).encode(), None if previous is None else str(previous).encode()
