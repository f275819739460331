from __future__ import annotations

import base64

import pytest

from ledger.domain import disclosures
from ledger.errors import FormatError, InputError

# RFC 9901, section 5.1 and section 4.2.
VECTORS = [
    ("2GLC42sKQveCfGfryNRN9w", "given_name", "John", "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4"),
    ("eluV5Og3gSNII8EYnsxA_A", "family_name", "Doe", "TGf4oLbgwd5JQaHyKVQZU9UdGE0w5rtDsrZzfUaomLo"),
    ("6Ij7tM-a5iVPGboS5tmvVA", "email", "johndoe@example.com", "JzYjH4svliH0R3PyEMfeZu6Jt69u5qehZo7F7EPYlSE"),
    ("_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius", "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"),
]
ENCODED = [
    "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd",
    "WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImZhbWlseV9uYW1lIiwgIkRvZSJd",
    "WyI2SWo3dE0tYTVpVlBHYm9TNXRtdlZBIiwgImVtYWlsIiwgImpvaG5kb2VAZXhhbXBsZS5jb20iXQ",
    "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
]


@pytest.mark.parametrize(("vector", "encoded"), list(zip(VECTORS, ENCODED, strict=True)))
def test_rfc_9901_vectors(vector: tuple[str, str, str, str], encoded: str) -> None:
    salt, name, value, digest = vector
    assert disclosures.disclosure_digest(encoded) == digest
    assert disclosures.parse_disclosure(encoded) == (salt, name, value)


def test_many_digests_are_those_of_each() -> None:
    assert disclosures.disclosure_digests(text.encode() for text in ENCODED) == [vector[3] for vector in VECTORS]
    assert disclosures.disclosure_digests([]) == []


def text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("disclosure", "code"),
    [
        ("", "records.disclosure"),
        ("é", "records.disclosure"),
        ("WyJh\n", "records.disclosure"),
        ("WyJh=", "records.disclosure"),
        ("A", "records.disclosure"),
        ("A" * 40_000, "records.disclosure"),
        (text(b'{"a":1}'), "records.disclosure"),
        (text(b'["salt","name"]'), "records.disclosure"),
        (text(b'["salt","name",1,2]'), "records.disclosure"),
        (text(b'[1,"name",1]'), "records.disclosure"),
        (text(b'["salt",1,1]'), "records.disclosure"),
        (text(b'["salt","_sd",[]]'), "records.disclosure"),
        (text(b'["salt","...",1]'), "records.disclosure"),
        (text(b'["salt","name",{"a":1,"a":2}]'), "canonical.duplicate_key"),
        (text(b'["salt","name",1e999]'), "canonical.number"),
        (text(b'["salt","name",'), "canonical.malformed"),
        (text(b'["salt","name","\xff"]'), "canonical.not_utf8"),
    ],
    ids=range(17),
)
def test_malformed_disclosures_are_named(disclosure: str, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        disclosures.parse_disclosure(disclosure)
    assert caught.value.code == code


def test_exactly_the_fields_asked_for_are_selected() -> None:
    assert disclosures.select_disclosures(ENCODED[:3], ["email", "given_name"]) == (ENCODED[2], ENCODED[0])
    assert disclosures.select_disclosures(ENCODED[:3], []) == ()
    with pytest.raises(InputError, match=r"records.field_missing"):
        disclosures.select_disclosures(ENCODED[:3], ["number"])
