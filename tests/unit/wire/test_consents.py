"""The document behind a consent's digest: read back as written, and nothing else."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import canonical
from ledger.errors import InputError, LedgerError
from ledger.wire import consents

names = st.lists(st.sampled_from(["name", "number", "file.0", "address"]), min_size=1, unique=True).map(tuple)


@given(st.dictionaries(st.integers(0, 2**96 - 1), names, min_size=1, max_size=4))
def test_it_reads_back(leaves):
    disclosed = consents.new_disclosed(leaves, os.urandom)
    again = consents.read_disclosed(disclosed.encode())
    assert again == disclosed
    assert all(set(again.fields(leaf)) == set(fields) for leaf, fields in leaves.items())
    assert again.fields(2**100) == ()


def test_the_salt_keeps_a_digest_from_being_guessed():
    assert (
        consents.new_disclosed({1: ("name",)}, os.urandom).digest
        != consents.new_disclosed({1: ("name",)}, os.urandom).digest
    )


@pytest.mark.parametrize("leaves", [{}, {1: ()}])
def test_nothing_is_no_consent(leaves):
    with pytest.raises(InputError, match=r"consents\.nothing_disclosed"):
        consents.new_disclosed(leaves, os.urandom)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "tongban/disclosed/2"},
        {"salt": "00"},
        {"salt": "zz" * 32},
        {"salt": 1},
        {"leaves": {}},
        {"leaves": [1]},
        {"leaves": [{"fields": ["a"], "leaf": "1"}]},
        {"leaves": [{"fields": ["a"], "leaf": "01:2"}]},
        {"leaves": [{"fields": [1], "leaf": "1:2"}]},
        {"more": 1},
    ],
)
def test_what_is_not_this_form_is_refused(change):
    good = {"format": consents.FORMAT, "leaves": [{"fields": ["a"], "leaf": "1:2"}], "salt": "00" * 32}
    assert consents.read_disclosed(canonical.encode(good)).fields(1 << 32 | 2) == ("a",)
    with pytest.raises(LedgerError, match=r"consents\.disclosed_form"):
        consents.read_disclosed(canonical.encode(good | change))


def test_it_has_a_limit():
    with pytest.raises(LedgerError, match=r"consents\.disclosed_form"):
        consents.read_disclosed(b" " * 300_000)


@given(st.data())
def test_a_changed_byte_is_another_document_or_none(data):
    good = consents.Disclosed(bytes(32), ((1 << 32 | 2, ("address", "file.0")), (3 << 32, ("name",)))).encode()
    place, value = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(0, 255))
    mutated = good[:place] + bytes((value,)) + good[place + 1 :]
    try:
        disclosed = consents.read_disclosed(mutated)
    except LedgerError:
        return
    assert disclosed.encode() == mutated
