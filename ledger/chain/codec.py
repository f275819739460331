"""Calls of the contracts as bytes: encoding batches of operations, recognising them again, reading results.

Callers nest (see ``ledger.domain.calls``); the contracts take flat arguments: the operations' structs and, beside them,
arrays that the structs point into by offset and count. Encoding a batch lays the nested lists of all its operations end
to end, and the offsets come out by themselves, so that any intents for one entry point can travel together. Decoding
takes a transaction apart again into the same nested operations: that is how a restored node recognises on the chain
what its outbox still has waiting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError, EncodingError

from contracts import load
from ledger.chain.abi import canonical_type, selector
from ledger.chain.entry_points import EntryPoint, Reference, entry_point, entry_points
from ledger.domain.calls import Fields, Value, call_text
from ledger.domain.operations import Operation
from ledger.errors import InputError, IntegrityError

__all__ = [
    "Weight",
    "canonical_call",
    "constructor_arguments",
    "decode_call",
    "decode_result",
    "encode_arguments",
    "encode_call",
    "function",
    "weight",
]

_WORD = 32


@dataclass(frozen=True, slots=True)
class Weight:
    """What one call adds to a batch: bytes of calldata, gas at most, items in each of the entry point's arrays."""

    calldata: int
    gas: int
    items: Mapping[str, int]


# ---- encoding -------------------------------------------------------------------------------------------------------


def encode_call(operation: Operation, calls: Sequence[Fields]) -> bytes:
    """Encode one transaction that carries these calls, in this order.

    Raises:
        InputError: ``chain.call_malformed``: a field is missing, unknown, or not of its type; ``chain.call_alone``:
            several calls of an entry point that takes one.
    """
    point = entry_point(operation)
    if not point.batched:
        if len(calls) != 1:
            raise InputError("chain.call_alone", operation=operation.name)
        return selector(point.abi) + _encode(point.abi["inputs"], _arguments(point, calls[0]))
    arrays = _flatten(point, calls)
    return selector(point.abi) + _encode(point.abi["inputs"], [arrays[item["name"]] for item in point.abi["inputs"]])


def canonical_call(operation: Operation, fields: Fields) -> str:
    """The canonical text of a call, once it is certain that it can be encoded.

    The same call always has the same text, whether bytes were given as bytes or as hex.

    Raises:
        InputError: ``chain.call_malformed``.
    """
    data = encode_call(operation, [fields])
    _, (call,) = _take_apart(entry_point(operation), data[4:])
    return call_text(call)


def weight(operation: Operation, fields: Fields) -> Weight:
    """What a call adds to a batch."""
    point = entry_point(operation)
    size = len(encode_call(operation, [fields])) - 4
    if not point.batched:
        return Weight(size, point.gas(size, {}), {})
    items = {name: len(listed) for name, listed in _flatten(point, [fields]).items()}
    return Weight(size, point.gas(size, items), items)


def _flatten(point: EntryPoint, calls: Sequence[Fields]) -> dict[str, list[Any]]:
    arrays: dict[str, list[Any]] = {item["name"]: [] for item in point.abi["inputs"]}
    operations = point.abi["inputs"][0]
    for call in calls:
        arrays[operations["name"]].append(_item(point, operations, _operation(operations, call), arrays))
    return arrays


def _operation(operations: Mapping[str, Any], call: Fields) -> Value:
    if operations["type"] == "tuple[]":
        return call
    if set(call) != {"value"}:
        raise InputError("chain.call_malformed", field="value")
    return call["value"]


def _item(point: EntryPoint, array: Mapping[str, Any], item: Value, arrays: dict[str, list[Any]]) -> Any:  # noqa: ANN401  # a value of any ABI type
    """One item of an array, its nested lists already laid down in theirs."""
    if array["type"] != "tuple[]":
        return _value(array["type"].removesuffix("[]"), item, array["name"])
    if not isinstance(item, Mapping):
        raise InputError("chain.call_malformed", field=array["name"])
    references = point.references.get(array["name"], ())
    placed: dict[str, int] = {}
    for reference in references:
        placed |= _lay_down(point, reference, item, arrays)
    plain = [component for component in array["components"] if component["name"] not in placed]
    expected = {component["name"] for component in plain}.union(*(reference.arrays for reference in references))
    if set(item) != expected:
        raise InputError("chain.call_malformed", field=min(set(item) ^ expected))
    return tuple(
        placed[component["name"]] if component["name"] in placed else _component(component, item[component["name"]])
        for component in array["components"]
    )


def _lay_down(
    point: EntryPoint, reference: Reference, item: Mapping[str, Value], arrays: dict[str, list[Any]]
) -> dict[str, int]:
    """Append an item's nested lists to the shared arrays; answers offset and count."""
    placed: set[tuple[int, int]] = set()
    for name in reference.arrays:
        children = item.get(name)
        if not isinstance(children, Sequence) or isinstance(children, str | bytes):
            raise InputError("chain.call_malformed", field=name)
        target = point.input(name)
        built = [_item(point, target, child, arrays) for child in children]
        placed.add((len(arrays[name]), len(built)))
        arrays[name].extend(built)
    if len(placed) != 1:
        # Arrays that share one pair of offset and count are columns of one table.
        raise InputError("chain.call_malformed", field=reference.arrays[-1])
    ((offset, count),) = placed
    return {reference.offset: offset, reference.count: count}


def _arguments(point: EntryPoint, fields: Fields) -> list[Any]:
    names = [item["name"] for item in point.abi["inputs"]]
    if set(fields) != set(names):
        raise InputError("chain.call_malformed", field=min(set(fields) ^ set(names)))
    return [_component(item, fields[item["name"]]) for item in point.abi["inputs"]]


def _component(parameter: Mapping[str, Any], value: Any) -> Any:  # noqa: ANN401  # as above
    kind: str = parameter["type"]
    if kind.endswith("]"):
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise InputError("chain.call_malformed", field=parameter["name"])
        inner = {**parameter, "type": kind[: kind.rindex("[")]}
        return [_component(inner, item) for item in value]
    if kind != "tuple":
        return _value(kind, value, parameter["name"])
    components = parameter["components"]
    if isinstance(value, Mapping):
        if set(value) != {component["name"] for component in components}:
            raise InputError("chain.call_malformed", field=parameter["name"])
        value = [value[component["name"]] for component in components]
    elif not isinstance(value, tuple | list) or len(value) != len(components):
        raise InputError("chain.call_malformed", field=parameter["name"])
    return tuple(_component(component, item) for component, item in zip(components, value, strict=True))


def _value(kind: str, value: Any, name: str) -> Any:  # noqa: ANN401  # as above
    """Hexadecimal text, which JSON has in the place of bytes, becomes bytes again."""
    if kind.startswith("bytes") and isinstance(value, str):
        try:
            value = bytes.fromhex(value.removeprefix("0x"))
        except ValueError as error:
            raise InputError("chain.call_malformed", field=name) from error
    # eth_abi would fill up a short digest with zeros, and take 1 for true.
    if kind == "bytes32":
        sound = isinstance(value, bytes) and len(value) == _WORD
    else:
        sound = isinstance(value, bool) == (kind == "bool")
    if not sound:
        raise InputError("chain.call_malformed", field=name)
    return value


def _encode(inputs: Sequence[Mapping[str, Any]], values: Sequence[Any]) -> bytes:
    try:
        return abi_encode([canonical_type(item) for item in inputs], values)
    except (EncodingError, TypeError, ValueError, OverflowError) as error:
        # The error's own words repeat the value.
        raise InputError("chain.call_malformed", field=type(error).__name__) from None


# ---- taking apart ---------------------------------------------------------------------------------------------------


def decode_call(data: bytes) -> tuple[Operation, list[dict[str, Value]]] | None:
    """Take a transaction's data apart into an operation and its calls; ``None`` where no entry point has encoded it."""
    for point in entry_points():
        if selector(point.abi) == data[:4]:
            try:
                return _take_apart(point, data[4:])
            except (DecodingError, IntegrityError, OverflowError):
                return None
    return None


def _take_apart(point: EntryPoint, data: bytes) -> tuple[Operation, list[dict[str, Value]]]:
    inputs = point.abi["inputs"]
    values = abi_decode([canonical_type(item) for item in inputs], data)
    if not point.batched:
        named = {item["name"]: _named(item, value) for item, value in zip(inputs, values, strict=True)}
        return point.operation, [named]
    arrays = {item["name"]: value for item, value in zip(inputs, values, strict=True)}
    operations = inputs[0]
    calls = [_nest(point, operations, item, arrays) for item in arrays[operations["name"]]]
    return point.operation, calls if operations["type"] == "tuple[]" else [{"value": call} for call in calls]


def _nest(point: EntryPoint, array: Mapping[str, Any], item: Any, arrays: Mapping[str, Any]) -> Any:  # noqa: ANN401  # as above
    if array["type"] != "tuple[]":
        return item
    components = array["components"]
    named = {part["name"]: _named(part, value) for part, value in zip(components, item, strict=True)}
    for reference in point.references.get(array["name"], ()):
        start, count = named.pop(reference.offset), named.pop(reference.count)
        for name in reference.arrays:
            children = arrays[name][start : start + count]
            if len(children) != count:
                raise IntegrityError("chain.answer_malformed")
            target = point.input(name)
            named[name] = [_nest(point, target, child, arrays) for child in children]
    return named


def _named(parameter: Mapping[str, Any], value: Any) -> Any:  # noqa: ANN401  # as above
    """Structs as mappings, so that a call reads as it was written."""
    kind: str = parameter["type"]
    if kind.endswith("]"):
        inner = {**parameter, "type": kind[: kind.rindex("[")]}
        return [_named(inner, item) for item in value]
    if kind != "tuple":
        return value
    components = parameter["components"]
    return {component["name"]: _named(component, item) for component, item in zip(components, value, strict=True)}


# ---- views and constructors -----------------------------------------------------------------------------------------


@cache
def function(kind: str, name: str) -> Mapping[str, Any]:
    """The ABI entry of a contract's function.

    Raises:
        KeyError: that kind of contract has no such function.
    """
    for entry in load(kind).abi:
        if entry["type"] == "function" and entry["name"] == name:
            return entry
    raise KeyError(f"{kind}.{name}")


def encode_arguments(entry: Mapping[str, Any], arguments: Sequence[object]) -> bytes:
    """Encode a call of a function with arguments by position.

    Raises:
        InputError: ``chain.call_malformed``.
    """
    return selector(entry) + _positional(entry["inputs"], arguments)


def constructor_arguments(kind: str, arguments: Sequence[object]) -> bytes:
    """Encode what follows a contract's bytecode when it is deployed.

    Raises:
        InputError: ``chain.call_malformed``.
    """
    inputs: list[dict[str, Any]] = next(
        (entry["inputs"] for entry in load(kind).abi if entry["type"] == "constructor"), []
    )
    return _positional(inputs, arguments)


def _positional(inputs: Sequence[Mapping[str, Any]], arguments: Sequence[object]) -> bytes:
    if len(inputs) != len(arguments):
        raise InputError("chain.call_malformed", field="arguments")
    return _encode(inputs, [_component(item, value) for item, value in zip(inputs, arguments, strict=True)])


def decode_result(entry: Mapping[str, Any], data: bytes) -> Any:  # noqa: ANN401  # as above
    """Read what a view answered: a value, or a tuple of several.

    Raises:
        IntegrityError: ``chain.answer_malformed``, for instance where there is no contract at that address.
    """
    try:
        values = abi_decode([canonical_type(item) for item in entry["outputs"]], data)
    except (DecodingError, OverflowError) as error:
        raise IntegrityError("chain.answer_malformed") from error
    return values[0] if len(values) == 1 else values
