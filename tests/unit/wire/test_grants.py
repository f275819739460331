"""A granted consent as a document: read back as written, refused in every other form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import canonical
from ledger.errors import FormatError, LedgerError
from ledger.wire.grants import read_granted
from tests.unit.wire.receipt_world import PAPER, consent

GOOD = {"signed": consent().encode(), "on paper": consent(witnessed=True).encode()}


@pytest.mark.parametrize("name", GOOD)
def test_it_reads_back(name):
    granted = read_granted(GOOD[name])
    assert granted.encode() == GOOD[name]
    assert granted.digest == consent().digest
    assert (granted.attending, granted.paper) == ((4, PAPER) if name == "on paper" else (0, bytes(32)))


def document(**changes: Any) -> bytes:
    return canonical.encode(json.loads(GOOD["signed"]) | changes)


def terms(**changes: Any) -> bytes:
    value = json.loads(GOOD["signed"])
    return canonical.encode(value | {"terms": value["terms"] | changes})


@pytest.mark.parametrize(
    "data",
    [
        document(format="tongban/consent/2"),
        document(more=1),
        document(chain_id="-1"),
        document(chain_id="0x1"),
        document(chain_id=" 1"),
        document(chain_id="9" * 5_000),
        document(chain_id=1),
        document(contract="0x12"),
        document(contract="0x" + "B" * 40),
        document(signatures=["00" * 64]),
        document(signatures=["AB" * 65]),
        document(signatures=["00" * 65] * 17),
        document(attending=2**16),
        document(attending=True),
        document(paper="00"),
        terms(leaves=[]),
        terms(leaves=["1:1"] * 17),
        terms(leaves=["01:1"]),
        terms(leaves=[f"1:{2**32}"]),
        terms(leaves=[f"{2**64}:1"]),
        terms(grantees=[]),
        terms(grantees=[[1, 1]] * 9),
        terms(grantees=[[2**16, 1]]),
        terms(grantees=[[1, 2**16]]),
        terms(grantees=[[1]]),
        terms(grantees=[[1, 1, 1]]),
        terms(cases="cases"),
        terms(purpose=0),
        terms(purpose=5),
        terms(valid_from=2**40),
        terms(valid_until=-1),
        terms(salt="00" * 31),
        terms(disclosed="00" * 32),
        b"[]",
        b" " * 300_000,
    ],
)
def test_what_is_not_this_form_is_refused(data):
    with pytest.raises(FormatError, match=r"consents\.granted_form"):
        read_granted(data)


@given(st.data())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_changed_byte_is_another_consent_or_none(data):
    good = GOOD["signed"]
    place, value = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(0, 255))
    mutated = good[:place] + bytes((value,)) + good[place + 1 :]
    try:
        granted = read_granted(mutated)
    except LedgerError:
        return
    assert granted.encode() == mutated
    # Whatever can be read has a name, and another name unless only signatures or the paper differ.
    if mutated != good and granted.digest == consent().digest:
        assert (granted.terms, granted.chain_id, granted.contract) == (consent().terms, 20_261, consent().contract)
