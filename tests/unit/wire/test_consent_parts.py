"""A holder's part of a consent: read back as written, refused in every other form."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ledger.domain import canonical
from ledger.errors import FormatError
from ledger.wire.consent_parts import ConsentPart, SignedLeaf, read_consent_part
from tests.unit.wire.receipt_world import batch, consent

WHOLE = consent()
LEAVES = tuple(
    SignedLeaf(leaf, batch().entries[leaf & 0xFFFFFFFF], (bytes(32),) * 8, signature)
    for leaf, signature in zip(WHOLE.terms.leaves, WHOLE.signatures, strict=True)
)
GOOD = ConsentPart(replace(WHOLE, signatures=()), LEAVES[:1])


def changed(*path: str | int, to: Any) -> bytes:
    """The part with another value at one place."""
    value = json.loads(GOOD.encode())
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return canonical.encode(value)


@pytest.mark.parametrize("count", [1, 2])
def test_it_reads_back(count):
    part = replace(GOOD, leaves=LEAVES[:count])
    assert read_consent_part(part.encode()) == part


@pytest.mark.parametrize(
    "data",
    [
        changed("format", to="tongban/consent/1"),
        changed("more", to=1),
        changed("leaves", to=[]),
        changed("leaves", 0, "leaf", to="1:1"),
        changed("leaves", 0, "entry", to="00"),
        changed("leaves", 0, "signature", to="00" * 64),
        changed("leaves", 0, "path", to=["00"]),
        changed("leaves", 0, "path", to=["00" * 32] * 21),
        replace(GOOD, leaves=(*LEAVES[:1], *LEAVES[:1])).encode(),
        replace(GOOD, leaves=LEAVES[::-1]).encode(),
        replace(GOOD, consent=WHOLE).encode(),
        replace(GOOD, consent=replace(GOOD.consent, attending=4)).encode(),
        b"[]",
    ],
)
def test_what_is_not_this_form_is_refused(data):
    with pytest.raises(FormatError, match=r"consents\.part_form"):
        read_consent_part(data)


def test_a_newer_programs_document_is_said_to_be_one():
    with pytest.raises(FormatError, match=r"consents\.part_version"):
        read_consent_part(changed("format", to="tongban/consent-part/2"))
