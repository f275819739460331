"""Numbers that stand in contracts and in Python are the same: reasons and operations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason

_CONSTANT = re.compile(r"^([A-Z][A-Z0-9_]*): constant\(uint256\) = (\d+)\s*(?:#.*)?$", re.MULTILINE)


def _sources(folder: Traversable) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith((".vy", ".vyi")):
            yield entry.name, entry.read_text(encoding="utf-8")


def _constants() -> list[tuple[str, str, int]]:
    return [
        (source, name, int(number))
        for source, text in _sources(files("contracts") / "src")
        for name, number in _CONSTANT.findall(text)
    ]


def test_reason_constants_are_the_codes() -> None:
    found = [entry for entry in _constants() if entry[1] in Reason.__members__]
    assert found
    assert [entry for entry in found if entry[2] != Reason[entry[1]]] == []


def test_operation_constants_are_the_codes() -> None:
    found = [
        (source, name.removeprefix("OPERATION_"), number)
        for source, name, number in _constants()
        if name.startswith("OPERATION_")
    ]
    assert found
    assert [entry for entry in found if entry[1] not in Operation.__members__ or entry[2] != Operation[entry[1]]] == []


def test_every_reason_is_given_by_a_contract() -> None:
    everything = "\n".join(_CONSTANT.sub("", text) for _, text in _sources(files("contracts") / "src"))
    assert [reason.name for reason in Reason if reason and not re.search(rf"\b{reason.name}\b", everything)] == []
