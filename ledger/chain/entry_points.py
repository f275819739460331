"""The entry points of the contracts, by operation: read from the checked-in ABI, not written down a second time.

An entry point is *batched* where its first parameter is an array: one operation each, answered by one ``Refused`` with
that index or by the operation's events. Further arrays are shared by the operations, which point into them by a pair of
fields, ``<name>_offset`` and ``<name>_count``. In a call, the nested list stands under the array's own name; an operation
that is no struct stands under ``value``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from contracts import NAMES, load
from ledger.chain.bounds import BOUNDS, DEFAULT_GAS, GAS, ITEM_GAS
from ledger.domain.operations import Operation

__all__ = ["EntryPoint", "Reference", "contract_of", "entry_point", "entry_points"]

# A vote on members names its candidates by position in an array, and only for one kind of motion: it travels alone.
_ALONE = frozenset({Operation.PROPOSE})
# Functions whose name is not the operation's in lower case.
_FUNCTIONS: dict[Operation, str] = {}
# Arrays that share one pair of offset and count, by function and the pair's name.
_PARALLEL = {("draft", "matter"): ("matters", "modes")}
_PLURALS = {"party": "parties", "leaf": "leaves", "entry": "entries", "proof": "proofs"}
_COUNTS = ("_count", "_length", "_size", "_len")
# Gas of a byte of calldata that is not zero.
_BYTE_GAS = 16


@dataclass(frozen=True, slots=True)
class Reference:
    """Nested lists: in the contract, ``offset`` and ``count`` into arrays; in a call, lists under the arrays' names."""

    offset: str
    count: str
    arrays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One entry point: contract kind, ABI entry, and how its arrays hang together."""

    operation: Operation
    kind: str
    abi: Mapping[str, Any]
    batched: bool
    references: Mapping[str, tuple[Reference, ...]]

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.abi["name"])

    @property
    def bounds(self) -> Mapping[str, int]:
        """How many items each array takes in one transaction."""
        return BOUNDS.get(self.name, {})

    def input(self, name: str) -> Mapping[str, Any]:
        """One of its parameters."""
        found: Mapping[str, Any] = next(item for item in self.abi["inputs"] if item["name"] == name)
        return found

    def gas(self, calldata: int, items: Mapping[str, int]) -> int:
        """Gas that one operation may take, on the high side; a batch that needs more is sent again one by one."""
        nested = sum(count * ITEM_GAS.get((self.name, name), 0) for name, count in items.items())
        return GAS.get(self.name, DEFAULT_GAS) + nested + calldata * _BYTE_GAS


def entry_point(operation: Operation) -> EntryPoint:
    """The entry point of an operation.

    Raises:
        KeyError: no contract has it.
    """
    return _table()[operation]


def entry_points() -> Sequence[EntryPoint]:
    """All entry points."""
    return tuple(_table().values())


def contract_of(operation: Operation) -> str:
    """The kind of contract that does an operation."""
    return entry_point(operation).kind


@cache
def _table() -> dict[Operation, EntryPoint]:
    functions = {
        entry["name"]: (kind, entry)
        for kind in NAMES
        for entry in load(kind).abi
        if entry["type"] == "function" and entry["stateMutability"] == "nonpayable"
    }
    table: dict[Operation, EntryPoint] = {}
    for operation in Operation:
        name = _FUNCTIONS.get(operation, operation.name.lower())
        if name in functions:
            table[operation] = _read(operation, *functions[name])
    return table


def _read(operation: Operation, kind: str, entry: Mapping[str, Any]) -> EntryPoint:
    inputs = entry["inputs"]
    batched = bool(inputs) and inputs[0]["type"].endswith("[]") and operation not in _ALONE
    arrays = {item["name"] for item in inputs[1:] if item["type"].endswith("[]")}
    references: dict[str, tuple[Reference, ...]] = {}
    if batched:
        for item in inputs:
            components = [component["name"] for component in item.get("components", [])]
            found = tuple(_references(entry["name"], components, arrays))
            if found:
                references[item["name"]] = found
        pointed = {array for found in references.values() for reference in found for array in reference.arrays}
        if pointed != arrays or len(inputs) != len(arrays) + 1:
            raise ValueError(f"{entry['name']}: nothing points into {sorted(arrays - pointed)}")
    return EntryPoint(operation, kind, entry, batched, references)


def _references(function: str, components: Sequence[str], arrays: set[str]) -> list[Reference]:
    found: list[Reference] = []
    for offset in components:
        prefix = offset.removesuffix("_offset")
        count = next((prefix + suffix for suffix in _COUNTS if prefix + suffix in components), None)
        if prefix == offset or count is None:
            continue
        names = _PARALLEL.get((function, prefix)) or tuple(
            name for name in (prefix, prefix + "s", _PLURALS.get(prefix, prefix)) if name in arrays
        )
        found.append(Reference(offset, count, tuple(dict.fromkeys(names))))
    return found
