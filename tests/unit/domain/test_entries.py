"""Log entries: the same bytes in every city, read back strictly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import canonical, entries, merkle
from ledger.domain.entries import AbiValue, EventEntry, EventRecord, GenesisEntry, StatusEntry
from ledger.errors import FormatError, InputError, LedgerError

VECTORS = Path(__file__).parents[2] / "vectors" / "tlog" / "entries.json"
CONTRACT = "0x" + "ab" * 20

RECORD = EventRecord(
    contract="0xABABABABABABABABABABABABABABABABABABABAB",
    name="Anchored",
    args=(
        ("batch", "uint64", 2**63),
        ("member", "uint16", 3),
        ("key", "address", "0x" + "CD" * 20),
        ("root", "bytes32", bytes(range(32))),
        ("leaves", "uint96[]", (1 << 32, (1 << 32) | 7)),
        ("blob", "bytes", b"\x00\xff"),
        ("flag", "bool", True),
        ("code", "string", "公积金\u2028"),
        ("offset", "int64", -5),
        ("small", "int32", -5),
    ),
    block_number=12,
    block_time=1_767_225_600,
    tx_hash=bytes(32),
    log_index=4,
)
GENESIS = GenesisEntry(chain_id=510107, genesis_hash=b"\x01" * 32, consortium=CONTRACT)
STATUS = StatusEntry(
    chain_id=510107,
    block_number=2**40,
    block_hash=b"\x02" * 32,
    block_time=1_767_225_600,
    status_root=merkle.EMPTY_ROOT,
    status_size=0,
    clock_offset=-3600,
)


def _samples() -> dict[str, entries.Entry]:
    return {"genesis": GENESIS, "event": entries.event_entry(510107, RECORD), "status": STATUS}


def test_entries_are_the_bytes_that_were_frozen() -> None:
    frozen: dict[str, dict[str, str]] = json.loads(VECTORS.read_text())
    assert set(frozen) == set(_samples())
    for name, entry in _samples().items():
        data = entries.encode_entry(entry)
        assert data.decode() == frozen[name]["entry"]
        assert merkle.leaf_hash(data).hex() == frozen[name]["leaf"]


@pytest.mark.parametrize("name", ["genesis", "event", "status"])
def test_entries_read_back(name: str) -> None:
    entry = _samples()[name]
    assert entries.parse_entry(entries.encode_entry(entry)) == entry


def test_an_event_gets_its_types_back() -> None:
    entry = entries.parse_entry(entries.encode_entry(entries.event_entry(510107, RECORD)))
    assert isinstance(entry, EventEntry)
    types = [(name, abi_type) for name, abi_type, _ in RECORD.args]
    record = entry.record(types)
    assert record.args[4] == ("leaves", "uint96[]", (1 << 32, (1 << 32) | 7))
    assert entries.event_entry(510107, record) == entry
    with pytest.raises(FormatError, match=r"log\.entry_args"):
        entry.record(types[1:])
    with pytest.raises(FormatError, match=r"log\.entry_args"):
        entry.record([*types, ("more", "bool")])
    with pytest.raises(FormatError, match=r"log\.entry_value"):
        entry.record([(name, "uint32" if name == "batch" else abi_type) for name, abi_type in types])
    with pytest.raises(InputError, match=r"log\.entry_type"):
        entry.record([(name, "float" if name == "code" else abi_type) for name, abi_type in types])


VALUES: list[tuple[str, AbiValue, object]] = [
    ("uint8", 255, 255),
    ("uint32", 2**32 - 1, 2**32 - 1),
    ("uint40", 1, "1"),
    ("uint64", 0, "0"),
    ("uint256", 2**256 - 1, str(2**256 - 1)),
    ("int256", -(2**255), str(-(2**255))),
    ("int128", -1, "-1"),
    ("bool", False, False),
    ("address", "0x" + "Ab" * 20, "0x" + "ab" * 20),
    ("address", b"\xab" * 20, "0x" + "ab" * 20),
    ("bytes4", b"\x01\x02\x03\x04", "0x01020304"),
    ("bytes", b"", "0x"),
    ("string", "", ""),
    ("uint16[]", (1, 2), [1, 2]),
    ("uint16[2]", (1, 2), [1, 2]),
    ("bytes2[][2]", ((b"ab",), ()), [["0x6162"], []]),
    ("(uint64,(bool,bytes2),string[])", (1, (True, b"ab"), ("x",)), ["1", [True, "0x6162"], ["x"]]),
]


@pytest.mark.parametrize(("abi_type", "value", "expected"), VALUES)
def test_values_are_written_by_their_type(abi_type: str, value: AbiValue, expected: object) -> None:
    written = entries.encode_value(abi_type, value)
    assert written == expected
    assert entries.encode_value(abi_type, entries.decode_value(abi_type, written)) == written


@pytest.mark.parametrize(
    ("abi_type", "value", "code"),
    [
        ("uint8", 256, "log.entry_value"),
        ("uint8", -1, "log.entry_value"),
        ("int8", 128, "log.entry_value"),
        ("uint8", True, "log.entry_value"),
        ("uint256", "1", "log.entry_value"),
        ("bool", 1, "log.entry_value"),
        ("string", b"x", "log.entry_value"),
        ("address", "0x12", "log.entry_value"),
        ("address", "not hex", "log.entry_value"),
        ("address", 5, "log.entry_value"),
        ("bytes4", b"abc", "log.entry_value"),
        ("bytes", "0x00", "log.entry_value"),
        ("uint8[2]", (1,), "log.entry_value"),
        ("uint8[]", 1, "log.entry_value"),
        ("(uint8,uint8)", (1,), "log.entry_value"),
        ("fixed168x10", 1, "log.entry_type"),
        ("", 1, "log.entry_type"),
    ],
)
def test_values_that_their_type_does_not_hold_are_refused(abi_type: str, value: AbiValue, code: str) -> None:
    with pytest.raises(InputError) as caught:
        entries.encode_value(abi_type, value)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("abi_type", "value"),
    [
        ("uint64", 5),
        ("uint64", "05"),
        ("uint64", "-0"),
        ("uint64", "-1"),
        ("uint64", "1" * 4000),
        ("uint64", str(2**64)),
        ("uint8", "5"),
        ("uint8", True),
        ("bool", 1),
        ("bytes2", "0x6A6B"),
        ("bytes2", "6a6b"),
        ("bytes2", "0x6a"),
        ("address", "0x" + "AB" * 20),
        ("string", 5),
        ("uint8[]", "[]"),
        ("uint8[]", {"0": 1}),
        ("(uint8,uint8)", [1]),
    ],
)
def test_only_one_spelling_of_a_value_is_read(abi_type: str, value: Any) -> None:
    with pytest.raises(FormatError, match=r"log\.entry_value"):
        entries.decode_value(abi_type, value)


def _changed(name: str, **members: Any) -> bytes:
    body = canonical.decode_object(entries.encode_entry(_samples()[name]))
    for member, value in members.items():
        if value is None:
            del body[member]
        else:
            body[member] = value
    return canonical.encode(body)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (_changed("status", format=2), "log.entry_format"),
        (_changed("status", format="1"), "log.entry_format"),
        (_changed("status", format=True), "log.entry_format"),
        (_changed("status", format=None), "log.entry_format"),
        (_changed("status", type="other"), "log.entry_members"),
        (_changed("status", type=["status"]), "log.entry_members"),
        (_changed("status", type="genesis"), "log.entry_members"),
        (_changed("status", hash=None), "log.entry_members"),
        (_changed("status", more=1), "log.entry_members"),
        (_changed("status", block=5), "log.entry_value"),
        (_changed("status", status_root="0x00"), "log.entry_value"),
        (_changed("genesis", consortium="0x" + "AB" * 20), "log.entry_value"),
        (_changed("event", args=[]), "log.entry_members"),
        (_changed("event", args={"two words": 1}), "log.entry_name"),
        (_changed("event", event="<script>"), "log.entry_name"),
        (_changed("event", log_index="4"), "log.entry_value"),
        (b"", "canonical.malformed"),
        (b"[]", "canonical.not_object"),
        (b'{"format":1,"format":1}', "canonical.duplicate_key"),
        (b'{"format": 1}', "canonical.not_canonical"),
        (b'{"format":' + b"[" * 50_000, "canonical.too_deep"),
        (b'{"format":' + b"9" * 50_000 + b"}", "canonical.number"),
        (b'"' + b"x" * 65_534 + b'"', "canonical.too_long"),
    ],
)
def test_entries_of_another_form_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        entries.parse_entry(data)
    assert caught.value.code == code


def test_an_entry_fits_its_two_length_bytes() -> None:
    room = 65_535 - len(entries.encode_entry(entries.event_entry(1, replace(RECORD, args=(("a", "string", ""),)))))
    fits = replace(RECORD, args=(("a", "string", "x" * room),))
    assert len(entries.encode_entry(entries.event_entry(1, fits))) == 65_535
    with pytest.raises(InputError, match=r"log\.entry_long"):
        entries.encode_entry(entries.event_entry(1, replace(RECORD, args=(("a", "string", "x" * (room + 1)),))))


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (replace(RECORD, name="no name"), "log.entry_name"),
        (replace(RECORD, args=(("no name", "bool", True),)), "log.entry_name"),
        (replace(RECORD, args=(("a", "bool", True), ("a", "bool", True))), "log.entry_args"),
        (replace(RECORD, contract="0x"), "log.entry_value"),
        (replace(RECORD, tx_hash=b""), "log.entry_value"),
        (replace(RECORD, block_number=-1), "log.entry_value"),
        (replace(RECORD, log_index=2**32), "log.entry_value"),
        (replace(RECORD, args=(("a", "string", "\ud800"),)), "canonical.unsupported"),
    ],
)
def test_events_that_no_chain_gives_are_not_written(record: EventRecord, code: str) -> None:
    with pytest.raises(InputError) as caught:
        entries.encode_entry(entries.event_entry(1, record))
    assert caught.value.code == code


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_refused_with_a_code(data: bytes) -> None:
    with pytest.raises(LedgerError):
        entries.parse_entry(b'{"format":1,' + data)
