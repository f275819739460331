"""The transactions that wait: in order of their nonces, bounded, each one mined or answered for.

* The next nonce of a sender is *ready*; a later one *waits* for the gap to be filled, at most half of the pool is for
  such transactions, and one that waits too long expires.
* A second transaction with the same sender and nonce **replaces** the first: nobody pays here, so there is no price to
  compare, both are the sender's word, and the later one counts. The replaced one cannot come back.
* A full pool, or a sender with too many, is an error that says when to ask again; nothing that was taken is dropped
  to make room.
* What became of a transaction that is in no block can be asked for a while (:meth:`Mempool.outcome`).

The pool lives in memory: what was accepted and not mined before a crash is sent again by its sender, to whom the same
bytes are an idempotent message.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.errors import ConflictError, InputError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth.abc import SignedTransactionAPI

    from ledger.domain.limits import Limits

__all__ = ["Mempool", "Outcome", "PoolTransaction"]

# How long a sender is told to wait when there is no room: a block or two.
_RETRY_AFTER = 2


@dataclass(frozen=True, slots=True)
class PoolTransaction:
    """A transaction that has passed every check that does not depend on its place in a block."""

    transaction: SignedTransactionAPI
    raw: bytes
    hash: bytes
    sender: bytes
    nonce: int
    gas: int
    arrived: float
    sequence: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a transaction that is neither waiting nor mined: ``replaced``, ``expired`` or ``refused``."""

    state: str
    detail: str


@dataclass(slots=True)
class _Queue:
    """One sender's transactions: ready from ``due`` up to ``gap``, waiting beyond."""

    due: int
    gap: int
    by_nonce: dict[int, PoolTransaction] = field(default_factory=dict)

    def close_gap(self) -> None:
        """Move the gap behind the last transaction that is ready."""
        while self.gap in self.by_nonce:
            self.gap += 1

    @property
    def waiting(self) -> int:
        """How many stand behind the gap."""
        return len(self.by_nonce) - (self.gap - self.due)


@dataclass(slots=True)
class Mempool:
    """The pool of one engine; every method may be called from any thread.

    Args:
        limits: how much may wait, and how long.
        nonce_of: the next nonce of a sender by the chain's head.
        clock: seconds, for expiry.
    """

    limits: Limits
    nonce_of: Callable[[bytes], int]
    clock: Callable[[], float]
    _queues: dict[bytes, _Queue] = field(default_factory=dict)
    _by_hash: dict[bytes, PoolTransaction] = field(default_factory=dict)
    _outcomes: OrderedDict[bytes, Outcome] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _sequence: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, transaction: SignedTransactionAPI, raw: bytes, sender: bytes) -> PoolTransaction:
        """Take a transaction.

        Raises:
            ConflictError: ``engine.known``, ``engine.nonce_too_low``, ``engine.replaced``.
            InputError: ``engine.nonce_too_high``, beyond any gap that could close.
            UnavailableError: ``engine.pool_full``, ``engine.sender_full``, ``engine.waiting_full``.
        """
        transaction_hash = bytes(transaction.hash)
        nonce = transaction.nonce
        with self._lock:
            if transaction_hash in self._by_hash:
                raise ConflictError("engine.known", hash=transaction_hash.hex())
            outcome = self._outcomes.get(transaction_hash)
            if outcome is not None and outcome.state == "replaced":
                raise ConflictError("engine.replaced", hash=transaction_hash.hex(), by=outcome.detail)
            queue = self._queues.get(sender)
            if queue is None:
                due = self.nonce_of(sender)
                queue = _Queue(due, due)
            if nonce < queue.due:
                raise ConflictError("engine.nonce_too_low", nonce=nonce, expected=queue.due)
            if nonce - queue.due > self.limits.engine_nonce_ahead:
                raise InputError("engine.nonce_too_high", nonce=nonce, expected=queue.due)
            previous = queue.by_nonce.get(nonce)
            if previous is None:
                self._check_room(queue, len(raw), waits=nonce > queue.gap)
            self._sequence += 1
            taken = PoolTransaction(
                transaction=transaction,
                raw=raw,
                hash=transaction_hash,
                sender=sender,
                nonce=nonce,
                gas=transaction.gas,
                arrived=self.clock(),
                # The replacement keeps the place in the order of arrival.
                sequence=self._sequence if previous is None else previous.sequence,
            )
            if previous is not None:
                del self._by_hash[previous.hash]
                self._bytes -= len(previous.raw)
                self._note(previous.hash, Outcome("replaced", transaction_hash.hex()))
            self._outcomes.pop(transaction_hash, None)
            self._queues[sender] = queue
            queue.by_nonce[nonce] = taken
            queue.close_gap()
            self._by_hash[transaction_hash] = taken
            self._bytes += len(raw)
            return taken

    def select(self, gas_limit: int) -> list[PoolTransaction]:
        """What goes into the next block: ready transactions in order of arrival, each sender's by nonce.

        The sum of their gas limits stays within the block's, so that the block always holds all of them.
        """
        with self._lock:
            ready: list[tuple[int, int, PoolTransaction]] = []
            for queue in self._queues.values():
                order = 0
                for nonce in range(queue.due, queue.gap):
                    one = queue.by_nonce[nonce]
                    order = max(order, one.sequence)
                    ready.append((order, nonce, one))
        ready.sort(key=lambda entry: entry[:2])
        chosen: list[PoolTransaction] = []
        full: set[bytes] = set()
        left = gas_limit
        for _, _, one in ready:
            if one.sender in full:
                continue
            if one.gas > left:
                full.add(one.sender)
                continue
            left -= one.gas
            chosen.append(one)
        return chosen

    def settle(self, mined: list[PoolTransaction]) -> None:
        """Take out what the new block holds, and whatever its nonces have overtaken."""
        with self._lock:
            for one in mined:
                queue = self._queues[one.sender]
                queue.due = one.nonce + 1
                queue.gap = max(queue.gap, queue.due)
                here = queue.by_nonce.pop(one.nonce)
                del self._by_hash[here.hash]
                self._bytes -= len(here.raw)
                if here is not one:
                    # Replaced while its block was being closed: the block decides, and the replacement comes too late.
                    self._outcomes.pop(one.hash, None)
                    self._note(here.hash, Outcome("refused", "nonce too low: mined before it was replaced"))
                self._drop_if_empty(one.sender, queue)

    def refuse(self, one: PoolTransaction, reason: str) -> None:
        """Take out a transaction that the chain does not accept, and remember why."""
        with self._lock:
            if self._by_hash.get(one.hash) is one:
                self._remove(one)
            self._note(one.hash, Outcome("refused", reason))

    def expire(self) -> int:
        """Drop what has waited too long behind a gap; ready transactions never expire.

        Returns:
            How many were dropped.
        """
        with self._lock:
            before = self.clock() - self.limits.engine_waiting_seconds
            late = [
                one
                for queue in self._queues.values()
                if queue.waiting
                for one in queue.by_nonce.values()
                if one.arrived < before and one.nonce > queue.gap
            ]
            for one in late:
                self._remove(one)
                self._note(one.hash, Outcome("expired", "an earlier nonce of the sender did not come"))
            return len(late)

    def get(self, transaction_hash: bytes) -> PoolTransaction | None:
        """The transaction, if it waits here."""
        return self._by_hash.get(transaction_hash)

    def outcome(self, transaction_hash: bytes) -> Outcome | None:
        """Why a transaction that was taken once is no longer here, if that is remembered."""
        return self._outcomes.get(transaction_hash)

    def next_nonce(self, sender: bytes) -> int:
        """The nonce after the last one that is ready: what ``pending`` means for a sender."""
        with self._lock:
            queue = self._queues.get(sender)
            return self.nonce_of(sender) if queue is None else queue.gap

    def pending_hashes(self) -> list[bytes]:
        """Everything that waits, in order of arrival."""
        with self._lock:
            return [one.hash for one in sorted(self._by_hash.values(), key=lambda one: one.sequence)]

    def counts(self) -> tuple[int, int]:
        """How many are ready, and how many wait behind a gap."""
        with self._lock:
            waiting = self._waiting()
            return len(self._by_hash) - waiting, waiting

    def oldest(self) -> float | None:
        """For how many seconds the oldest has been here."""
        with self._lock:
            arrived = [one.arrived for one in self._by_hash.values()]
        return max(0.0, self.clock() - min(arrived)) if arrived else None

    def has_ready(self) -> bool:
        """Whether a block could be closed over something."""
        with self._lock:
            return any(queue.gap > queue.due for queue in self._queues.values())

    def _check_room(self, queue: _Queue, size: int, *, waits: bool) -> None:
        most = self.limits.engine_pool_transactions
        if len(self._by_hash) >= most or self._bytes + size > self.limits.engine_pool_bytes:
            raise UnavailableError("engine.pool_full", retry_after=_RETRY_AFTER, most=most)
        if len(queue.by_nonce) >= self.limits.engine_pool_sender:
            raise UnavailableError("engine.sender_full", retry_after=_RETRY_AFTER, most=self.limits.engine_pool_sender)
        if waits and self._waiting() >= most // 2:
            raise UnavailableError("engine.waiting_full", retry_after=_RETRY_AFTER, most=most // 2)

    def _waiting(self) -> int:
        return sum(queue.waiting for queue in self._queues.values())

    def _remove(self, one: PoolTransaction) -> None:
        queue = self._queues[one.sender]
        del queue.by_nonce[one.nonce]
        queue.gap = min(queue.gap, one.nonce)
        del self._by_hash[one.hash]
        self._bytes -= len(one.raw)
        self._drop_if_empty(one.sender, queue)

    def _drop_if_empty(self, sender: bytes, queue: _Queue) -> None:
        if not queue.by_nonce:
            del self._queues[sender]

    def _note(self, transaction_hash: bytes, outcome: Outcome) -> None:
        self._outcomes[transaction_hash] = outcome
        while len(self._outcomes) > self.limits.engine_outcomes:
            self._outcomes.popitem(last=False)
