"""Events out of log entries, so that a log's files say all that the chain's events said.

An offline verifier and a city that catches up from files have entries and no ABI. What an event's parameters are is
known from its dataclass: integers come as numbers or decimal strings, bytes as ``0x`` hex, arrays as arrays, and each is
read in its one spelling.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from ledger.domain.canonical import JsonValue
from ledger.domain.entries import EventEntry
from ledger.domain.events import EVENTS, Event
from ledger.errors import FormatError

__all__ = ["event_of"]

_Read: TypeAlias = Callable[[JsonValue], Any]

_DECIMAL = re.compile(r"(?:0|-?[1-9][0-9]{0,77})\Z", re.ASCII)
_HEX = re.compile(r"0x(?:[0-9a-f]{2})*\Z", re.ASCII)


def event_of(entry: EventEntry) -> Event:
    """Read the event that an entry logs.

    Raises:
        FormatError: ``log.entry_event`` for an unknown event, ``log.entry_args`` when parameters are missing or too
            many, ``log.entry_value`` when one is of another type.
    """
    kind = EVENTS.get(entry.name)
    if kind is None:
        raise FormatError("log.entry_event")
    readers = _readers(entry.name)
    if set(entry.args) != set(readers):
        raise FormatError("log.entry_args")
    return kind(**{name: read(entry.args[name]) for name, read in readers.items()})


@cache
def _readers(name: str) -> dict[str, _Read]:
    kind = EVENTS[name]
    hints = get_type_hints(kind)
    return {field.name: _reader(hints[field.name]) for field in fields(kind)}


def _reader(hint: Any) -> _Read:  # noqa: ANN401 -- whatever a dataclass is annotated with
    if get_origin(hint) is tuple:
        item = _reader(get_args(hint)[0])
        return lambda value: tuple(item(each) for each in _array(value))
    return _SIMPLE[hint]


def _array(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise FormatError("log.entry_value")
    return value


def _bool(value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise FormatError("log.entry_value")
    return value


def _int(value: JsonValue) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DECIMAL.match(value):
        return int(value)
    raise FormatError("log.entry_value")


def _bytes(value: JsonValue) -> bytes:
    if not isinstance(value, str) or not _HEX.match(value):
        raise FormatError("log.entry_value")
    return bytes.fromhex(value[2:])


def _str(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise FormatError("log.entry_value")
    return value


_SIMPLE: dict[Any, _Read] = {bool: _bool, int: _int, bytes: _bytes, str: _str}
