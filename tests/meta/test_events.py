"""The events of the ABIs are those of the domain: names, parameters, order; none is missing on either side."""

from __future__ import annotations

from dataclasses import fields

import pytest

from contracts import load
from contracts.compile import names
from ledger.domain.events import EVENTS


def _events(name: str) -> dict[str, list[tuple[str, str]]]:
    return {
        entry["name"]: [(parameter["name"], parameter["type"]) for parameter in entry["inputs"]]
        for entry in load(name).abi
        if entry["type"] == "event"
    }


_PYTHON_TYPES = {"str": "string", "Address": "address", "bool": "bool"}


def _fits(python: str, abi: str) -> bool:
    if python in _PYTHON_TYPES:
        return abi == _PYTHON_TYPES[python]
    if python == "bytes":
        return abi in {"bytes32", "bytes"}
    if python == "tuple[int, ...]":
        return abi.startswith("uint") and abi.endswith("[]")
    if python == "tuple[bytes, ...]":
        return abi == "bytes32[]"
    return python == "int" and "int" in abi and not abi.endswith("]")


@pytest.mark.parametrize("name", names())
def test_events_of_a_contract_are_those_of_the_domain(name: str) -> None:
    for event, parameters in _events(name).items():
        declared = fields(EVENTS[event])
        assert [parameter for parameter, _ in parameters] == [field.name for field in declared], event
        for (parameter, abi), field in zip(parameters, declared, strict=True):
            assert _fits(str(field.type), abi), f"{event}.{parameter}: {abi} for {field.type}"


def test_every_event_of_the_domain_is_emitted_by_a_contract() -> None:
    emitted = {event for name in names() for event in _events(name)}
    assert set(EVENTS) - emitted == set()


def test_contracts_agree_on_the_events_they_share() -> None:
    shapes: dict[str, set[tuple[tuple[str, str], ...]]] = {}
    for name in names():
        for event, parameters in _events(name).items():
            shapes.setdefault(event, set()).add(tuple(parameters))
    assert [event for event, found in shapes.items() if len(found) != 1] == []
