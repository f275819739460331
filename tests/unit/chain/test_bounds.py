"""The bounds of arrays are those of the contracts' sources."""

from __future__ import annotations

import re
from pathlib import Path

import contracts
from ledger.chain.bounds import BOUNDS, GAS, ITEM_GAS
from ledger.chain.entry_points import entry_points
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation

_SOURCES = sorted((Path(contracts.__file__).parent / "src").rglob("*.vy"))
_FUNCTION = re.compile(r"^def (\w+)\(([^)]*)\)", re.MULTILINE)
_ARRAY = re.compile(r"(\w+): DynArray\[[^,\]]+, ([\w.]+)\]")
_CONSTANT = re.compile(r"^(\w+): constant\(uint256\) = ([\d_]+)\b", re.MULTILINE)


def _bounds_in_sources() -> dict[str, dict[str, int]]:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in _SOURCES}
    constants = {stem: {name: int(value) for name, value in _CONSTANT.findall(text)} for stem, text in texts.items()}
    wanted = {point.name: [item["name"] for item in point.abi["inputs"]] for point in entry_points()}
    found: dict[str, dict[str, int]] = {}
    for stem, text in texts.items():
        for name, parameters in _FUNCTION.findall(text):
            names = [parameter.split(":")[0].strip() for parameter in parameters.split(",") if ":" in parameter]
            if names != wanted.get(name):
                continue
            arrays = {
                array: int(bound) if bound.isdigit() else _constant(constants, stem, bound)
                for array, bound in _ARRAY.findall(parameters)
            }
            if arrays:
                assert found.setdefault(name, arrays) == arrays, name
    return found


def _constant(constants: dict[str, dict[str, int]], stem: str, name: str) -> int:
    module, _, constant = name.rpartition(".")
    return constants[module or stem][constant]


def test_bounds_are_those_of_the_sources():
    assert _bounds_in_sources() == BOUNDS


def test_every_operation_has_an_entry_point_and_every_shared_array_a_bound():
    points = {point.operation: point for point in entry_points()}
    assert set(points) == set(Operation)
    for point in points.values():
        arrays = {item["name"] for item in point.abi["inputs"] if item["type"].endswith("[]")}
        assert set(point.bounds) == arrays, point.name


def test_one_operation_fits_a_transaction():
    points = {point.name: point for point in entry_points()}
    assert set(GAS) <= set(points)
    assert all(array in points[name].bounds for name, array in ITEM_GAS)
    for point in entry_points():
        assert point.gas(1_024, dict.fromkeys(point.bounds, 1)) <= LIMITS.transaction_gas, point.name
