from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import canonical
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError

SAFE = 2**53 - 1
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(values)
def test_bytes_are_those_of_the_reference_library(value: canonical.JsonValue) -> None:
    assert canonical.encode(value) == rfc8785.dumps(value)


@settings(max_examples=100)
@given(values)
def test_what_is_read_encodes_to_the_same_bytes(value: canonical.JsonValue) -> None:
    data = canonical.encode(value)
    if all(abs(number) <= SAFE for number in _numbers(value)):
        assert canonical.encode(canonical.decode(data)) == data
    else:
        with pytest.raises(FormatError, match=r"canonical.number"):
            canonical.decode(data)


def _numbers(value: canonical.JsonValue) -> list[float]:
    if isinstance(value, dict):
        return [n for item in value.values() for n in _numbers(item)]
    if isinstance(value, list):
        return [n for item in value for n in _numbers(item)]
    return [value] if isinstance(value, int | float) else []


def test_rfc_8785_example() -> None:
    source = (
        '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        '"string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals": [null, true, false]}'
    )
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical.encode(json.loads(source)) == expected.encode()


def test_rfc_8785_sorting_by_utf16_units() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    encoded = canonical.encode(dict.fromkeys(names, 0)).decode()
    assert list(json.loads(encoded)) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "canonical.malformed"),
        (b'{"a":1', "canonical.malformed"),
        (b'{"a":1}{}', "canonical.malformed"),
        (b'{"a":"\\ud800"}', "canonical.malformed"),
        (b'{"a":"\xff"}', "canonical.not_utf8"),
        (b'{"a":1,"a":1}', "canonical.duplicate_key"),
        (b'{"a":1,"a":2}', "canonical.duplicate_key"),
        (b'{"x":{"a":1,"a":2}}', "canonical.duplicate_key"),
        (b'{"b":1,"a":2}', "canonical.not_canonical"),
        (b'{"a": 1}', "canonical.not_canonical"),
        (b'{"a":1}\n', "canonical.not_canonical"),
        (b'{"a":1.0}', "canonical.not_canonical"),
        (b'{"a":-0}', "canonical.not_canonical"),
        (b'{"a":"\\u0041"}', "canonical.not_canonical"),
        (b'{"a":"\\/"}', "canonical.not_canonical"),
        (b'\xef\xbb\xbf{"a":1}', "canonical.malformed"),
        (b'{"a":9007199254740992}', "canonical.number"),
        (b'{"a":18446744073709551616}', "canonical.number"),
        (b'{"a":1e400}', "canonical.number"),
        (b'{"a":NaN}', "canonical.number"),
        (b"[" + b"9" * 100_000 + b"]", "canonical.number"),
        (b"[" * 25 + b"]" * 25, "canonical.too_deep"),
        (b"[" * 100_000, "canonical.too_deep"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "canonical.too_deep"),
        (b'"' + b"a" * LIMITS.json_bytes + b'"', "canonical.too_long"),
    ],
    ids=range(25),
)
def test_each_fault_has_its_own_code(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        canonical.decode(data)
    assert caught.value.code == code


def test_brackets_inside_strings_are_not_nesting() -> None:
    value = {"a": "[" * 1_000 + '"\\{'}
    assert canonical.decode(canonical.encode(value)) == value


def test_fractions_and_other_alphabets_are_read() -> None:
    value: canonical.JsonValue = {"名称": 1.5, "z": [0.25, "\U0001f600"]}
    assert canonical.decode(canonical.encode(value)) == value


def test_other_spellings_are_parsed_but_not_other_faults() -> None:
    assert canonical.parse(b' {"b": 1.0, "a": "\\u0041"}\n') == {"b": 1.0, "a": "A"}
    for data, code in [
        (b'{"a":1, "a":1}', "duplicate_key"),
        (b'{"a":1,"a":1}', "duplicate_key"),
        (b"[9007199254740992]", "number"),
        (b"[" * 200 + b"]" * 200, "too_deep"),
        (b"[1e400]", "number"),
        (b"\xff", "not_utf8"),
        (b"[", "malformed"),
    ]:
        with pytest.raises(FormatError) as caught:
            canonical.parse(data)
        assert caught.value.code == f"canonical.{code}"
    with pytest.raises(FormatError, match=r"canonical.too_long"):
        canonical.parse(b"[1]", limit=2)


@settings(max_examples=60)
@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_the_spelling_does_not_change_what_is_parsed(value, ascii_only, indent) -> None:
    separators = (",", ":") if indent is None else None
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators).encode()
    if all(abs(number) <= SAFE for number in _numbers(value)):
        assert canonical.parse(data) == value
    else:
        with pytest.raises(FormatError, match=r"canonical.number"):
            canonical.parse(data)


def test_an_object_is_asked_for() -> None:
    assert canonical.decode_object(b'{"a":[1]}') == {"a": [1]}
    with pytest.raises(FormatError, match=r"canonical.not_object"):
        canonical.decode_object(b"[1]")
    with pytest.raises(FormatError, match=r"canonical.too_long"):
        canonical.decode_object(b'{"a":[1]}', limit=8)


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), float("nan"), float("inf"), "\ud800", {1: 2}, b"x", {"a": {"b": object()}}, {"\ud800": 1}],
)
def test_what_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"canonical.unsupported"):
        canonical.encode(value)


def test_deep_values_are_not_encoded_by_exhausting_the_stack() -> None:
    value: canonical.JsonValue = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InputError, match=r"canonical.unsupported"):
        canonical.encode(value)
