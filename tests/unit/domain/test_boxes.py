from __future__ import annotations

import os

import pytest

from ledger.domain import boxes, wrapping
from ledger.domain.envelopes import Suite
from ledger.domain.wrapping import WrapSuite
from ledger.errors import AuthorityError, FormatError, InputError, LedgerError

OLD, NEW, OTHER = (
    wrapping.new_recipient(os.urandom, suite) for suite in (WrapSuite.X25519, WrapSuite.HYBRID, WrapSuite.HYBRID)
)
CONTENT = [b"one ", b"", b"two"]


def sealed(label: str = "batch") -> bytes:
    return b"".join(boxes.seal_box(CONTENT, {7: NEW.public(), 2: OTHER.public()}, label, os.urandom))


@pytest.mark.parametrize("size", [1, 50, 5000])
def test_each_reader_opens_it(size: int) -> None:
    data = sealed()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert b"".join(boxes.open_box(pieces, 7, [NEW], "batch")) == b"one two"
    assert b"".join(boxes.open_box(pieces, 2, [OTHER], "batch")) == b"one two"
    assert boxes.readers(pieces) == (2, 7)


def test_a_member_opens_what_was_sealed_to_its_former_key() -> None:
    box = list(boxes.seal_box(CONTENT, {7: OLD.public()}, "case", os.urandom, suite=Suite.SM4_GCM))
    assert b"".join(boxes.open_box(box, 7, [NEW, OLD], "case")) == b"one two"


def test_nobody_else_opens_it() -> None:
    with pytest.raises(AuthorityError, match=r"envelopes.not_a_reader"):
        list(boxes.open_box([sealed()], 3, [NEW], "batch"))
    for member, keys, label in ((7, [OTHER], "batch"), (2, [NEW], "batch"), (7, [], "batch"), (7, [NEW], "case")):
        with pytest.raises(InputError, match=r"envelopes.unseal"):
            list(boxes.open_box([sealed()], member, keys, label))


def test_a_readers_entry_cannot_be_moved_to_another() -> None:
    data = sealed()
    moved = data[:5] + (7).to_bytes(4, "big") + data[9:]
    with pytest.raises(InputError, match=r"envelopes.unseal"):
        list(boxes.open_box([moved], 7, [OTHER], "batch"))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "envelopes.box"),
        (b"TBX", "envelopes.box"),
        (b"PDF\x01\x00", "envelopes.box"),
        (b"TBX\x02\x00", "envelopes.box_version"),
        (b"TBX\x01\x01\x00\x00\x00\x07\xff\xff", "envelopes.box"),
        (b"TBX\x01\x00", "envelopes.not_a_reader"),
        (b"TBX\x01\x01\x00\x00\x00\x07\x00\x02\x09\x09", "envelopes.sealed_version"),
    ],
    ids=range(7),
)
def test_malformed_boxes_are_named(data: bytes, code: str) -> None:
    with pytest.raises(LedgerError) as caught:
        list(boxes.open_box([data], 7, [NEW], "batch"))
    assert caught.value.code == code


def test_a_box_is_for_somebody_and_not_for_all() -> None:
    with pytest.raises(InputError, match=r"envelopes.no_readers"):
        boxes.seal_box(CONTENT, {}, "batch", os.urandom)
    with pytest.raises(InputError, match=r"envelopes.too_many_readers"):
        boxes.seal_box(CONTENT, dict.fromkeys(range(65), NEW.public()), "batch", os.urandom)
    with pytest.raises(FormatError):
        boxes.readers([b"nothing"])
