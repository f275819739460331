"""The IPFS store: blocks in a Kubo node of a private swarm.

The only importer of ipfshttpclient. Kubo keeps raw blocks under the very identifiers that are used here; each is pinned
so that its garbage collector leaves it, and deleting takes the pin away and collects. What comes back is hashed again:
Kubo by itself does not look at a block's hash when it reads it from its disk.

Every request has a time limit. Reading looks only into the node itself, unless ``fetch_seconds`` allows it to ask its
peers that long.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import ipfshttpclient
from ipfshttpclient import exceptions

from ledger.blobs.cids import cid_of, digest_of
from ledger.domain.limits import LIMITS
from ledger.errors import InputError, IntegrityError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["IpfsStore"]

_PUT = {"cid-codec": "raw", "mhtype": "sha2-256", "pin": "true"}
_OFFLINE = {"offline": "true"}
_ABSENT = ("not found", "not pinned", "could not find")
_FULL = ("no space left", "quota exceeded", "storagemax")


class IpfsStore:
    """Blocks in a Kubo node.

    Args:
        address: multiaddress of the node's RPC, ``/ip4/127.0.0.1/tcp/5001/http``.
        seconds: the time limit of each request.
        fetch_seconds: how long to ask the node's peers for a block it has not; 0 to never ask.
    """

    def __init__(self, address: str, *, seconds: float = 20.0, fetch_seconds: float = 0.0) -> None:
        # The pinned client sets up its session in a way that urllib3 2 announces to drop; the versions are locked.
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"urllib3\.")
        self._seconds = seconds
        self._fetch_seconds = fetch_seconds
        # Client, not connect: connect refuses Kubo's present version by its number alone.
        self._client: Any = ipfshttpclient.Client(address, session=True, timeout=seconds)  # type: ignore[attr-defined]  # it does export it

    def close(self) -> None:
        """Close the session."""
        self._client.close()

    def put(self, block: bytes) -> str:
        """Store and pin a block and return its identifier; a damaged copy is replaced."""
        if len(block) > LIMITS.block_bytes:
            raise InputError("blobs.block_too_large", size=len(block), limit=LIMITS.block_bytes)
        cid = cid_of(block)
        present = self._local(cid)
        if present is not None and present != block:
            # Kubo does not write a block that it believes to have.
            self.delete([cid])
        stored = self._ask(self._client.block.put, io.BytesIO(block), opts=_PUT)["Key"]
        if stored != cid:
            raise IntegrityError("blobs.damaged", cid=cid)
        return cid

    def get(self, cid: str) -> bytes:
        """Return a block, hashed again.

        Raises:
            NotFoundError: ``blobs.not_found``: neither here nor, if they are asked, with the peers in time.
            IntegrityError: ``blobs.damaged``, naming the block.
            UnavailableError: ``blobs.unreachable``.
        """
        digest_of(cid)
        block = self._local(cid)
        if block is None and self._fetch_seconds:
            block = self._remote(cid)
        return _whole(cid, block)

    def local(self, cid: str) -> bytes:
        """Return a block that this node itself has, hashed again; its peers are not asked. Raises as ``get``."""
        digest_of(cid)
        return _whole(cid, self._local(cid))

    def has(self, cid: str) -> bool:
        """Say whether the block is in this node and whole."""
        digest_of(cid)
        block = self._local(cid)
        return block is not None and cid_of(block) == cid

    def check(self) -> None:
        """Find out whether a block could be stored: whether the node answers, and what its repository may still hold.

        Raises:
            UnavailableError: ``blobs.full``, ``blobs.low``, ``blobs.unreachable``.
        """
        told = self._ask(self._client.repo.stat, opts={"size-only": "true"})
        free = max(0, int(told["StorageMax"]) - int(told["RepoSize"]))
        if free == 0:
            raise UnavailableError("blobs.full", retry_after=60)
        if free < LIMITS.store_free_bytes:
            raise UnavailableError("blobs.low", retry_after=60, free=free)

    def delete(self, cids: Iterable[str]) -> int:
        """Unpin blocks and collect, so that they are gone from this node; returns how many were there."""
        count = 0
        for cid in cids:
            digest_of(cid)
            if self._attempt(self._client.pin.rm, cid) is not None:
                count += 1
        if count:
            self._ask(self._client.repo.gc)
        return count

    def cids(self) -> Iterator[str]:
        """Yield the identifiers of all pinned blocks, in order."""
        listed = self._ask(self._client.pin.ls, type="recursive")["Keys"]
        yield from sorted(cid for cid in listed if _ours(cid))

    def _local(self, cid: str) -> bytes | None:
        found = self._attempt(self._client.block.get, cid, opts=_OFFLINE)
        return None if found is None else bytes(found)

    def _remote(self, cid: str) -> bytes | None:
        try:
            found = self._client.block.get(cid, timeout=self._fetch_seconds)
        except exceptions.TimeoutError:
            return None
        except (exceptions.Error, OSError) as error:
            _refuse(error)
        block = bytes(found)
        if cid_of(block) == cid:
            self._ask(self._client.pin.add, cid)
        return block

    def _attempt(self, call: Any, *arguments: Any, **options: Any) -> Any | None:  # noqa: ANN401 -- the client is untyped
        """Ask; ``None`` where the node says that it has no such thing."""
        try:
            return call(*arguments, timeout=self._seconds, **options)
        except exceptions.ErrorResponse as error:
            if any(word in str(error).lower() for word in _ABSENT):
                return None
            _refuse(error)
        except (exceptions.Error, OSError) as error:
            _refuse(error)

    def _ask(self, call: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 -- the client is untyped
        try:
            return call(*arguments, timeout=self._seconds, **options)
        except (exceptions.Error, OSError) as error:
            _refuse(error)


def _whole(cid: str, block: bytes | None) -> bytes:
    if block is None:
        raise NotFoundError("blobs.not_found", cid=cid)
    if cid_of(block) != cid:
        raise IntegrityError("blobs.damaged", cid=cid)
    return block


def _ours(cid: str) -> bool:
    """Say whether a pin is a raw block of ours: a Kubo node starts with pins of its own."""
    return cid.startswith("bafkrei") and len(cid) == 59


def _refuse(error: Exception) -> NoReturn:
    if any(word in str(error).lower() for word in _FULL):
        raise UnavailableError("blobs.full", retry_after=60) from error
    raise UnavailableError("blobs.unreachable", retry_after=30) from error
