"""The embedded engine: py-evm's chain, driven block by block and made durable.

One thread at a time closes blocks (:meth:`Engine.run_once`); any thread may send, read and call. A block's state, its
index and the new head reach the store in one transaction, and only then does the head that readers see move on.
Killed at any instant, the engine opens on the last block that was committed whole.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from eth_utils.exceptions import ValidationError

from ledger.chain.embedded import execution, index
from ledger.chain.embedded.admission import contract_admission
from ledger.chain.embedded.clock import ChainClock
from ledger.chain.embedded.crypto import prepare
from ledger.chain.embedded.errors import damaged, missing_data_is_damage
from ledger.chain.embedded.logs import LogFilter, select_logs
from ledger.chain.embedded.mempool import Mempool
from ledger.chain.embedded.opening import begin, check_head, check_network, head_meta
from ledger.chain.embedded.overlay import Overlay, Snapshot
from ledger.chain.embedded.store import Connect, Store
from ledger.chain.embedded.transactions import decode
from ledger.chain.embedded.vm import (
    EngineChain,
    chain_class,
    first_refused,
    mine,
    pending_header,
    state_at,
)
from ledger.domain.limits import LIMITS, Limits
from ledger.errors import AuthorityError, ConflictError, InputError, LedgerError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eth.abc import BlockHeaderAPI, StateAPI

    from ledger.chain.embedded.admission import Admission
    from ledger.chain.embedded.config import EngineConfig
    from ledger.chain.embedded.mempool import PoolTransaction

__all__ = ["Closed", "Engine", "Head"]


@dataclass(frozen=True, slots=True)
class Head:
    """The last block, as readers see it."""

    header: BlockHeaderAPI

    @property
    def number(self) -> int:
        """Its height."""
        return int(self.header.block_number)

    @property
    def hash(self) -> bytes:
        """Its hash."""
        return bytes(self.header.hash)


@dataclass(frozen=True, slots=True)
class Closed:
    """A block that has just been committed."""

    number: int
    hash: bytes
    timestamp: int
    transactions: tuple[bytes, ...]
    gas_used: int


@dataclass(slots=True)
class Engine:
    """An open engine. Use :meth:`open`, and :meth:`close` at the end.

    Args:
        on_ready: called, from any thread, when a transaction has become ready for a block.
        fault: the code of the error that kept the last block from being closed, ``None`` when all is well.
    """

    config: EngineConfig
    limits: Limits
    store: Store
    clock: ChainClock
    admission: Admission | None
    _overlay: Overlay
    _chain: EngineChain
    _head: Head
    _allowed: frozenset[bytes]
    pool: Mempool = field(init=False)
    on_ready: list[Callable[[], None]] = field(default_factory=list)
    fault: str | None = None
    _admitted: tuple[bytes, dict[bytes, bool]] = (b"", {})  # replaced as a whole, never shared
    _closing: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def open(
        cls,
        config: EngineConfig,
        *,
        wall: Callable[[], float] = time.time,
        admission: Admission | None = None,
        limits: Limits = LIMITS,
        connect: Connect | None = None,
    ) -> Engine:
        """Open the chain in the store, or begin it.

        Args:
            config: the settings.
            wall: the wall clock, seconds since 1970.
            admission: asked for senders that are not configured; by default the admission contract of the settings.
            limits: of the pool and of answers.
            connect: opens SQLite databases.

        Raises:
            SetupError: ``engine.curve_missing``, ``engine.store_format``, ``engine.other_network``,
                ``engine.genesis_ahead``.
            IntegrityError: ``engine.store_damaged``, ``engine.store_behind``, ``engine.watermark_damaged``.
            UnavailableError: ``engine.store_unavailable``.
        """
        prepare()
        store = (
            Store.open(config.path, cached_nodes=config.cached_nodes)
            if connect is None
            else Store.open(config.path, cached_nodes=config.cached_nodes, connect=connect)
        )
        try:
            return cls._opened(config, store, wall, admission, limits)
        except BaseException:
            store.close()
            raise

    @classmethod
    def _opened(
        cls,
        config: EngineConfig,
        store: Store,
        wall: Callable[[], float],
        admission: Admission | None,
        limits: Limits,
    ) -> Engine:
        clock = ChainClock(wall, config.clock_offset)
        overlay = Overlay(store)
        kind = chain_class(config.chain_id)
        if store.meta("network") is None:
            begin(config, store, clock, overlay, kind)
        check_network(config, store)
        clock.offset = int(store.meta("clock_offset") or b"0")
        with missing_data_is_damage():
            chain = kind(overlay)
            header = chain.get_canonical_head()
        check_head(store, header)
        if admission is None and config.admission_contract is not None:
            admission = contract_admission(config.admission_contract, config.admission_selector)
        stored = store.meta("allowed") or b""
        allowed = frozenset(stored[at : at + 20] for at in range(0, len(stored), 20))
        engine = cls(
            config=config,
            limits=limits,
            store=store,
            clock=clock,
            admission=admission,
            _overlay=overlay,
            _chain=chain,
            _head=Head(header),
            _allowed=allowed | config.allowed_senders,
        )
        engine.pool = Mempool(limits, engine.nonce, wall)
        return engine

    def close(self) -> None:
        """Close the store, after a block in progress."""
        with self._closing:
            self.store.close()

    # Sending

    def send_raw(self, raw: bytes) -> bytes:
        """Take a signed transaction and give back its hash; it is mined by a later :meth:`run_once`.

        Raises:
            FormatError, InputError: see ``transactions.decode``; ``engine.funds``.
            AuthorityError: ``engine.not_admitted``, the network is private and the sender not of it.
            ConflictError, UnavailableError: see ``Mempool.add``; ``engine.known`` also for a mined transaction.
        """
        transaction, sender = decode(
            raw, chain_id=self.config.chain_id, gas_limit=self._head.header.gas_limit, limits=self.limits
        )
        if not self.may_send(sender):
            raise AuthorityError("engine.not_admitted", address="0x" + sender.hex())
        cost = transaction.value + transaction.gas * transaction.max_fee_per_gas
        if cost > 0 and execution.account_at(self.snapshot(), self._head.header.state_root, sender).balance < cost:
            raise InputError("engine.funds", value=str(cost))
        try:
            taken = self.pool.add(transaction, raw, sender)
        except ConflictError as error:
            mined = error.code == "engine.nonce_too_low" and index.transaction_by_hash(self.store, transaction.hash)
            raise (ConflictError("engine.known", hash=transaction.hash.hex()) if mined else error) from error
        if self.pool.has_ready():
            for notify in self.on_ready:
                notify()
        return taken.hash

    def may_send(self, sender: bytes) -> bool:
        """Whether the network takes transactions of this address, by the state at the head."""
        if not self.config.private or sender in self._allowed:
            return True
        if self.admission is None:
            return False
        at, known = self._admitted
        if at != self._head.hash:
            known = {}
            self._admitted = (self._head.hash, known)
        if sender not in known:
            known[sender] = self.admission(sender, self)
        return known[sender]

    def allow(self, address: bytes) -> None:
        """Let an address send from now on, also after a restart.

        Raises:
            UnavailableError: ``engine.store_unavailable``.
        """
        with self._closing:
            allowed = self._allowed | {address}
            self.store.set_meta({"allowed": b"".join(sorted(allowed))})
            self._allowed = allowed

    # Blocks

    def run_once(self, *, empty: bool = False) -> Closed | None:
        """Close one block over what is ready.

        Args:
            empty: close it even if nothing is ready.

        Returns:
            The block, or ``None`` if there was nothing to do.

        Raises:
            UnavailableError: ``engine.clock_behind``, ``engine.store_unavailable``; nothing has changed, ask again.
            IntegrityError: ``engine.store_damaged``.
        """
        with self._closing:
            self.pool.expire()
            chosen = self.pool.select(self._head.header.gas_limit)
            if not chosen and not empty:
                return None
            try:
                closed = self._close(chosen, self.clock.next_timestamp(self._head.header.timestamp))
            except LedgerError as error:
                self.fault = error.code
                raise
            finally:
                self._overlay.pending.clear()
            self.fault = None
            return closed

    def _close(self, chosen: list[PoolTransaction], timestamp: int) -> Closed:
        with missing_data_is_damage():
            while True:
                self._overlay.pending.clear()
                transactions = [one.transaction for one in chosen]
                try:
                    block, receipts = mine(self._chain, transactions, timestamp=timestamp)
                    break
                except ValidationError as error:
                    self._overlay.pending.clear()
                    refused = first_refused(self._chain, transactions, timestamp=timestamp)
                    if refused is None:
                        raise damaged("head", str(error)) from error
                    self.pool.refuse(chosen.pop(refused[0]), refused[1])
        rows = index.build_rows(block, receipts, [one.raw for one in chosen])
        self.store.commit(rows, self._overlay.pending, {"head": head_meta(block)})
        self._head = Head(block.header)
        self.pool.settle(chosen)
        return Closed(
            number=rows.number,
            hash=rows.hash,
            timestamp=timestamp,
            transactions=tuple(one.hash for one in chosen),
            gas_used=block.header.gas_used,
        )

    # Reading

    @property
    def head(self) -> Head:
        """The last committed block."""
        return self._head

    def snapshot(self) -> Snapshot:
        """The committed store for one execution or look-up."""
        return Snapshot(self.store)

    def header(self, number: int) -> BlockHeaderAPI:
        """The header of a stored block.

        Raises:
            NotFoundError: ``engine.no_block``, above the head.
            IntegrityError: ``engine.store_damaged``.
        """
        head = self._head
        if number == head.number:
            return head.header
        if not 0 <= number < head.number:
            raise NotFoundError("engine.no_block", number=number, head=head.number)
        block = index.block_by_number(self.store, number)
        return index.header_of(self.store, block.hash)

    def state(self, number: int | None) -> StateAPI:
        """The state to execute on under a block's number and time; ``None`` for the next block, now.

        Raises:
            NotFoundError: ``engine.no_block``.
        """
        db = self.snapshot()
        with missing_data_is_damage():
            header = self.pending() if number is None else self.header(number)
            return state_at(db, header, self.config.chain_id)

    def pending(self) -> BlockHeaderAPI:
        """The header that a block closed now would run under."""
        head = self._head.header
        return pending_header(head, timestamp=max(self.clock.now(), head.timestamp))

    def nonce(self, address: bytes) -> int:
        """The next nonce of an address at the head."""
        return int(execution.account_at(self.snapshot(), self._head.header.state_root, address).nonce)

    def call(
        self, to: bytes, data: bytes, *, sender: bytes = bytes(20), at: int | None = None, gas: int | None = None
    ) -> bytes:
        """Call a contract without a transaction.

        Args:
            to: the contract.
            data: the calldata.
            sender: whom the contract takes it to come from.
            at: the block under whose state, number and time to run; ``None`` for the next block, now.
            gas: at most so much.

        Raises:
            ExecutionRevertedError: with the contract's own bytes.
        """
        request = execution.CallRequest(sender=sender, to=to, data=data, gas=gas)
        return execution.call(self.state(at), request, cap=self.limits.engine_call_gas)

    def receipt(self, transaction_hash: bytes) -> dict[str, Any] | None:
        """The receipt of a mined transaction, also of a reverted one, as JSON-RPC writes it; ``None`` if not mined."""
        found = index.transaction_by_hash(self.store, transaction_hash)
        if found is None:
            return None
        document: dict[str, Any] = orjson.loads(index.receipt_of(self.store, found))
        return document

    def logs(
        self,
        first: int,
        last: int,
        *,
        addresses: Iterable[bytes] = (),
        topics: Sequence[Iterable[bytes] | None] = (),
    ) -> list[dict[str, Any]]:
        """The logs of a range of blocks; see ``logs.LogFilter``.

        Raises:
            InputError: ``engine.range_too_wide``, ``engine.too_many_logs``.
        """
        wanted = LogFilter(
            first, min(last, self._head.number), frozenset(addresses), tuple(frozenset(group or ()) for group in topics)
        )
        found: list[dict[str, Any]] = orjson.loads(self.logs_document(wanted))
        return found

    def logs_document(self, wanted: LogFilter) -> bytes:
        """The matching logs as a JSON array."""
        if wanted.first > wanted.last:
            return b"[]"
        return b"[" + b",".join(select_logs(self.store, wanted, self.limits)) + b"]"

    # The clock

    def set_offset(self, offset: int) -> None:
        """Move the chain's clock forward against the wall clock, durably.

        Raises:
            AuthorityError: ``engine.clock_fixed``, the settings do not allow it.
            InputError: ``engine.clock_backwards``.
        """
        if not self.config.adjustable_clock:
            raise AuthorityError("engine.clock_fixed")
        with self._closing:
            self.clock.check_offset(offset)
            self.store.set_meta({"clock_offset": str(offset).encode()})
            self.clock.offset = offset
