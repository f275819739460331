"""Logs become events, and nothing else becomes one."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import NAMES, load
from ledger.chain.abi import canonical_type
from ledger.chain.logs import LogDecoder, RawLog, contract_decoder, event_topic
from ledger.domain.events import EVENTS
from ledger.errors import IntegrityError

_ENTRIES = {entry["name"]: entry for name in NAMES for entry in load(name).abi if entry["type"] == "event"}
_AT = "0x" + "ab" * 20


def _value(kind: str) -> st.SearchStrategy[Any]:
    if kind.endswith("[]"):
        return st.lists(_value(kind[:-2]), max_size=4).map(tuple)
    if kind == "address":
        return st.binary(min_size=20, max_size=20).map(lambda value: "0x" + value.hex())
    if kind == "bytes32":
        return st.binary(min_size=32, max_size=32)
    if kind.startswith("uint"):
        return st.integers(0, 2 ** int(kind[4:]) - 1)
    if kind.startswith("int"):
        return st.integers(-(2 ** (int(kind[3:]) - 1)), 2 ** (int(kind[3:]) - 1) - 1)
    return {"bool": st.booleans(), "string": st.text(max_size=40), "bytes": st.binary(max_size=80)}[kind]


def _log(entry: dict[str, Any], values: list[Any]) -> RawLog:
    pairs = list(zip(entry["inputs"], values, strict=True))
    topics = [event_topic(entry)]
    topics += [encode([canonical_type(item)], [value]) for item, value in pairs if item["indexed"]]
    plain = [(canonical_type(item), value) for item, value in pairs if not item["indexed"]]
    data = encode([kind for kind, _ in plain], [value for _, value in plain])
    return RawLog(_AT, tuple(topics), data, 3)


def _decode(log: RawLog) -> Any:
    return contract_decoder().decode(log, block=7, time=9, transaction=b"t" * 32)


def test_every_event_of_the_contracts_is_known_and_the_other_way_round():
    assert set(_ENTRIES) == set(EVENTS)


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(sorted(_ENTRIES)).flatmap(
        lambda name: st.tuples(
            st.just(name), st.tuples(*(_value(canonical_type(item)) for item in _ENTRIES[name]["inputs"]))
        )
    )
)
def test_what_a_contract_emits_is_read_back(drawn):
    name, values = drawn
    located = _decode(_log(_ENTRIES[name], list(values)))
    assert type(located.event) is EVENTS[name]
    named = {item["name"]: value for item, value in zip(_ENTRIES[name]["inputs"], values, strict=True)}
    assert {field: getattr(located.event, field) for field in named} == named
    assert len(astuple(located.event)) == len(values)
    assert located.arguments == tuple(
        (item["name"], canonical_type(item), value)
        for item, value in zip(_ENTRIES[name]["inputs"], values, strict=True)
    )
    assert (located.contract, located.block, located.time, located.log_index) == (_AT, 7, 9, 3)


def _anchored() -> RawLog:
    return _log(_ENTRIES["Anchored"], [1, 2, "0x" + "11" * 20, b"r" * 32, 256, b"b" * 32, 0])


def _revoked() -> RawLog:
    return _log(_ENTRIES["LeavesRevoked"], [1, (4, 5), 2, "0x" + "11" * 20, 1, b"c" * 32])


def _with(log: RawLog, *, topics: tuple[bytes, ...] | None = None, data: bytes | None = None) -> RawLog:
    return RawLog(log.address, log.topics if topics is None else topics, log.data if data is None else data, log.index)


@pytest.mark.parametrize(
    ("log", "code"),
    [
        (_with(_anchored(), topics=()), "chain.event_unknown"),
        (_with(_anchored(), topics=(b"?" * 32,)), "chain.event_unknown"),
        (_with(_anchored(), topics=_anchored().topics[:-1]), "chain.event_malformed"),
        (_with(_anchored(), data=_anchored().data[:-32]), "chain.event_malformed"),
        (_with(_anchored(), data=b"\xff" * len(_anchored().data)), "chain.event_malformed"),
        (_with(_revoked(), data=_revoked().data[:-32]), "chain.event_malformed"),
        (_with(_revoked(), data=b"\xff" * 32 + _revoked().data[32:]), "chain.event_malformed"),
    ],
)
def test_what_no_contract_of_ours_emits_is_refused(log, code):
    with pytest.raises(IntegrityError) as raised:
        _decode(log)
    assert raised.value.code == code
    assert raised.value.facts == {"block": 7, "log": 3}


def test_an_abi_that_the_domain_does_not_know_is_refused_at_once():
    entry = {"type": "event", "name": "Voted", "inputs": [{"name": "proposal", "type": "uint32", "indexed": True}]}
    with pytest.raises(ValueError, match="are not the fields"):
        LogDecoder([[entry]])
    indexed = {"type": "event", "name": "Voted", "inputs": [{"name": "proposal", "type": "string", "indexed": True}]}
    with pytest.raises(ValueError, match="no event of ours"):
        LogDecoder([[indexed]])
