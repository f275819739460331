"""``eth_getLogs``: which logs of a range of blocks match a filter of addresses and topics.

Two passes. The first reads the bloom filters of the range in one query and drops the blocks that cannot match (whoever
asks for all logs needs only the number of filters that are not empty); the second reads the logs of those left, in one
query where they lie close together, and passes whole blocks on as they are stored when nothing in them has to be left
out. Every row of which more is read than that it is there is held against its checksum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eth_hash.auto import keccak

from ledger.chain.embedded.checksums import require
from ledger.chain.embedded.errors import damaged
from ledger.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ledger.chain.embedded.store import Store
    from ledger.domain.limits import Limits

__all__ = ["LogFilter", "select_logs"]

_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class LogFilter:
    """A filter as JSON-RPC means it.

    Args:
        first: the first block of the range.
        last: the last block, included; not above the head.
        addresses: contracts, any of which will do; empty for all.
        topics: for each position the topics any of which will do, empty for all; a log needs as many topics.
    """

    first: int
    last: int
    addresses: frozenset[bytes] = frozenset()
    topics: tuple[frozenset[bytes], ...] = ()

    @property
    def demanding_topics(self) -> bool:
        """Whether a log can fail by its topics."""
        return bool(self.topics)

    def matches(self, address: bytes, topics: Sequence[bytes]) -> bool:
        """Whether one log matches."""
        if self.addresses and address not in self.addresses:
            return False
        if len(topics) < len(self.topics):
            return False
        return all(not wanted or topic in wanted for wanted, topic in zip(self.topics, topics, strict=False))


def select_logs(store: Store, wanted: LogFilter, limits: Limits) -> list[bytes]:
    """The matching logs in order, as JSON objects (several joined by commas in one piece).

    Raises:
        InputError: ``engine.range_too_wide`` or ``engine.too_many_logs``, with a range that fits.
        IntegrityError: ``engine.store_damaged``.
    """
    span = wanted.last - wanted.first + 1
    if span > limits.engine_log_blocks:
        last = wanted.first + limits.engine_log_blocks - 1
        raise InputError("engine.range_too_wide", most=limits.engine_log_blocks, first=wanted.first, last=last)
    pieces: list[bytes] = []
    count = size = 0
    numbers = _candidates(store, wanted)
    for number, addresses, keys, body in _bodies(store, numbers):
        found, more = _matching(wanted, addresses, keys, body)
        count += found
        size += sum(map(len, more))
        if count > limits.engine_log_results or size > limits.engine_log_bytes:
            raise InputError(
                "engine.too_many_logs",
                most=limits.engine_log_results,
                first=wanted.first,
                last=max(wanted.first, number - 1),
            )
        pieces.extend(more)
    return pieces


def _candidates(store: Store, wanted: LogFilter) -> list[int]:
    """The blocks whose bloom filter does not rule a match out."""
    groups = [[_bloom_bits(one) for one in group] for group in (wanted.addresses, *wanted.topics) if group]
    if not groups:
        return _filled(store, wanted)
    found: list[int] = []
    expected = wanted.first
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT number, bloom, bloom_c FROM blocks WHERE number BETWEEN ? AND ? ORDER BY number",
            (wanted.first, wanted.last),
        ).fetchall()
    for number, bloom, stored in rows:
        require("bloom", str(expected), stored, number, bloom)
        if number != expected:
            break
        expected += 1
        if not bloom:
            continue
        bits = int.from_bytes(bloom, "big")
        if all(any(bits & mask == mask for mask in group) for group in groups):
            found.append(number)
    if expected != wanted.last + 1:
        raise damaged("blocks", str(expected))
    return found


def _filled(store: Store, wanted: LogFilter) -> list[int]:
    """The blocks that have logs; what their bloom filters say is of no matter, only how many are not empty."""
    where = (wanted.first, wanted.last)
    with store.reading() as connection:
        blocks, expected = connection.execute(
            "SELECT count(*), count(nullif(bloom, x'')) FROM blocks WHERE number BETWEEN ? AND ?", where
        ).fetchone()
        rows = connection.execute("SELECT number FROM logs WHERE number BETWEEN ? AND ? ORDER BY number", where)
        found = [number for (number,) in rows]
    for part, there, due in (("blocks", blocks, wanted.last - wanted.first + 1), ("logs", len(found), expected)):
        if there != due:
            raise damaged(part, f"{wanted.first} to {wanted.last}")
    return found


def _bloom_bits(value: bytes) -> int:
    """The three bits that the value sets in a bloom filter of 2,048 (yellow paper, 4.3.1)."""
    digest = keccak(value)
    mask = 0
    for at in (0, 2, 4):
        mask |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return mask


def _bodies(store: Store, numbers: Sequence[int]) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """The rows of logs of these blocks, in order."""
    for at in range(0, len(numbers), _ROWS_AT_ONCE):
        part = numbers[at : at + _ROWS_AT_ONCE]
        dense = part[-1] - part[0] + 1 == len(part)
        where = "BETWEEN ? AND ?" if dense else f"IN ({','.join('?' * len(part))})"
        with store.reading() as connection:
            rows = connection.execute(
                f"SELECT number, addresses, keys, body, c FROM logs WHERE number {where} ORDER BY number",  # noqa: S608  # placeholders only
                (part[0], part[-1]) if dense else part,
            ).fetchall()
        yield from _checked(part, rows)


def _checked(numbers: Sequence[int], rows: Sequence[Sequence[object]]) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    if len(rows) != len(numbers):
        raise damaged("logs", f"{numbers[0]} to {numbers[-1]}")
    for number, row in zip(numbers, rows, strict=True):
        require("logs", str(number), row[-1], *row[:-1])
        if row[0] != number:
            raise damaged("logs", str(number))
        yield number, row[1], row[2], row[3]  # type: ignore[misc]  # the checksum above holds the types too


def _matching(wanted: LogFilter, addresses: bytes, keys: bytes, body: bytes) -> tuple[int, Iterable[bytes]]:
    if not wanted.demanding_topics and _covers(wanted.addresses, addresses):
        return int.from_bytes(keys[:4], "big"), (body,)
    found: list[bytes] = []
    at, start = 4, 0
    while at < len(keys):
        topics_end = at + 21 + 32 * keys[at + 20]
        length = int.from_bytes(keys[topics_end : topics_end + 4], "big")
        topics = [keys[one : one + 32] for one in range(at + 21, topics_end, 32)]
        if wanted.matches(keys[at : at + 20], topics):
            found.append(body[start : start + length])
        at, start = topics_end + 4, start + length + 1
    return len(found), found


def _covers(wanted: frozenset[bytes], addresses: bytes) -> bool:
    return not wanted or all(addresses[at : at + 20] in wanted for at in range(0, len(addresses), 20))
