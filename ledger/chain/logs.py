"""Reading the contracts' logs: JSON of an engine in, events of the domain out.

Built once from the checked-in ABI: for each event a plan that says where each parameter lies. Catching up reads events
by the hundred thousand, so nothing is looked up twice, and no general ABI decoder is asked. Everything is checked: an
engine may send anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, TypeAlias

from contracts import NAMES, load
from ledger.chain.abi import canonical_type, keccak
from ledger.domain.events import EVENTS, Event
from ledger.errors import IntegrityError
from ledger.ports import LocatedEvent

__all__ = ["LogDecoder", "RawLog", "contract_decoder"]

_WORD = 32

# How a word becomes its value; how what lies behind an offset is read; how a parameter is found in topics and data.
_Convert: TypeAlias = Callable[[bytes], object]
_Tail: TypeAlias = Callable[[bytes, int], object]
_Read: TypeAlias = Callable[[Sequence[bytes], bytes], object]


@dataclass(frozen=True, slots=True)
class RawLog:
    """A log as an engine has it, in bytes."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    index: int


@dataclass(frozen=True, slots=True)
class _Plan:
    event: type[Event]
    names: tuple[tuple[str, str], ...]
    reads: tuple[_Read, ...]
    topics: int
    head: int
    # Positions of the parameters in the order of the dataclass; ``None`` where that is the same.
    order: tuple[int, ...] | None


class LogDecoder:
    """Decodes the logs of contracts whose events are those of one or several ABIs."""

    def __init__(self, abis: Iterable[Sequence[Mapping[str, Any]]]) -> None:
        self._plans: dict[bytes, _Plan] = {}
        for abi in abis:
            for entry in abi:
                if entry["type"] == "event":
                    self._plans[event_topic(entry)] = _plan(entry)

    def topic_of(self, name: str) -> bytes:
        """The first topic of an event, by its name."""
        return next(topic for topic, plan in self._plans.items() if plan.event.__name__ == name)

    def decode(self, log: RawLog, *, block: int, time: int, transaction: bytes) -> LocatedEvent:
        """Decode one log.

        Raises:
            IntegrityError: ``chain.event_unknown`` or ``chain.event_malformed``: no contract of ours emits that.
        """
        plan = self._plans.get(log.topics[0]) if log.topics else None
        if plan is None:
            raise IntegrityError("chain.event_unknown", block=block, log=log.index)
        data = log.data
        if len(log.topics) != plan.topics or len(data) < plan.head:
            raise IntegrityError("chain.event_malformed", block=block, log=log.index)
        try:
            values = [read(log.topics, data) for read in plan.reads]
        except ValueError as error:
            raise IntegrityError("chain.event_malformed", block=block, log=log.index) from error
        arguments = tuple((name, kind, value) for (name, kind), value in zip(plan.names, values, strict=True))
        ordered = values if plan.order is None else [values[position] for position in plan.order]
        make: Callable[..., Event] = plan.event
        return LocatedEvent(make(*ordered), log.address, block, time, transaction, log.index, arguments)


@cache
def contract_decoder() -> LogDecoder:
    """The decoder for the checked-in contracts."""
    return LogDecoder(load(name).abi for name in NAMES)


def event_topic(entry: Mapping[str, Any]) -> bytes:
    """The first topic of an event: the Keccak digest of its signature."""
    signature = ",".join(canonical_type(parameter) for parameter in entry["inputs"])
    return keccak(f"{entry['name']}({signature})".encode())


def _plan(entry: Mapping[str, Any]) -> _Plan:
    event = EVENTS[entry["name"]]
    names: list[tuple[str, str]] = []
    reads: list[_Read] = []
    topic, offset = 1, 0
    for item in entry["inputs"]:
        kind = canonical_type(item)
        names.append((item["name"], kind))
        if item["indexed"]:
            reads.append(_from_topic(topic, _word_of(kind)))
            topic += 1
        else:
            tail = _tail_of(kind)
            reads.append(_from_data(offset, _word_of(kind)) if tail is None else _from_tail(offset, tail))
            offset += _WORD
    found = [name for name, _ in names]
    wanted = [field.name for field in fields(event)]
    if sorted(found) != sorted(wanted):
        raise ValueError(f"{entry['name']}: parameters {found} are not the fields {wanted}")
    order = None if found == wanted else tuple(found.index(name) for name in wanted)
    return _Plan(event, tuple(names), tuple(reads), topic, offset, order)


def _from_topic(number: int, convert: _Convert) -> _Read:
    return lambda topics, _: convert(topics[number])


def _from_data(offset: int, convert: _Convert) -> _Read:
    return lambda _, data: convert(data[offset : offset + _WORD])


def _from_tail(offset: int, tail: _Tail) -> _Read:
    return lambda _, data: tail(data, int.from_bytes(data[offset : offset + _WORD]))


# ---- words ----------------------------------------------------------------------------------------------------------


@cache
def _word_of(kind: str) -> _Convert:
    if kind == "address":
        return _address
    if kind == "bool":
        return _bool
    if kind == "bytes32":
        return bytes
    if kind == "uint256":
        return int.from_bytes
    if kind.startswith("uint"):
        return _unsigned(int(kind[4:]))
    if kind.startswith("int"):
        return _signed(int(kind[3:]))
    raise ValueError(f"no event of ours has a parameter of type {kind}")


def _address(word: bytes) -> str:
    if any(word[:12]):
        raise ValueError("address")
    return "0x" + word[12:].hex()


def _bool(word: bytes) -> bool:
    value = int.from_bytes(word)
    if value > 1:
        raise ValueError("bool")
    return bool(value)


def _unsigned(bits: int) -> _Convert:
    def convert(word: bytes) -> int:
        value = int.from_bytes(word)
        if value >> bits:
            raise ValueError(f"uint{bits}")
        return value

    return convert


def _signed(bits: int) -> _Convert:
    bound = 1 << (bits - 1)

    def convert(word: bytes) -> int:
        value = int.from_bytes(word, signed=True)
        if not -bound <= value < bound:
            raise ValueError(f"int{bits}")
        return value

    return convert


# ---- tails ----------------------------------------------------------------------------------------------------------


@cache
def _tail_of(kind: str) -> _Tail | None:
    if kind == "string":
        return _string
    if kind == "bytes":
        return _bytes
    if kind.endswith("[]"):
        return _array(_word_of(kind[:-2]))
    return None


def _length(data: bytes, start: int) -> int:
    if start + _WORD > len(data):
        raise ValueError("offset")
    return int.from_bytes(data[start : start + _WORD])


def _bytes(data: bytes, start: int) -> bytes:
    length = _length(data, start)
    value = data[start + _WORD : start + _WORD + length]
    if len(value) != length:
        raise ValueError("bytes")
    return value


def _string(data: bytes, start: int) -> str:
    return _bytes(data, start).decode()


def _array(convert: _Convert) -> _Tail:
    def read(data: bytes, start: int) -> tuple[object, ...]:
        length = _length(data, start)
        first = start + _WORD
        if first + length * _WORD > len(data):
            raise ValueError("array")
        return tuple(convert(data[at : at + _WORD]) for at in range(first, first + length * _WORD, _WORD))

    return read
