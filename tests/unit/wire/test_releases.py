"""A release reads back as written, and anything else is refused with its code."""

from __future__ import annotations

import pytest

from ledger.domain import canonical
from ledger.errors import LedgerError
from ledger.wire import releases

LEAF = releases.ReleasedLeaf(
    leaf=3 << 32 | 7,
    entry=bytes(58),
    blinding=bytes(32),
    proof=(bytes(32), bytes([1]) * 32),
    record=b'{"a":1}',
    disclosures=("WyJhIl0",),
    content_keys=(("bafk", bytes(32)),),
)


def test_it_reads_back():
    assert releases.decode_release(releases.encode_release(2**60, (LEAF,))) == (2**60, (LEAF,))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", "tongban/release/0"),
        ("leaves", {}),
        ("leaves", [1]),
        ("leaves", [{}]),
        ("use", "x"),
        ("use", 1),
    ],
)
def test_another_form_is_refused(name, value):
    document = canonical.decode(releases.encode_release(1, (LEAF,)))
    assert isinstance(document, dict)
    with pytest.raises(LedgerError, match=r"releases\.malformed"):
        releases.decode_release(canonical.encode(document | {name: value}))


@pytest.mark.parametrize(
    "change",
    [{"leaf": "x"}, {"entry": "zz"}, {"record": "*"}, {"content_keys": []}, {"proof": "00"}, {"disclosures": [1]}],
)
def test_another_form_of_a_leaf_is_refused(change):
    document = canonical.decode(releases.encode_release(1, (LEAF,)))
    assert isinstance(document, dict)
    leaves = document["leaves"]
    assert isinstance(leaves, list)
    leaf = leaves[0]
    assert isinstance(leaf, dict)
    with pytest.raises(LedgerError, match=r"releases\.malformed"):
        releases.decode_release(canonical.encode(document | {"leaves": [leaf | change]}))


def test_what_is_no_object_is_refused():
    with pytest.raises(LedgerError, match=r"releases\.malformed"):
        releases.decode_release(b"[]")
