"""Receipts as documents: the checked-in ones have their verdicts, a malformed one its code, and no byte may be changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.domain.limits import LIMITS
from ledger.domain.notes import decode_base64
from ledger.errors import LedgerError
from ledger.wire.receipts import Receipt, encode_receipt, read_receipt
from ledger.wire.verification import Outcome, Verdict
from tests.unit.wire import receipt_world as world
from tests.unit.wire.receipt_vectors import EXPECTED, GOOD, VECTORS, verdict_of
from tests.unit.wire.receipt_world import Scene, make
from tests.vectors.receipts import generate

# No refusal takes longer than this, whatever was sent.
pytestmark = pytest.mark.timeout(60)


def shown(verdict: Verdict) -> dict[str, Any]:
    return {
        "good": verdict.good,
        "checks": [
            {"name": check.name, "outcome": check.outcome.value, "code": check.code, "evidence": dict(check.evidence)}
            for check in verdict.checks
        ],
    }


def without_randomised(data: bytes) -> Any:
    """A receipt without its ML-DSA lines."""
    value = json.loads(data)
    lines = value["checkpoint"].split("\n")
    value["checkpoint"] = [
        line for line in lines if not line.startswith("— ") or len(decode_base64(line.split(" ")[2])) < 2_000
    ]
    return value


# ---- the vectors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOOD)
def test_a_vector_has_its_verdict_and_one_spelling(name: str) -> None:
    receipt = read_receipt(GOOD[name])
    assert encode_receipt(receipt) == GOOD[name]
    assert shown(verdict_of(receipt)) == EXPECTED["verdicts"][name]
    assert EXPECTED["verdicts"][name]["good"] is True


def test_the_vectors_are_those_that_the_generator_makes() -> None:
    made = dict(generate.files())
    assert set(made) == {
        path.name for path in VECTORS.iterdir() if path.is_file() and path.suffix not in {".py", ".go", ".txt"}
    }
    for name, content in made.items():
        kept = (VECTORS / name).read_bytes()
        if name.removesuffix(".json") in GOOD:
            assert without_randomised(kept) == without_randomised(content)
        else:
            assert kept == content, name


def test_a_receipt_says_what_it_rests_on() -> None:
    verdict = verdict_of(read_receipt(GOOD["use"]))
    assert dict(verdict.check("seen").evidence)["engine"] == "single-sequencer"
    assert dict(verdict.check("not_revoked").evidence)["clock_offset"] == world.CLOCK_OFFSET
    # Signed on paper: the grant's entry alone attests it, and the verdict says so.
    witnessed = dict(verdict_of(read_receipt(GOOD["witnessed"])).check("consent").evidence)
    assert (witnessed["witnessed_by"], "signatures" in witnessed) == (4, False)
    assert verdict_of(read_receipt(GOOD["plain"])).check("consent").outcome is Outcome.NOT_CLAIMED


def test_a_use_for_a_child_of_the_consents_case_says_so() -> None:
    child = bytes([1]) * 32
    verdict = verdict_of(make(Scene(given=world.consent(), used={"case": child})))
    assert verdict.good
    facts = dict(verdict.check("consent").evidence)
    assert (facts["case"], facts["parent_case"]) == (child.hex(), world.CASE.hex())


# ---- forms that are refused before anything is verified -------------------------------------------------------------


def changed(name: str, change: Callable[[dict[str, Any]], None]) -> bytes:
    value = json.loads(GOOD[name])
    change(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def at(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    """Set one member."""

    def change(value: Any) -> None:
        for key in path[:-1]:
            value = value[key]
        value[path[-1]] = to

    return change


def _deep() -> bytes:
    return GOOD["use"].replace(b'"engine":"single-sequencer"', b'"engine":' + b"[" * 100_000 + b"]" * 100_000)


def _swapped_case(value: dict[str, Any]) -> None:
    value["blinding"] = value["blinding"].upper()


HASH = json.loads(GOOD["use"])["path"][0]
TERMS = ("use", "consent", "terms")

MALFORMED: dict[str, tuple[bytes, str]] = {
    "non-canonical JSON": (json.dumps(json.loads(GOOD["use"]), indent=1).encode(), "canonical.not_canonical"),
    "a space at the end": (GOOD["use"] + b" ", "canonical.not_canonical"),
    "duplicate keys": (
        GOOD["use"].replace(b'{"absence":', b'{"absence":null,"absence":', 1),
        "canonical.duplicate_key",
    ),
    "a duplicate key deep inside": (
        GOOD["use"].replace(b'"purpose":1', b'"purpose":1,"purpose":1'),
        "canonical.duplicate_key",
    ),
    "a huge number": (changed("use", at(*TERMS, "valid_until", to=10**30)), "canonical.number"),
    "a number of thousands of digits": (
        GOOD["use"].replace(b'"purpose":1', b'"purpose":' + b"9" * 100_000),
        "canonical.number",
    ),
    "a number beyond a double": (GOOD["use"].replace(b'"purpose":1', b'"purpose":1e999'), "canonical.number"),
    "not a number": (GOOD["use"].replace(b'"purpose":1', b'"purpose":NaN'), "canonical.number"),
    "a huge index": (changed("use", at("anchored", "index", to="9" * 5_000)), "receipts.malformed"),
    "an index above 2^63": (changed("use", at("anchored", "index", to=str(2**63))), "receipts.malformed"),
    "a negative index": (changed("use", at("anchored", "index", to="-1")), "receipts.malformed"),
    "an index with a leading zero": (changed("use", at("anchored", "index", to="02")), "receipts.malformed"),
    "deep nesting": (_deep(), "canonical.too_deep"),
    "not UTF-8": (GOOD["use"].replace(b"single", b"s\xffngle"), "canonical.not_utf8"),
    "a lone surrogate": (GOOD["use"].replace(b"single-", b"\\ud800"), "canonical.malformed"),
    "truncated": (GOOD["use"][:-1], "canonical.malformed"),
    "empty": (b"", "canonical.malformed"),
    "a list": (b"[]", "receipts.malformed"),
    "too long": (GOOD["use"] + b" " * LIMITS.receipt_bytes, "receipts.too_long"),
    "another version": (changed("use", at("format", to="tongban/receipt/2")), "receipts.version"),
    "an unknown member": (changed("use", at("more", to=1)), "receipts.malformed"),
    "a use that is nothing": (changed("use", at("use", to=None)), "receipts.malformed"),
    "an unknown engine": (changed("use", at("engine", to="trusted")), "receipts.engine"),
    "hex in capitals": (changed("use", _swapped_case), "receipts.malformed"),
    "base64 with other last bits": (changed("use", at("record", to="AB==")), "receipts.malformed"),
    "a leaf with a leading zero": (changed("use", at("leaf", to="07:1")), "receipts.malformed"),
    "a leaf beyond its width": (changed("use", at("leaf", to=f"7:{2**32}")), "receipts.malformed"),
    "a path that is too long": (changed("use", at("path", to=[HASH] * 64)), "log.proof_long"),
    "a short hash in a path": (changed("use", at("path", to=["AAAA"])), "log.hash_length"),
    "a path of numbers": (changed("use", at("path", to=[1])), "log.proof_json"),
    "too many disclosures": (changed("use", at("disclosures", to=["a"] * 200)), "receipts.malformed"),
    "a consent of another format": (changed("use", at("use", "consent", "format", to="x")), "consents.granted_form"),
    "a consent without a term": (changed("use", at(*TERMS, to={})), "consents.granted_form"),
    "a purpose that is none": (changed("use", at(*TERMS, "purpose", to=9)), "consents.granted_form"),
    "another list of fields": (
        changed("use", at(*TERMS, "disclosed", to="00" * 32)),
        "consents.granted_form",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_receipt_is_refused_by_its_form(name: str) -> None:
    data, code = MALFORMED[name]
    assert data not in GOOD.values()
    with pytest.raises(LedgerError) as caught:
        read_receipt(data)
    assert caught.value.code == code


# ---- any byte -------------------------------------------------------------------------------------------------------


def content(receipt: Receipt) -> Mapping[str, Any]:
    """All that a receipt says; which cosignatures it carries beyond the quorum is not among it."""
    text, _, _ = receipt.checkpoint.partition(b"\n\n")
    names = [name for name in Receipt.__slots__ if name != "checkpoint"]
    return {name: getattr(receipt, name) for name in names} | {"checkpoint": text}


@pytest.mark.parametrize("name", GOOD)
@given(data=st.data())
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_a_changed_byte_never_makes_another_good_receipt(name: str, data: st.DataObject) -> None:
    good = GOOD[name]
    place = data.draw(st.integers(0, len(good) - 1))
    value = data.draw(st.integers(0, 255))
    mutated = good[:place] + bytes((value,)) + good[place + 1 :]
    try:
        receipt = read_receipt(mutated)
        verdict = verdict_of(receipt)
    except LedgerError:
        return
    if verdict.good:
        assert content(receipt) == content(read_receipt(good))


@given(data=st.data())
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_a_changed_value_never_makes_another_good_receipt(data: st.DataObject) -> None:
    """Bytes rarely keep the form; here a leaf of the JSON tree gets another value of some type."""
    value = json.loads(GOOD["use"])
    path: list[str | int] = []
    here: Any = value
    while isinstance(here, dict | list) and here:
        key = data.draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        path.append(key)
        here = here[key]
    near = [here[:-1], here + here[-1:], here[::-1]] if isinstance(here, str) else [here]
    other = data.draw(
        st.one_of(
            st.sampled_from([None, True, -1, 0, 1, 2**53 - 1, "", "0", "00", [], {}, "0x" + "0" * 40, *near]),
            st.integers(-(2**60), 2**60),
            st.text(max_size=8),
        )
    )
    at(*path, to=other)(value)
    mutated = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")
    try:
        receipt = read_receipt(mutated)
        verdict = verdict_of(receipt)
    except LedgerError:
        return
    if verdict.good:
        assert content(receipt) == content(read_receipt(GOOD["use"]))
