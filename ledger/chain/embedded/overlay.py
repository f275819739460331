"""The two views of the store that py-evm executes on: one that gathers a block's writes, one that takes none."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from eth.db.backends.base import BaseAtomicDB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eth.abc import AtomicWriteBatchAPI

    from ledger.chain.embedded.store import Store

__all__ = ["Overlay", "Snapshot"]


class Overlay(BaseAtomicDB):
    """The store with the writes of the block in progress laid over it.

    Nothing reaches the store from here: the engine takes :attr:`pending` and commits it with the block's index, or
    drops it. ``atomic_batch`` therefore hands out the overlay itself; whoever raises inside costs the whole block.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.pending: dict[bytes, bytes | None] = {}

    def __getitem__(self, key: bytes) -> bytes:
        value = self.pending[key] if key in self.pending else self._store.value(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.pending[key] = value

    def __delitem__(self, key: bytes) -> None:
        if key not in self:
            raise KeyError(key)
        self.pending[key] = None

    def _exists(self, key: bytes) -> bool:
        value = self.pending[key] if key in self.pending else self._store.value(key)
        return value is not None

    @contextlib.contextmanager
    def atomic_batch(self) -> Iterator[AtomicWriteBatchAPI]:
        """The overlay is the batch: see the class."""
        yield self  # type: ignore[misc]  # it has the batch's methods; py-evm's types name a class of their own


class Snapshot(BaseAtomicDB):
    """The committed store, for calls and look-ups at any block; what an execution writes is dropped with the object.

    No node is ever overwritten or removed, so a state root of any block can be read while new blocks are being closed.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._written: dict[bytes, bytes] = {}

    def __getitem__(self, key: bytes) -> bytes:
        value = self._written.get(key) or self._store.value(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._written[key] = value

    def __delitem__(self, key: bytes) -> None:
        self._written.pop(key, None)

    def _exists(self, key: bytes) -> bool:
        return key in self._written or self._store.value(key) is not None

    @contextlib.contextmanager
    def atomic_batch(self) -> Iterator[AtomicWriteBatchAPI]:
        """As in :class:`Overlay`."""
        yield self  # type: ignore[misc]  # as above
