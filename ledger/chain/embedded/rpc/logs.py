"""``eth_getLogs``, and filters for clients that poll."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from ledger.chain.embedded import index
from ledger.chain.embedded.documents import hash_list
from ledger.chain.embedded.logs import LogFilter
from ledger.chain.embedded.rpc.errors import invalid_params
from ledger.chain.embedded.rpc.params import hex_bytes
from ledger.errors import NotFoundError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.chain.embedded.rpc.params import Params

__all__ = ["METHODS", "Filters", "filter_methods"]

_FIELDS = frozenset({"fromBlock", "toBlock", "blockHash", "address", "topics"})
# More topics than a log can have match nothing; more alternatives than this are no question but a load.
_TOPIC_POSITIONS = 4
_ALTERNATIVES = 1_000


def logs(params: Params) -> object:
    """``eth_getLogs``."""
    return orjson.Fragment(params.engine.logs_document(_wanted(params)))


def _wanted(params: Params) -> LogFilter:
    fields = params.at(0, {})
    if not isinstance(fields, dict) or set(fields) - _FIELDS:
        raise invalid_params("filter: expected fromBlock, toBlock, blockHash, address, topics")
    first, last = _range(params, fields)
    return LogFilter(first, last, _addresses(fields.get("address")), _topics(fields.get("topics")))


def _range(params: Params, fields: dict[str, Any]) -> tuple[int, int]:
    head = params.engine.head.number
    if fields.get("blockHash") is not None:
        if fields.get("fromBlock") is not None or fields.get("toBlock") is not None:
            raise invalid_params("cannot specify both blockHash and fromBlock/toBlock")
        wanted = hex_bytes(fields["blockHash"], "blockHash", 32)
        block = index.block_by_hash(params.engine.store, wanted)
        if block is None:
            raise NotFoundError("engine.no_block_hash", hash=wanted.hex())
        return block.number, block.number
    first = _bound(params, fields.get("fromBlock"), head)
    last = _bound(params, fields.get("toBlock"), head)
    if first > last and first <= head:
        raise invalid_params("invalid block range params: fromBlock is after toBlock")
    return first, min(last, head)


def _bound(params: Params, value: object, head: int) -> int:
    """A block's number; one beyond the head stands for itself, so that a poller may ask ahead."""
    try:
        number = params.resolve("latest" if value is None else value)
    except NotFoundError as error:
        return int(error.facts["number"] or 0)
    return head if number is None else number


def _addresses(value: object) -> frozenset[bytes]:
    listed = [] if value is None else value if isinstance(value, list) else [value]
    if len(listed) > _ALTERNATIVES:
        raise invalid_params(f"address: at most {_ALTERNATIVES}")
    return frozenset(hex_bytes(one, "address", 20) for one in listed)


def _topics(value: object) -> tuple[frozenset[bytes], ...]:
    listed = [] if value is None else value
    if not isinstance(listed, list) or len(listed) > _TOPIC_POSITIONS:
        raise invalid_params(f"topics: expected a list of at most {_TOPIC_POSITIONS}")
    groups: list[frozenset[bytes]] = []
    for one in listed:
        group = [] if one is None else one if isinstance(one, list) else [one]
        if len(group) > _ALTERNATIVES:
            raise invalid_params(f"topics: at most {_ALTERNATIVES} alternatives")
        # A null among the alternatives means any.
        wild = any(topic is None for topic in group)
        groups.append(frozenset() if wild else frozenset(hex_bytes(topic, "topic", 32) for topic in group))
    return tuple(groups)


@dataclass(slots=True)
class _Filter:
    wanted: LogFilter | None
    open_end: bool
    next: int
    used: float


@dataclass(slots=True)
class Filters:
    """The filters that clients have set up on one engine, forgotten when nobody asks for a while.

    Args:
        randomness: so many random bytes, for identifiers that another client cannot hit upon.
    """

    randomness: Callable[[int], bytes]
    clock: Callable[[], float] = time.monotonic
    _filters: dict[str, _Filter] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def new_logs(self, params: Params) -> object:
        """``eth_newFilter``."""
        fields = params.at(0, {})
        wanted = _wanted(params)
        to = fields.get("toBlock") if isinstance(fields, dict) else None
        return self._add(params, wanted, open_end=to in {None, "latest", "pending"}, start=wanted.first)

    def new_blocks(self, params: Params) -> object:
        """``eth_newBlockFilter``."""
        return self._add(params, None, open_end=True, start=params.engine.head.number + 1)

    def changes(self, params: Params) -> object:
        """``eth_getFilterChanges``: what has come since the last question."""
        one = self._get(params)
        head = params.engine.head.number
        last = head if one.open_end or one.wanted is None else min(head, one.wanted.last)
        if one.wanted is None:
            first = one.next
            found = (
                hash_list([block.hash for block in index.blocks_between(params.engine.store, first, last)])
                if first <= last
                else b"[]"
            )
        else:
            found = params.engine.logs_document(
                LogFilter(max(one.next, one.wanted.first), last, one.wanted.addresses, one.wanted.topics)
            )
        one.next = max(one.next, last + 1)
        return orjson.Fragment(found)

    def all_logs(self, params: Params) -> object:
        """``eth_getFilterLogs``: everything that matches."""
        one = self._get(params)
        if one.wanted is None:
            raise NotFoundError("engine.no_filter")
        last = params.engine.head.number if one.open_end else one.wanted.last
        wanted = LogFilter(one.wanted.first, last, one.wanted.addresses, one.wanted.topics)
        return orjson.Fragment(params.engine.logs_document(wanted))

    def remove(self, params: Params) -> object:
        """``eth_uninstallFilter``."""
        with self._lock:
            return self._filters.pop(str(params.at(0)), None) is not None

    def _add(self, params: Params, wanted: LogFilter | None, *, open_end: bool, start: int) -> str:
        now = self.clock()
        limits = params.engine.limits
        with self._lock:
            for name in [name for name, one in self._filters.items() if one.used < now - limits.engine_filter_seconds]:
                del self._filters[name]
            if len(self._filters) >= limits.engine_filters:
                raise UnavailableError("engine.too_many_filters", retry_after=60, most=limits.engine_filters)
            name = "0x" + self.randomness(16).hex()
            self._filters[name] = _Filter(wanted, open_end, start, now)
        return name

    def _get(self, params: Params) -> _Filter:
        with self._lock:
            one = self._filters.get(str(params.at(0)))
            if one is None:
                raise NotFoundError("engine.no_filter")
            one.used = self.clock()
            return one


METHODS = {"eth_getLogs": (logs, 1, 1)}


def filter_methods(filters: Filters) -> dict[str, tuple[Callable[[Params], object], int, int]]:
    """The methods that need a memory between requests."""
    return {
        "eth_newFilter": (filters.new_logs, 1, 1),
        "eth_newBlockFilter": (filters.new_blocks, 0, 0),
        "eth_getFilterChanges": (filters.changes, 1, 1),
        "eth_getFilterLogs": (filters.all_logs, 1, 1),
        "eth_uninstallFilter": (filters.remove, 1, 1),
    }
