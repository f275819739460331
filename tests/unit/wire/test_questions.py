"""A receipt alone, or with the digests of its files: what else comes is refused or handed on as it came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.domain.files import digests_of
from ledger.errors import FormatError
from ledger.wire.questions import read_question
from ledger.wire.receipts import encode_receipt, read_receipt
from tests.unit.wire.receipt_world import CONTENT, Scene, make

RECEIPT = encode_receipt(make(Scene()))
FILE = digests_of([CONTENT])
HELD = {"size": FILE.size, "sha256": FILE.sha256, "sm3": FILE.sm3}


def asked(**members: Any) -> bytes:
    # Indented and unsorted, as programs of others write JSON.
    return json.dumps({"receipt": json.loads(RECEIPT), "files": [HELD]} | members, indent=2).encode()


def test_a_receipt_alone_is_handed_on_byte_for_byte():
    for body in (RECEIPT, b"", b"[]", b"{}", b'{"a":1,"a":2}', b"\xff"):
        found = read_question(body)
        assert (found.receipt, found.files) == (body, ())


def test_with_files_the_receipt_comes_out_in_its_one_spelling():
    found = read_question(asked())
    assert found.receipt == RECEIPT
    assert read_receipt(found.receipt).leaf == make(Scene()).leaf
    assert found.files == (FILE,)
    assert read_question(asked(files=[])).files == ()


@pytest.mark.parametrize(
    "members",
    [
        {"more": 1},
        {"files": {}},
        {"files": [HELD | {"name": "x"}]},
        {"files": [HELD | {"size": -1}]},
        {"files": [HELD | {"size": "1"}]},
        {"files": [HELD | {"sha256": FILE.sha256.upper()}]},
        {"files": [HELD | {"sm3": FILE.sm3[:-1]}]},
        {"files": [HELD] * 1_001},
    ],
)
def test_what_is_no_question_is_refused(members):
    with pytest.raises(FormatError, match=r"receipts\.question"):
        read_question(asked(**members))
