"""A paper opens for its members, and only as the paper that was committed to."""

from __future__ import annotations

import os

import pytest

from ledger.domain import boxes, canonical, wrapping
from ledger.errors import AuthorityError, FormatError, InputError, IntegrityError
from ledger.wire import papers

KEYS = {number: wrapping.new_recipient(os.urandom) for number in (1, 2, 3)}


def sealed(body: canonical.JsonObject) -> papers.SealedPaper:
    return papers.seal_paper("notice", body, {number: KEYS[number].public() for number in (1, 2)}, os.urandom)


@pytest.mark.parametrize("member", [1, 2])
def test_each_member_of_the_case_reads_the_same(member):
    paper = sealed({"text": "请补正", "days": 5})
    opened = boxes.open_box([paper.box], member, [KEYS[member]], papers.LABEL)
    assert papers.read_paper(opened, paper.commitment) == papers.Paper("notice", {"text": "请补正", "days": 5})


def test_another_member_does_not():
    with pytest.raises(AuthorityError):
        b"".join(boxes.open_box([sealed({}).box], 3, [KEYS[3]], papers.LABEL))


def test_the_same_words_leave_different_commitments():
    assert sealed({"text": "same"}).commitment != sealed({"text": "same"}).commitment


def test_another_paper_is_not_what_was_committed_to():
    paper, other = sealed({"a": 1}), sealed({"a": 2})
    with pytest.raises(IntegrityError, match=r"papers\.commitment"):
        papers.read_paper(boxes.open_box([other.box], 1, [KEYS[1]], papers.LABEL), paper.commitment)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"format": "tongban/paper/2"},
        {"format": papers.FORMAT, "kind": 1, "body": {}, "salt": "00" * 32},
        {"format": papers.FORMAT, "kind": "a", "body": {}, "salt": "00"},
        {"format": papers.FORMAT, "kind": "a", "body": {}, "salt": "zz" * 32},
    ],
)
def test_what_is_no_paper_is_refused(document):
    with pytest.raises(FormatError, match=r"papers\.malformed"):
        papers.read_paper([canonical.encode(document)], bytes(32))


def test_a_paper_has_a_limit():
    with pytest.raises(InputError, match=r"papers\.too_large"):
        sealed({"text": "x" * 300_000})
