"""Whatever is nested for a contract comes apart again as it was, in whichever batch it travelled."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain import codec
from ledger.chain.entry_points import EntryPoint, entry_point, entry_points
from ledger.domain.calls import call_digest, call_text, parse_call
from ledger.domain.operations import Operation
from ledger.errors import FormatError, InputError, IntegrityError

_POINTS = entry_points()


def _values(parameter: dict[str, Any]) -> st.SearchStrategy[Any]:
    kind = parameter["type"]
    if kind.endswith("[]"):
        return st.lists(_values({**parameter, "type": kind[:-2]}), max_size=3)
    if kind == "tuple":
        return st.fixed_dictionaries({part["name"]: _values(part) for part in parameter["components"]})
    if kind == "bool":
        return st.booleans()
    if kind == "string":
        return st.text(max_size=20)
    if kind == "address":
        return st.binary(min_size=20, max_size=20).map(lambda value: "0x" + value.hex())
    if kind == "bytes":
        return st.binary(max_size=40)
    if kind == "bytes32":
        return st.binary(min_size=32, max_size=32)
    assert kind.startswith("uint"), kind
    return st.integers(0, 2 ** int(kind[4:]) - 1)


def _calls(point: EntryPoint) -> st.SearchStrategy[list[dict[str, Any]]]:
    inputs = point.abi["inputs"]
    if not point.batched:
        return st.fixed_dictionaries({item["name"]: _values(item) for item in inputs}).map(lambda call: [call])
    first = inputs[0]
    if first["type"] != "tuple[]":
        inner = _values({**first, "type": first["type"][:-2]})
        return st.lists(inner.map(lambda value: {"value": value}), max_size=4)
    return st.lists(_item(point, first), max_size=3)


def _item(point: EntryPoint, array: Any) -> st.SearchStrategy[Any]:
    if array["type"] != "tuple[]":
        return _values({**array, "type": array["type"][:-2]})
    references = point.references.get(array["name"], ())
    placed = {name for reference in references for name in (reference.offset, reference.count)}
    plain = {part["name"]: _values(part) for part in array["components"] if part["name"] not in placed}

    def nested(count: int) -> st.SearchStrategy[Any]:
        lists = {
            name: st.lists(_item(point, point.input(name)), min_size=count, max_size=count)
            for reference in references
            for name in reference.arrays
        }
        return st.fixed_dictionaries({**plain, **lists})

    return st.integers(0, 3).flatmap(nested)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(_POINTS).flatmap(lambda point: st.tuples(st.just(point), _calls(point))))
def test_calls_come_apart_as_they_were(drawn):
    point, calls = drawn
    data = codec.encode_call(point.operation, calls)
    assert codec.decode_call(data) == (point.operation, calls)
    if len(calls) == 1:
        text = codec.canonical_call(point.operation, calls[0])
        assert text == call_text(calls[0])
        # What has been through the outbox is the same call.
        assert codec.encode_call(point.operation, [parse_call(text)]) == data


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_call_is_recognised_whatever_travelled_with_it(data):
    calls = data.draw(_calls(entry_point(Operation.GRANT)).filter(bool))
    alone = [codec.canonical_call(Operation.GRANT, call) for call in calls]
    _, together = codec.decode_call(codec.encode_call(Operation.GRANT, calls)) or (None, [])
    assert [call_text(call) for call in together] == alone
    at = "0x" + "ab" * 20
    assert [call_digest(at, Operation.GRANT, text) for text in alone] == [
        call_digest(at, Operation.GRANT, call_text(call)) for call in together
    ]


_ANCHOR: dict[str, Any] = {"root": bytes(32), "size": 1, "blob": bytes(32), "flags": 0}


@pytest.mark.parametrize(
    ("operation", "fields", "named"),
    [
        (Operation.ANCHOR, {**_ANCHOR, "root": bytes(31)}, "root"),
        (Operation.ANCHOR, {**_ANCHOR, "root": "0xzz"}, "root"),
        (Operation.ANCHOR, {**_ANCHOR, "size": True}, "size"),
        (Operation.ANCHOR, {**_ANCHOR, "size": 2**32}, "ValueOutOfBounds"),
        (Operation.ANCHOR, {**_ANCHOR, "size": "1"}, "EncodingTypeError"),
        (Operation.ANCHOR, {**_ANCHOR, "more": 1}, "more"),
        (Operation.ANCHOR, {"size": 1}, "blob"),
        (Operation.WITHDRAW, {"matter": bytes(32)}, "value"),
        (Operation.REVOKE, {"batch": 1, "leaves": "12", "cause": 1, "commitment": bytes(32)}, "leaves"),
        (Operation.PUBLISH_ENDPOINT, {}, "url"),
        (Operation.VOTE, {"proposal": 1, "approve": 1}, "approve"),
        (
            Operation.DRAFT,
            {
                "agreement": bytes(32), "kind": 1, "parent": bytes(32), "predecessor": bytes(32), "parties": [1],
                "matters": [bytes(32)], "modes": [], "notice_days": 0, "valid_from": 0, "valid_until": 0,
                "digest": bytes(32), "blob": bytes(32),
            },
            "modes",
        ),
    ],
)  # fmt: skip
def test_a_malformed_call_names_the_field_and_not_its_value(operation, fields, named):
    with pytest.raises(InputError) as raised:
        codec.canonical_call(operation, fields)
    assert (raised.value.code, raised.value.facts) == ("chain.call_malformed", {"field": named})


def test_an_entry_point_for_one_takes_one():
    with pytest.raises(InputError, match="call_alone"):
        codec.encode_call(Operation.PUBLISH_ENDPOINT, [{"url": "a"}, {"url": "b"}])


def test_what_no_entry_point_has_encoded_is_not_taken_apart():
    assert codec.decode_call(b"") is None
    assert codec.decode_call(b"\x00" * 100) is None
    call: dict[str, Any] = {"batch": 1, "leaves": [1, 2], "cause": 1, "commitment": bytes(32)}
    data = codec.encode_call(Operation.REVOKE, [call])
    assert codec.decode_call(data[:-40]) is None
    # An offset beyond its array: nothing of ours.
    beyond = bytearray(data)
    beyond[-32 * 5 - 1] = 9
    assert codec.decode_call(bytes(beyond)) is None


def test_weight_counts_bytes_gas_and_items():
    call: dict[str, Any] = {"batch": 1, "leaves": [1, 2, 3], "cause": 1, "commitment": bytes(32)}
    weight = codec.weight(Operation.REVOKE, call)
    assert weight.items == {"items": 1, "leaves": 3}
    assert weight.calldata == len(codec.encode_call(Operation.REVOKE, [call])) - 4
    assert weight.gas > codec.weight(Operation.REVOKE, {**call, "leaves": []}).gas


def test_stored_text_that_is_no_call_is_refused():
    for text in ("", "[]", "{"):
        with pytest.raises(FormatError):
            parse_call(text)


def test_results_of_views_are_read_or_refused():
    view = codec.function("catalogue", "latest")
    assert codec.decode_result(view, (7).to_bytes(32, "big")) == 7
    with pytest.raises(IntegrityError):
        codec.decode_result(view, b"")
    with pytest.raises(InputError):
        codec.encode_arguments(view, [1])
    with pytest.raises(KeyError):
        codec.function("catalogue", "nothing")
