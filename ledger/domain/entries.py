"""Entries of the transparency log: what the chain finalised, in a form that needs no chain to be read.

Each entry is RFC 8785 canonical JSON of at most 65,535 bytes, so that every city that follows the chain writes the same
bytes. Three types:

* ``genesis``: entry 0; names the chain, its genesis block and the consortium contract, from which all else follows.
* ``event``: one finalised contract event, in chain order (block, then log index).
* ``status``: after the last event of every E-th block, the head of the status tree (:mod:`ledger.domain.status`).

Values are written by their ABI type: integers wider than 32 bits as decimal strings (JSON numbers are doubles to most
readers), narrower ones as numbers, addresses and bytes as lowercase ``0x`` hex, arrays as arrays. Chain id, block
numbers and times are such wide integers; the log index is a number. There is no personal data, because the events have
none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from ledger.domain import canonical
from ledger.domain.canonical import JsonObject, JsonValue
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError

__all__ = [
    "ENTRY_FORMAT",
    "AbiValue",
    "Entry",
    "EventEntry",
    "EventRecord",
    "GenesisEntry",
    "StatusEntry",
    "decode_args",
    "decode_value",
    "encode_entry",
    "encode_value",
    "event_entry",
    "parse_entry",
]

ENTRY_FORMAT = 1

AbiValue: TypeAlias = "int | bool | str | bytes | Sequence[AbiValue]"
Types: TypeAlias = "Sequence[tuple[str, str]]"

_INTEGER = re.compile(r"(u?)int([0-9]+)\Z", re.ASCII)
_FIXED_BYTES = re.compile(r"bytes([0-9]+)\Z", re.ASCII)
_ARRAY = re.compile(r"(.+)\[([0-9]*)\]\Z", re.ASCII)
_DECIMAL = re.compile(r"(?:0|-?[1-9][0-9]{0,77})\Z", re.ASCII)
_HEX = re.compile(r"0x(?:[0-9a-f]{2})*\Z", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One finalised contract event with the ABI type of every argument, as the log takes it."""

    contract: str
    name: str
    args: tuple[tuple[str, str, object], ...]
    block_number: int
    block_time: int
    tx_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class GenesisEntry:
    """Entry 0: which chain this is."""

    chain_id: int
    genesis_hash: bytes
    consortium: str


@dataclass(frozen=True, slots=True)
class EventEntry:
    """A parsed event entry; ``args`` are as they stand in the JSON (see :func:`decode_args`)."""

    chain_id: int
    block_number: int
    block_time: int
    tx_hash: bytes
    log_index: int
    contract: str
    name: str
    args: Mapping[str, JsonValue]

    def record(self, types: Types) -> EventRecord:
        """Give the arguments their ABI types back, in the ABI's order.

        Raises:
            FormatError: ``log.entry_args`` or ``log.entry_value``.
        """
        return EventRecord(
            contract=self.contract,
            name=self.name,
            args=decode_args(self.args, types),
            block_number=self.block_number,
            block_time=self.block_time,
            tx_hash=self.tx_hash,
            log_index=self.log_index,
        )


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """The status tree as of a block; ``clock_offset`` is how far the pilot's clock stands from the real one."""

    chain_id: int
    block_number: int
    block_hash: bytes
    block_time: int
    status_root: bytes
    status_size: int
    clock_offset: int = 0


Entry: TypeAlias = GenesisEntry | EventEntry | StatusEntry


def event_entry(chain_id: int, record: EventRecord) -> EventEntry:
    """Turn a chain's event into its entry.

    Raises:
        InputError: ``log.entry_value`` for a value that its type does not hold, ``log.entry_type`` for an unknown type,
            ``log.entry_args`` for an argument that occurs twice.
    """
    args = {name: encode_value(abi_type, value) for name, abi_type, value in record.args}
    if len(args) != len(record.args):
        raise InputError("log.entry_args")
    return EventEntry(
        chain_id=chain_id,
        block_number=record.block_number,
        block_time=record.block_time,
        tx_hash=record.tx_hash,
        log_index=record.log_index,
        contract=_address(record.contract),
        name=record.name,
        args=args,
    )


def encode_entry(entry: Entry) -> bytes:
    """Write an entry's bytes.

    Raises:
        InputError: ``log.entry_long`` above 65,535 bytes, ``log.entry_value`` or ``log.entry_name``.
    """
    body: dict[str, JsonValue] = {"format": ENTRY_FORMAT, "chain": encode_value("uint256", entry.chain_id)}
    if isinstance(entry, GenesisEntry):
        body |= {
            "type": "genesis",
            "genesis": encode_value("bytes32", entry.genesis_hash),
            "consortium": _address(entry.consortium),
        }
    elif isinstance(entry, EventEntry):
        if not _NAME.match(entry.name) or not all(_NAME.match(name) for name in entry.args):
            raise InputError("log.entry_name")
        body |= {
            "type": "event",
            "block": encode_value("uint64", entry.block_number),
            "time": encode_value("uint64", entry.block_time),
            "tx": encode_value("bytes32", entry.tx_hash),
            "log_index": encode_value("uint32", entry.log_index),
            "contract": _address(entry.contract),
            "event": entry.name,
            "args": dict(entry.args),
        }
    else:
        body |= {
            "type": "status",
            "block": encode_value("uint64", entry.block_number),
            "hash": encode_value("bytes32", entry.block_hash),
            "time": encode_value("uint64", entry.block_time),
            "status_root": encode_value("bytes32", entry.status_root),
            "status_size": encode_value("uint64", entry.status_size),
            "clock_offset": encode_value("int64", entry.clock_offset),
        }
    data = canonical.encode(body)
    if len(data) > LIMITS.log_entry_bytes:
        raise InputError("log.entry_long", size=len(data), limit=LIMITS.log_entry_bytes)
    return data


def parse_entry(data: bytes) -> Entry:
    """Read an entry strictly: canonical bytes, known format, exactly the members of its type.

    Raises:
        FormatError: ``log.entry_format``, ``log.entry_members``, ``log.entry_value``, ``log.entry_name``, or a fault of
            the canonical JSON (``canonical.*``).
    """
    body = canonical.decode_object(data, limit=LIMITS.log_entry_bytes)
    if body.get("format") != ENTRY_FORMAT or isinstance(body.get("format"), bool):
        raise FormatError("log.entry_format")
    kind = body.get("type")
    members = _MEMBERS.get(kind) if isinstance(kind, str) else None
    if members is None or set(body) != {"format", "type", *members}:
        raise FormatError("log.entry_members")
    values = {name: decode_value(abi_type, body[name]) for name, abi_type in members.items() if abi_type}
    return _build(str(kind), values, body)


def encode_value(abi_type: str, value: object) -> JsonValue:
    """Write one value by its ABI type; tuples of structs are written as arrays.

    Raises:
        InputError: ``log.entry_value`` or ``log.entry_type``.
    """
    kind, of = _type(abi_type)
    match kind:
        case "array":
            return [encode_value(of[0], item) for item in _items(value, of[1])]
        case "tuple":
            return [encode_value(one, item) for one, item in zip(of, _items(value, str(len(of))), strict=True)]
        case "int" | "uint":
            return _encode_integer(int(of[0]), value, signed=kind == "int")
        case "bytes" if isinstance(value, (bytes, bytearray)) and (not of or len(value) == int(of[0])):
            return "0x" + bytes(value).hex()
        case "address" if isinstance(value, (str, bytes)):
            return _address(value)
        case "bool" if isinstance(value, bool):
            return value
        case "string" if isinstance(value, str):
            return value
        case _:
            raise InputError("log.entry_value")


def decode_value(abi_type: str, value: JsonValue) -> AbiValue:
    """Read one value back by its ABI type; the result encodes to exactly ``value``.

    Raises:
        FormatError: ``log.entry_value``.
        InputError: ``log.entry_type``.
    """
    try:
        found = _decode(abi_type, value)
        same = encode_value(abi_type, found) == value
    except InputError as error:
        if error.code == "log.entry_type":
            raise
        raise FormatError("log.entry_value") from None
    if not same:
        raise FormatError("log.entry_value")
    return found


def decode_args(args: Mapping[str, JsonValue], types: Types) -> tuple[tuple[str, str, AbiValue], ...]:
    """Read the arguments of an event entry by its ABI, in the ABI's order.

    Raises:
        FormatError: ``log.entry_args`` when names differ, ``log.entry_value``.
    """
    if set(args) != {name for name, _ in types}:
        raise FormatError("log.entry_args")
    return tuple((name, abi_type, decode_value(abi_type, args[name])) for name, abi_type in types)


# Members of each type with their ABI types; an empty type is read by the type's own rule.
_MEMBERS: dict[str, dict[str, str]] = {
    "genesis": {"chain": "uint256", "genesis": "bytes32", "consortium": "address"},
    "event": {
        "chain": "uint256",
        "block": "uint64",
        "time": "uint64",
        "tx": "bytes32",
        "log_index": "uint32",
        "contract": "address",
        "event": "string",
        "args": "",
    },
    "status": {
        "chain": "uint256",
        "block": "uint64",
        "hash": "bytes32",
        "time": "uint64",
        "status_root": "bytes32",
        "status_size": "uint64",
        "clock_offset": "int64",
    },
}


def _build(kind: str, values: Mapping[str, AbiValue], body: JsonObject) -> Entry:
    def number(name: str) -> int:
        return int(values[name])  # type: ignore[arg-type]  # decode_value gives integers for integer types

    def octets(name: str) -> bytes:
        return bytes(values[name])  # type: ignore[arg-type]  # decode_value gives bytes for bytes types

    if kind == "genesis":
        return GenesisEntry(number("chain"), octets("genesis"), str(values["consortium"]))
    if kind == "status":
        return StatusEntry(
            chain_id=number("chain"),
            block_number=number("block"),
            block_hash=octets("hash"),
            block_time=number("time"),
            status_root=octets("status_root"),
            status_size=number("status_size"),
            clock_offset=number("clock_offset"),
        )
    args = body["args"]
    if not isinstance(args, dict):
        raise FormatError("log.entry_members")
    if not _NAME.match(str(values["event"])) or not all(_NAME.match(name) for name in args):
        raise FormatError("log.entry_name")
    return EventEntry(
        chain_id=number("chain"),
        block_number=number("block"),
        block_time=number("time"),
        tx_hash=octets("tx"),
        log_index=number("log_index"),
        contract=str(values["contract"]),
        name=str(values["event"]),
        args=args,
    )


def _address(value: object) -> str:
    try:
        octets = value if isinstance(value, bytes) else bytes.fromhex(str(value).removeprefix("0x"))
    except ValueError:
        raise InputError("log.entry_value") from None
    if len(octets) != 20:
        raise InputError("log.entry_value")
    return "0x" + octets.hex()


@cache
def _type(abi_type: str) -> tuple[str, tuple[str, ...]]:
    """What kind of type it is, and of what: an array's item and count, a tuple's types, a width; read once each."""
    if array := _ARRAY.match(abi_type):
        return "array", (array[1], array[2])
    if abi_type.startswith("(") and abi_type.endswith(")"):
        return "tuple", tuple(_split_tuple(abi_type))
    if integer := _INTEGER.match(abi_type):
        return integer[1] + "int", (integer[2],)
    if fixed := _FIXED_BYTES.match(abi_type):
        return "bytes", (fixed[1],)
    if abi_type in {"bool", "string", "address", "bytes"}:
        return abi_type, ()
    raise InputError("log.entry_type")


def _encode_integer(bits: int, value: object, *, signed: bool) -> JsonValue:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError("log.entry_value")
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
    if not low <= value < high:
        raise InputError("log.entry_value")
    return str(value) if bits > 32 else value


def _items(value: object, count: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)) or (count and len(value) != int(count)):
        raise InputError("log.entry_value")
    return value


def _decode(abi_type: str, value: JsonValue) -> AbiValue:
    kind, of = _type(abi_type)
    match kind:
        case "array":
            return tuple(_decode(of[0], item) for item in _items(value, ""))
        case "tuple":
            return tuple(_decode(one, item) for one, item in zip(of, _items(value, str(len(of))), strict=True))
        case "int" | "uint" if isinstance(value, str) and _DECIMAL.match(value):
            return int(value)
        case "int" | "uint" if isinstance(value, int):
            return value
        case "bytes" if isinstance(value, str) and _HEX.match(value):
            return bytes.fromhex(value[2:])
        case "bool" if isinstance(value, bool):
            return value
        case "address" | "string" if isinstance(value, str):
            return value
        case _:
            raise InputError("log.entry_value")


def _split_tuple(abi_type: str) -> list[str]:
    kinds, depth, start = [], 0, 1
    for position, sign in enumerate(abi_type):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if (sign == "," and depth == 1) or (sign == ")" and depth == 0):
            kinds.append(abi_type[start:position])
            start = position + 1
    return kinds
