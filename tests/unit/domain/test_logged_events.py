"""Every event survives the log: written by its ABI, read back without it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.entries import EventEntry, EventRecord, encode_entry, event_entry, parse_entry
from ledger.domain.events import EVENTS
from ledger.domain.logged_events import event_of
from ledger.errors import FormatError

_TYPES: dict[Any, tuple[str, st.SearchStrategy[Any]]] = {
    bool: ("bool", st.booleans()),
    bytes: ("bytes", st.binary(max_size=40)),
    str: ("string", st.text(st.characters(exclude_categories=("Cs",)), max_size=20)),
}


def _type_of(hint: Any, data: st.DataObject) -> tuple[str, st.SearchStrategy[Any]]:
    if get_origin(hint) is tuple:
        name, strategy = _type_of(get_args(hint)[0], data)
        return f"{name}[]", st.lists(strategy, max_size=3).map(tuple)
    if hint is int:
        bits = data.draw(st.sampled_from([8, 16, 32, 40, 96, 256]))
        return f"uint{bits}", st.integers(0, 2**bits - 1)
    return _TYPES[hint]


@pytest.mark.parametrize("name", EVENTS)
@given(data=st.data())
@settings(max_examples=5, deadline=None)
def test_events_read_back(name: str, data: st.DataObject) -> None:
    hints = get_type_hints(EVENTS[name])
    args = []
    for field in fields(EVENTS[name]):
        abi_type, strategy = _type_of(hints[field.name], data)
        args.append((field.name, abi_type, data.draw(strategy)))
    event = EVENTS[name](**{field: value for field, _, value in args})
    record = EventRecord("0x" + "ab" * 20, name, tuple(args), 1, 2, bytes(32), 3)
    entry = parse_entry(encode_entry(event_entry(1, record)))
    assert isinstance(entry, EventEntry)
    assert event_of(entry) == event


ENTRY = EventEntry(
    chain_id=1,
    block_number=1,
    block_time=1,
    tx_hash=bytes(32),
    log_index=0,
    contract="0x" + "ab" * 20,
    name="ProposalClosed",
    args={"proposal": "7", "passed": True},
)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (replace(ENTRY, name="Unheard"), "log.entry_event"),
        (replace(ENTRY, args={"proposal": "7"}), "log.entry_args"),
        (replace(ENTRY, args={**ENTRY.args, "more": 1}), "log.entry_args"),
        (replace(ENTRY, args={"proposal": "07", "passed": True}), "log.entry_value"),
        (replace(ENTRY, args={"proposal": True, "passed": True}), "log.entry_value"),
        (replace(ENTRY, args={"proposal": None, "passed": True}), "log.entry_value"),
        (replace(ENTRY, args={"proposal": 7, "passed": 1}), "log.entry_value"),
        (replace(ENTRY, name="PolicySet", args={"version": 1, "digest": "AB"}), "log.entry_value"),
        (replace(ENTRY, name="EndpointPublished", args={"member": 1, "url": 5}), "log.entry_value"),
        (
            replace(
                ENTRY,
                name="LeavesRevoked",
                args={"batch": 1, "leaves": "1", "member": 1, "key": "0x", "cause": 1, "commitment": "0x"},
            ),
            "log.entry_value",
        ),
    ],
)
def test_entries_that_log_no_event_of_ours_are_refused(entry: EventEntry, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        event_of(entry)
    assert caught.value.code == code
