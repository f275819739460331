"""Content of any size in blocks: a small manifest lists the raw blocks, in order.

The manifest is itself a raw block, and its identifier stands for the content. The form is the same in every store, so a
city moves from one to another by copying blocks, and fetches from another city block by block, verifying each.

Manifest: RFC 8785 JSON with ``format`` (``tongban/blob/1``), ``size`` in bytes, ``blocks`` (identifiers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.blobs.cids import cid_of, digest_of
from ledger.domain import canonical
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ledger.ports import BlobStore

__all__ = ["FORMAT", "content_blocks", "copy_content", "delete_content", "read_content", "write_content"]

FORMAT = "tongban/blob/1"


def write_content(store: BlobStore, chunks: Iterable[bytes]) -> str:
    """Store a run of pieces of any sizes and return the manifest's identifier.

    Blocks are stored before the manifest: whatever interrupts this leaves blocks that nothing names, never a manifest
    whose blocks are missing. Repeating it gives the same identifier.

    Raises:
        InputError: ``blobs.too_large``.
        UnavailableError: as the store.
    """
    listed: list[canonical.JsonValue] = []
    size = 0
    for block in _blocks(chunks):
        size += len(block)
        if size > LIMITS.content_bytes:
            raise InputError("blobs.too_large", limit=LIMITS.content_bytes)
        listed.append(store.put(block))
    return store.put(canonical.encode({"blocks": listed, "format": FORMAT, "size": size}))


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= LIMITS.block_bytes:
            yield bytes(held[: LIMITS.block_bytes])
            del held[: LIMITS.block_bytes]
    if held:
        yield bytes(held)


def read_content(store: BlobStore, cid: str) -> Iterator[bytes]:
    """Yield a content's blocks, each verified by the store.

    Raises:
        FormatError: ``blobs.manifest``, or a code of ``canonical``: the identifier is not a manifest's.
        NotFoundError, IntegrityError, UnavailableError: as the store; ``blobs.size`` where the blocks do not add up.
    """
    blocks, size = _manifest(store.get(cid))
    for block in blocks:
        data = store.get(block)
        size -= len(data)
        if size < 0:
            raise IntegrityError("blobs.size", cid=cid)
        yield data
    if size:
        raise IntegrityError("blobs.size", cid=cid)


def content_blocks(store: BlobStore, cid: str) -> tuple[str, ...]:
    """Return the identifiers that make up a content, the manifest's own last."""
    return (*_manifest(store.get(cid))[0], cid)


def delete_content(store: BlobStore, cid: str) -> int:
    """Delete a content and say how many blocks went; blocks are encrypted under fresh keys and so are never shared."""
    return store.delete(content_blocks(store, cid))


def copy_content(fetch: Callable[[str], bytes], target: BlobStore, cid: str) -> int:
    """Copy a content from wherever ``fetch`` gets a block by its identifier; returns the number of blocks fetched.

    Blocks that are there already are not fetched, so an interrupted copy goes on. The manifest is stored last.

    Raises:
        IntegrityError: ``blobs.damaged`` when what was fetched is not what was asked for; nothing of it is stored.
    """
    manifest = _verified(fetch(cid), cid)
    fetched = 1
    for block in _manifest(manifest)[0]:
        if not target.has(block):
            target.put(_verified(fetch(block), block))
            fetched += 1
    target.put(manifest)
    return fetched


def _verified(block: bytes, cid: str) -> bytes:
    if cid_of(block) != cid:
        raise IntegrityError("blobs.damaged", cid=cid)
    return block


def _manifest(data: bytes) -> tuple[tuple[str, ...], int]:
    manifest = canonical.decode_object(data, limit=LIMITS.block_bytes)
    blocks, size = manifest.get("blocks"), manifest.get("size")
    if (
        set(manifest) != {"blocks", "format", "size"}
        or manifest["format"] != FORMAT
        or not isinstance(blocks, list)
        or type(size) is not int
        or not 0 <= size <= LIMITS.content_bytes
        or len(blocks) != -(-size // LIMITS.block_bytes)
    ):
        raise FormatError("blobs.manifest")
    found = []
    for cid in blocks:
        if not isinstance(cid, str):
            raise FormatError("blobs.manifest")
        digest_of(cid)
        found.append(cid)
    return tuple(found), size
