"""Reading a log from its files, with every hash checked before it is used or shown.

Whoever holds a trusted head (a store that wrote it, a client with a cosigned checkpoint) reads tiles and entries of the
tree below it. The right edge of the tree is read first and must lead to the head; any other tile must hash to what the
tile above says, any bundle to its leaf tile. One flipped bit is found that way and its file named.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.domain import merkle
from ledger.errors import FormatError, InputError, IntegrityError, NotFoundError
from ledger.log.tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    decode_bundle,
    edge_root,
    edge_width,
    encode_bundle,
    join_hashes,
    parse_tile_path,
    split_hashes,
    tree_levels,
)

__all__ = ["Head", "Served", "Source", "TreeReader"]

# 256 tiles of 256 hashes are 4 MB of memory; proofs near the right edge of the tree stay within it.
_CACHED_TILES = 256


class Source(Protocol):
    """Where files come from: a directory, a web server, a cache."""

    def read(self, path: str) -> bytes | None:
        """Return the content, or ``None`` when there is no such file."""
        ...


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


class TreeReader:
    """The tree below a trusted head.

    Methods raise :class:`ledger.errors.IntegrityError` with ``log.damaged`` or ``log.missing`` and the file's name when
    what is stored is not what was written.
    """

    def __init__(self, source: Source, head: Head, *, named_by: str = "checkpoint") -> None:
        """Read the right edge of the tree.

        Args:
            source: the files.
            head: what they must lead to.
            named_by: the file that named the head, to be blamed when all others agree with one another.

        Raises:
            IntegrityError: ``log.damaged`` or ``log.missing`` with the name of the file that does not lead to the head.
        """
        self._source = source
        self._size = head.size
        self._root = head.root
        self._named_by = named_by
        # Hashes of the partial tile of each level, and entries of the partial bundle: the right edge of the tree.
        self._edge: list[list[bytes]] = []
        self._pending: list[bytes] = []
        self._cache: OrderedDict[tuple[int, int], tuple[bytes, ...]] = OrderedDict()
        self._load_edge()

    @property
    def head(self) -> Head:
        """Size and head of everything appended so far, published or not."""
        return Head(self._size, self._root)

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

    def tile(self, path: str) -> Served:
        """Return a tile or bundle by its path below the log's prefix, checked before it is shown.

        Raises:
            FormatError: ``log.tile_path``.
            NotFoundError: ``log.tile_absent``; the facts say how many entries there are.
        """
        tile = parse_tile_path(path)
        if tile.needed_size > self._size:
            raise NotFoundError("log.tile_absent", size=self._size)
        if tile.is_bundle:
            data = encode_bundle(self._bundle(tile.index)[: tile.width])
        else:
            data = join_hashes(self._row(tile.level, tile.index)[: tile.width])
        return Served(data, "application/octet-stream", immutable=True)

    def verify(self, low: int = 0, high: int | None = None) -> None:
        """Read every file over the entries ``[low, high)`` again from the disk and hash it anew, from the head down.

        Raises:
            IntegrityError: ``log.damaged`` or ``log.missing``, naming the file.
        """
        end = self._size if high is None else min(high, self._size)
        self._cache.clear()
        for level in range(len(self._edge) - 1, -1, -1):
            self._verify_edge(Tile(level, self._size >> (TILE_HEIGHT * (level + 1)), len(self._edge[level]) or 256))
            reach = TILE_HEIGHT * (level + 1)
            for index in range(low >> reach, min(-(-end >> reach), self._size >> reach)):
                self._full_tile(level, index)
        self._verify_edge(Tile(ENTRIES, self._size // TILE_WIDTH, len(self._pending) or 256))
        for index in range(low // TILE_WIDTH, min(-(-end // TILE_WIDTH), self._size // TILE_WIDTH)):
            self._bundle(index)

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
        hashes = _hashes(self._source, Tile(level, index))
        if merkle.root(hashes) != self._row(level + 1, index // TILE_WIDTH)[index % TILE_WIDTH]:
            raise IntegrityError("log.damaged", file=path)
        self._cache[level, index] = hashes
        while len(self._cache) > _CACHED_TILES:
            self._cache.popitem(last=False)
        return hashes

    def _bundle(self, index: int) -> Sequence[bytes]:
        if index == self._size // TILE_WIDTH:
            return self._pending
        entries = _entries(self._source, Tile(ENTRIES, index))
        if tuple(merkle.leaf_hashes(entries)) != self._full_tile(0, index):
            raise IntegrityError("log.damaged", file=Tile(ENTRIES, index).path)
        return entries

    def _require_size(self, size: int) -> None:
        if not 0 <= size <= self._size:
            raise InputError("log.size_range")

    def _load_edge(self) -> None:
        size = self._size
        for level in range(tree_levels(size)):
            width = edge_width(size, level)
            tile = Tile(level, size >> (TILE_HEIGHT * (level + 1)), width)
            self._edge.append(list(_hashes(self._source, tile)) if width else [])
        if edge_root(self._edge) != self._root:
            self._blame()
        if size % TILE_WIDTH:
            bundle = Tile(ENTRIES, size // TILE_WIDTH, size % TILE_WIDTH)
            self._pending = list(_entries(self._source, bundle))
            if merkle.leaf_hashes(self._pending) != self._edge[0]:
                raise IntegrityError("log.damaged", file=bundle.path)

    def _blame(self) -> None:
        """Find the tile at the edge that does not lead to the head: the one whose children say otherwise."""
        for level, row in enumerate(self._edge):
            start = (self._size >> (TILE_HEIGHT * (level + 1))) * TILE_WIDTH
            if level:
                children = [merkle.root(_hashes(self._source, Tile(level - 1, start + n))) for n in range(len(row))]
            elif row:
                children = merkle.leaf_hashes(_entries(self._source, Tile(ENTRIES, start // TILE_WIDTH, len(row))))
            else:
                children = []
            if edge_root([*self._edge[:level], children, *self._edge[level + 1 :]]) == self._root:
                raise IntegrityError("log.damaged", file=Tile(level, start // TILE_WIDTH, len(row)).path)
        raise IntegrityError("log.damaged", file=self._named_by)

    def _verify_edge(self, tile: Tile) -> None:
        """Compare the file of a partial tile with what is in memory, which the head vouches for."""
        if tile.is_full:
            return
        good = encode_bundle(self._pending) if tile.is_bundle else join_hashes(self._edge[tile.level])
        found = self._source.read(tile.path)
        if found is None:
            raise IntegrityError("log.missing", file=tile.path)
        if found != good:
            raise IntegrityError("log.damaged", file=tile.path)


def _hashes(source: Source, tile: Tile) -> tuple[bytes, ...]:
    data = source.read(tile.path)
    if data is None:
        raise IntegrityError("log.missing", file=tile.path)
    try:
        return split_hashes(data, tile.width)
    except FormatError:
        raise IntegrityError("log.damaged", file=tile.path) from None


def _entries(source: Source, tile: Tile) -> tuple[bytes, ...]:
    data = source.read(tile.path)
    if data is None:
        raise IntegrityError("log.missing", file=tile.path)
    try:
        return decode_bundle(data, tile.width)
    except FormatError:
        raise IntegrityError("log.damaged", file=tile.path) from None
