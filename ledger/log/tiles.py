"""Tiles of a transparency log (C2SP tlog-tiles): which there are, what they are called, what is in them.

A tile holds up to 256 neighbouring hashes of every eighth level of the tree, an entry bundle up to 256 entries, each
behind its length in two bytes. Tiles of fewer than 256 are *partial* and exist only at the right edge of a tree. Nothing
here reads or writes files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.domain import merkle
from ledger.domain.limits import LIMITS
from ledger.domain.merkle import HASH_BYTES, MAX_TREE_SIZE
from ledger.errors import FormatError, InputError

__all__ = [
    "ENTRIES",
    "TILE_HEIGHT",
    "TILE_WIDTH",
    "Tile",
    "cut_bundles",
    "cut_tiles",
    "decode_bundle",
    "edge_root",
    "edge_width",
    "encode_bundle",
    "join_hashes",
    "parse_tile_path",
    "split_hashes",
    "tiles_of_size",
    "tree_levels",
]

TILE_HEIGHT = 8
TILE_WIDTH = 256
# Stands for the level of entry bundles, which lie beside level 0.
ENTRIES = -1

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?\Z", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One tile or entry bundle: level (``ENTRIES`` for bundles), index within the level, width."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def is_bundle(self) -> bool:
        """Whether it holds entries instead of hashes."""
        return self.level == ENTRIES

    @property
    def is_full(self) -> bool:
        """Whether it will never grow."""
        return self.width == TILE_WIDTH

    @property
    def path(self) -> str:
        """Path below the log's prefix, for instance ``tile/0/x001/234.p/5``."""
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.is_bundle else str(self.level)
        suffix = "" if self.is_full else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{suffix}"

    @property
    def needed_size(self) -> int:
        """Size of the smallest tree that has this tile with this width."""
        return (self.index * TILE_WIDTH + self.width) << (TILE_HEIGHT * max(self.level, 0))

    def whole(self) -> Tile:
        """The full tile at the same place, of which this one is the beginning."""
        return Tile(self.level, self.index)


def parse_tile_path(path: str) -> Tile:
    """Read a path as a client asks for it.

    Raises:
        FormatError: ``log.tile_path`` when it is not exactly the path of a tile.
    """
    match = _PATH.match(path)
    if not match:
        raise FormatError("log.tile_path")
    level = ENTRIES if match[1] == "entries" else int(match[1])
    index = int(match[2].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(match[3] or TILE_WIDTH))
    # Writing it again settles leading zeros, widths of 256 and more, and levels with too many digits at once.
    if level > 63 or tile.width > TILE_WIDTH or tile.path != path or tile.needed_size > MAX_TREE_SIZE:
        raise FormatError("log.tile_path")
    return tile


def tree_levels(size: int) -> int:
    """How many tile levels a tree of ``size`` leaves has."""
    count = 0
    while size:
        count += 1
        size >>= TILE_HEIGHT
    return count


def edge_width(size: int, level: int) -> int:
    """Width of the partial tile at the right edge of a level; 0 where the level ends with a full tile."""
    return (size >> (TILE_HEIGHT * level)) % TILE_WIDTH


def tiles_of_size(size: int, since: int = 0) -> list[Tile]:
    """List the tiles and bundles of a tree of ``size`` leaves that a tree of ``since`` leaves did not have."""
    tiles = []
    for level in (ENTRIES, *range(tree_levels(size))):
        shift = TILE_HEIGHT * max(level, 0)
        old, new = since >> shift, size >> shift
        tiles += [Tile(level, index) for index in range(old // TILE_WIDTH, new // TILE_WIDTH)]
        if new % TILE_WIDTH and new != old:
            tiles.append(Tile(level, new // TILE_WIDTH, new % TILE_WIDTH))
    return tiles


def join_hashes(hashes: Sequence[bytes]) -> bytes:
    """Write a tile."""
    return b"".join(hashes)


def split_hashes(data: bytes, width: int) -> tuple[bytes, ...]:
    """Read a tile of a known width.

    Raises:
        FormatError: ``log.tile_length``.
    """
    if len(data) != width * HASH_BYTES:
        raise FormatError("log.tile_length", expected=width * HASH_BYTES, given=len(data))
    return tuple(data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Write an entry bundle.

    Raises:
        InputError: ``log.entry_long``.
    """
    pieces = []
    for entry in entries:
        if len(entry) > LIMITS.log_entry_bytes:
            raise InputError("log.entry_long", size=len(entry), limit=LIMITS.log_entry_bytes)
        pieces.append(len(entry).to_bytes(2, "big"))
        pieces.append(entry)
    return b"".join(pieces)


def decode_bundle(data: bytes, width: int) -> tuple[bytes, ...]:
    """Read an entry bundle that must hold exactly ``width`` entries.

    Raises:
        FormatError: ``log.bundle_length``.
    """
    entries = []
    position = 0
    for _ in range(width):
        start = position + 2
        if start > len(data):
            raise FormatError("log.bundle_length")
        position = start + int.from_bytes(data[start - 2 : start], "big")
        if position > len(data):
            raise FormatError("log.bundle_length")
        entries.append(data[start:position])
    if position != len(data):
        raise FormatError("log.bundle_length")
    return tuple(entries)


def cut_bundles(entries: Sequence[bytes], index: int) -> tuple[list[tuple[str, bytes]], list[bytes]]:
    """Cut entries into bundles; returns files and the entries of the last, partial one."""
    contents = []
    for start in range(0, len(entries), TILE_WIDTH):
        chunk = entries[start : start + TILE_WIDTH]
        contents.append((Tile(ENTRIES, index + start // TILE_WIDTH, len(chunk)).path, encode_bundle(chunk)))
    return contents, list(entries[len(entries) // TILE_WIDTH * TILE_WIDTH :])


def cut_tiles(level: int, index: int, row: Sequence[bytes]) -> tuple[list[tuple[str, bytes]], list[bytes], list[bytes]]:
    """Cut a level's new hashes into tiles; returns files, the new edge, and the roots of full tiles for the level above."""
    contents, parents = [], []
    for start in range(0, len(row), TILE_WIDTH):
        chunk = row[start : start + TILE_WIDTH]
        contents.append((Tile(level, index + start // TILE_WIDTH, len(chunk)).path, join_hashes(chunk)))
        if len(chunk) == TILE_WIDTH:
            parents.append(merkle.root(chunk))
    return contents, list(row[len(row) // TILE_WIDTH * TILE_WIDTH :]), parents


def edge_root(edge: Sequence[Sequence[bytes]]) -> bytes:
    """Head of a tree from the partial tiles at its right edge, lowest level first."""
    head: bytes | None = None
    for row in edge:
        for node in reversed(merkle.CompactRange().extended(row).nodes):
            head = node if head is None else merkle.node_hash(node, head)
    return merkle.EMPTY_ROOT if head is None else head
